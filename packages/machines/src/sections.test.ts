import { expect, test } from 'vitest'
import { loadBytes, saveBytes } from '@godwit/vmstate'
import { timerVmstate, tscRate } from './sections.ts'

test('the rate of a TSC is the ratio of the two clocks that were saved', () => {
  expect(tscRate(62_192_694_603n, 23_955_758_397n)).toBe(2_596_148_015n)
  expect(tscRate(5_000_000_000n, 5_000_000_000n)).toBe(1_000_000_000n)
})

test('clocks that have hardly run, or that no processor could have, say nothing of a rate', () => {
  expect(tscRate(1_000_000n, 999_999_999n)).toBeUndefined()
  expect(tscRate(0n, 5_000_000_000n)).toBeUndefined()
  expect(tscRate(10n ** 13n, 5_000_000_000n)).toBeUndefined()
})

test.each([-1n, 2n ** 62n + 1n])('a guest clock at %d ns is refused: timers would not fit behind it', (ns) => {
  const bytes = saveBytes(timerVmstate, { cpu_ticks_offset: 5n, cpu_clock_offset: ns })
  const state = { cpu_ticks_offset: 0n, cpu_clock_offset: 0n }
  expect(() => loadBytes(timerVmstate, state, bytes)).toThrow(/cpu_clock_offset of 0 to 2\^62 ns/)
  expect(state.cpu_ticks_offset).toBe(0n)
})
