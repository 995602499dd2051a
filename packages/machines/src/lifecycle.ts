/**
 * How machine versions age. A version is deprecated by the release that is three years (nine releases) newer, and
 * deleted by the one that is six years (eighteen releases) newer. The micro number and the tag play no part.
 */
import type { Version } from './family.ts'
import { findMachine, knownFamilies, machineTypes, type MachineType } from './registry.ts'
import { CalendarError, compareVersions, dateOf, minorOf, releaseAt } from './releases.ts'

export type LifeState = 'planned' | 'current' | 'deprecated' | 'deleted'

export interface Lifecycle {
  /** Release that brought it, and its date. */
  readonly born: string
  readonly bornOn: string
  /** First release that warns of it. */
  readonly deprecatedIn: string
  readonly deprecatedOn: string
  /** First release without it. */
  readonly deletedIn: string
  readonly deletedOn: string
  /** At the release or on the day that was asked for. */
  readonly state: LifeState
}

const DEPRECATED_AFTER = 3
const DELETED_AFTER = 6
/** The rule is from 9.1; deletion by it began with 10.1. Older versions waited for these. */
const FIRST_DEPRECATING = '9.1'
const FIRST_DELETING = '10.1'

/** @param at A release ("11.2") or a day ("2026-11-22"). @throws CalendarError, UnknownMachine */
export function lifecycleOf(type: MachineType | string, at: string): Lifecycle {
  const { family, version } = typeof type === 'string' ? findMachine(type) : type
  const release = releaseAt(at)
  const born = version.knownTo?.[0] ?? minorOf(version.from ?? version.version)
  const ages = /^\d/.test(version.version) ? version.version : (version.from ?? '')
  if (ages === '') throw new CalendarError(`${family.name}-${version.version} has neither a number nor a base`)
  const deprecatedIn = later(firstAfter(ages, DEPRECATED_AFTER), FIRST_DEPRECATING)
  const deletedIn = later(firstAfter(ages, DELETED_AFTER), FIRST_DELETING)
  return {
    born,
    bornOn: version.on ?? dateOf(born),
    deprecatedIn,
    deprecatedOn: dateOf(deprecatedIn),
    deletedIn,
    deletedOn: dateOf(deletedIn),
    state: !knownAt(version, release)
      ? 'planned'
      : compareVersions(minorOf(release), deletedIn) >= 0
        ? 'deleted'
        : compareVersions(minorOf(release), deprecatedIn) >= 0
          ? 'deprecated'
          : 'current',
  }
}

/** What a release offers, deprecated ones included, newest version first; also of a bugfix release, "4.0.1". */
export function machineTypesAt(at: string, from = machineTypes(knownFamilies)): MachineType[] {
  const release = releaseAt(at)
  return from.filter((t) => ['current', 'deprecated'].includes(lifecycleOf(t, release).state))
}

/** The versions that die with a release, and those that it is the first to warn of. */
export function changesIn(release: string): { deprecated: MachineType[]; deleted: MachineType[] } {
  const all = machineTypes(knownFamilies).map((type) => ({ type, life: lifecycleOf(type, release) }))
  return {
    deprecated: all.filter((m) => m.life.deprecatedIn === release).map((m) => m.type),
    deleted: all.filter((m) => m.life.deletedIn === release).map((m) => m.type),
  }
}

/** Whether a release has the version: of a branch's bugfix version, from that branch's release on. */
export function knownAt(version: Version, release: string): boolean {
  const first = version.knownTo ?? [minorOf(version.from ?? version.version)]
  if (first.some((f) => minorOf(f) === minorOf(release) && compareVersions(release, f) >= 0)) return true
  return compareVersions(minorOf(release), minorOf(first.at(-1)!)) > 0
}

/** The first release whose number is that many years ahead: 5.2 → 11.2 for six; 2.4 → 9.0, there being no 8.4. */
function firstAfter(version: string, years: number): string {
  const [major, minor] = minorOf(version).split('.').map(Number) as [number, number]
  return minor < 3 ? `${major + years}.${minor}` : `${major + years + 1}.0`
}

const later = (a: string, b: string): string => (compareVersions(a, b) >= 0 ? a : b)
