import fc from 'fast-check'
import { expect, test } from 'vitest'
import { EndOfBytes, Reader, Writer, fromLatin1, latin1 } from './index.ts'

test('values written across a growth of the buffer are all there', () => {
  const w = new Writer(1)
  w.u8(0x12)
  w.u64(0x0102030405060708n)
  w.i64(-2n)
  w.i64(-3n)
  w.u32(0xfffffffe)
  w.int(-2, 2)
  w.str8('ab')
  const r = new Reader(w.bytes())
  expect([r.u8(), r.u64(), r.i64(), r.i64(), r.u32(), r.int(2), r.str8(), r.left]).toEqual([
    0x12,
    0x0102030405060708n,
    -2n,
    -3n,
    0xfffffffe,
    -2,
    'ab',
    0,
  ])
})

test.each([
  ['u8', 256],
  ['u16', -1],
  ['u32', 2 ** 32],
  ['u32', 0.5],
] as const)('a %s refuses %d by name', (type, value) => {
  const w = new Writer()
  expect(() => w[type](value)).toThrow(`${value} does not fit ${type}`)
  expect(w.length).toBe(0)
})

test('reading past the end says where, how much and what was left, and consumes nothing', () => {
  const r = new Reader(Uint8Array.of(1, 2, 3), 100)
  r.u8()
  expect(() => r.u32()).toThrow(EndOfBytes)
  expect(() => r.u32()).toThrow('wanted 4 bytes at offset 101, 2 left')
  expect(r.u16()).toBe(0x0203)
})

test.each([1, 2, 4] as const)('every %d-byte number is written most significant byte first and reads back', (size) => {
  const top = 2 ** (8 * size)
  fc.assert(
    fc.property(fc.integer({ min: -top / 2, max: top - 1 }), (n) => {
      const w = new Writer(1)
      if (n < 0) w.int(n, size)
      else w.uint(n, size)
      const hex = Array.from(w.bytes(), (b) => b.toString(16).padStart(2, '0')).join('')
      expect(hex).toBe(((n + top) % top).toString(16).padStart(2 * size, '0'))
      const r = new Reader(w.bytes())
      expect(n < 0 ? r.int(size) : r.uint(size)).toBe(n)
    }),
  )
})

test.each([
  [128, 1],
  [-129, 1],
  [32768, 2],
  [-2147483649, 4],
] as const)('%d does not fit a signed number of %d bytes', (value, size) => {
  expect(() => new Writer().int(value, size)).toThrow(`${value} does not fit i${8 * size}`)
})

test('64-bit numbers refuse what does not fit, by name', () => {
  const w = new Writer()
  expect(() => w.u64(-1n)).toThrow('-1 does not fit u64')
  expect(() => w.u64(2n ** 64n)).toThrow('does not fit u64')
  expect(() => w.i64(2n ** 63n)).toThrow('does not fit i64')
  expect(w.length).toBe(0)
})

test('a length known only afterwards is patched in where it was left out', () => {
  const w = new Writer(2)
  w.u8(1)
  const at = w.length
  w.u32(0)
  w.zeros(3)
  w.patchU32(at, w.length - at)
  expect([...w.bytes()]).toEqual([1, 0, 0, 0, 7, 0, 0, 0])
})

test('a cleared writer begins anew', () => {
  const w = new Writer(4)
  w.u32(0xffff_ffff)
  w.clear()
  w.zeros(2)
  expect([...w.bytes()]).toEqual([0, 0])
})

test('a string longer than its length byte can say is refused', () => {
  const w = new Writer()
  w.str8('x'.repeat(255))
  expect(new Reader(w.bytes()).str8()).toBe('x'.repeat(255))
  expect(() => w.str8('x'.repeat(256))).toThrow('does not fit a string of at most 255 bytes')
})

test('Latin-1 text keeps every byte', () => {
  const all = Uint8Array.from({ length: 256 }, (_, i) => i)
  expect([...latin1(fromLatin1(all))]).toEqual([...all])
})

test('a reader over the middle of a buffer sees its own bytes, and skips them', () => {
  const r = new Reader(Uint8Array.of(9, 1, 2, 3, 4, 5, 9).subarray(1, 6), 1000)
  r.skip(1)
  expect([...r.raw(2), r.u16(), r.offset, r.left]).toEqual([2, 3, 0x0405, 1005, 0])
  expect(() => r.skip(1)).toThrow(EndOfBytes)
})
