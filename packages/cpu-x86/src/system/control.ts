/** Control and debug registers. SDM vol. 3A, 2.5; vol. 3B, 18.2. */
import { GuestFault } from '../cpu.ts'
import { CR0, CR4, DESC, EFER } from '../cpu-state.ts'
import type { CpuModel } from '../models.ts'
import { EXC, S } from '../state.ts'
import { rebound, requireCpl0 } from './segments.ts'
import type { System } from './system.ts'

const refuse = (): never => {
  throw new GuestFault(EXC.GP, 0)
}

/** CR4 bits that the model has a use for. */
export function cr4Mask(model: CpuModel): number {
  const has = (feature: string, bits: number): number => (model.has(feature) ? bits : 0)
  return (
    has('vme', CR4.VME | CR4.PVI) |
    has('tsc', CR4.TSD) |
    has('de', CR4.DE) |
    has('pse', CR4.PSE) |
    has('pae', CR4.PAE) |
    has('mce', CR4.MCE) |
    has('pge', CR4.PGE) |
    has('fxsr', CR4.OSFXSR) |
    has('sse', CR4.OSXMMEXCPT) |
    has('fsgsbase', CR4.FSGSBASE) |
    has('smep', CR4.SMEP) |
    has('smap', CR4.SMAP) |
    CR4.PCE
  )
}

export function setCr0(sys: System, value: number): void {
  const { state, cpu } = sys
  const next = (value | CR0.ET) & 0xe005_003f
  const old = state.cr0
  if ((next & CR0.PG) !== 0 && (next & CR0.PE) === 0) refuse()
  if ((next & CR0.NW) !== 0 && (next & CR0.CD) === 0) refuse()
  const changed = next ^ old
  if ((changed & CR0.PG) !== 0) {
    if ((next & CR0.PG) !== 0 && (state.efer & EFER.LME) !== 0) {
      if ((state.cr4 & CR4.PAE) === 0 || (state.segFlags(1) & DESC.long) !== 0) refuse()
      state.setWord(S.efer, state.efer | EFER.LMA)
    } else if ((next & CR0.PG) === 0 && state.longMode) {
      if (state.code64) refuse()
      state.setWord(S.efer, state.efer & ~EFER.LMA)
    }
  }
  state.setPair(S.cr0, next, 0)
  if ((changed & CR0.PE) !== 0) rebound(sys)
  if ((changed & (CR0.PG | CR0.WP | CR0.PE)) !== 0) {
    cpu.flushTlb(false)
    cpu.modeChanged()
  } else if ((changed & (CR0.EM | CR0.TS | CR0.MP | CR0.AM)) !== 0) cpu.modeChanged()
}

function setCr4(sys: System, low: number, high: number): void {
  const { state, cpu } = sys
  if (high !== 0 || (low & ~cr4Mask(cpu.model)) !== 0) refuse()
  if (state.longMode && (low & CR4.PAE) === 0) refuse()
  const changed = low ^ state.cr4
  state.setPair(S.cr4, low, 0)
  if ((changed & (CR4.PSE | CR4.PAE | CR4.PGE | CR4.SMEP | CR4.SMAP)) !== 0) cpu.flushTlb(false)
  cpu.modeChanged()
}

function setCr3(sys: System, low: number, high: number): void {
  const { state, cpu } = sys
  const beyond = -1 << Math.max(cpu.model.physBits - 32, 0)
  if (state.longMode && (high & beyond) !== 0) refuse()
  state.setPair(S.cr3, low, high)
  cpu.flushTlb((state.cr4 & CR4.PGE) !== 0)
}

/** MOV to CR: the value in two halves; the upper is 0 outside 64-bit code. */
export function moveToCr(sys: System, n: number, low: number, high: number): void {
  requireCpl0(sys)
  switch (n) {
    case 0:
      if (high !== 0) refuse()
      setCr0(sys, low)
      return
    case 2:
      sys.state.setPair(S.cr2, low, high)
      return
    case 3:
      setCr3(sys, low, high)
      return
    case 4:
      setCr4(sys, low, high)
      return
    case 8:
      if (high !== 0 || (low & ~15) !== 0) refuse()
      sys.cpu.apic?.writeTpr(low)
      sys.cpu.attend()
      return
    default:
      throw new GuestFault(EXC.UD)
  }
}

