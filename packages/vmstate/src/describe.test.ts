import { expect, test } from 'vitest'
import type { UnusedLife } from './life.ts'
import {
  array,
  buffer,
  derived,
  describe,
  inside,
  inspectState,
  pointers,
  since,
  struct,
  tmp,
  u16,
  u32,
  u8,
  unused,
  varray,
  when,
} from './index.ts'
import { printDescription } from './print.ts'
import type { Subsection, VMState } from './index.ts'

const GONE: UnusedLife = { born: '1.0', was: 'nothing', lastWriter: null, unversioned: [] }

interface Pin {
  level: number
  edge: number
}
const edges: Subsection<Pin> = { name: 'pin/edge', version: 1, born: '1.0', needed: (s) => s.edge !== 0 }
const pin: VMState<Pin> = {
  name: 'pin',
  version: 1,
  minVersion: 1,
  life: { born: '1.0' },
  fields: { level: u8, edge: inside(edges, u8) },
}
const word: VMState<{ high: number; low: number }> = {
  name: 'word',
  version: 3,
  minVersion: 3,
  life: { born: '1.0' },
  fields: { high: u8, low: u8 },
}

interface Port {
  data: Uint8Array
  pins: Pin[]
  maybe: (Pin | null)[]
  n: number
  list: number[]
  both: number
  late: number
  odd: number
  sum: number
}
const port: VMState<Port> = {
  name: 'port',
  version: 2,
  minVersion: 1,
  life: { born: '1.0' },
  fields: {
    data: buffer(2),
    unused0: unused(3, GONE),
    pins: array<Pin[], Pin>(struct(pin), 2),
    unused1: unused(1, GONE, 2),
    maybe: pointers(struct(pin), 2),
    n: u8,
    list: varray<number[], number>(u16, 'n', 8, () => 0),
    both: tmp(word, { before: (v: number) => ({ high: v >> 8, low: v & 255 }), after: (w) => (w.high << 8) | w.low }),
    late: since(2, u32),
    odd: when('n is odd', (s: Port) => (s.n & 1) === 1, u8),
    sum: derived('list'),
  },
}
const state: Port = {
  data: Uint8Array.of(1, 2),
  pins: [
    { level: 1, edge: 0 },
    { level: 0, edge: 4 },
  ],
  maybe: [null, { level: 1, edge: 0 }],
  n: 3,
  list: [7, 8, 9],
  both: 0x1234,
  late: 5,
  odd: 6,
  sum: 24,
}

test('V9 a description prints itself in wire order, with conditions, subsections and what does not travel', () => {
  expect(printDescription(port)).toBe(`port  version 2, loads from 1
  data: buffer[2]
  unused[0]: 3 unused bytes
  pins: struct pin version 1[2]
    level: uint8
    subsection pin/edge  version 1
      edge: uint8
  unused[1]: 1 unused bytes, since version 2
  maybe: struct pin version 1[2]
    level: uint8
    subsection pin/edge  version 1
      edge: uint8
  n: uint8
  list: uint16[n]
  both: tmp word version 3
    high: uint8
    low: uint8
  late: uint32, since version 2
  odd: uint8, when n is odd
  sum: not on the wire, from list
`)
})

test('a description of a state has the sizes and parts of that state', () => {
  const level = { name: 'level', type: 'uint8', size: 1 }
  const plain = { vmsd_name: 'pin', version: 1, fields: [level] }
  const edge = { vmsd_name: 'pin/edge', version: 1, fields: [{ name: 'edge', type: 'uint8', size: 1 }] }
  expect(describe(port, state)).toEqual({
    vmsd_name: 'port',
    version: 2,
    fields: [
      { name: 'data', type: 'buffer', size: 2 },
      { name: 'unused[0]', type: 'unused_buffer', size: 3 },
      { name: 'pins', index: 0, type: 'struct', struct: plain, size: 1 },
      { name: 'pins', index: 1, type: 'struct', struct: { ...plain, subsections: [edge] }, size: 16 },
      { name: 'unused[1]', type: 'unused_buffer', size: 1 },
      { name: 'maybe', index: 0, type: 'nullptr', size: 1 },
      { name: 'maybe', index: 1, type: 'struct', struct: plain, size: 1 },
      { name: 'n', type: 'uint8', size: 1 },
      { name: 'list', array_len: 3, type: 'uint16', size: 2 },
      {
        name: 'both',
        type: 'tmp',
        vmsd_name: 'word',
        version: 3,
        fields: [
          { name: 'high', type: 'uint8', size: 1 },
          { name: 'low', type: 'uint8', size: 1 },
        ],
        size: 2,
      },
      { name: 'late', type: 'uint32', size: 4 },
      { name: 'odd', type: 'uint8', size: 1 },
    ],
  })
})

test('every value of a state is listed by its path', () => {
  expect(inspectState(port, { ...state, n: 2 }).map(({ path, value }) => [path, value])).toEqual([
    ['data', Uint8Array.of(1, 2)],
    ['pins[0].level', 1],
    ['pins[1].level', 0],
    ['pins[1].<pin/edge>.edge', 4],
    ['maybe[0]', null],
    ['maybe[1].level', 1],
    ['n', 2],
    ['list', [7, 8]],
    ['both', 0x1234],
    ['late', 5],
  ])
})
