/** Random descriptions as data, random changes to them, and descriptions that the codec can run made from the data. */
import {
  array,
  buffer,
  i32,
  inside,
  saveBytes,
  since,
  struct,
  u16,
  u32,
  u64,
  u8,
  unused,
  when,
  type AnyVMState,
  type Codec,
  type Subsection,
  type VMState,
} from '@godwit/vmstate'
import type { Condition, Schema, SchemaField, SchemaSubsection } from '../build.ts'

/** Deterministic: mulberry32. */
export function randomOf(seed: number): (below: number) => number {
  let a = seed >>> 0
  return (below) => {
    a = (a + 0x6d2b79f5) >>> 0
    let t = Math.imul(a ^ (a >>> 15), a | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}
export type Random = (below: number) => number

export const FLAGS = ['flag0', 'flag1', 'flag2'] as const
/** Longer than any difference between fields, so that no subsection can be read as exactly the bytes that lack. */
const LONG = 'x'.repeat(150)

const flag = (name: string): Condition => ({ kind: 'state', sentence: `${name} is set` })

export interface Maker {
  readonly random: Random
  /** A name that no other line has. */
  name(): string
}

export function makerOf(random: Random): Maker {
  let n = 0
  return { random, name: () => `f${n++}` }
}

const SCALARS = ['uint8', 'uint16', 'uint32', 'int32', 'uint64'] as const
const BYTES: Readonly<Record<string, number>> = { uint8: 1, uint16: 2, uint32: 4, int32: 4, uint64: 8 }

export function randomField(m: Maker, depth = 0): SchemaField {
  const name = m.name()
  const since = 0
  switch (m.random(depth > 0 ? 7 : 9)) {
    case 5:
      return { name, type: 'buffer', size: 1 + m.random(6), since }
    case 6: {
      const type = SCALARS[m.random(5)]!
      return { name, type, size: BYTES[type]!, count: 2 + m.random(3), since }
    }
    case 7:
      return { name: `unused${name}`, type: 'unused_buffer', size: 1 + m.random(4), since }
    case 8:
      return { name, type: 'struct', size: 0, since, struct: randomStruct(m) }
    default: {
      const type = SCALARS[m.random(5)]!
      return { name, type, size: BYTES[type]!, since }
    }
  }
}

function randomStruct(m: Maker): Schema {
  const fields = Array.from({ length: 1 + m.random(3) }, () => randomField(m, 1))
  return { name: `struct ${m.name()}`, version: 1, minVersion: 1, fields, subsections: [] }
}

export function randomSchema(m: Maker): Schema {
  const flags: SchemaField[] = FLAGS.map((name) => ({ name, type: 'uint8', size: 1, since: 0 }))
  const fields = Array.from({ length: 2 + m.random(6) }, () => randomField(m))
  const version = 1 + m.random(3)
  if (m.random(3) === 0) fields.splice(m.random(fields.length), 0, conditionalField(m))
  const subsections = Array.from({ length: m.random(3) }, () => randomSubsection(m))
  return { name: 'thing', version, minVersion: 1, fields: [...flags, ...fields], subsections }
}

/** Far larger than all others together, each by another size: no other difference makes up for it. */
function conditionalField(m: Maker): SchemaField {
  const name = m.name()
  return {
    name,
    type: 'buffer',
    size: 1000 + 100 * m.random(9) + Number(name.slice(1)),
    since: 0,
    when: flag(FLAGS[m.random(3)]!),
  }
}

function randomSubsection(m: Maker): SchemaSubsection {
  return {
    ...{ name: `thing/${LONG}${m.name()}`, version: 1, minVersion: 1, subsections: [] },
    fields: Array.from({ length: 1 + m.random(3) }, () => randomField(m, 1)),
    when: m.random(3) === 0 ? { kind: 'always' } : flag(FLAGS[m.random(3)]!),
  }
}

/** One change that somebody might make to a description, good or bad. */
export function evolved(schema: Schema, m: Maker): Schema {
  const { fields, subsections } = schema
  const free = fields.length - FLAGS.length
  const at = FLAGS.length + m.random(Math.max(1, free))
  const field = fields[at]
  const put = (...changed: readonly SchemaField[]): Schema => ({
    ...schema,
    fields: fields.toSpliced(at, 1, ...changed),
  })
  const which = m.random(Math.max(1, subsections.length))
  const sub = subsections[which]
  const putSub = (changed: SchemaSubsection): Schema => ({
    ...schema,
    subsections: subsections.toSpliced(which, 1, changed),
  })
  switch (m.random(16)) {
    case 0:
      return field === undefined ? schema : put()
    case 1:
      return { ...schema, fields: fields.toSpliced(at, 0, randomField(m)) }
    case 2:
      return field === undefined || field.type === 'unused_buffer' ? schema : put({ ...field, name: m.name() })
    case 3:
      return field?.struct !== undefined || field === undefined || field.type === 'unused_buffer'
        ? schema
        : put({ ...randomField(m, 1), name: field.name })
    case 4: {
      const next = fields[at + 1]
      if (field === undefined || next === undefined || next.when !== undefined || field.when !== undefined)
        return schema
      return { ...schema, fields: fields.toSpliced(at, 2, next, field) }
    }
    case 5:
      if (field?.struct !== undefined || field === undefined || field.when !== undefined) return schema
      return put({
        name: `unused${m.name()}`,
        type: 'unused_buffer',
        size: field.size * Number(field.count ?? 1),
        since: field.since,
      })
    case 6:
      return field?.type === 'unused_buffer'
        ? put({ name: m.name(), type: 'buffer', size: field.size, since: field.since })
        : schema
    case 7: {
      const version = schema.version + 1
      return { ...schema, version, fields: [...fields, { ...randomField(m, 1), since: version }] }
    }
    case 8:
      return {
        ...schema,
        version: schema.version + 1,
        minVersion: Math.min(schema.version + 1, schema.minVersion + m.random(3)),
      }
    case 9:
      return { ...schema, subsections: [...subsections, randomSubsection(m)] }
    case 10:
      return { ...schema, subsections: subsections.toSpliced(which, 1) }
    case 11:
      return sub === undefined ? schema : putSub({ ...sub, version: 2, minVersion: 1 + m.random(2) })
    case 12:
      return sub === undefined ? schema : putSub({ ...sub, fields: [...sub.fields, randomField(m, 1)] })
    case 13:
      return sub === undefined
        ? schema
        : putSub({ ...sub, when: m.random(2) === 0 ? { kind: 'always' } : flag(FLAGS[m.random(3)]!) })
    case 14:
      if (field?.when === undefined) return { ...schema, fields: fields.toSpliced(at, 0, conditionalField(m)) }
      return put(m.random(2) === 0 ? withoutCondition(field) : { ...field, when: flag(FLAGS[m.random(3)]!) })
    default: {
      if (field?.struct === undefined) return schema
      const { struct: inner } = field
      const version = inner.version + 1
      const more = m.random(2) === 0 ? [] : [{ ...randomField(m, 1), since: version }]
      return put({ ...field, struct: { ...inner, version, fields: [...inner.fields, ...more] } })
    }
  }
}

const withoutCondition = ({ name, size, since, type }: SchemaField): SchemaField => ({
  ...{ name, size, since },
  ...(type === undefined ? {} : { type }),
})

type State = Record<string, unknown>

const CODECS = { uint8: u8, uint16: u16, uint32: u32, int32: i32, uint64: u64 } as unknown as Readonly<
  Record<string, Codec<never>>
>

function codecOf(f: SchemaField): Codec<never> {
  if (f.struct !== undefined) return struct(vmstateOf(f.struct) as VMState<object>) as Codec<never>
  if (f.type === 'buffer') return buffer(f.size) as Codec<never>
  const scalar = CODECS[f.type!]!
  if (f.count === undefined) return scalar
  return array(scalar as unknown as Codec<number>, f.count as number) as unknown as Codec<never>
}

const made = new WeakMap<Schema, AnyVMState>()

/** The description as code. */
export function vmstateOf(schema: Schema): AnyVMState {
  const there = made.get(schema) ?? vmstateFrom(schema)
  made.set(schema, there)
  return there
}

function vmstateFrom(schema: Schema): AnyVMState {
  const fields: Record<string, unknown> = {}
  const put = (f: SchemaField, wrap: (field: unknown) => unknown): void => {
    if (f.type === 'unused_buffer')
      fields[f.name] = wrap(unused(f.size, { was: 'test', lastWriter: null, unversioned: [] } as never, f.since))
    else if (f.when !== undefined)
      fields[f.name] = wrap(when(sentenceOf(f.when), (s: State) => holds(f.when!, s), codecOf(f)))
    else fields[f.name] = wrap(f.since > 0 ? since(f.since, codecOf(f)) : codecOf(f))
  }
  for (const f of schema.fields) put(f, (x) => x)
  for (const s of schema.subsections) {
    const sub: Subsection<State> = {
      ...{ name: s.name, version: s.version, minVersion: s.minVersion, born: '1.0' },
      needed: (state) => holds(s.when, state),
    }
    for (const f of s.fields) put(f, (x) => inside(sub, x as never))
  }
  const { name, version, minVersion } = schema
  return { name, version, minVersion, life: { born: '1.0' }, fields }
}

const sentenceOf = (c: Condition): string => (c.kind === 'state' ? c.sentence : c.kind)

export const holds = (c: Condition, state: State): boolean =>
  c.kind === 'always' || (c.kind === 'state' && state[c.sentence.split(' ')[0]!] === 1)

/** Every key of the state, with values drawn or nought. */
export function stateOf(schema: Schema, draw: Random): State {
  const state: State = {}
  for (const f of [...schema.fields, ...schema.subsections.flatMap((s) => s.fields)]) {
    if (f.type !== 'unused_buffer') state[f.name] = FLAGS.includes(f.name as never) ? draw(2) : valueOf(f, draw)
  }
  return state
}

function valueOf(f: SchemaField, draw: Random): unknown {
  if (f.struct !== undefined) return stateOf(f.struct, draw)
  if (f.type === 'buffer') return Uint8Array.from({ length: f.size }, () => draw(256))
  const one = (): unknown => {
    const n = draw(2 ** 32)
    if (f.type === 'uint64') return (BigInt(n) << 20n) | 1n
    return f.type === 'int32' ? n | 0 : n % 2 ** (8 * f.size)
  }
  return f.count === undefined ? one() : Array.from({ length: f.count as number }, one)
}

export const bytesOf = (schema: Schema, state: State): Uint8Array =>
  saveBytes(vmstateOf(schema) as VMState<State>, state)
