/**
 * The life of every line of state: when it was born, what switches it off for old machines, when it died and what its
 * bytes once meant. It stands in the description itself; a description without it does not compile.
 */

/** Number of the release, of QEMU where the stream is QEMU's: "0.9.0", "2.12". Its machine version has the same number. */
export type Release = `${number}.${number}`

/** A property that switches a line off for the machine versions of old. */
export interface Gate {
  /** Type as compat properties name it: "PIIX4_PM"; "machine" for a flag of the machine type. */
  readonly type: string
  readonly property: string
  /** The value that switches the line off. */
  readonly value: string
  /** Newest machine version that has that value; null where only a user sets it. */
  readonly offFor: Release | null
  /** Release that dropped the property: from then on the line is sent for every machine version. */
  readonly until?: Release
  /** Release at which it was decided what becomes of the property, its last machine version being gone. */
  readonly settled?: Release
}

/** A line that is no longer sent. */
export interface Dead {
  readonly wire: string
  readonly born: Release
  /** First release without it. */
  readonly died: Release
  /** The line that has its place now: "unused@0". */
  readonly became?: string
}

export interface Life {
  /** First release whose streams had the oldest of its fields. */
  readonly born: Release
  /** Release that made a description of its own of fields that are older. */
  readonly described?: Release
  /** Release of each version after the first. */
  readonly versions?: Readonly<Record<number, Release>>
  /** Release from which older versions are refused, by the version that became the minimum. */
  readonly minVersions?: Readonly<Record<number, Release>>
  /** What switches the whole section off. */
  readonly gate?: Gate
  /** Lines that were once sent, by name. */
  readonly dead?: Readonly<Record<string, Dead>>
  /** Earlier names on the wire, each by the release that gave it up. */
  readonly formerly?: Readonly<Record<Release, string>>
  /** QEMU has no such section: its number is that of the machine version it came with. */
  readonly origin?: 'godwit'
}

/** What bytes meant before their present meaning, or before they were given up. */
export interface Past {
  /** What they held. */
  readonly was: string
  /** Newest release that wrote anything but zeros; null if none ever did. */
  readonly lastWriter: Release | null
  /** Machine types without a version that can hold the device: their name says nothing of the age of a stream. */
  readonly unversioned: readonly string[]
  /** A fork that wrote data here, and the version of its sections. */
  readonly fork?: { readonly name: string; readonly version: number }
  /** Release at which it was decided what becomes of the bytes, the last machine version of the writer being gone. */
  readonly settled?: Release
}

/** A past meaning of bytes that mean something else now. */
export interface PastMeaning<T = unknown> extends Past {
  /**
   * Turns what came, read in the new meaning, into what it says; undefined if it is not of this past. Not needed when
   * no stream with the past meaning can be loaded any more.
   */
  decode?(came: T, state: unknown, version: number): T | undefined
}

export interface FieldLife<T = unknown> {
  readonly born: Release
  /** Earlier names on the wire, each by the release that gave it up. */
  readonly formerly?: Readonly<Record<Release, string>>
  /** The bytes are held in reserve: zeros are sent. */
  readonly reserve?: Past
  /** The bytes had other meanings before. */
  readonly reuses?: readonly PastMeaning<T>[]
}

/** Life of bytes that are not used. */
export interface UnusedLife extends Past {
  /** Release in which the bytes became unused. */
  readonly born: Release
}
