import { expect, test } from 'vitest'
import {
  VMStateError,
  array,
  bitmap,
  bool,
  equal,
  gtree,
  i32PositiveLe,
  i64,
  loadBytes,
  mapped,
  pciConfig,
  pciIrqState,
  pointers,
  qlist,
  qtailq,
  saveBytes,
  since,
  sizedBuffer,
  str8,
  struct,
  text,
  timer,
  tmp,
  u16,
  u64,
  u8,
  varray,
  vstruct,
} from './index.ts'
import type { Codec, VMState } from './index.ts'

interface Point {
  x: number
  y: number
}
const point: VMState<Point> = {
  name: 'point',
  version: 2,
  minVersion: 1,
  life: { born: '1.0' },
  fields: { x: u8, y: since(2, u8) },
}

/** A state of one value, and of one count that other fields may name. */
interface Box<T> {
  count: number
  value: T
}
const box = <T>(codec: Codec<T>): VMState<Box<T>> => ({
  name: 'box',
  version: 1,
  minVersion: 1,
  life: { born: '1.0' },
  fields: { count: u8, value: codec },
})

const bytesOf = <T>(codec: Codec<T>, value: T, count = 0): number[] =>
  [...saveBytes(box(codec), { count, value })].slice(1)

/** Loads into `old`; what comes back is the state's value afterwards. */
function loaded<T>(codec: Codec<T>, bytes: readonly number[], old: T, count = 0): T {
  const state = { count: 0, value: old }
  loadBytes(box(codec), state, Uint8Array.of(count, ...bytes))
  return state.value
}

function both<T>(codec: Codec<T>, value: T, bytes: readonly number[], old: T, count = 0): void {
  expect(bytesOf(codec, value, count)).toEqual(bytes)
  expect(loaded(codec, bytes, old, count)).toEqual(value)
}

const refused = (work: () => unknown): VMStateError => {
  try {
    work()
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(VMStateError)
    return thrown as VMStateError
  }
  throw new Error('nothing was thrown')
}

test('a struct is its fields, loaded into the object that is there', () => {
  const old = { x: 0, y: 0 }
  both(struct(point), { x: 1, y: 2 }, [1, 2], old)
  expect(loaded(struct(point), [3, 4], old)).toBe(old)
})

test('a vstruct is the layout of an older version', () => {
  expect(bytesOf(vstruct(point, 1), { x: 1, y: 2 })).toEqual([1])
  expect(loaded(vstruct(point, 1), [3], { x: 0, y: 9 })).toEqual({ x: 3, y: 9 })
})

test('an array of structs is its elements, and keeps each of them', () => {
  const old = [
    { x: 0, y: 0 },
    { x: 0, y: 0 },
  ]
  const [first] = old
  both(
    array<Point[], Point>(struct(point), 2),
    [
      { x: 1, y: 2 },
      { x: 3, y: 4 },
    ],
    [1, 2, 3, 4],
    old,
  )
  expect(old[0]).toBe(first)
})

test('a varray is as long as the field it names says, and grows only by its make', () => {
  both(
    varray<number[], number>(u16, 'count', 4, () => 0),
    [7, 8],
    [0, 7, 0, 8],
    [1, 2, 3],
    2,
  )
  const fixed = new Uint8Array([9, 9, 9])
  expect(loaded(varray<Uint8Array, number>(u8, 'count', 3), [1, 2], fixed, 2)).toEqual(Uint8Array.of(1, 2, 9))
  expect(
    refused(() =>
      loaded(
        varray<number[], number>(u8, 'count', 4, () => 0),
        [],
        [],
        5,
      ),
    ).expected,
  ).toBe('count of 0 to 4')
  expect(refused(() => loaded(varray<Uint8Array, number>(u8, 'count', 9), [], fixed, 5)).came).toBe('5')
})

test('a null in an array of pointers is one byte 30, and must be the null of the receiver', () => {
  const codec = pointers(struct(point), 3)
  both(codec, [null, { x: 1, y: 2 }, null], [0x30, 1, 2, 0x30], [null, { x: 0, y: 0 }, null])
  expect(refused(() => loaded(codec, [1, 1, 2, 0x30], [null, { x: 0, y: 0 }, null]))).toMatchObject({
    path: 'box/value[0]',
    came: '0x1',
  })
})

test('a tmp value travels as the fields of its auxiliary state', () => {
  interface Aux {
    low: number
    high: number
  }
  const aux: VMState<Aux> = {
    name: 'aux',
    version: 1,
    minVersion: 1,
    life: { born: '1.0' },
    fields: { high: u8, low: u8 },
  }
  const codec = tmp<number, Aux>(aux, {
    before: (v) => ({ low: v & 0xff, high: v >> 8 }),
    after: ({ low, high }) => (high << 8) | low,
  })
  both(codec, 0x1234, [0x12, 0x34], 0)
})

test.each([
  ['qtailq', qtailq],
  ['qlist', qlist],
])('a %s has 01 before each element and 00 at the end', (_, list) => {
  const codec = list(struct(point), () => ({ x: 0, y: 0 }), 2)
  const old: Point[] = [{ x: 9, y: 9 }]
  both(
    codec,
    [
      { x: 1, y: 2 },
      { x: 3, y: 4 },
    ],
    [1, 1, 2, 1, 3, 4, 0],
    old,
  )
  both(codec, [], [0], old)
  expect(loaded(codec, [0], old)).toBe(old)
  expect(refused(() => loaded(codec, [2], old)).came).toBe('2')
  expect(refused(() => loaded(codec, [1, 1, 1, 1, 1, 1, 1, 1, 1, 0], old)).expected).toBe('at most 2 elements')
  expect(
    refused(() =>
      bytesOf(
        codec,
        [1, 2, 3].map(() => ({ x: 0, y: 0 })),
      ),
    ).path,
  ).toBe('box/value')
})

