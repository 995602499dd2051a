/** What one host offers, as data: collected from a QEMU through QMP, or said by this Godwit of itself. */
export interface Host {
  readonly format: 1
  readonly name: string
  readonly engine: 'qemu' | 'godwit'
  /** "10.0.13". */
  readonly release: string
  /** What executes guests: "kvm", "tcg", "godwit". */
  readonly accelerator: string
  readonly machines: readonly HostMachine[]
  readonly cpus: readonly HostCpu[]
  /** Every feature a guest can have here, by QEMU's names. */
  readonly features: readonly string[]
  /** Names of migration capabilities. */
  readonly capabilities: readonly string[]
  /** Properties of devices by type, with their defaults; only of those that were asked for. */
  readonly devices: Readonly<Record<string, Readonly<Record<string, string>>>>
}

export interface HostMachine {
  readonly name: string
  readonly alias?: string
  readonly deprecated?: boolean
}

export interface HostCpu {
  readonly name: string
  /** Features of the model that this host lacks; empty when a guest can have all of it. */
  readonly missing: readonly string[]
  /** Features the model turns on. */
  readonly features: readonly string[]
  readonly deprecated?: boolean
  /** False for models that are whatever the host is. */
  readonly migratable: boolean
}

/** A file that is no host's offer. */
export class HostError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'HostError'
  }
}

/** Reads a host's offer from parsed JSON. @throws HostError naming the place, what was expected and what came. */
export function parseHost(value: unknown, file: string): Host {
  const host = object(value, file)
  if (host['format'] !== 1) {
    throw new HostError(
      `${file}: format: expected 1, came ${shown(host['format'])}; godwit fleet collect writes such files`,
    )
  }
  const text = (key: string): string => string(host[key], `${file}: ${key}`)
  const engine = text('engine')
  if (engine !== 'qemu' && engine !== 'godwit') {
    throw new HostError(`${file}: engine: expected qemu or godwit, came "${engine}"`)
  }
  return {
    format: 1,
    name: text('name'),
    engine,
    release: text('release'),
    accelerator: text('accelerator'),
    machines: list(host['machines'], `${file}: machines`).map((m, i) => machine(m, `${file}: machines[${i}]`)),
    cpus: list(host['cpus'], `${file}: cpus`).map((c, i) => cpu(c, `${file}: cpus[${i}]`)),
    features: strings(host['features'], `${file}: features`),
    capabilities: strings(host['capabilities'], `${file}: capabilities`),
    devices: Object.fromEntries(
      Object.entries(object(host['devices'], `${file}: devices`)).map(([type, props]) => [
        type,
        Object.fromEntries(
          Object.entries(object(props, `${file}: devices.${type}`)).map(([k, v]) => [
            k,
            string(v, `${file}: devices.${type}.${k}`),
          ]),
        ),
      ]),
    ),
  }
}

function machine(value: unknown, where: string): HostMachine {
  const m = object(value, where)
  return {
    name: string(m['name'], `${where}.name`),
    ...(m['alias'] === undefined ? {} : { alias: string(m['alias'], `${where}.alias`) }),
    ...(m['deprecated'] === true ? { deprecated: true } : {}),
  }
}

function cpu(value: unknown, where: string): HostCpu {
  const c = object(value, where)
  return {
    name: string(c['name'], `${where}.name`),
    missing: strings(c['missing'], `${where}.missing`),
    features: strings(c['features'], `${where}.features`),
    migratable: c['migratable'] === true,
    ...(c['deprecated'] === true ? { deprecated: true } : {}),
  }
}

function object(value: unknown, where: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new HostError(`${where}: expected an object, came ${shown(value)}`)
  }
  return value as Record<string, unknown>
}

function list(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new HostError(`${where}: expected a list, came ${shown(value)}`)
  return value
}

const strings = (value: unknown, where: string): string[] =>
  list(value, where).map((v, i) => string(v, `${where}[${i}]`))

function string(value: unknown, where: string): string {
  if (typeof value !== 'string') throw new HostError(`${where}: expected text, came ${shown(value)}`)
  return value
}

const shown = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 40))
