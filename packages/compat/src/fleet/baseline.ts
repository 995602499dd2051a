/** The newest machine type, processor model and features that every host of a fleet can take. */
import {
  compareVersions,
  findMachine,
  lifecycleOf,
  newestRelease,
  UnknownMachine,
  type Lifecycle,
} from '@godwit/machines'
import { featureName, inBaseline } from './features.ts'
import type { Host, HostCpu } from './host.ts'

export interface Baseline {
  readonly hosts: readonly string[]
  /** By family, newest version that all have; the family asked for first. */
  readonly machines: readonly BaselineMachine[]
  readonly cpu: BaselineCpu | undefined
  /** Migration capabilities that all have. */
  readonly capabilities: readonly string[]
  /** Properties that some host lacks, by device type: leave them alone. */
  readonly properties: readonly {
    readonly device: string
    readonly property: string
    readonly lackedBy: readonly string[]
  }[]
  /** What was left out that one might have expected, and why. */
  readonly leftOut: readonly { readonly what: string; readonly why: string }[]
}

export interface BaselineMachine {
  readonly name: string
  readonly family: string
  /** When the version ages; undefined for names that Godwit's calendar does not know. */
  readonly life?: Lifecycle
  /** Hosts that warn of it. */
  readonly deprecatedOn: readonly string[]
}

export interface BaselineCpu {
  readonly model: string
  /** Features beyond the model's that every host has. */
  readonly extra: readonly string[]
  /** Features of the model that some host lacks. */
  readonly lacked: readonly string[]
  /** All features of the baseline. */
  readonly features: readonly string[]
  /** As -cpu takes it. */
  readonly option: string
}

export interface BaselineOptions {
  /** Day from which ages are told. Default today. */
  readonly day?: string
}

/** @throws RangeError when there is no host, or two of one name. */
export function baseline(hosts: readonly Host[], options: BaselineOptions = {}): Baseline {
  if (hosts.length === 0) throw new RangeError('a fleet has at least one host')
  const names = hosts.map((h) => h.name)
  const twice = names.find((n, i) => names.indexOf(n) !== i)
  if (twice !== undefined) throw new RangeError(`two hosts are called ${twice}; give each its own name`)
  const leftOut: { what: string; why: string }[] = []
  return {
    hosts: names,
    machines: machinesOf(hosts, options.day, leftOut),
    cpu: cpuOf(hosts, leftOut),
    capabilities: common(hosts.map((h) => h.capabilities)),
    properties: propertiesOf(hosts),
    leftOut,
  }
}

type LeftOut = { what: string; why: string }[]

const VERSIONED = /^(.+)-(\d+\.\d+(?:\.\d+)?)$/

function machinesOf(hosts: readonly Host[], day: string | undefined, leftOut: LeftOut): BaselineMachine[] {
  const all = [...new Set(hosts.flatMap((h) => h.machines.map((m) => m.name)))]
  const newest = new Map<string, string>()
  for (const name of all) {
    const lacking = hosts.filter((h) => !h.machines.some((m) => m.name === name)).map((h) => h.name)
    const match = VERSIONED.exec(name)
    if (!match) {
      if (lacking.length === 0 && name !== 'none')
        leftOut.push({ what: name, why: 'has no version: it is other hardware in each release' })
      continue
    }
    const [, family, version] = match as unknown as [string, string, string]
    if (lacking.length > 0) continue
    const known = newest.get(family)
    if (known === undefined || compareVersions(version, known) > 0) newest.set(family, version)
  }
  for (const [family, version] of newest) {
    const newer = all.filter((name) => {
      const [, f, v] = VERSIONED.exec(name) ?? []
      return f === family && compareVersions(v!, version) > 0
    })
    if (newer.length === 0) continue
    const lacking = hosts.filter((h) => !newer.every((name) => h.machines.some((m) => m.name === name)))
    leftOut.push({
      what: newer.sort((a, b) => compareVersions(a.slice(family.length + 1), b.slice(family.length + 1))).join(', '),
      why: `not all on ${lacking.map((h) => `${h.name} (${h.release})`).join(', ')}`,
    })
  }
  return [...newest].sort().map(([family, version]) => {
    const name = `${family}-${version}`
    const life = lifeOf(name, day)
    return {
      name,
      family,
      ...(life === undefined ? {} : { life }),
      deprecatedOn: hosts.filter((h) => h.machines.find((m) => m.name === name)?.deprecated).map((h) => h.name),
    }
  })
}

function lifeOf(name: string, day: string | undefined): Lifecycle | undefined {
  try {
    return lifecycleOf(findMachine(name), day ?? newestRelease().version)
  } catch (thrown) {
    if (thrown instanceof UnknownMachine) return undefined
    throw thrown
  }
}

/**
 * Every model, brought to the features that all hosts have, is the same processor but for its names and levels: the
 * one that needs the fewest changes is told.
 */
function cpuOf(hosts: readonly Host[], leftOut: LeftOut): BaselineCpu | undefined {
  const everywhere = common(hosts.map((h) => h.features.map(featureName))).filter(inBaseline)
  const candidates: { readonly changes: number; readonly cpu: BaselineCpu }[] = []
  for (const { name } of hosts[0]!.cpus) {
    const models = hosts.map((h) => h.cpus.find((c) => c.name === name))
    if (models.some((m) => m?.migratable !== true || m.deprecated === true)) continue
    const sets = models.map((m) => featuresOf(m!))
    const differing = [...new Set(sets.flat())].filter((f) => sets.some((s) => !s.includes(f)))
    const unsure = differing.filter((f) => everywhere.includes(f))
    if (unsure.length > 0) {
      leftOut.push({ what: `-cpu ${name}`, why: `is not the same everywhere: ${unsure.join(', ')}` })
      continue
    }
    const lacked = [...new Set([...differing, ...models.flatMap((m) => m!.missing.map(featureName))])].sort()
    const own = sets[0]!.filter((f) => everywhere.includes(f))
    const extra = everywhere.filter((f) => !own.includes(f))
    const words = [...extra.map((f) => `+${f}`), ...lacked.map((f) => `-${f}`)]
    candidates.push({
      changes: words.length,
      cpu: { model: name, extra, lacked, features: everywhere, option: [name, ...words].join(',') },
    })
  }
  candidates.sort((a, b) => a.changes - b.changes || a.cpu.model.length - b.cpu.model.length)
  return candidates[0]?.cpu
}

const featuresOf = (model: HostCpu): string[] => model.features.map(featureName).filter(inBaseline).sort()

function propertiesOf(hosts: readonly Host[]): Baseline['properties'] {
  const types = common(hosts.map((h) => Object.keys(h.devices)))
  return types.flatMap((device) => {
    const all = [...new Set(hosts.flatMap((h) => Object.keys(h.devices[device]!)))].sort()
    return all.flatMap((property) => {
      const lackedBy = hosts.filter((h) => !(property in h.devices[device]!)).map((h) => h.name)
      return lackedBy.length === 0 ? [] : [{ device, property, lackedBy }]
    })
  })
}

function common(lists: readonly (readonly string[])[]): string[] {
  return [...new Set(lists[0])].filter((x) => lists.every((l) => l.includes(x))).sort()
}