test('a gtree has a count, then 01, key and value each, then 00', () => {
  const codec = gtree(
    u16,
    struct(point),
    () => 0,
    () => ({ x: 0, y: 0 }),
    8,
  )
  const value = new Map([
    [5, { x: 1, y: 2 }],
    [3, { x: 3, y: 4 }],
  ])
  both(codec, value, [0, 0, 0, 2, 1, 0, 5, 1, 2, 1, 0, 3, 3, 4, 0], new Map([[7, { x: 0, y: 0 }]]))
  expect(refused(() => loaded(codec, [0, 0, 0, 1, 0], new Map())).expected).toBe('1 different keys')
  expect(refused(() => loaded(codec, [0, 0, 0, 0, 1, 0, 5, 1, 2, 0], new Map())).expected).toBe('0 elements')
  expect(refused(() => loaded(codec, [0xff, 0, 0, 0, 0], new Map())).expected).toBe('at most 8 elements')
})

test('a bitmap is big-endian words of 64 bits', () => {
  both(
    bitmap(65),
    BigUint64Array.of(1n, 0x8000000000000000n),
    [0, 0, 0, 0, 0, 0, 0, 1, 0x80, 0, 0, 0, 0, 0, 0, 0],
    new BigUint64Array(2),
  )
  both(bitmap('count'), BigUint64Array.of(2n), [0, 0, 0, 0, 0, 0, 0, 2], new BigUint64Array(3), 64)
})

test('a sized buffer is as long as the field it names says', () => {
  both(sizedBuffer('count', 4), Uint8Array.of(1, 2), [1, 2], new Uint8Array(0), 2)
  const old = new Uint8Array(2)
  expect(loaded(sizedBuffer('count', 4), [1, 2], old, 2)).toBe(old)
  expect(refused(() => loaded(sizedBuffer('count', 4), [], old, 5))).toMatchObject({
    expected: 'count of 0 to 4',
    came: '5',
  })
  expect(refused(() => bytesOf(sizedBuffer('count', 4), old, 3)).message).toContain('2 bytes are not count, 3')
})

test('text is padded with NUL, and ends at the first one', () => {
  both(text(4), 'ab', [97, 98, 0, 0], '')
  expect(loaded(text(4), [97, 0, 98, 0], '')).toBe('a')
  for (const wrong of ['abcde', 'a\0', '\u0100']) expect(refused(() => bytesOf(text(4), wrong)).code).toBe('value')
  both(str8, 'ab', [2, 97, 98], '')
})

test('PCI configuration space must agree with the receiver in the bits compared, and the error names the byte', () => {
  const mask = new Uint8Array(256)
  mask[0x0e] = 0x0f
  const codec = pciConfig(256, () => mask)
  const own = new Uint8Array(256)
  own[0x0e] = 0x21
  const came = own.slice()
  came[0x0e] = 0xf1
  came[0x3c] = 9
  expect(loaded(codec, [...came], own.slice())).toEqual(came)
  came[0x0e] = 0xf2
  const fault = refused(() => loaded(codec, [...came], own))
  expect(fault).toMatchObject({ expected: '0x21 in the bits 0xf of PCI configuration byte 0xe', came: '0xf2' })
})

test('PCI interrupt levels are four words of 0 or 1', () => {
  both(pciIrqState, 0b1001, [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 0)
  const wrong = [0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0]
  expect(refused(() => loaded(pciIrqState, wrong, 0))).toMatchObject({ expected: 'level 0 or 1 of INTB', came: '2' })
  expect(refused(() => bytesOf(pciIrqState, 16)).code).toBe('value')
})

test('an equal value must be the receiver’s own', () => {
  both(equal(u8), 7, [7], 7)
  expect(refused(() => loaded(equal(u8), [8], 7))).toMatchObject({
    path: 'box/value',
    offset: 1,
    expected: '7',
    came: '8',
  })
})

test('a value marked le may not be negative nor exceed the receiver’s own', () => {
  both(i32PositiveLe, 2, [0, 0, 0, 2], 2)
  expect(refused(() => loaded(i32PositiveLe, [0, 0, 0, 3], 2)).came).toBe('3')
  expect(refused(() => loaded(i32PositiveLe, [0x80, 0, 0, 0], 2)).expected).toBe('0 to 2')
})

test('a timer that is not armed is all ones, and a bool is 0 or 1', () => {
  both(timer, null, new Array<number>(8).fill(255), 5n)
  both(timer, 258n, [0, 0, 0, 0, 0, 0, 1, 2], null)
  both(bool, true, [1], false)
  expect(refused(() => loaded(bool, [2], false)).came).toBe('2')
})

test('64-bit values are exact, and refuse what does not fit', () => {
  both(u64, 0xffffffffffffffffn, new Array<number>(8).fill(255), 0n)
  both(i64, -1n, new Array<number>(8).fill(255), 0n)
  expect(refused(() => bytesOf(u64, -1n)).code).toBe('value')
  expect(refused(() => bytesOf(i64, 1n << 63n)).code).toBe('value')
})

test('a mapped value travels in another form', () => {
  const codec = mapped<string, number>(
    u8,
    (v) => 'abc'.indexOf(v),
    (n) => 'abc'[n] ?? '?',
  )
  both(codec, 'c', [2], 'a')
})
