import { newestOf, type Family, typeName, type Version } from './family.ts'
import { pcI440fx, pcQ35 } from './pc/versions.ts'

/** Families with a board: machines that can be made. */
export const families: readonly Family[] = [pcI440fx]
/** Those, and families whose versions only the compat tools know. */
export const knownFamilies: readonly Family[] = [pcI440fx, pcQ35]

export interface MachineType {
  readonly family: Family
  readonly version: Version
  /** The resolved name, never an alias: it goes on the wire. */
  readonly name: string
}

/** A name that no machine type has. */
export class UnknownMachine extends Error {
  readonly nearest: readonly string[]

  constructor(name: string, nearest: readonly string[]) {
    super(`unknown machine type "${name}"; the nearest are ${nearest.join(', ')}`)
    this.name = 'UnknownMachine'
    this.nearest = nearest
  }
}

/** Every machine type of the families with a board, newest version first, a family's tags behind its versions. */
export function machineTypes(of: readonly Family[] = families): MachineType[] {
  return of.flatMap((family) =>
    [...family.versions, ...(family.tags ?? [])].map((version) => ({
      family,
      version,
      name: typeName(family, version),
    })),
  )
}

/** By name or alias, also of a family without a board. The name must be whole: "pc-q35-4.0" and "pc-q35-4.0.1" are two machines. */
export function findMachine(name: string, of: readonly Family[] = knownFamilies): MachineType {
  const all = machineTypes(of)
  const found = all.find((t) => t.name === name || namesOf(t).includes(name))
  if (found !== undefined) return found
  const near = all.map((t) => t.name).sort((a, b) => distance(name, a) - distance(name, b))
  throw new UnknownMachine(name, near.slice(0, 3))
}

/** The aliases of a machine type. */
export function namesOf({ family, version }: MachineType): string[] {
  const fixed = Object.entries(family.aliases ?? {}).filter(([, of]) => of === version.version)
  return [...(version === newestOf(family) ? [family.alias] : []), ...fixed.map(([alias]) => alias)]
}

/** Levenshtein distance. */
export function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    }
    row = next
  }
  return row[b.length]!
}
