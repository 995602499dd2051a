import { expect, test } from 'vitest'
import { EFER } from '../cpu-state.ts'
import type { Bench } from '../engine/testing.ts'
import { S } from '../state.ts'
import { random, scatter, twins } from './fast.testing.ts'
import { systemCall, systemEnter, systemExit, systemReturn } from './syscall.ts'
import type { System } from './system.ts'

const CASES: readonly (readonly [string, 32 | 64, string, (sys: System) => void])[] = [
  ['SYSENTER', 32, '0f34', systemEnter],
  ['SYSENTER', 64, '0f34', systemEnter],
  ['SYSEXIT', 32, '0f35', (sys) => systemExit(sys, 32)],
  ['SYSEXIT to 64-bit code', 64, '480f35', (sys) => systemExit(sys, 64)],
  ['SYSEXIT to 32-bit code', 64, '0f35', (sys) => systemExit(sys, 32)],
  ['SYSCALL', 32, '0f05', systemCall],
  ['SYSCALL', 64, '0f05', systemCall],
  ['SYSRET to 64-bit code', 64, '480f07', (sys) => systemReturn(sys, 64)],
  ['SYSRET to 32-bit code', 64, '0f07', (sys) => systemReturn(sys, 32)],
]

/** 0, and selectors with any RPL, the highest among them. */
const SELECTORS = [0, 3, 8, 0x23, 0x60, 0x63, 0xfff8, 0xfff0]

test.each(CASES)('%s of %i-bit code is the same with and without generated code', (name, bits, code, slow) => {
  const pair = twins(bits, code, slow, name.split(' ')[0]!.toLowerCase())
  let faults = 0
  for (let i = 1; i <= 600; i++) {
    const msrs = (b: Bench): void => {
      const r = random(i * 7919)
      scatter(b, bits, r)
      const { state } = b.processor
      // 32-bit code in long mode has no REX prefix: only the modes in which the bytes are this instruction.
      if (code.startsWith('48')) state.setSegment(1, state.selector(1), 0, 0xffff_ffff, 0xaf_9b00 | (state.cpl << 13))
      const selector = (): number => SELECTORS[r(SELECTORS.length)]!
      // Not canonical now and then, but exact in TypeScript.
      const address = (): readonly [number, number] => [r(0x1_0000_0000), r(10) === 0 ? r(0x1f_ffff) : -r(2)]
      state.sysenterCs = selector()
      state.setPair(S.sysenterEip, ...address())
      state.setPair(S.sysenterEsp, ...address())
      state.setPair(S.star, r(0x1_0000_0000), (selector() << 16) | selector())
      state.setPair(S.lstar, ...address())
      state.setPair(S.cstar, ...address())
      state.setPair(S.fmask, r(2) === 0 ? 0x4_7700 : r(0x1_0000_0000), 0)
      state.setWord(S.efer, (state.efer & ~EFER.SCE) | (r(8) === 0 ? 0 : EFER.SCE))
    }
    if (pair.compare(`case ${i}`, msrs)) faults++
  }
  expect(faults).toBeLessThan(590)
  expect(faults).toBeGreaterThan(0)
})
