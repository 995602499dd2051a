import { expect, test } from 'vitest'
import { EndOfBytes, Reader, Writer } from './index.ts'

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
