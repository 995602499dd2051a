/** What a property of a device is on a machine of a build. */
import type { Build, BuildMachine, CompatProperty, Condition } from '../build.ts'

export interface Resolved {
  /** False where the build has no such property. */
  readonly known: boolean
  /** Null where its value cannot be known. */
  readonly value: string | null
  readonly by: 'default' | 'compat' | 'option'
}

export interface SideOptions {
  readonly options?: readonly CompatProperty[]
  /** CPU model. Default "qemu64". */
  readonly cpu?: string
  /** Runs under KVM. Default false. */
  readonly kvm?: boolean
}

/** One machine of one build, with options that the operator gives. */
export class Side {
  readonly build: Build
  readonly machine: BuildMachine
  /** "QEMU 10.0.13". */
  readonly name: string
  private readonly options: readonly CompatProperty[]
  private readonly rows = new Map<string, CompatProperty[]>()
  private readonly wrappers: ReadonlyMap<string, readonly string[]>

  readonly cpu: string
  private readonly kvm: boolean

  constructor(build: Build, machine: BuildMachine, options: SideOptions = {}) {
    this.build = build
    this.machine = machine
    this.options = options.options ?? []
    this.cpu = options.cpu ?? 'qemu64'
    this.kvm = options.kvm ?? false
    this.name = nameOf(build)
    for (const row of machine.compat) {
      const there = this.rows.get(row.property)
      if (there === undefined) this.rows.set(row.property, [row])
      else there.push(row)
    }
    this.wrappers = wrappersOf(build)
  }

  chain(type: string): readonly string[] {
    return [type, ...(this.build.devices[type]?.parents ?? [])]
  }

  /** A row of a parent applies, a later one wins; a row of the device that brings this one reaches it as an alias. */
  resolve(type: string, property: string): Resolved {
    if (type === 'accel') return { known: true, value: property === 'kvm' && this.kvm ? 'on' : 'off', by: 'option' }
    const chain = this.chain(type)
    let value: string | null | undefined = type === 'x86_64-cpu' ? this.feature(property) : undefined
    if (value === undefined)
      for (const t of chain) {
        value = this.build.devices[t]?.defaults[property]
        if (value !== undefined) break
      }
    const known = value !== undefined
    let by: Resolved['by'] = 'default'
    const apply = (rows: readonly CompatProperty[], how: Resolved['by']): void => {
      for (const row of rows) {
        if (row.property !== property) continue
        if (!chain.includes(row.type) && !this.isWrapper(row.type, type)) continue
        value = row.value
        by = how
      }
    }
    apply(this.rows.get(property) ?? [], 'compat')
    apply(this.options, 'option')
    return { known, value: value ?? null, by }
  }

  /** A feature of the CPU model that any model of the build has; a model without it has it off. */
  private feature(name: string): string | undefined {
    const { cpus } = this.build
    const own = cpus[this.cpu]?.[name] ?? cpus['base']?.[name]
    if (own !== undefined) return own
    return featuresOf(this.build).has(name) ? 'off' : undefined
  }

  private isWrapper(named: string, type: string): boolean {
    const wrappers = this.wrappers.get(type)
    if (wrappers === undefined) return false
    return wrappers.some((w) => w === named || (this.build.devices[w]?.parents.includes(named) ?? false))
  }

  /** Whether what a condition guards is sent by a device of the type: "yes", "no", or the sentence that decides. */
  sends(condition: Condition | undefined, type: string | undefined): Sends {
    if (condition === undefined || condition.kind === 'always') return YES
    if (condition.kind === 'state') return { when: 'state', sentence: condition.sentence }
    const owner = type !== undefined && this.chain(type).includes(condition.type) ? type : condition.type
    const { known, value } = this.resolve(owner, condition.property)
    const named = `${condition.type}.${condition.property}`
    if (!known && value === null) {
      // A CPU feature that no model of the build has cannot be on.
      if (owner === 'x86_64-cpu' && !condition.property.startsWith('x-')) return { when: 'no', by: `${named}=off` }
      return condition.state === undefined ? YES : { when: 'state', sentence: condition.state }
    }
    if (value !== null && !same(value, condition.value)) return { when: 'no', by: `${named}=${value}` }
    if (condition.state !== undefined) return { when: 'state', sentence: condition.state, by: `${named}=${value}` }
    return value === null
      ? { when: 'state', sentence: `${named} is ${condition.value}` }
      : { when: 'yes', by: `${named}=${value}` }
  }
}

export type Sends =
  | { readonly when: 'yes'; readonly by?: string }
  | { readonly when: 'no'; readonly by: string }
  | { readonly when: 'state'; readonly sentence: string; readonly by?: string }

const YES: Sends = { when: 'yes' }

const wrappers = new WeakMap<Build, ReadonlyMap<string, readonly string[]>>()

/** By type: the types that bring it. */
function wrappersOf(build: Build): ReadonlyMap<string, readonly string[]> {
  const there = wrappers.get(build)
  if (there !== undefined) return there
  const made = new Map<string, string[]>()
  for (const [type, { brings = [] }] of Object.entries(build.devices)) {
    for (const inner of brings) made.set(inner, [...(made.get(inner) ?? []), type])
  }
  wrappers.set(build, made)
  return made
}

const features = new WeakMap<Build, ReadonlySet<string>>()

/** Every name that any CPU model of the build sets. */
export function featuresOf(build: Build): ReadonlySet<string> {
  const there = features.get(build)
  if (there !== undefined) return there
  const made = new Set(Object.values(build.cpus).flatMap((cpu) => Object.keys(cpu)))
  features.set(build, made)
  return made
}

/** "QEMU 10.0.13", "Godwit 0.9". */
export const nameOf = (build: Build): string => `${build.engine === 'qemu' ? 'QEMU' : 'Godwit'} ${build.release}`

/** Whether two texts of a property mean one value: on/true/yes, numbers in any base. */
export const same = (a: string, b: string): boolean => canonical(a) === canonical(b)

function canonical(text: string): string {
  const t = text.trim().toLowerCase()
  if (t === 'on' || t === 'true' || t === 'yes') return 'on'
  if (t === 'off' || t === 'false' || t === 'no') return 'off'
  return /^(0x[0-9a-f]+|-?\d+)$/.test(t) ? String(t.startsWith('-') ? BigInt(t) : BigInt(t)) : text.trim()
}
