import { nearest } from '@godwit/bits'
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
  throw new UnknownMachine(
    name,
    nearest(
      name,
      all.map((t) => t.name),
    ),
  )
}

/** The aliases of a machine type. */
export function namesOf({ family, version }: MachineType): string[] {
  const fixed = Object.entries(family.aliases ?? {}).filter(([, of]) => of === version.version)
  return [...(version === newestOf(family) ? [family.alias] : []), ...fixed.map(([alias]) => alias)]
}
