import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Bytes } from './bytes.ts'

/** LEB128 read by the book, in bigint. */
function decode(bytes: Uint8Array, signed: boolean): bigint {
  let value = 0n
  let shift = 0n
  for (const b of bytes) {
    value |= BigInt(b & 0x7f) << shift
    shift += 7n
  }
  const last = bytes.at(-1)!
  return signed && (last & 0x40) !== 0 ? value - (1n << shift) : value
}

const wellFormed = (bytes: Uint8Array): boolean => bytes.every((b, i) => b >= 0x80 === i < bytes.length - 1)

test('every unsigned 32-bit number reads back, in the fewest bytes', () => {
  fc.assert(
    fc.property(fc.nat(0xffff_ffff), (n) => {
      const bytes = new Bytes().u32(n).view()
      expect(wellFormed(bytes)).toBe(true)
      expect(decode(bytes, false)).toBe(BigInt(n))
      expect(bytes.length).toBe(Math.max(1, Math.ceil(n.toString(2).length / 7)))
    }),
  )
})

test('every signed 32-bit number reads back, in at most five bytes', () => {
  fc.assert(
    fc.property(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), (n) => {
      const bytes = new Bytes().s32(n).view()
      expect(wellFormed(bytes)).toBe(true)
      expect(decode(bytes, true)).toBe(BigInt(n))
      expect(bytes.length).toBeLessThanOrEqual(5)
    }),
  )
})

test('every signed 64-bit number given as two halves reads back, in at most ten bytes', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (n) => {
      const bytes = new Bytes().s64(Number(BigInt.asIntN(32, n)), Number(BigInt.asIntN(32, n >> 32n))).view()
      expect(wellFormed(bytes)).toBe(true)
      expect(decode(bytes, true)).toBe(n)
      expect(bytes.length).toBeLessThanOrEqual(10)
    }),
  )
})

test.each([
  [63, [0x3f]],
  [64, [0xc0, 0x00]],
  [-64, [0x40]],
  [-65, [0xbf, 0x7f]],
])('%d takes the bytes %j: bit 6 is the sign', (n, expected) => {
  expect([...new Bytes().s32(n).view()]).toEqual(expected)
  expect([...new Bytes().s64(n, n >> 31).view()]).toEqual(expected)
})

test('a name is its length in bytes, then UTF-8', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const utf8 = new TextEncoder().encode(text)
      expect([...new Bytes().name(text).view()]).toEqual([...new Bytes().u32(utf8.length).raw(utf8).view()])
    }),
  )
})

test('bytes written across growths of the buffer are all there', () => {
  const b = new Bytes(1)
  for (let i = 0; i < 300; i++) b.u8(i & 0xff)
  b.raw([1, 2, 3]).append(new Bytes().raw([4]))
  expect(b.length).toBe(304)
  expect([...b.view().subarray(254)]).toEqual([254, 255, ...Array.from({ length: 44 }, (_, i) => i), 1, 2, 3, 4])
})
