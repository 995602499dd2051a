/** Descriptors and the loading of segment registers. SDM vol. 3A, chapters 3 and 5. */
import { GuestFault } from '../cpu.ts'
import { CR0, DESC, dplOf, FLAG, LDTR, TR, typeOf } from '../cpu-state.ts'
import { EXC, S } from '../state.ts'
import type { System } from './system.ts'

export interface Descriptor {
  low: number
  high: number
  /** Linear address it was read from. */
  at: number
}

export const baseOf = (d: Descriptor): number =>
  ((d.low >>> 16) | ((d.high & 0xff) << 16) | (d.high & 0xff00_0000)) >>> 0
/** Last byte, unsigned. */
export function limitOf(d: Descriptor): number {
  const limit = (d.low & 0xffff) | (d.high & 0xf_0000)
  return (d.high & DESC.granular) !== 0 ? ((limit << 12) | 0xfff) >>> 0 : limit
}
/** The part of the second word that a segment register keeps. */
export const flagsOf = (d: Descriptor): number => d.high

export const isNull = (selector: number): boolean => (selector & 0xfffc) === 0

/** Reads the descriptor a selector names; outside the table the given exception with the selector is raised. */
export function descriptor(sys: System, selector: number, vector: number = EXC.GP, ext = 0): Descriptor {
  const found = peek(sys, selector, 8)
  if (found === undefined) throw new GuestFault(vector, (selector & 0xfffc) | ext)
  return found
}

/** The same, or undefined outside the table. */
export function peek(sys: System, selector: number, bytes = 8): Descriptor | undefined {
  const { state, linear } = sys
  const local = (selector & 4) !== 0
  const base = local ? state.segBase(LDTR) : state.num(S.gdtBase)
  const limit = local ? state.segLimit(LDTR) : state.word(S.gdtLimit)
  if (local && isNull(state.selector(LDTR))) return undefined
  const index = selector & 0xfff8
  if (index + bytes - 1 > limit) return undefined
  const at = linear.wrap(base + index)
  return { low: linear.read32(at, false), high: linear.read32(linear.wrap(at + 4), false), at }
}

/** Upper half of a base in a 16-byte descriptor of long mode. */
export function highBase(sys: System, d: Descriptor): number {
  return sys.linear.read32(d.at + 8, false)
}

export function setAccessed(sys: System, d: Descriptor): void {
  if ((d.high & DESC.accessed) !== 0) return
  d.high |= DESC.accessed
  sys.linear.write32(sys.linear.wrap(d.at + 4), d.high, false)
}

/** Puts a descriptor into a segment register, and tells the processor if what code is keyed by may have changed. */
export function setSegment(sys: System, i: number, selector: number, base: number, limit: number, flags: number): void {
  const { state, cpu } = sys
  const same =
    i !== 1 && state.segFlags(i) === (flags | 0) && state.segLimit(i) === limit >>> 0 && state.segBase(i) === base
  state.resetSegment(i, selector, base, limit, flags)
  if (!same && i <= 3) cpu.modeChanged()
}

export function setFrom(sys: System, i: number, selector: number, d: Descriptor): void {
  setSegment(sys, i, selector, baseOf(d), limitOf(d), flagsOf(d))
}

const fail = (vector: number, selector: number): never => {
  throw new GuestFault(vector, selector & 0xfffc)
}

/** MOV and POP to ES, SS, DS, FS, GS, and LES and its kin. */
export function loadSegment(sys: System, i: number, selector: number): void {
  const { state } = sys
  if (!state.protectedMode) {
    if (state.v86) setSegment(sys, i, selector, selector * 16, 0xffff, 0xf300)
    else setSegment(sys, i, selector, selector * 16, state.segLimit(i), state.segFlags(i))
    return
  }
  if (i === 2) loadStack(sys, selector, state.cpl)
  else loadData(sys, i, selector)
}

