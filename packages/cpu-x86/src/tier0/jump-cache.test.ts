import { expect, test } from 'vitest'
import { JUMP, JumpCache, slotOf } from './jump-cache.ts'
import { MODES } from './mode.ts'

function jumpCache(): JumpCache {
  const memory = new WebAssembly.Memory({ initial: 17 })
  const jumps = new JumpCache(memory.buffer, 8192, 0)
  expect(8192 + JUMP.entries * JUMP.entryBytes).toBeLessThanOrEqual(memory.buffer.byteLength)
  jumps.select(MODES[0]!, true)
  return jumps
}

/** Addresses that want a place. */
function wanting(slot: number, count: number, above = 0x40_0000): number[] {
  const found: number[] = []
  for (let at = above; found.length < count; at++) if (slotOf(at | 0) === slot) found.push(at)
  return found
}

const HOME = slotOf(0x816_f702)
const BESIDE = HOME ^ (JUMP.entryBytes >> 2)
const [A, B, C] = wanting(HOME, 3) as [number, number, number]
const [NEXT] = wanting(BESIDE, 1) as [number]

test('two jumps that want one place are both known, whatever their order', () => {
  const jumps = jumpCache()
  jumps.set(A, 32)
  jumps.set(B, 64)
  expect([jumps.get(A), jumps.get(B)]).toEqual([32, 64])
  jumps.set(A, 96)
  expect([jumps.get(A), jumps.get(B)]).toEqual([96, 64])
})

test('a jump that is entered again, or dropped, leaves nothing of its former record', () => {
  const jumps = jumpCache()
  jumps.set(A, 32)
  jumps.set(B, 64)
  jumps.set(A, 96)
  jumps.drop(A, 32)
  expect(jumps.get(A)).toBe(96)
  jumps.drop(A)
  expect([jumps.get(A), jumps.get(B)]).toEqual([0, 64])
  jumps.set(C, 128)
  jumps.drop(B, 64)
  expect([jumps.get(A), jumps.get(B), jumps.get(C)]).toEqual([0, 0, 128])
})

test('a jump beside another one leaves it alone', () => {
  const jumps = jumpCache()
  jumps.set(A, 32)
  jumps.set(NEXT, 64)
  expect([jumps.get(A), jumps.get(NEXT)]).toEqual([32, 64])
})

test.each([0, -0x1_0000_0000])('jumps that were forgotten do not drive out those that are in use (%d)', (half) => {
  const jumps = jumpCache()
  jumps.set(half + A, 32)
  jumps.set(half + NEXT, 64)
  jumps.flush(1)
  jumps.set(half + A, 96)
  jumps.set(half + NEXT, 128)
  expect([jumps.get(half + A), jumps.get(half + NEXT)]).toEqual([96, 128])
})

test('of three jumps for two places, two stay', () => {
  const jumps = jumpCache()
  jumps.set(A, 32)
  jumps.set(NEXT, 64)
  jumps.set(B, 96)
  expect([jumps.get(NEXT), jumps.get(B)]).toEqual([64, 96])
})
