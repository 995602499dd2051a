import { expect, test } from 'vitest'
import { tscRateIn } from './host-tsc.ts'

const cpuinfo = (name: string, mhz: string, flags: string): string =>
  `processor\t: 0\nmodel name\t: ${name}\ncpu MHz\t\t: ${mhz}\nflags\t\t: fpu tsc ${flags}\n\n`.repeat(2)

test('a virtual processor shows the rate of its TSC', () => {
  expect(tscRateIn(cpuinfo('AMD EPYC', '2596.148', 'constant_tsc hypervisor'))).toBe(2_596_148_000)
})

test('a real processor has the rate in its name, whatever it runs at just now', () => {
  expect(tscRateIn(cpuinfo('Intel(R) Core(TM) i7-8550U CPU @ 1.80GHz', '3999.999', 'constant_tsc'))).toBe(1_800_000_000)
  expect(tscRateIn(cpuinfo('AMD Ryzen 7', '4000.000', 'constant_tsc'))).toBeUndefined()
})

test('a TSC that changes its rate has none, and nonsense is none', () => {
  expect(tscRateIn(cpuinfo('Old @ 2.00GHz', '2000.000', 'hypervisor'))).toBeUndefined()
  expect(tscRateIn(cpuinfo('Odd', '0.000', 'constant_tsc hypervisor'))).toBeUndefined()
  expect(tscRateIn('')).toBeUndefined()
})
