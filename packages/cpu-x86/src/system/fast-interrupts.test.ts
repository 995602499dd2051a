import { expect, test } from 'vitest'
import { GuestFault } from '../cpu.ts'
import { FLAG } from '../cpu-state.ts'
import type { Bench } from '../engine/testing.ts'
import { EXC, S } from '../state.ts'
import { halt } from './control.ts'
import { raise, type Outcome } from './exceptions.ts'
import { CODE, describe, random, scatter, twins } from './fast.testing.ts'
import { softwareInterrupt } from './interrupts.ts'
import type { System } from './system.ts'

/** What the run loop does with the fault of an instruction. */
function faulting(sys: System, run: () => void): Outcome {
  try {
    run()
  } catch (thrown) {
    if (!(thrown instanceof GuestFault)) throw thrown
    sys.state.rip = CODE
    return raise(sys.cpu, thrown.vector, thrown.errorCode)
  }
  return 'running'
}

const fault =
  (vector: number, code?: number) =>
  (sys: System): Outcome =>
    faulting(sys, () => {
      throw new GuestFault(vector, code)
    })

const address = ({ state }: System): number => (state.code64 ? state.gprNum(3) : state.gprLow(3) >>> 0)

/** MOV from memory and to it. */
const read = (sys: System): Outcome =>
  faulting(sys, () => sys.state.setGpr32(0, sys.linear.read32(address(sys), sys.state.cpl === 3)))
const write = (sys: System): Outcome => faulting(sys, () => sys.linear.write32(address(sys), 0, sys.state.cpl === 3))

const CASES: readonly (readonly [string, 32 | 64, string, (sys: System) => Outcome])[] = [
  ['INT 20', 32, 'cd14', (sys) => faulting(sys, () => softwareInterrupt(sys.cpu, 20))],
  ['INT 20', 64, 'cd14', (sys) => faulting(sys, () => softwareInterrupt(sys.cpu, 20))],
  ['Division by zero', 32, 'f7f0', fault(EXC.DE)],
  ['Division by zero', 64, 'f7f0', fault(EXC.DE)],
  ['An absent page read', 64, '8b03', read],
  ['An absent page written', 64, 'c70300000000', write],
  ['HLT', 32, 'f4', (sys) => faulting(sys, () => halt(sys))],
  ['HLT', 64, 'f4', (sys) => faulting(sys, () => halt(sys))],
  ['UD2', 64, '0f0b', fault(EXC.UD)],
]

test.each(CASES)('%s in %i-bit code is the same with and without generated code', (_, bits, code, slow) => {
  const pair = twins(bits, code, slow, 'int_n')
  const most = 1200
  let downs = 0
  let quick: Bench | undefined
  for (let i = 1; i <= most; i++) {
    const event = (b: Bench): void => {
      quick ??= b
      const r = random(i * 7919)
      scatter(b, bits, r)
      describe(b, bits, r)
      const { state } = b.processor
      if (code === 'f7f0') state.setPair(S.gpr, 0, 0)
      // Where no page is, or (one time in ten) where one is.
      if (slow === read || slow === write) state.setPair(S.gpr + 24, 0x4000, r(10) === 0 ? 0 : -0x8000 + r(0x7000))
      state.systemFlags &= ~FLAG.TF
    }
    if (pair.compare(`case ${i}`, event)) downs++
  }
  expect(downs).toBeLessThan(most / 2)
  const { exits, exceptions } = quick!.processor.stats()
  const all = Object.values(exceptions).reduce((a, b) => a + b, 0)
  if (code === 'cd14') expect(pair.calls).toBeLessThan(most * 0.7)
  else if (code !== '0f0b') expect(exits['fault']).toBeLessThan(all * 0.7)
})
