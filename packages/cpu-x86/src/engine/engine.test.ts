import { expect, test } from 'vitest'
import { bench } from './testing.ts'

// mov cx, 100; xor ax, ax; l: add ax, cx; dec cx; jnz l; hlt
const SUM16 = 'b96400 31c0 01c8 49 75fb f4'
const SUM32 = 'b964000000 31c0 01c8 49 75fb f4'
// the same with dec ecx as ff c9
const SUM64 = 'b964000000 31c0 01c8 ffc9 75fa f4'

test.each([
  [16, SUM16],
  [32, SUM32],
  [64, SUM64],
] as const)('a %i-bit loop adds up 1 to 100, halts, and is counted exactly', (bits, code) => {
  const b = bench({ bits, code })
  expect(b.processor.run(1e6)).toEqual({ reason: 'halted', executed: 2 + 300 + 1 })
  expect(b.reg(0)).toBe(5050)
  expect(b.processor.state.rip).toBe(0x7c00 + code.replaceAll(' ', '').length / 2)
})
