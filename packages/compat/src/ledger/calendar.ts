/** Which machine versions a release knew, and when the last of them went: back to the first of 2009. */
import { compareVersions, dateOf, knownFamilies, lifecycleOf, machineTypes, releases } from '@godwit/machines'
import { PAST_RELEASES } from './past-releases.ts'

export const knownReleases = (): string[] => [
  ...new Set([...PAST_RELEASES.map((r) => r.release), ...releases.map((r) => r.version)]),
]

/** Machine types named after a release; none before 0.10, and none of releases that named none. */
export function machinesOf(release: string): string[] {
  const minor = release.split('.').slice(0, 2).join('.')
  const known = PAST_RELEASES.flatMap((r) => r.brought.filter((m) => m.endsWith(`-${minor}`)))
  if (known.length > 0 || compareVersions(minor, PAST_RELEASES.at(-1)!.release) <= 0) return known
  return [`pc-i440fx-${minor}`, `pc-q35-${minor}`]
}

export function releaseDate(release: string): string | undefined {
  const known = PAST_RELEASES.find((r) => r.release === release)?.date
  if (known !== undefined) return known
  return compareVersions(release, PAST_RELEASES[0]!.release) < 0 ? undefined : dateOf(release)
}

export interface Deletion {
  readonly machine: string
  /** First release without it. */
  readonly deletedIn: string
}

/**
 * The newest machine type of each family that a release knew, and when it goes. A stream of that release has the name
 * of one of these or of an older one, so when all of these are gone no such stream can be loaded.
 */
export function deletionsOf(release: string): Deletion[] {
  const newest = new Map<string, string>()
  const dead = new Set<string>()
  for (const r of PAST_RELEASES) {
    if (compareVersions(r.release, release) > 0) break
    for (const machine of r.brought) newest.set(machine.slice(0, machine.lastIndexOf('-')), machine)
    for (const machine of r.deleted) dead.add(machine)
  }
  if (compareVersions(release, PAST_RELEASES.at(-1)!.release) > 0) {
    for (const machine of machinesOf(release)) newest.set(machine.slice(0, machine.lastIndexOf('-')), machine)
  }
  return [...newest.values()].filter((m) => !dead.has(m)).map((machine) => ({ machine, deletedIn: deletedIn(machine) }))
}

function deletedIn(machine: string): string {
  const known = PAST_RELEASES.find((r) => r.deleted.includes(machine))
  if (known) return known.release
  const version = machine.slice(machine.lastIndexOf('-') + 1)
  const name = `pc-i440fx-${version}`
  const made = machineTypes(knownFamilies).find((type) => type.name === name)
  // a release to come has its machine version, which ages by its number alone
  return lifecycleOf(made ?? { family: knownFamilies[0]!, version: { version, compat: {} }, name }, version).deletedIn
}

/** The oldest machine version that a release still has. */
export function oldestMachine(release: string): string | undefined {
  return knownReleases().find((version) =>
    machinesOf(version).some((machine) => compareVersions(deletedIn(machine), release) > 0),
  )
}
