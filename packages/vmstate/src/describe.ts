/** Descriptions as data: QEMU's embedded JSON form, and the values of a state by name. */
import { Writer } from '@godwit/bits'
import { SUBSECTION } from './vmstate.ts'
import type { AnyVMState, Codec, VMState, Where } from './field.ts'
import { planOf, present } from './plan.ts'
import type { Level, Line } from './plan.ts'

/** A description in the form that stands behind the end of a stream; sizes are those of one particular state. */
export interface DescribedState {
  readonly vmsd_name: string
  readonly version: number
  readonly fields: readonly DescribedField[]
  readonly subsections?: readonly DescribedState[]
}

/** `size` is that of one element when `array_len` is there. A tmp field holds the inner description's keys itself. */
export interface DescribedField extends Partial<DescribedState> {
  readonly name: string
  readonly array_len?: number
  readonly index?: number
  readonly type: string
  readonly struct?: DescribedState
  readonly size: number
}

/** A section of the stream. Old handlers without a description have neither vmsd_name nor version, but a size. */
export interface DescribedDevice {
  readonly name: string
  readonly instance_id: number
  readonly vmsd_name?: string
  readonly version?: number
  readonly size?: number
  readonly fields: readonly DescribedField[]
  readonly subsections?: readonly DescribedState[]
}

export interface StreamDescription {
  readonly configuration?: DescribedState
  readonly page_size?: number
  readonly devices: readonly DescribedDevice[]
}

type State = Record<string, unknown>
type AnyCodec = Codec<unknown>

/** What this state looks like on the wire. Calls preSave, as saving does. */
export function describe<S>(vmstate: VMState<S>, state: S, version = vmstate.version): DescribedState {
  return describeInner(vmstate, state, version, new Writer())
}

/** The same for a section of a stream. */
export function describeDevice<S>(name: string, instance: number, vmstate: VMState<S>, state: S): DescribedDevice {
  return { name, instance_id: instance, ...describe(vmstate, state) }
}

/** JSON text spaced as QEMU's. */
export function descriptionText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(descriptionText).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, v]) => v !== undefined)
    return `{${entries.map(([k, v]) => `${JSON.stringify(k)}: ${descriptionText(v)}`).join(', ')}}`
  }
  return JSON.stringify(value)
}

function describeInner(vmstate: AnyVMState, state: unknown, version: number, w: Writer): DescribedState {
  vmstate.preSave?.(state)
  return describeLevel(vmstate.name, version, planOf(vmstate), state as State, w)
}

function describeLevel(name: string, version: number, level: Level, state: State, w: Writer): DescribedState {
  const fields: DescribedField[] = []
  const where = { state, version }
  for (const line of level.lines) if (present(line, state, version)) fields.push(...describeLine(line, state, where, w))
  const subsections: DescribedState[] = []
  for (const { sub, ...inner } of level.subsections) {
    if (!sub.needed(state)) continue
    sub.preSave?.(state)
    w.u8(SUBSECTION)
    w.str8(sub.name)
    w.u32(sub.version)
    subsections.push(describeLevel(sub.name, sub.version, inner, state, w))
  }
  return { vmsd_name: name, version, fields, ...(subsections.length > 0 ? { subsections } : {}) }
}

function describeLine(line: Line, state: State, where: Where, w: Writer): DescribedField[] {
  const { name, codec } = line
  if (codec === null) {
    w.zeros(line.unused)
    return [{ name, type: 'unused_buffer', size: line.unused }]
  }
  const value = state[line.key]
  const { shape } = codec
  if (shape?.kind !== 'array') return [describeValue(name, {}, codec, value, where, w)]

  const element = shape.element as AnyCodec
  const items = Array.from(value as ArrayLike<unknown>).slice(0, countOf(shape.length, where))
  if (items.length < 2) return items.map((item) => describeValue(name, {}, element, item, where, w))
  // QEMU writes out the elements of an array that has a condition of its own, too.
  if (!line.exists && alike(element, items)) {
    const start = w.length
    const first = describeValue(name, { array_len: items.length }, element, items[0], where, w)
    for (const item of items.slice(1)) element.put(w, item, where)
    if (w.length - start === first.size * items.length) return [first]
    w.length = start // a codec of our own whose values differ in size
  }
  return items.map((item, index) => describeValue(name, { index }, element, item, where, w))
}

