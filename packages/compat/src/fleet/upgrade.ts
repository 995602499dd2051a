/** What a rolling upgrade of a fleet may use, and when. */
import { lifecycleOf, machineTypesAt, releaseAt, type MachineType } from '@godwit/machines'
import { baseline, type Baseline } from './baseline.ts'
import type { Host } from './host.ts'

export interface UpgradePlan {
  readonly release: string
  readonly stages: readonly UpgradeStage[]
  /** Machine types that hosts offer now and the new release does not have: their guests are restarted before. */
  readonly lost: readonly { readonly name: string; readonly hosts: readonly string[]; readonly instead: string }[]
  /** Machine types the new release warns of. */
  readonly deprecated: readonly string[]
}

export interface UpgradeStage {
  readonly name: 'before' | 'during' | 'after'
  readonly what: string
  /** Newest machine type of each family that may be given to new guests in this stage. */
  readonly machines: readonly string[]
}

/** @param release "11.1", or a date, which means the newest release of that day. @throws CalendarError */
export function planUpgrade(hosts: readonly Host[], release: string, now: Baseline = baseline(hosts)): UpgradePlan {
  const to = releaseAt(release)
  const offered = machineTypesAt(to)
  const names = new Set(offered.map((t) => t.name))
  const families = now.machines.map((m) => m.family)
  const during = families.flatMap((family) => newestCommon(hosts, names, family))
  const after = families.flatMap((family) => newestOf(offered, family))
  const held = new Map<string, string[]>()
  for (const host of hosts) {
    for (const { name } of host.machines) {
      if (names.has(name) || !families.some((f) => name.startsWith(`${f}-`))) continue
      held.set(name, [...(held.get(name) ?? []), host.name])
    }
  }
  return {
    release: to,
    stages: [
      { name: 'before', what: 'every host runs what it runs now', machines: now.machines.map((m) => m.name) },
      {
        name: 'during',
        what: `guests move freely between upgraded hosts (${to}) and the others`,
        machines: during,
      },
      { name: 'after', what: `every host runs ${to}; a host that goes back ends this stage`, machines: after },
    ],
    lost: [...held]
      .sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }))
      .map(([name, on]) => ({
        name,
        hosts: on,
        instead: during.find((d) => d.startsWith(familyOf(name, families))) ?? 'none: no machine type is on both sides',
      })),
    deprecated: offered.filter((t) => lifecycleOf(t, to).state === 'deprecated' && usedBy(hosts, t)).map((t) => t.name),
  }
}

const usedBy = (hosts: readonly Host[], type: MachineType): boolean =>
  hosts.some((h) => h.machines.some((m) => m.name === type.name))

const familyOf = (name: string, families: readonly string[]): string => families.find((f) => name.startsWith(`${f}-`))!

/** The newest version of a family that the new release has and every host of today has too. */
function newestCommon(hosts: readonly Host[], names: ReadonlySet<string>, family: string): string[] {
  const kept = hosts.map((h) => ({ ...h, machines: h.machines.filter((m) => names.has(m.name)) }))
  return baseline(kept)
    .machines.filter((m) => m.family === family)
    .map((m) => m.name)
}

const newestOf = (offered: readonly MachineType[], family: string): string[] =>
  offered
    .filter((t) => t.family.name === family && t.version.from === undefined)
    .slice(0, 1)
    .map((t) => t.name)
