import { expect, test } from 'vitest'
import { tscRate } from './sections.ts'

test('the rate of a TSC is the ratio of the two clocks that were saved', () => {
  expect(tscRate(62_192_694_603n, 23_955_758_397n)).toBe(2_596_148_015n)
  expect(tscRate(5_000_000_000n, 5_000_000_000n)).toBe(1_000_000_000n)
})

test('clocks that have hardly run, or that no processor could have, say nothing of a rate', () => {
  expect(tscRate(1_000_000n, 999_999_999n)).toBeUndefined()
  expect(tscRate(0n, 5_000_000_000n)).toBeUndefined()
  expect(tscRate(10n ** 13n, 5_000_000_000n)).toBeUndefined()
})
