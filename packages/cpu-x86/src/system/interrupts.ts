/** Delivery of interrupts and exceptions through the IDT or the vector table. SDM vol. 3A, chapter 6. */
import { GuestFault, type Cpu } from '../cpu.ts'
import { DESC, dplOf, FLAG, TR, typeOf } from '../cpu-state.ts'
import { EXC, S } from '../state.ts'
import {
  baseOf,
  descriptor,
  flagsOf,
  isNull,
  limitOf,
  setAccessed,
  setCode,
  setRealCode,
  setVm,
  stackDescriptor,
  type Descriptor,
} from './segments.ts'
import { canonical, systemOf, type Stack, type System, type Width } from './system.ts'
import { switchTask } from './tasks.ts'

/** Where an event came from. INT n, INT3 and INTO are `software`: their gate's DPL counts, and RIP is the next instruction. */
export type Origin = 'software' | 'exception' | 'external'

/** Delivers one event; throws GuestFault if that fails, with RIP, RSP and the segments as they were. */
export function deliver(sys: System, vector: number, origin: Origin, errorCode?: number): void {
  const { state } = sys
  if ((state.cr0 & 1) === 0) deliverReal(sys, vector)
  else if (state.longMode) deliverLong(sys, vector, origin, errorCode)
  else deliverProtected(sys, vector, origin, errorCode)
}

function deliverReal(sys: System, vector: number): void {
  const { state, linear, stack } = sys
  if (vector * 4 + 3 > state.word(S.idtLimit)) throw new GuestFault(EXC.GP, vector * 8 + 2)
  const at = state.num(S.idtBase) + vector * 4
  const offset = linear.read16(at, false)
  const selector = linear.read16(at + 2, false)
  stack.current()
  stack.push(16, state.eflags)
  stack.push(16, state.selector(1))
  stack.push(16, state.rip)
  stack.commit()
  state.rip = offset
  state.systemFlags &= ~(FLAG.IF | FLAG.TF | FLAG.AC | FLAG.RF)
  setRealCode(sys, selector)
}

interface Gate {
  readonly type: number
  readonly selector: number
  readonly offset: number
  readonly ist: number
}

/** The gate of a vector, with the checks that do not depend on its type. */
function gateOf(sys: System, vector: number, origin: Origin, types: readonly number[]): Gate {
  const { state, linear } = sys
  const long = state.longMode
  const bytes = long ? 16 : 8
  const ext = origin === 'software' ? 0 : 1
  const code = vector * 8 + 2 + ext
  if (vector * bytes + bytes - 1 > state.word(S.idtLimit)) throw new GuestFault(EXC.GP, code)
  const at = linear.wrap(state.num(S.idtBase) + vector * bytes)
  const low = linear.read32(at, false)
  const high = linear.read32(linear.wrap(at + 4), false)
  const type = typeOf(high)
  if ((high & DESC.system) !== 0 || !types.includes(type)) throw new GuestFault(EXC.GP, code)
  if (origin === 'software' && dplOf(high) < state.cpl) throw new GuestFault(EXC.GP, code)
  if ((high & DESC.present) === 0) throw new GuestFault(EXC.NP, code)
  let offset = ((low & 0xffff) | (type === 6 || type === 7 ? 0 : high & 0xffff_0000)) >>> 0
  if (long) offset += linear.read32(at + 8, false) * 4294967296
  return { type, selector: low >>> 16, offset, ist: high & 7 }
}

/** The code segment a gate leads to. */
function targetOf(sys: System, selector: number, ext: number): Descriptor {
  if (isNull(selector)) throw new GuestFault(EXC.GP, ext)
  const d = descriptor(sys, selector, EXC.GP, ext)
  const code = (selector & 0xfffc) | ext
  if ((d.high & (DESC.system | DESC.code)) !== (DESC.system | DESC.code) || dplOf(d.high) > sys.state.cpl) {
    throw new GuestFault(EXC.GP, code)
  }
  if ((d.high & DESC.present) === 0) throw new GuestFault(EXC.NP, code)
  return d
}

function enter(sys: System, gateType: number, offset: number): void {
  const { state } = sys
  const clear = FLAG.TF | FLAG.VM | FLAG.RF | FLAG.NT | ((gateType & 1) === 0 ? FLAG.IF : 0)
  state.systemFlags &= ~clear
  state.rip = offset
}