function loadData(sys: System, i: number, selector: number): void {
  if (isNull(selector)) {
    setSegment(sys, i, selector, 0, 0, 0)
    return
  }
  const d = descriptor(sys, selector)
  const { high } = d
  const code = (high & DESC.code) !== 0
  if ((high & DESC.system) === 0 || (code && (high & DESC.readable) === 0)) fail(EXC.GP, selector)
  const conforming = code && (high & DESC.conforming) !== 0
  if (!conforming && dplOf(high) < Math.max(sys.state.cpl, selector & 3)) fail(EXC.GP, selector)
  if ((high & DESC.present) === 0) fail(EXC.NP, selector)
  setAccessed(sys, d)
  setFrom(sys, i, selector, d)
}

function loadStack(sys: System, selector: number, cpl: number): void {
  if (isNull(selector)) {
    if (!sys.state.code64 || cpl === 3 || (selector & 3) !== cpl) throw new GuestFault(EXC.GP, 0)
    setSegment(sys, 2, selector, 0, 0, cpl << 13)
    return
  }
  const d = stackDescriptor(sys, selector, cpl, EXC.GP)
  setAccessed(sys, d)
  setFrom(sys, 2, selector, d)
}

/** A stack segment for a privilege level, checked. Not null. The vector is #TS where a TSS named it. */
export function stackDescriptor(
  sys: System,
  selector: number,
  cpl: number,
  vector: number,
  ext = 0,
  absent: number = EXC.SS,
): Descriptor {
  const code = (selector & 0xfffc) | ext
  const d = descriptor(sys, selector, vector, ext)
  const { high } = d
  const data = (high & (DESC.system | DESC.code | DESC.writable)) === (DESC.system | DESC.writable)
  if ((selector & 3) !== cpl || dplOf(high) !== cpl || !data) throw new GuestFault(vector, code)
  if ((high & DESC.present) === 0) throw new GuestFault(absent, code)
  return d
}

/** CS of a target that was checked. In 64-bit code the base counts as zero, whatever the descriptor says. */
export function setCode(sys: System, selector: number, d: Descriptor, cpl: number): void {
  setAccessed(sys, d)
  const long = sys.state.longMode && (d.high & DESC.long) !== 0
  const { state } = sys
  state.resetSegment(1, (selector & 0xfffc) | cpl, long ? 0 : baseOf(d), limitOf(d), flagsOf(d))
  state.cpl = cpl
  sys.cpu.modeChanged()
}

/** CS in real mode and V86. */
export function setRealCode(sys: System, selector: number): void {
  sys.state.setRealSegment(1, selector)
  sys.cpu.modeChanged()
}

/** All segments of a task in V86. */
export function setV86(sys: System, selectors: readonly number[]): void {
  selectors.forEach((selector, i) => sys.state.setSegment(i, selector, selector * 16, 0xffff, 0xf300))
  sys.state.cpl = 3
  sys.cpu.modeChanged()
}

/** Bounds of all segments, after CR0.PE or EFLAGS.VM has changed. */
export function rebound(sys: System): void {
  for (let i = 0; i < 6; i++) sys.state.boundSegment(i)
}

/** A return to an outer level hides what that level may not see. SDM vol. 3A, 5.8.6. */
export function hideInner(sys: System, cpl: number): void {
  const { state } = sys
  for (const i of [0, 3, 4, 5]) {
    const flags = state.segFlags(i)
    const conforming = (flags & (DESC.code | DESC.conforming)) === (DESC.code | DESC.conforming)
    if (isNull(state.selector(i)) || (dplOf(flags) < cpl && !conforming)) {
      // 64-bit code may have set FS and GS bases by MSR under a null selector; they stay, as on Intel's processors.
      if (isNull(state.selector(i)) && flags === 0) continue
      setSegment(sys, i, 0, 0, 0, 0)
    }
  }
}

function requireProtected(sys: System): void {
  if (!sys.state.protectedMode) throw new GuestFault(EXC.UD)
}

