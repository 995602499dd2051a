/** A machine type and its versions, newest first; a row says only how it differs from the row above. */

/** Values of properties by device type and property name. */
export type Compat = Readonly<Record<string, Readonly<Record<string, string>>>>

export interface Version {
  readonly version: string
  readonly compat: Compat
  /** What the board itself does otherwise than in the row above (QEMU's class fields). */
  readonly board?: Readonly<Record<string, string>>
}

export interface Family {
  /** "pc-i440fx": a machine type is its family and a version, "pc-i440fx-5.2". */
  readonly name: string
  readonly doc: string
  /** Name of the newest version: "pc". */
  readonly alias: string
  readonly versions: readonly Version[]
}

export const typeName = (family: Family, version: Version): string => `${family.name}-${version.version}`

/** All compat properties of a version: its row and those of all newer ones; an older row wins. */
export function compatOf(family: Family, version: Version): Record<string, Record<string, string>> {
  return addUp(family, version, (v) => v.compat)
}

/** The board's own values of a version. */
export function boardOf(family: Family, version: Version): Record<string, string> {
  return addUp(family, version, (v) => ({ board: v.board ?? {} }))['board'] ?? {}
}

function addUp(
  family: Family,
  version: Version,
  rowOf: (v: Version) => Compat,
): Record<string, Record<string, string>> {
  const sum: Record<string, Record<string, string>> = {}
  for (const v of family.versions.slice(0, family.versions.indexOf(version) + 1)) {
    for (const [type, props] of Object.entries(rowOf(v))) sum[type] = { ...sum[type], ...props }
  }
  return sum
}