type ArrayPart = { array_len: number } | { index: number } | Record<never, never>

function describeValue(
  name: string,
  part: ArrayPart,
  codec: AnyCodec,
  value: unknown,
  where: Where,
  w: Writer,
): DescribedField {
  const start = w.length
  const { shape, type } = codec
  if (value === null && shape?.kind === 'struct') {
    codec.put(w, value, where)
    return { name, ...part, type: 'nullptr', size: w.length - start }
  }
  if (shape?.kind === 'struct') {
    const struct = describeInner(shape.vmstate, value, shape.version ?? shape.vmstate.version, w)
    return { name, ...part, type, struct, size: w.length - start }
  }
  if (shape?.kind === 'tmp') {
    const inner = describeInner(shape.vmstate, shape.aux(value as never, where.state), shape.vmstate.version, w)
    return { name, ...part, type, ...inner, size: w.length - start }
  }
  codec.put(w, value, where)
  return { name, ...part, type, size: w.length - start }
}

function countOf(length: number | string, where: Where): number {
  return typeof length === 'number' ? length : Number((where.state as State)[length])
}

/** Whether elements must have the same size and fields: no conditions, subsections or nulls anywhere inside. */
function alike(codec: AnyCodec, items: readonly unknown[]): boolean {
  if (items.includes(null) && codec.shape) return false
  return uniform(codec)
}

function uniform(codec: AnyCodec): boolean {
  const { shape } = codec
  switch (shape?.kind) {
    case undefined:
      return true
    case 'list':
      return false
    case 'bytes':
      return typeof shape.length === 'number'
    case 'array':
      return typeof shape.length === 'number' && uniform(shape.element)
    case 'struct':
    case 'tmp': {
      const plan = planOf(shape.vmstate)
      return plan.subsections.length === 0 && plan.lines.every((l) => !l.exists && (!l.codec || uniform(l.codec)))
    }
  }
}

/** A field's value under its path, e.g. "channels[0].count". */
export interface NamedValue {
  readonly path: string
  readonly value: unknown
}

/** Every value that would be written, by name, in wire order. */
export function inspectState<S>(vmstate: VMState<S>, state: S): NamedValue[] {
  const out: NamedValue[] = []
  inspectLevel(planOf(vmstate), state as State, vmstate.version, '', out)
  return out
}

function inspectLevel(level: Level, state: State, version: number, path: string, out: NamedValue[]): void {
  for (const line of level.lines) {
    if (line.codec && present(line, state, version)) {
      inspectValue(line.codec, state[line.key], { state, version }, path + line.key, out)
    }
  }
  for (const s of level.subsections) {
    if (s.sub.needed(state)) inspectLevel(s, state, s.sub.version, `${path}<${s.sub.name}>.`, out)
  }
}

function inspectValue(codec: AnyCodec, value: unknown, where: Where, path: string, out: NamedValue[]): void {
  const { shape } = codec
  if (shape?.kind === 'struct' && value !== null) {
    inspectLevel(planOf(shape.vmstate), value as State, shape.version ?? shape.vmstate.version, path + '.', out)
  } else if (shape?.kind === 'array' || shape?.kind === 'list') {
    const element = shape.element as AnyCodec
    const all = Array.from(value as ArrayLike<unknown>)
    const items = shape.kind === 'array' ? all.slice(0, countOf(shape.length, where)) : all
    if (element.shape) items.forEach((item, i) => inspectValue(element, item, where, `${path}[${i}]`, out))
    else out.push({ path, value: items })
  } else out.push({ path, value })
}
