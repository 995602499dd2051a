import { type Family, typeName, type Version } from './family.ts'
import { pcI440fx } from './pc/versions.ts'

export const families: readonly Family[] = [pcI440fx]

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

/** Every machine type, newest version first. */
export function machineTypes(): MachineType[] {
  return families.flatMap((family) =>
    family.versions.map((version) => ({ family, version, name: typeName(family, version) })),
  )
}

/** By name or alias. */
export function findMachine(name: string): MachineType {
  const all = machineTypes()
  const found = all.find((t) => t.name === name || (t.family.alias === name && t.version === t.family.versions[0]))
  if (found !== undefined) return found
  const near = all.map((t) => t.name).sort((a, b) => distance(name, a) - distance(name, b))
  throw new UnknownMachine(name, near.slice(0, 3))
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