/** MOV from CR, into S.result. */
export function moveFromCr(sys: System, n: number): void {
  requireCpl0(sys)
  const { state } = sys
  const at = { 0: S.cr0, 2: S.cr2, 3: S.cr3, 4: S.cr4 }[n]
  if (at !== undefined) state.setPair(S.result, state.low(at), state.high(at))
  else if (n === 8) state.setPair(S.result, sys.cpu.apic?.readTpr() ?? 0, 0)
  else throw new GuestFault(EXC.UD)
}

/** DR4 and DR5 are DR6 and DR7 unless CR4.DE. */
function debugRegister(sys: System, n: number): number {
  if (n > 7) throw new GuestFault(EXC.UD)
  const { state } = sys
  if (n !== 4 && n !== 5) return n
  if ((state.cr4 & CR4.DE) !== 0) throw new GuestFault(EXC.UD)
  return n + 2
}

export function moveToDr(sys: System, number: number, low: number, high: number): void {
  const n = debugRegister(sys, number)
  requireCpl0(sys)
  guardDebug(sys)
  const { state } = sys
  if (n < 4) state.setPair(S.dr + 8 * n, low, high)
  else if (high !== 0) refuse()
  else if (n === 6) state.setPair(S.dr + 48, (low & 0xe00f) | 0xffff_0ff0, 0)
  else state.setPair(S.dr + 56, (low & 0xffff_2bff) | 0x400, 0)
}

export function moveFromDr(sys: System, number: number): void {
  const n = debugRegister(sys, number)
  requireCpl0(sys)
  guardDebug(sys)
  sys.state.setPair(S.result, sys.state.low(S.dr + 8 * n), sys.state.high(S.dr + 8 * n))
}

/** DR7.GD: an access to a debug register traps. */
function guardDebug(sys: System): void {
  const { state } = sys
  const dr7 = state.low(S.dr + 56)
  if ((dr7 & 0x2000) === 0) return
  state.setWord(S.dr + 56, dr7 & ~0x2000)
  state.setWord(S.dr + 48, state.low(S.dr + 48) | 0x2000)
  throw new GuestFault(EXC.DB)
}

/** LMSW: the low four bits, and PE cannot be cleared. */
export function loadMsw(sys: System, value: number): void {
  requireCpl0(sys)
  const old = sys.state.cr0
  setCr0(sys, (old & ~14) | (value & 15) | (old & 1))
}

export function clearTs(sys: System): void {
  requireCpl0(sys)
  const { state, cpu } = sys
  if ((state.cr0 & CR0.TS) === 0) return
  state.setWord(S.cr0, state.cr0 & ~CR0.TS)
  cpu.modeChanged()
}

/** EFER by WRMSR: only what the model has; LMA is the processor's. */
export function setEfer(sys: System, low: number, high: number): void {
  const { state, cpu } = sys
  const has = (feature: string, bit: number): number => (cpu.model.has(feature) ? bit : 0)
  const mask =
    has('syscall', EFER.SCE) |
    has('lm', EFER.LME) |
    has('nx', EFER.NXE) |
    has('svm', EFER.SVME) |
    has('fxsr-opt', EFER.FFXSR)
  if (high !== 0) refuse()
  const changed = low ^ state.efer
  if ((changed & EFER.LME) !== 0 && (state.cr0 & CR0.PG) !== 0) refuse()
  // Bits that the model lacks are ignored, as QEMU does.
  state.setPair(S.efer, (low & mask) | (state.efer & ~mask & EFER.LMA), 0)
  if ((changed & EFER.NXE) !== 0) cpu.flushTlb(false)
  cpu.modeChanged()
}

/** HLT. */
export function halt(sys: System): void {
  requireCpl0(sys)
  const { state } = sys
  state.setWord(S.halted, 1)
  state.setWord(S.shadow, 0)
}

export function invalidatePage(sys: System, segment: number, low: number, high: number): void {
  requireCpl0(sys)
  const { state, cpu } = sys
  const long = state.code64
  let linear = high * 4294967296 + (low >>> 0)
  if (!long || segment >= 4) linear += state.segBase(segment)
  cpu.flushTlbPage(long ? linear : linear >>> 0)
}
