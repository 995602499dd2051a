import { Reader, Writer } from '@godwit/bits'
import type { UnusedLife } from './life.ts'
import { expect, test } from 'vitest'
import {
  VMStateError,
  array,
  buffer,
  derived,
  inside,
  i64,
  load,
  loadBytes,
  loadSection,
  qtailq,
  save,
  saveBytes,
  since,
  struct,
  timer,
  u16,
  u32,
  u8,
  unused,
  when,
} from './index.ts'
import type { Subsection, VMState } from './index.ts'

const GONE: UnusedLife = { born: '1.0', was: 'nothing', lastWriter: null, unversioned: [] }

interface Inner {
  a: number
  late: bigint
}
const innerLate: Subsection<Inner> = { name: 'inner/late', version: 1, born: '1.0', needed: (s) => s.late !== 0n }
const inner: VMState<Inner> = {
  name: 'inner',
  version: 2,
  minVersion: 1,
  life: { born: '1.0' },
  fields: { a: u8, late: inside(innerLate, i64) },
}

interface Chip {
  head: number
  parts: Inner[]
  data: Uint8Array
  added: number
  extra: number
  deep: number
  deeper: number
  sum: number
}
const more: Subsection<Chip> = {
  name: 'chip/more',
  version: 3,
  born: '1.0',
  minVersion: 2,
  needed: (s) => s.extra !== 0,
}
const other: Subsection<Chip> = { name: 'chip/moreover', version: 1, born: '1.0', needed: (s) => s.deep !== 0 }
const nested: Subsection<Chip> = {
  name: 'chip/more/deep',
  version: 1,
  born: '1.0',
  needed: (s) => s.deeper !== 0,
  parent: more,
}

const chip: VMState<Chip> = {
  name: 'chip',
  version: 4,
  minVersion: 2,
  life: { born: '1.0' },
  fields: {
    head: u32,
    unused0: unused(2, GONE),
    parts: array<Inner[], Inner>(struct(inner), 2),
    data: buffer(3),
    added: since(4, u16),
    extra: inside(more, u8),
    deep: inside(other, u8),
    deeper: inside(nested, u8),
    sum: derived('head and added'),
  },
  preLoad(s) {
    s.extra = s.deep = s.deeper = 0
  },
  postLoad(s) {
    if (s.head === 0xdead) throw new Error('a dead head')
    s.sum = s.head + s.added
  },
}

const make = (over: Partial<Chip> = {}): Chip => ({
  head: 1,
  parts: [
    { a: 2, late: 0n },
    { a: 3, late: 0n },
  ],
  data: Uint8Array.of(7, 8, 9),
  added: 0x0405,
  extra: 0,
  deep: 0,
  deeper: 0,
  sum: 0,
  ...over,
})

function faultOf(work: () => void): VMStateError {
  try {
    work()
  } catch (thrown) {
    if (thrown instanceof VMStateError) return thrown
    throw thrown
  }
  throw new Error('nothing was thrown')
}
const hex = (b: Uint8Array): string => Buffer.from(b).toString('hex')
const str8 = (text: string): string =>
  Buffer.from(text).length.toString(16).padStart(2, '0') + Buffer.from(text).toString('hex')

test('V1 the wire order is the order of the keys', () => {
  expect(hex(saveBytes(chip, make()))).toBe('00000001' + '0000' + '02' + '03' + '070809' + '0405')
})

test('V2 an older version lacks what was appended since, and is still written and loaded', () => {
  const bytes = saveBytes(chip, make(), 2)
  expect(hex(bytes)).toBe('00000001' + '0000' + '02' + '03' + '070809')
  const state = make({ head: 0, added: 9 })
  loadBytes(chip, state, bytes, 2)
  expect(state).toEqual(make({ added: 9, sum: 10 }))
})

test('V3 a subsection stands behind the fields of its parent, also in the middle of a section, only when needed', () => {
  const state = make({
    extra: 5,
    deeper: 6,
    deep: 7,
    parts: [
      { a: 2, late: -1n },
      { a: 3, late: 0n },
    ],
  })
  const bytes = saveBytes(chip, state)
  expect(hex(bytes)).toBe(
    '000000010000' +
      ('02' + '05' + str8('inner/late') + '00000001' + 'ffffffffffffffff') +
      '03' +
      '0708090405' +
      ('05' + str8('chip/more') + '00000003' + '05' + '05' + str8('chip/more/deep') + '00000001' + '06') +
      ('05' + str8('chip/moreover') + '00000001' + '07'),
  )
  const copy = make()
  loadBytes(chip, copy, bytes)
  expect(copy).toEqual({ ...state, sum: 0x0406 })
})

