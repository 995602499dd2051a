/** Events as the run loop takes them: exceptions with double and triple faults, interrupts, NMI, INIT, single steps. */
import { GuestFault, type Cpu } from '../cpu.ts'
import type { Callable } from '../runtime-link.ts'
import { EXC, S } from '../state.ts'
import { deliver } from './interrupts.ts'
import { systemOf } from './system.ts'

/** Whether the processor goes on, or has shut down (triple fault). */
export type Outcome = 'running' | 'shutdown'

/** Divide error and the faults of segments. SDM vol. 3A, table 6-4. */
const CONTRIBUTORY = new Set<number>([EXC.DE, EXC.TS, EXC.NP, EXC.SS, EXC.GP])

/** What comes of a second fault during the delivery of a first. */
export function combine(first: number, second: number): number {
  if (first === EXC.DF) return -1
  if (CONTRIBUTORY.has(first) && CONTRIBUTORY.has(second)) return EXC.DF
  if (first === EXC.PF && (second === EXC.PF || CONTRIBUTORY.has(second))) return EXC.DF
  return second
}

/** Exceptions that push an error code. */
const WITH_CODE = new Set<number>([EXC.DF, EXC.TS, EXC.NP, EXC.SS, EXC.GP, EXC.PF, EXC.AC])

/** Delivers an exception; RIP is where the handler shall return to. */
export function raise(cpu: Cpu, vector: number, errorCode?: number): Outcome {
  let v = vector
  let code = errorCode
  const sys = systemOf(cpu)
  for (;;) {
    try {
      deliver(sys, v, 'exception', WITH_CODE.has(v) ? (code ?? 0) : undefined)
      return 'running'
    } catch (thrown) {
      if (!(thrown instanceof GuestFault)) throw thrown
      const next = combine(v, thrown.vector)
      if (next < 0) return 'shutdown'
      v = next
      code = v === EXC.DF ? 0 : thrown.errorCode
    }
  }
}

/** Delivers an external interrupt that was acknowledged: by `deliver`, the runtime function, or else in full. */
export function interrupt(cpu: Cpu, vector: number, deliverOrdinary: Callable): Outcome {
  cpu.state.setWord(S.halted, 0)
  return deliverOrdinary(vector, 0, 0, 0) === 0 ? event(cpu, vector) : 'running'
}

/** Takes an NMI; further ones wait for IRET. */
export function nonMaskable(cpu: Cpu): Outcome {
  cpu.state.setWord(S.halted, 0)
  cpu.state.nmiBlocked = true
  return event(cpu, EXC.NMI)
}

function event(cpu: Cpu, vector: number): Outcome {
  try {
    deliver(systemOf(cpu), vector, 'external')
    return 'running'
  } catch (thrown) {
    if (!(thrown instanceof GuestFault)) throw thrown
    return raise(cpu, thrown.vector, thrown.errorCode)
  }
}

/** The trap after an instruction that began with EFLAGS.TF set. */
export function singleStep(cpu: Cpu): Outcome {
  const { state } = cpu
  state.setWord(S.dr + 48, state.low(S.dr + 48) | 0x4000)
  return raise(cpu, EXC.DB)
}

/** INIT: the reset state but for what survives it. SDM vol. 3A, table 9-1. */
export function initialise(cpu: Cpu): void {
  const { state } = cpu
  const kept = [S.flagRes, S.mxcsr].map((at) => state.low(at))
  const cache = state.cr0 & 0x6000_0000
  const fpu = state.bytes.slice(S.fpr, S.xmm + 256)
  const msrs = state.bytes.slice(S.kernelGsBase, S.end)
  const { smbase, mtrrDefType, pat, mcgStatus, miscEnable, smiCount } = state
  const fixed = state.mtrrFixed.slice()
  const base = state.mtrrBase.slice()
  const mask = state.mtrrMask.slice()
  state.reset(cpu.model.signature)
  state.bytes.set(fpu, S.fpr)
  state.bytes.set(msrs, S.kernelGsBase)
  Object.assign(state, { smbase, mtrrDefType, pat, mcgStatus, miscEnable, smiCount })
  state.mtrrFixed.set(fixed)
  state.mtrrBase.set(base)
  state.mtrrMask.set(mask)
  state.setWord(S.cr0, 0x10 | cache)
  state.setWord(S.mxcsr, kept[1]!)
  cpu.flushTlb(false)
  cpu.modeChanged()
}

/** SIPI: starts at the page the vector names. */
export function startUp(cpu: Cpu, vector: number): void {
  const { state } = cpu
  state.setSegment(1, vector << 8, vector << 12, 0xffff, 0x9b00)
  state.rip = 0
  state.setWord(S.halted, 0)
  cpu.modeChanged()
}