function deliverProtected(sys: System, vector: number, origin: Origin, errorCode?: number): void {
  const { state, stack } = sys
  const ext = origin === 'software' ? 0 : 1
  const gate = gateOf(sys, vector, origin, [5, 6, 7, 14, 15])
  if (gate.type === 5) {
    switchTask(sys, gate.selector, 'call', state.rip, ext)
    if (errorCode !== undefined) {
      const wide = (typeOf(state.segFlags(TR)) & 8) !== 0
      stack.current()
      stack.push(wide ? 32 : 16, errorCode)
      stack.commit()
    }
    return
  }
  const d = targetOf(sys, gate.selector, ext)
  const conforming = (d.high & DESC.conforming) !== 0
  const dpl = dplOf(d.high)
  const size: Width = (gate.type & 8) !== 0 ? 32 : 16
  const { v86 } = state
  const oldFlags = state.eflags
  const inner = !conforming && dpl < state.cpl
  if (v86 && (conforming || dpl !== 0)) throw new GuestFault(EXC.GP, (gate.selector & 0xfffc) | ext)
  const ss = inner ? innerStack(sys, dpl, ext) : undefined
  if (ss === undefined) stack.current()
  if (v86) for (const i of [5, 4, 3, 0]) stack.push(size, state.selector(i))
  if (ss !== undefined) {
    stack.push(size, state.selector(2))
    stack.push(size, state.gprLow(4))
  }
  stack.push(size, oldFlags)
  stack.push(size, state.selector(1))
  stack.push(size, state.rip)
  if (errorCode !== undefined) stack.push(size, errorCode)

  // The last that can fault.
  setAccessed(sys, d)
  if (ss !== undefined) setAccessed(sys, ss.descriptor)
  if (v86) {
    setVm(sys, false)
    for (const i of [0, 3, 4, 5]) state.setSegment(i, 0, 0, 0, 0)
  }
  if (ss !== undefined) {
    state.resetSegment(2, ss.selector, baseOf(ss.descriptor), limitOf(ss.descriptor), flagsOf(ss.descriptor))
  }
  stack.commit()
  enter(sys, gate.type, gate.offset)
  setCode(sys, gate.selector, d, ss !== undefined ? dpl : state.cpl)
}

export interface InnerStack {
  readonly selector: number
  readonly descriptor: Descriptor
}

/** Opens sys.stack on the stack that the TSS names for an inner privilege level. */
export function innerStack(sys: System, dpl: number, ext: number): InnerStack {
  const { state, linear, stack } = sys
  const wide = (typeOf(state.segFlags(TR)) & 8) !== 0
  const at = wide ? 4 + 8 * dpl : 2 + 4 * dpl
  if (at + (wide ? 5 : 3) > state.segLimit(TR)) throw new GuestFault(EXC.TS, (state.selector(TR) & 0xfffc) | ext)
  const base = state.segBase(TR)
  const sp = wide ? linear.read32(linear.wrap(base + at), false) : linear.read16(linear.wrap(base + at), false)
  const selector = linear.read16(linear.wrap(base + at + (wide ? 4 : 2)), false)
  if (isNull(selector)) throw new GuestFault(EXC.TS, ext)
  const d = stackDescriptor(sys, selector, dpl, EXC.TS, ext)
  openStack(stack, d, sp, dpl, (selector & 0xfffc) | ext)
  return { selector, descriptor: d }
}

/** Points a stack at a segment that is not in SS yet. */
export function openStack(stack: Stack, d: Descriptor, sp: number, cpl: number, code: number): void {
  const big = (d.high & DESC.big) !== 0
  const down = (d.high & DESC.down) !== 0
  const limit = limitOf(d)
  const top = big ? 0xffff_ffff : 0xffff
  stack.other(baseOf(d), sp, big ? 32 : 16, cpl === 3, down ? limit + 1 : 0, down ? top : limit, code)
}

/** RSP of the TSS: 0 to 2 are the privilege levels, 3 + n is IST n. SDM vol. 3A, 7.7. */
export function tssStack(sys: System, slot: number, ext: number): number {
  const { state, linear } = sys
  const at = slot < 3 ? 4 + 8 * slot : 0x24 + 8 * (slot - 4)
  if (at + 7 > state.segLimit(TR)) throw new GuestFault(EXC.TS, (state.selector(TR) & 0xfffc) | ext)
  const sp = linear.readNum(state.segBase(TR) + at, false)
  if (!canonical(sp)) throw new GuestFault(EXC.SS, ext)
  return sp
}

function deliverLong(sys: System, vector: number, origin: Origin, errorCode?: number): void {
  const { state, stack } = sys
  const ext = origin === 'software' ? 0 : 1
  const gate = gateOf(sys, vector, origin, [14, 15])
  const d = targetOf(sys, gate.selector, ext)
  if ((d.high & DESC.long) === 0 || (d.high & DESC.big) !== 0) {
    throw new GuestFault(EXC.GP, (gate.selector & 0xfffc) | ext)
  }
  const conforming = (d.high & DESC.conforming) !== 0
  const cpl = conforming ? state.cpl : dplOf(d.high)
  const inner = cpl < state.cpl
  let sp = inner ? 0 : state.rsp
  if (gate.ist !== 0) sp = tssStack(sys, 3 + gate.ist, ext)
  else if (inner) sp = tssStack(sys, cpl, ext)
  if (!canonical(gate.offset)) throw new GuestFault(EXC.GP, 0)
  stack.other(0, sp - (sp & 15), 64, cpl === 3, 0, 0, 0)
  stack.push(64, state.selector(2))
  stack.push(64, state.rsp)
  stack.push(64, state.eflags)
  stack.push(64, state.selector(1))
  stack.push(64, state.rip)
  if (errorCode !== undefined) stack.push(64, errorCode)
  setAccessed(sys, d)
  if (inner) state.resetSegment(2, cpl, 0, 0, cpl << 13)
  state.rsp = stack.sp
  enter(sys, gate.type, gate.offset)
  setCode(sys, gate.selector, d, cpl)
}

/** INT n, with V86's rule: below IOPL 3 it is the monitor's. */
export function softwareInterrupt(cpu: Cpu, vector: number): void {
  const sys = systemOf(cpu)
  const { state } = sys
  if (state.v86 && state.iopl < 3) throw new GuestFault(EXC.GP, 0)
  deliver(sys, vector, 'software')
}