export function requireCpl0(sys: System): void {
  if (sys.state.cpl !== 0) throw new GuestFault(EXC.GP, 0)
}

export function lldt(sys: System, selector: number): void {
  requireProtected(sys)
  requireCpl0(sys)
  if (isNull(selector)) {
    sys.state.setSegment(LDTR, selector, 0, 0, 0)
    return
  }
  const d = systemDescriptor(sys, selector)
  if ((d.high & DESC.system) !== 0 || typeOf(d.high) !== 2) fail(EXC.GP, selector)
  if ((d.high & DESC.present) === 0) fail(EXC.NP, selector)
  sys.state.setSegment(LDTR, selector, wideBase(sys, d), limitOf(d), flagsOf(d))
}

const TSS_BUSY = 0x200

/**
 * The descriptor in memory becomes busy; the hidden part of TR, which a guest cannot see, stays as it was read. A
 * QEMU that takes over the guest insists on that: it ends itself at a busy 32-bit TSS in TR.
 */
export function ltr(sys: System, selector: number): void {
  requireProtected(sys)
  requireCpl0(sys)
  if (isNull(selector)) throw new GuestFault(EXC.GP, 0)
  const d = systemDescriptor(sys, selector)
  const type = typeOf(d.high)
  const available = type === 9 || (type === 1 && !sys.state.longMode)
  if ((d.high & DESC.system) !== 0 || !available) fail(EXC.GP, selector)
  if ((d.high & DESC.present) === 0) fail(EXC.NP, selector)
  const base = wideBase(sys, d)
  sys.linear.write32(sys.linear.wrap(d.at + 4), d.high | TSS_BUSY, false)
  sys.state.setSegment(TR, selector, base, limitOf(d), flagsOf(d))
}

/** A descriptor of the GDT for LDTR or TR: 16 bytes in long mode. */
function systemDescriptor(sys: System, selector: number): Descriptor {
  if ((selector & 4) !== 0) fail(EXC.GP, selector)
  const d = peek(sys, selector, sys.state.longMode ? 16 : 8)
  if (d === undefined) return fail(EXC.GP, selector)
  return d
}

function wideBase(sys: System, d: Descriptor): number {
  return baseOf(d) + (sys.state.longMode ? highBase(sys, d) * 4294967296 : 0)
}

/** What LAR, LSL, VERR and VERW may see; undefined: ZF is cleared. */
export function inspect(sys: System, selector: number, what: 'lar' | 'lsl' | 'verr' | 'verw'): Descriptor | undefined {
  requireProtected(sys)
  if (isNull(selector)) return undefined
  const d = peek(sys, selector)
  if (d === undefined) return undefined
  const { high } = d
  const code = (high & DESC.code) !== 0
  const conforming = code && (high & DESC.conforming) !== 0
  const reachable = dplOf(high) >= Math.max(sys.state.cpl, selector & 3)
  if ((high & DESC.system) === 0) {
    const long = sys.state.longMode
    const types =
      what === 'lar' ? (long ? [2, 9, 11, 12] : [1, 2, 3, 4, 5, 9, 11, 12]) : long ? [2, 9, 11] : [1, 2, 3, 9, 11]
    if (what === 'verr' || what === 'verw' || !types.includes(typeOf(high))) return undefined
    return reachable ? d : undefined
  }
  if (what === 'verw' && (code || (high & DESC.writable) === 0)) return undefined
  if (what === 'verr' && code && (high & DESC.readable) === 0) return undefined
  return conforming || reachable ? d : undefined
}

/** Sets EFLAGS.VM or clears it along with the bounds that depend on it. */
export function setVm(sys: System, on: boolean): void {
  const { state } = sys
  if (on === state.v86) return
  state.systemFlags = on ? state.systemFlags | FLAG.VM : state.systemFlags & ~FLAG.VM
  rebound(sys)
}

export const protectedEnabled = (sys: System): boolean => (sys.state.cr0 & CR0.PE) !== 0
