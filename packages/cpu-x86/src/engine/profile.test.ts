import { expect, test } from 'vitest'
import { bench } from './testing.ts'

/** mov ecx, 100; xor eax, eax; l: add eax, ecx; dec ecx; jnz l; hlt */
const LOOP = 'b964000000 31c0 01c8 ffc9 75fa f4'

test('the hottest block of a profile tells where it is, how often it ran and what it says', () => {
  const { processor } = bench({ bits: 64, code: LOOP, cpu: { profile: true } })
  expect(processor.run(10_000).reason).toBe('halted')
  const [hottest, ...others] = processor.profile()
  // the first turn belongs to the block that the loop is entered with
  expect(hottest).toMatchObject({ count: 99, rip: 0x7c07 })
  expect(hottest!.insns.map((i) => [i.code, i.text])).toEqual([
    ['01c8', 'add eax,ecx'],
    ['ffc9', 'dec ecx'],
    ['75fa', 'jne 0x7c07'],
  ])
  expect(others.map((b) => [b.rip, b.count])).toEqual([
    [0x7c00, 1],
    [0x7c0d, 1],
  ])
})

test('a processor that was not asked to profile has no profile', () => {
  const { processor } = bench({ bits: 64, code: LOOP })
  processor.run(10_000)
  expect(processor.profile()).toEqual([])
})
