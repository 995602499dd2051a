/**
 * Saving and loading a state by its description.
 *
 * Wire: fields in key order, then each needed subsection as 05, name, u32 version, its fields and its own subsections.
 */
import { EndOfBytes, Reader, Writer, fromLatin1 } from '@godwit/bits'
import { VMStateError, within } from './errors.ts'
import type { AnyVMState, VMState } from './field.ts'
import { planOf, present } from './plan.ts'
import type { Level, Line, PlannedSubsection } from './plan.ts'
import { restore, snapshot } from './snapshot.ts'

/** Byte before a subsection. */
export const SUBSECTION = 0x05

type State = Record<string, unknown>

/** A Reader whose stream goes on after its last byte: what would depend on the next byte throws EndOfBytes. */
export class PartialReader extends Reader {}

/**
 * Appends the state's bytes. `version` writes the layout of an older version (QEMU's vstruct).
 * Throws VMStateError naming the path when a value does not fit its codec.
 */
export function save<S>(vmstate: VMState<S>, state: S, w: Writer, version = vmstate.version): void {
  within(
    vmstate.name + '/',
    () => w.length,
    () => saveInner(vmstate, state, w, version),
  )
}

/** Like save, for a description inside another: the path does not repeat the name. */
export function saveInner(vmstate: AnyVMState, state: unknown, w: Writer, version: number): void {
  vmstate.preSave?.(state)
  saveLevel(planOf(vmstate), state as State, w, version)
}

function saveLevel(level: Level, state: State, w: Writer, version: number): void {
  const where = { state, version }
  for (const line of level.lines) {
    if (!present(line, state, version)) continue
    if (line.codec === null) {
      w.zeros(line.unused)
      continue
    }
    const codec = line.codec
    within(
      line.key,
      () => w.length,
      () => codec.put(w, state[line.key], where),
    )
  }
  for (const s of level.subsections) {
    if (!s.sub.needed(state)) continue
    s.sub.preSave?.(state)
    w.u8(SUBSECTION)
    w.str8(s.sub.name)
    w.u32(s.sub.version)
    within(
      `<${s.sub.name}>`,
      () => w.length,
      () => saveLevel(s, state, w, s.sub.version),
    )
  }
}

/**
 * Reads a state of the given version into `state`, field by field; after a failure the state is half new.
 * Leaves the reader behind the last byte that belongs to the description.
 */
export function load<S>(vmstate: VMState<S>, state: S, r: Reader, version = vmstate.version): void {
  within(
    vmstate.name + '/',
    () => r.offset,
    () => loadInner(vmstate, state, r, version),
  )
}

/** Like load, but a failure leaves the state, and every object in it, as it was. */
export function loadSection<S>(vmstate: VMState<S>, state: S, r: Reader, version = vmstate.version): void {
  const before = snapshot(vmstate, state)
  try {
    load(vmstate, state, r, version)
  } catch (thrown) {
    restore(before)
    throw thrown
  }
}

/** Like load, for a description inside another: the path does not repeat the name. */
export function loadInner(vmstate: AnyVMState, state: unknown, r: Reader, version: number): void {
  checkVersion(vmstate.name, version, vmstate.minVersion, vmstate.version, r)
  vmstate.preLoad?.(state)
  loadLevel(vmstate.name, planOf(vmstate), state as State, r, version, [])
  hook(r, () => vmstate.postLoad?.(state, version))
}