test('V3 subsections load in any order, and one that did not come keeps what preLoad put there', () => {
  const w = new Writer()
  save(chip, make(), w)
  for (const [name, version, value] of [
    ['chip/moreover', 1, 7],
    ['chip/more', 2, 5],
  ] as const) {
    w.u8(5)
    w.str8(name)
    w.u32(version)
    w.u8(value)
  }
  const state = make({ deeper: 99 })
  loadBytes(chip, state, w.bytes())
  expect([state.extra, state.deep, state.deeper]).toEqual([5, 7, 0])
})

test('V3 bytes after the last field that are no subsection of this description are left alone', () => {
  const w = new Writer()
  save(inner, { a: 1, late: 0n }, w)
  w.u8(5)
  w.str8('outer/thing')
  const r = new Reader(w.bytes())
  load(inner, { a: 0, late: 0n }, r)
  expect(r.at).toBe(1)
})

test.each([1, 5])('V4 version %i is refused with the name and both numbers', (version) => {
  const fault = faultOf(() => load(chip, make(), new Reader(new Uint8Array(100)), version))
  expect(fault).toMatchObject({ code: 'version', expected: 'chip version 2 to 4', came: `version ${version}` })
})

test('V4 the version of a subsection is checked too', () => {
  const bytes = saveBytes(chip, make({ extra: 5 }))
  bytes[bytes.length - 2] = 4
  expect(faultOf(() => load(chip, make(), new Reader(bytes)))).toMatchObject({
    code: 'version',
    path: 'chip/<chip/more>',
    expected: 'chip/more version 2 to 3',
    came: 'version 4',
  })
})

test('V5 an unknown subsection is an error with its name, and a second one of the same name too', () => {
  const w = new Writer()
  save(chip, make({ extra: 5 }), w)
  const at = w.length
  w.u8(5)
  w.str8('chip/else')
  w.u32(1)
  const fault = faultOf(() => load(chip, make(), new Reader(w.bytes(), 1000)))
  expect(fault).toMatchObject({ code: 'unknown-subsection', offset: 1000 + at, came: 'chip/else' })

  const twice = new Writer()
  save(chip, make({ deep: 5 }), twice)
  twice.raw(twice.bytes().slice(-20))
  expect(faultOf(() => load(chip, make(), new Reader(twice.bytes())))).toMatchObject({ code: 'duplicate-subsection' })
})

test('V6 a value that does not fit is an error while saving, with the path and the value', () => {
  const fault = faultOf(() =>
    saveBytes(
      chip,
      make({
        parts: [
          { a: 2, late: 0n },
          { a: 256, late: 0n },
        ],
      }),
    ),
  )
  expect(fault.path).toBe('chip/parts[1].a')
  expect(fault.message).toContain('256 does not fit u8')
  expect(faultOf(() => saveBytes(chip, make({ data: new Uint8Array(4) }))).path).toBe('chip/data')
  expect(faultOf(() => saveBytes(chip, make({ extra: -1 }))).path).toBe('chip/<chip/more>.extra')
})

test('V7 postLoad rebuilds state from state, and what it throws refuses the section', () => {
  const state = make()
  loadBytes(chip, state, saveBytes(chip, make({ head: 40, added: 2 })))
  expect(state.sum).toBe(42)
  expect(faultOf(() => loadBytes(chip, state, saveBytes(chip, make({ head: 0xdead }))))).toMatchObject({
    code: 'refused',
    path: 'chip/',
    came: 'a dead head',
  })
})

test('bytes that end too early are an error with the path, the offset and what was wanted', () => {
  const fault = faultOf(() => load(chip, make(), new Reader(saveBytes(chip, make()).subarray(0, 7), 100)))
  expect(fault).toMatchObject({ code: 'end-of-bytes', path: 'chip/parts[1].a', offset: 107, wanted: 1 })
})

