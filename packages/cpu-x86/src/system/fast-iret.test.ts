import { expect, test } from 'vitest'
import { FLAG } from '../cpu-state.ts'
import type { Bench } from '../engine/testing.ts'
import { S } from '../state.ts'
import { anySelector, anyStack, describe, putWords, random, scatter, twins } from './fast.testing.ts'
import { interruptReturn } from './iret.ts'

test.each([
  [32, 'cf', 32],
  [64, '48cf', 64],
  [64, 'cf', 32],
] as const)('IRET of %i-bit code (%s) is the same with and without generated code', (bits, code, size) => {
  const pair = twins(bits, code, (sys) => interruptReturn(sys, size), 'iret')
  const most = 1200
  let faults = 0
  for (let i = 1; i <= most; i++) {
    const frame = (b: Bench): void => {
      const r = random(i * 7919)
      scatter(b, bits, r)
      describe(b, bits, r)
      const { state } = b.processor
      state.setWord(S.idtLimit, 0)
      if (code.startsWith('48')) state.setSegment(1, state.selector(1), 0, 0xffff_ffff, 0xaf_9b00 | (state.cpl << 13))
      if (r(3) !== 0) state.cpl = 0
      state.nmiBlocked = r(2) === 0
      const flags = r(0x40_0000) & ~FLAG.TF & (r(12) === 0 ? ~0 : ~FLAG.VM)
      const outer = r(2) * 0x13
      const [cs, ss] = r(4) === 0 ? [anySelector(r), anySelector(r)] : [0x08 + outer, r(3) === 0 ? 0 : 0x10 + outer]
      const high = (): number => (r(12) === 0 ? r(0x1f_ffff) : -r(2))
      const junk = r(2) * 0x1234_0000
      if (size === 64) {
        const rip = [r(0x1_0000_0000), high()]
        putWords(b, state.gprLow(4), ...rip, cs | junk, 0, flags, r(3), anyStack(r), high(), ss | junk, 0)
      } else putWords(b, state.gprLow(4), r(0x1_0000_0000), cs | junk, flags, anyStack(r), ss | junk)
    }
    if (pair.compare(`case ${i}`, frame)) faults++
  }
  expect(faults).toBeGreaterThan(most / 20)
  expect(faults).toBeLessThan(most * 0.9)
  if (bits === size) expect(pair.calls - faults).toBeLessThan((most - faults) * 0.8)
})
