import { expect, test } from 'vitest'
import { JUMP, JumpCache } from './jump-cache.ts'
import { MODES } from './mode.ts'

function jumpCache(): JumpCache {
  const memory = new WebAssembly.Memory({ initial: 8 })
  const jumps = new JumpCache(memory.buffer, 8192, 0)
  expect(8192 + JUMP.entries * JUMP.entryBytes).toBeLessThanOrEqual(memory.buffer.byteLength)
  jumps.select(MODES[0]!, true)
  return jumps
}

/** Three addresses that want the same place. */
const [A, B, C] = [0x816_f702, 0x817_371e, 0x400_366e] as const

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
  jumps.set(0x7c13, 32)
  jumps.set(0x7c12, 64)
  expect([jumps.get(0x7c13), jumps.get(0x7c12)]).toEqual([32, 64])
})

test('jumps that were forgotten do not drive out those that are in use', () => {
  const jumps = jumpCache()
  jumps.set(0x42_a600, 32)
  jumps.set(0x52_e705, 64)
  jumps.flush(1)
  jumps.set(0x42_a600, 96)
  jumps.set(0x52_e705, 128)
  expect([jumps.get(0x42_a600), jumps.get(0x52_e705)]).toEqual([96, 128])
})

test('of three jumps for two places, two stay', () => {
  const jumps = jumpCache()
  jumps.set(0x7c12, 32)
  jumps.set(0x7c13, 64)
  jumps.set(0x7c12 ^ 0x4000_0000, 96)
  expect([jumps.get(0x7c13), jumps.get(0x7c12 ^ 0x4000_0000)]).toEqual([64, 96])
})

test('upper halves of the address space are forgotten and kept by the same rule', () => {
  const jumps = jumpCache()
  const address = -0x5b98_0a2c
  jumps.set(address, 32)
  jumps.set(address + 1, 64)
  jumps.flush(1)
  jumps.set(address, 96)
  jumps.set(address + 1, 128)
  expect([jumps.get(address), jumps.get(address + 1)]).toEqual([96, 128])
})