function loadLevel(
  name: string,
  level: Level,
  state: State,
  r: Reader,
  version: number,
  outer: Level['subsections'],
): void {
  const where = { state, version }
  for (const line of level.lines) if (present(line, state, version)) loadLine(line, state, r, where)
  const seen = new Set<PlannedSubsection>()
  for (;;) {
    const peeked = peekSubsection(r)
    if (peeked === null || !peeked.startsWith(name)) return
    const s = level.subsections.find((s) => s.sub.name === peeked)
    if (!s) {
      // "parent/ab" beside "parent/a": the longer name is the sibling's, not an unknown part of the shorter one
      if (outer.some((o) => o.sub.name === peeked)) return
      const known = level.subsections.map((s) => s.sub.name).join(', ') || 'no subsection'
      throw new VMStateError('unknown-subsection', r.offset, known, peeked).under(`<${peeked}>`)
    }
    if (seen.has(s)) {
      throw new VMStateError('duplicate-subsection', r.offset, 'each subsection once', peeked).under(`<${peeked}>`)
    }
    seen.add(s)
    within(
      `<${peeked}>`,
      () => r.offset,
      () => loadSubsection(s, state, r, level.subsections),
    )
  }
}

function loadLine(line: Line, state: State, r: Reader, where: { state: State; version: number }): void {
  const { key, codec } = line
  const start = r.offset
  if (codec === null) {
    within(
      key,
      () => start,
      () => r.skip(line.unused),
    )
    return
  }
  // A value read is offset by its first byte; assigning through a setter may refuse as well.
  within(
    key,
    () => start,
    () => {
      const old = state[key]
      const value = meant(line, codec.get(r, old, where), where)
      // objects are loaded in place, and may stand behind a getter alone
      if (value !== old || typeof value !== 'object') state[key] = value
    },
  )
}

/** What a value says whose bytes meant something else in older streams. */
function meant(line: Line, came: unknown, { state, version }: { state: State; version: number }): unknown {
  if (line.life === null || !('reuses' in line.life)) return came
  for (const past of line.life.reuses ?? []) {
    const value = past.decode?.(came, state, version)
    if (value !== undefined) return value
  }
  return came
}

function loadSubsection(s: PlannedSubsection, state: State, r: Reader, siblings: Level['subsections']): void {
  const { sub } = s
  r.skip(1)
  r.str8()
  const version = r.u32()
  checkVersion(sub.name, version, sub.minVersion ?? sub.version, sub.version, r)
  sub.preLoad?.(state)
  loadLevel(sub.name, s, state, r, version, siblings)
  hook(r, () => sub.postLoad?.(state, version))
}

/** Name of the subsection that follows, or null if none does; consumes nothing. */
export function peekSubsection(r: Reader): string | null {
  const { data, at } = r
  const open = r instanceof PartialReader
  if (r.left === 0) {
    if (open) throw new EndOfBytes(r.offset, 1, 0)
    return null
  }
  if (data[at] !== SUBSECTION) return null
  const wanted = r.left < 2 ? 2 : 2 + data[at + 1]!
  if (r.left < wanted) {
    if (open) throw new EndOfBytes(r.offset, wanted, r.left)
    return null
  }
  return fromLatin1(data.subarray(at + 2, at + wanted))
}

function checkVersion(name: string, came: number, min: number, max: number, r: Reader): void {
  if (came >= min && came <= max) return
  throw new VMStateError(
    'version',
    r.offset,
    `${name} version ${min === max ? max : `${min} to ${max}`}`,
    `version ${came}`,
  )
}

/** A postLoad that throws refuses the state: its sentence becomes the error's. */
function hook(r: Reader, work: () => void): void {
  try {
    work()
  } catch (thrown) {
    if (thrown instanceof VMStateError || !(thrown instanceof Error)) throw thrown
    throw new VMStateError('refused', r.offset, 'a state that fits together', thrown.message)
  }
}

/** The state's bytes. */
export function saveBytes<S>(vmstate: VMState<S>, state: S, version = vmstate.version): Uint8Array {
  const w = new Writer()
  save(vmstate, state, w, version)
  return w.bytes().slice()
}

/** Loads bytes that hold this state and nothing else. */
export function loadBytes<S>(vmstate: VMState<S>, state: S, bytes: Uint8Array, version = vmstate.version): void {
  const r = new Reader(bytes)
  loadSection(vmstate, state, r, version)
  if (r.left > 0) throw new VMStateError('value', r.offset, 'the end', `${r.left} more bytes`).under(vmstate.name + '/')
}
