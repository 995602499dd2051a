import { expect, test } from 'vitest'
import { FLAG } from './cpu-state.ts'
import { flagImage } from './flags.ts'
import { S } from './state.ts'
import { bench } from './system/testing.ts'

test('every combination of the six flags comes back, and flags.ts reads it alike', () => {
  const { state } = bench()
  for (let i = 0; i < 64; i++) {
    const [cf = 0, pf = 0, af = 0, zf = 0, sf = 0, of = 0] = [0, 1, 2, 3, 4, 5].map((n) => (i >> n) & 1)
    const flags = cf | (pf << 2) | (af << 4) | (zf << 6) | (sf << 7) | (of << 11)
    state.eflags = flags | FLAG.IF | FLAG.DF
    expect(state.eflags).toBe(flags | FLAG.IF | FLAG.DF | 2)
    const words = [state.low(S.flagRes), state.high(S.flagRes), state.high(S.flagCv), state.low(S.flagAux)] as const
    expect(flagImage(...words) & 0x8d5).toBe(flags)
  }
  expect(state.low(S.direction)).toBe(-1)
})

test('power-on begins at the reset vector with the model in EDX', () => {
  const { state, cpu } = bench('pentium3')
  expect([state.segBase(1), state.rip, state.gprLow(2)]).toEqual([0xffff_0000, 0xfff0, 0x673])
  expect([state.cr0, state.eflags, state.codeSize, state.cpl]).toEqual([0x6000_0010, 2, 16, 0])
  expect([state.low(S.dr + 48) >>> 0, state.low(S.dr + 56), state.low(S.mxcsr)]).toEqual([0xffff_0ff0, 0x400, 0x1f80])
  expect([state.low(S.a20Mask), state.smbase, state.mcgCap]).toEqual([-1, 0x3_0000, 0x0100_010an])
  expect(cpu.model.machineCheck).toBe(true)
})

test('canonical addresses are exact as numbers', () => {
  const { state } = bench()
  for (const n of [0, -1, 0x7fff_ffff_ffff, -0x8000_0000_0000, 0xffff_8000, -0x7fff_fff1]) {
    state.rip = n
    expect(state.rip).toBe(n)
    expect(state.big(S.rip)).toBe(BigInt.asUintN(64, BigInt(n)))
  }
})
