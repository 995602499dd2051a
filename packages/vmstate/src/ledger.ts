/** Every line of state of a description, and of those inside it, with its life. */
import { codecText, innerOf } from './print.ts'
import type { AnyVMState, Codec, Subsection } from './field.ts'
import type { Dead, Gate, Life, Past, PastMeaning, Release, UnusedLife } from './life.ts'
import { planOf } from './plan.ts'
import type { Level, Line } from './plan.ts'

export interface LifeLine {
  /** The description that declares it; a struct inside another is a description of its own. */
  readonly description: string
  /** "@version", "FIELD", "SUBSECTION", "SUBSECTION/@version", "SUBSECTION/FIELD", "unused@0". */
  readonly path: string
  readonly kind: 'version' | 'field' | 'subsection' | 'unused'
  /** "uint32", "version 3, loads from 2". */
  readonly wire: string
  readonly born: Release
  /** First release without it. */
  readonly died?: Release
  /** The line that has the place of a dead one. */
  readonly became?: string
  /** First version of the description or subsection that has it. */
  readonly since?: number
  /** When it is on the wire. */
  readonly needed: string
  readonly gate?: Gate
  readonly formerly?: Readonly<Record<Release, string>>
  /** Of bytes that are unused or held in reserve: what they held. */
  readonly past?: Past
  readonly bytes?: number
  /** Of bytes that mean something else now. */
  readonly reuses?: readonly PastMeaning[]
  /** Of a version line. */
  readonly version?: number
  readonly minVersion?: number
  readonly versions?: Readonly<Record<number, Release>>
  readonly minVersions?: Readonly<Record<number, Release>>
  readonly origin?: 'godwit'
  /** Why a subsection needs no gate. */
  readonly ungated?: string
}

/** In wire order, a description's version first; a description that stands at two places is listed once. */
export function lifeOf(vmstate: AnyVMState): LifeLine[] {
  const out: LifeLine[] = []
  ofDescription(vmstate, out, new Set())
  return out
}

function ofDescription(vmstate: AnyVMState, out: LifeLine[], seen: Set<AnyVMState>): void {
  if (seen.has(vmstate)) return
  seen.add(vmstate)
  const { life, name } = vmstate
  out.push({
    description: name,
    path: '@version',
    kind: 'version',
    wire: versionText(vmstate.version, vmstate.minVersion),
    born: life.described ?? life.born,
    needed: vmstate.needed === undefined ? 'always' : 'when the device needs it',
    version: vmstate.version,
    minVersion: vmstate.minVersion,
    ...picked(life, ['gate', 'formerly', 'versions', 'minVersions', 'origin']),
  })
  ofLevel(name, '', planOf(vmstate), { born: life.born, versions: life.versions }, out, seen)
  out.push(...dead(name, '', life.dead))
}

interface Around {
  readonly born: Release
  readonly versions: Life['versions']
  readonly gate?: Gate
}

function ofLevel(
  name: string,
  under: string,
  level: Level,
  around: Around,
  out: LifeLine[],
  seen: Set<AnyVMState>,
): void {
  let slots = 0
  for (const line of level.lines) {
    out.push(line.codec === null ? slot(name, under, line, slots++) : field(name, under, line, line.codec, around))
    const inner = line.codec && innerOf(line.codec)
    if (inner) ofDescription(inner, out, seen)
  }
  for (const { sub, ...inner } of level.subsections) {
    out.push(...subsection(name, sub))
    const gate = sub.gate
    ofLevel(
      name,
      `${sub.name}/`,
      inner,
      { born: sub.born, versions: sub.versions, ...(gate ? { gate } : {}) },
      out,
      seen,
    )
    out.push(...dead(name, `${sub.name}/`, sub.dead))
  }
}

function field(
  description: string,
  under: string,
  line: Line,
  codec: Codec<unknown>,
  { born, versions, gate }: Around,
): LifeLine {
  const life = line.life !== null && 'was' in line.life ? null : line.life
  const own = line.gate ?? gate
  return {
    description,
    path: under + line.name,
    kind: life?.reserve ? 'unused' : 'field',
    wire: codecText(codec),
    born: life?.born ?? (line.since > 0 ? versions?.[line.since] : undefined) ?? born,
    needed: conditions(under, line),
    ...(line.since > 0 ? { since: line.since } : {}),
    ...(own ? { gate: own } : {}),
    ...(life?.formerly ? { formerly: life.formerly } : {}),
    ...(life?.reserve ? { past: life.reserve, ...bytesOf(codec) } : {}),
    ...(life?.reuses ? { reuses: life.reuses } : {}),
  }
}

function slot(description: string, under: string, line: Line, index: number): LifeLine {
  const { born, ...past } = line.life as UnusedLife
  return {
    description,
    path: `${under}unused@${index}`,
    kind: 'unused',
    wire: 'unused',
    born,
    needed: conditions(under, line),
    ...(line.since > 0 ? { since: line.since } : {}),
    past,
    bytes: line.unused,
  }
}

function subsection(description: string, sub: Subsection<unknown>): LifeLine[] {
  const version = { version: sub.version, minVersion: sub.minVersion ?? sub.version }
  const more = picked(sub, ['gate', 'formerly', 'ungated'])
  const wire = versionText(version.version, version.minVersion)
  const line = {
    description,
    wire,
    born: sub.born,
    needed: sub.when ? `when ${sub.when}` : 'as the guest has it',
    ...more,
  }
  return [
    { ...line, path: sub.name, kind: 'subsection' },
    { ...line, path: `${sub.name}/@version`, kind: 'version', ...version, ...picked(sub, ['versions']) },
  ]
}

const dead = (description: string, under: string, lines: Readonly<Record<string, Dead>> = {}): LifeLine[] =>
  Object.entries(lines).map(([name, { wire, born, died, became }]) => ({
    description,
    path: under + name,
    kind: 'field',
    wire,
    born,
    died,
    needed: `until ${died}`,
    ...(became === undefined ? {} : { became }),
  }))

function conditions(under: string, line: Line): string {
  const parts = [
    under !== '' && 'with its subsection',
    line.exists && `when ${line.sentence}`,
    line.since > 0 && `since version ${line.since}`,
  ].filter((part) => part !== false && part !== null)
  return parts.length === 0 ? 'always' : parts.join(', ')
}

const versionText = (version: number, min: number): string =>
  version === min ? `version ${version}` : `version ${version}, loads from ${min}`

function bytesOf({ shape }: Codec<unknown>): { bytes?: number } {
  return shape?.kind === 'bytes' && typeof shape.length === 'number' ? { bytes: shape.length } : {}
}

function picked<T extends object, K extends keyof T>(from: T, keys: readonly K[]): Pick<T, K> {
  return Object.fromEntries(keys.filter((k) => from[k] !== undefined).map((k) => [k, from[k]])) as Pick<T, K>
}
