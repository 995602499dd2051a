/** Asks a QEMU through its monitor what it offers to a fleet. */
import { HostError, parseHost, type Host, type HostCpu } from '@godwit/compat'
import { QmpRefusal, type QmpClient } from './qmp-client.ts'

/** Devices whose properties a fleet may want to set. */
const DEVICES = [
  'virtio-net-pci',
  'virtio-blk-pci',
  'virtio-scsi-pci',
  'virtio-balloon-pci',
  'virtio-rng-pci',
  'virtio-serial-pci',
  'e1000',
  'e1000e',
  'nvme',
  'scsi-hd',
  'ide-hd',
  'usb-tablet',
  'VGA',
]

interface Definition {
  readonly name: string
  readonly 'unavailable-features'?: readonly string[]
  readonly 'migration-safe'?: boolean | null
  readonly deprecated?: boolean
}

/** `progress` is told of each processor model. @throws QmpRefusal, and HostError for answers of another shape */
export async function collectHost(
  qmp: QmpClient,
  name: string,
  progress: (done: number, of: number) => void = () => undefined,
): Promise<Host> {
  const version = record(record(await qmp.run('query-version'), 'query-version')['qemu'], 'query-version')
  const { major, minor, micro } = version as { major: number; minor: number; micro: number }
  if (![major, minor, micro].every(Number.isInteger)) {
    throw new HostError(`query-version: expected major, minor and micro, came ${JSON.stringify(version)}`)
  }
  const machines = await records<{ name: string; alias?: string; deprecated?: boolean }>(qmp, 'query-machines')
  const definitions = await records<Definition>(qmp, 'query-cpu-definitions')
  const capabilities = await records<{ capability: string }>(qmp, 'query-migrate-capabilities')
  const kvm = record(await qmp.run('query-kvm'), 'query-kvm') as { enabled: boolean }
  const models = definitions.filter((d) => d['migration-safe'] === true)
  const cpus: HostCpu[] = []
  for (const definition of models) {
    cpus.push({
      name: definition.name,
      missing: definition['unavailable-features'] ?? [],
      features: await featuresOf(qmp, definition.name),
      migratable: true,
      ...(definition.deprecated === true ? { deprecated: true } : {}),
    })
    progress(cpus.length, models.length)
  }
  const host: Host = {
    format: 1,
    name,
    engine: 'qemu',
    release: micro === 0 ? `${major}.${minor}` : `${major}.${minor}.${micro}`,
    accelerator: kvm.enabled ? 'kvm' : 'tcg',
    machines: machines.map((m) => ({
      name: m.name,
      ...(m.alias === undefined ? {} : { alias: m.alias }),
      ...(m.deprecated === true ? { deprecated: true } : {}),
    })),
    cpus: cpus.sort((a, b) => (a.name < b.name ? -1 : 1)),
    features: await featuresOf(qmp, kvm.enabled ? 'host' : 'max'),
    capabilities: capabilities.map((c) => c.capability).sort(),
    devices: await devicesOf(qmp),
  }
  return parseHost(host, name)
}

function record(value: unknown, command: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  throw new HostError(`${command}: expected an object, came ${JSON.stringify(value) ?? 'nothing'}`)
}

/** The list that a command answers with; what is in its entries is checked with the whole. */
async function records<T extends object>(qmp: QmpClient, command: string, args?: object): Promise<T[]> {
  const value = await qmp.run(command, args)
  if (!Array.isArray(value))
    throw new HostError(`${command}: expected a list, came ${JSON.stringify(value) ?? 'nothing'}`)
  return value.map((v) => record(v, command) as T)
}

async function featuresOf(qmp: QmpClient, model: string): Promise<string[]> {
  const command = 'query-cpu-model-expansion'
  const expanded = record(await qmp.run(command, { type: 'full', model: { name: model } }), command)
  return Object.entries(record(record(expanded['model'], command)['props'], command))
    .filter(([key, value]) => value === true && !/^(x-|l3-cache$|enforce$|check$|realized$|hotplug)/.test(key))
    .map(([key]) => key)
    .sort()
}

async function devicesOf(qmp: QmpClient): Promise<Host['devices']> {
  const found: [string, Record<string, string>][] = []
  for (const typename of DEVICES) {
    try {
      const props = await records<{ name: string; 'default-value'?: unknown }>(qmp, 'device-list-properties', {
        typename,
      })
      const values = props.map((p) => [
        p.name,
        p['default-value'] === undefined ? '' : String(p['default-value'] as string),
      ])
      found.push([typename, Object.fromEntries(values.sort()) as Record<string, string>])
    } catch (thrown) {
      if (!(thrown instanceof QmpRefusal)) throw thrown // a device that this build has not got
    }
  }
  return Object.fromEntries(found)
}
