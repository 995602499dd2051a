import { expect, test } from 'vitest'
import { bench } from '../engine/testing.ts'
import { S } from '../state.ts'

const REGISTERS = [
  [0, S.cr0],
  [2, S.cr2],
  [3, S.cr3],
  [4, S.cr4],
] as const

test.each(REGISTERS)('MOV from CR%i gives what is in it, to privilege 0 only', (n, at) => {
  // mov rbx, crN
  const b = bench({ bits: 64, code: `0f20${(0xc3 | (n << 3)).toString(16)} f4` })
  const { processor } = b
  const { state, cpu } = processor
  if (n === 2) state.setPair(at, 0x1234_5678, 0x9abc)
  processor.run(2)
  expect([state.gprLow(3), state.gprHigh(3)]).toEqual([state.low(at), state.high(at)])
  state.setGpr32(3, 5)
  state.setWord(S.halted, 0)
  state.setWord(S.idtLimit, 0)
  state.rip = 0x7c00
  state.cpl = 3
  cpu.modeChanged()
  expect(processor.run(2).reason).toBe('shutdown')
  expect(state.gprLow(3)).toBe(5)
})