test('a section that fails anywhere leaves the state and every object in it as it was', () => {
  interface Queue {
    data: Uint8Array
    parts: Inner[]
    list: number[]
    when: bigint | null
    seen: number[]
  }
  const queue: VMState<Queue> = {
    name: 'queue',
    version: 1,
    minVersion: 1,
    life: { born: '1.0' },
    fields: {
      data: buffer(2),
      parts: array<Inner[], Inner>(struct(inner), 1),
      list: qtailq(u8, () => 0),
      when: timer,
      seen: derived('postLoad'),
    },
    preLoad: (s) => void s.seen.push(1),
  }
  const fresh = (): Queue => ({
    data: Uint8Array.of(1, 2),
    parts: [{ a: 1, late: 2n }],
    list: [1, 2],
    when: null,
    seen: [],
  })
  const bytes = saveBytes(queue, {
    data: Uint8Array.of(3, 4),
    parts: [{ a: 5, late: 6n }],
    list: [7],
    when: 8n,
    seen: [],
  })
  for (let cut = 0; cut < bytes.length; cut++) {
    const state = fresh()
    const { data, parts, list } = state
    const first = parts[0]
    expect(() => loadSection(queue, state, new Reader(bytes.subarray(0, cut)))).toThrow(VMStateError)
    expect(state).toEqual(fresh())
    expect([state.data, state.parts, state.list, state.parts[0]]).toEqual([data, parts, list, first])
    expect(state.data === data && state.parts === parts && state.list === list && state.parts[0] === first).toBe(true)
  }
  const state = fresh()
  loadSection(queue, state, new Reader(bytes))
  expect(state).toEqual({ data: Uint8Array.of(3, 4), parts: [{ a: 5, late: 6n }], list: [7], when: 8n, seen: [1] })
})

test('a state of accessors is loaded through them, and restored through them', () => {
  const memory = new Uint32Array(2)
  const state = {
    get a() {
      return memory[0]!
    },
    set a(v: number) {
      memory[0] = v
    },
    get view() {
      return memory.subarray(1)
    },
  }
  const description: VMState<{ a: number; readonly view: Uint32Array }> = {
    name: 'cells',
    version: 1,
    minVersion: 1,
    life: { born: '1.0' },
    fields: { a: u32, view: array<Uint32Array, number>(u32, 1) },
  }
  loadBytes(description, state, Uint8Array.of(0, 0, 0, 7, 0, 0, 0, 8))
  expect([...memory]).toEqual([7, 8])
  expect(() => loadBytes(description, state, Uint8Array.of(0, 0, 0, 1, 0, 0, 0))).toThrow('cells/view[0]')
  expect([...memory]).toEqual([7, 8])
})

test('a field with a condition is on the wire only when the condition holds', () => {
  interface Old {
    kind: number
    value: number
  }
  const old: VMState<Old> = {
    name: 'old',
    version: 1,
    minVersion: 1,
    life: { born: '1.0' },
    fields: { kind: u8, value: when('kind is 1', (s: Old) => s.kind === 1, u8) },
  }
  expect([...saveBytes(old, { kind: 0, value: 9 })]).toEqual([0])
  expect([...saveBytes(old, { kind: 1, value: 9 })]).toEqual([1, 9])
  const state = { kind: 0, value: 3 }
  loadBytes(old, state, Uint8Array.of(1, 9))
  expect(state).toEqual({ kind: 1, value: 9 })
})

test('a failed load puts plain derived data back and does not walk into objects with methods', () => {
  const line = {
    raise: () => {},
    get level(): number {
      throw new Error('walked into a wire')
    },
  }
  interface Wired {
    a: number
    cache: { hits: number; log: number[] }
    line: { raise(): void }
  }
  const wired: VMState<Wired> = {
    name: 'wired',
    version: 1,
    minVersion: 1,
    life: { born: '1.0' },
    fields: { a: u8, cache: derived('a'), line: derived('the board') },
    postLoad(s) {
      s.cache.hits = s.a
      s.cache.log.push(s.a)
      throw new Error('no')
    },
  }
  const state: Wired = { a: 1, cache: { hits: 2, log: [3] }, line: { raise: () => {} } }
  const { cache } = state
  expect(() => loadBytes(wired, state, Uint8Array.of(9))).toThrow('no')
  expect(state).toMatchObject({ a: 1, cache: { hits: 2, log: [3] } })
  expect(state.cache).toBe(cache)
  Object.defineProperty(line, 'level', { enumerable: false })
  expect(() => loadBytes(wired, { ...state, line }, Uint8Array.of(9))).toThrow('no')
})

test('bytes that are loaded from a Buffer are not a view of it', () => {
  const vmstate: VMState<{ data: Uint8Array }> = {
    name: 'bytes',
    version: 1,
    minVersion: 1,
    life: { born: '1.0' },
    fields: { data: buffer(4) },
  }
  const wire = Buffer.from([1, 2, 3, 4])
  const state = { data: new Uint8Array(0) }
  load(vmstate, state, new Reader(wire))
  wire.fill(9)
  expect([...state.data]).toEqual([1, 2, 3, 4])
})

test('a name that no terminal should see is spelt out in the error', () => {
  const error = new VMStateError('value', 7, '\u001b[2Jx', 'y').under('chip/')
  expect(error.message).toBe('chip/ at offset 7: expected \\x1b[2Jx, came y')
})
