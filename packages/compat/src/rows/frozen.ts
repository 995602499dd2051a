/** Rows of released machine versions as they were released, and the defaults that devices had then. */
import { compareVersions, Digest, minorOf, typeName, type Family, type Version } from '@godwit/machines'
import { textOf, type OurDevice } from './our-devices.ts'

export interface FrozenRow {
  /** Digest of the lines and the name. */
  readonly digest: string
  /** "PIIX4_PM.smm-compat=on", "board smbios-entry-point=2.8", "from 4.0"; sorted. */
  readonly lines: readonly string[]
}

export interface Frozen {
  /** The newest release when this was written. */
  readonly release: string
  /** By machine type. */
  readonly rows: Readonly<Record<string, FrozenRow>>
  /** By "type.property". */
  readonly defaults: Readonly<Record<string, string>>
}

export function linesOf(version: Version): string[] {
  return [
    ...(version.from === undefined ? [] : [`from ${version.from}`]),
    ...Object.entries(version.compat).flatMap(([type, props]) =>
      Object.entries(props).map(([name, value]) => `${type}.${name}=${value}`),
    ),
    ...Object.entries(version.board ?? {}).map(([name, value]) => `board ${name}=${value}`),
  ].sort()
}

export function digestOfRow(name: string, lines: readonly string[]): string {
  const digest = new Digest()
  digest.update(new TextEncoder().encode([name, ...lines].join('\n')))
  return digest.hex()
}

/**
 * Whether a row may not change any more. The row of the newest release still takes the old value of what the next one
 * changes; the rows below it are what guests were started under. A bugfix version is done when its last branch is out.
 */
export function isFrozen(version: Version, newestRelease: string): boolean {
  if (version.from === undefined) return compareVersions(version.version, newestRelease) < 0
  const last = version.knownTo?.at(-1) ?? version.from
  return compareVersions(minorOf(last), newestRelease) <= 0
}

export function freeze(families: readonly Family[], devices: readonly OurDevice[], release: string): Frozen {
  const rows: Record<string, FrozenRow> = {}
  for (const family of families) {
    for (const version of [...family.versions, ...(family.tags ?? [])].filter((v) => isFrozen(v, release))) {
      const name = typeName(family, version)
      const lines = linesOf(version)
      rows[name] = { digest: digestOfRow(name, lines), lines }
    }
  }
  return { release, rows, defaults: defaultsNow(devices) }
}

export function defaultsNow(devices: readonly OurDevice[]): Record<string, string> {
  return Object.fromEntries(
    devices.flatMap(({ type, props }) =>
      Object.entries(props).map(([name, prop]) => [`${type}.${name}`, textOf(prop.default)]),
    ),
  )
}
