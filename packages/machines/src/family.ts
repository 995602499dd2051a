/**
 * A machine type and its versions, newest first; a row says only how it differs from the row above. A bugfix version
 * (`from`) says how it differs from the version it corrects, and no other row builds on it: released rows stay as
 * they are.
 */
import { compareVersions } from './releases.ts'

/** Values of properties by device type and property name. */
export type Compat = Readonly<Record<string, Readonly<Record<string, string>>>>

export interface Version {
  /** "11.1"; of a bugfix version "4.0.1"; of a distribution's own "noble-v2". */
  readonly version: string
  readonly compat: Compat
  /** What the board itself does otherwise than in the row above (QEMU's class fields). */
  readonly board?: Readonly<Record<string, string>>
  /** This row is that version and a named difference. It stands between its base and the next newer version. */
  readonly from?: string
  /** What a bugfix version corrects, in a few words: "no split irqchip". */
  readonly fix?: string
  /**
   * First release with it, of every branch that has it, newest last: ["4.0.1", "4.1"]. All later branches have it too.
   */
  readonly knownTo?: readonly string[]
  /** Branches between that had no releases any more: a guest of this version cannot move there. */
  readonly ended?: readonly string[]
  /** Day of the first release with a bugfix version. */
  readonly on?: string
  /** Why this bugfix version may exist although the year's budget is spent. */
  readonly waiver?: string
}

/** A distribution's machine version: a name that is no number, from a version of the family. */
export interface Tag extends Version {
  readonly from: string
  /** Who keeps it: "Ubuntu". */
  readonly owner: string
}

export interface Family {
  /** "pc-i440fx": a machine type is its family and a version, "pc-i440fx-5.2". */
  readonly name: string
  readonly doc: string
  /** Name of the newest version: "pc". Never on the wire. */
  readonly alias: string
  /** Other names by the version they stand for; such a name never moves on its own. */
  readonly aliases?: Readonly<Record<string, string>>
  readonly versions: readonly Version[]
  readonly tags?: readonly Tag[]
  /** Why no machine of this family can be created, where its versions are known to the compat tools alone. */
  readonly noBoard?: string
}

export const typeName = (family: Family, version: Version): string => `${family.name}-${version.version}`

/** The version that the alias stands for: a bugfix version never is. */
export const newestOf = (family: Family): Version => family.versions.find((v) => v.from === undefined)!

/** All compat properties of a version: its row and those of all newer ones; an older row wins. */
export function compatOf(family: Family, version: Version): Record<string, Record<string, string>> {
  return addUp(family, version, (v) => v.compat)
}

/** The board's own values of a version. */
export function boardOf(family: Family, version: Version): Record<string, string> {
  return addUp(family, version, (v) => ({ board: v.board ?? {} }))['board'] ?? {}
}

/** The rows that make up a version, in the order in which they apply: a later one wins. */
export function rowsOf(family: Family, version: Version): readonly Version[] {
  if (version.from === undefined) {
    return family.versions.slice(0, family.versions.indexOf(version) + 1).filter((v) => v.from === undefined)
  }
  const base = family.versions.find((v) => v.version === version.from)
  if (base === undefined) {
    throw new RangeError(`${typeName(family, version)} is made from ${family.name}-${version.from}, which is not there`)
  }
  return [...rowsOf(family, base), version]
}

/** Shared rows and what a family has besides: differences are joined, other versions go where their number puts them. */
export function insertRows(shared: readonly Version[], own: readonly Version[]): Version[] {
  const joined = shared.map((row) => {
    const more = own.find((v) => v.version === row.version)
    if (more === undefined) return row
    const compat = { ...row.compat }
    for (const [type, props] of Object.entries(more.compat)) compat[type] = { ...compat[type], ...props }
    const board = { ...row.board, ...more.board }
    return { ...row, ...more, compat, ...(Object.keys(board).length === 0 ? {} : { board }) }
  })
  const added = own.filter((v) => !shared.some((row) => row.version === v.version))
  return [...joined, ...added].sort((a, b) => compareVersions(b.version, a.version))
}

function addUp(
  family: Family,
  version: Version,
  rowOf: (v: Version) => Compat,
): Record<string, Record<string, string>> {
  const sum: Record<string, Record<string, string>> = {}
  for (const v of rowsOf(family, version)) {
    for (const [type, props] of Object.entries(rowOf(v))) sum[type] = { ...sum[type], ...props }
  }
  return sum
}
