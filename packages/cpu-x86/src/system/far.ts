/** Far jumps, calls and returns, through code segments, call gates and tasks. SDM vol. 2A, CALL, JMP, RET; vol. 3A, 5.8. */
import { GuestFault } from '../cpu.ts'
import { DESC, dplOf, typeOf } from '../cpu-state.ts'
import { EXC } from '../state.ts'
import { innerStack, tssStack } from './interrupts.ts'
import {
  baseOf,
  descriptor,
  flagsOf,
  hideInner,
  isNull,
  limitOf,
  peek,
  setAccessed,
  setCode,
  setFrom,
  setRealCode,
  stackDescriptor,
  type Descriptor,
} from './segments.ts'
import { canonical, type System, type Width } from './system.ts'
import { switchTask } from './tasks.ts'

const fail = (vector: number, selector: number): never => {
  throw new GuestFault(vector, selector & 0xfffc)
}

const isCode = (high: number): boolean => (high & (DESC.system | DESC.code)) === (DESC.system | DESC.code)
const isConforming = (high: number): boolean => (high & DESC.conforming) !== 0

/** A direct target: code of the same privilege, or conforming. */
function checkCode(sys: System, selector: number, d: Descriptor): void {
  const { state } = sys
  const dpl = dplOf(d.high)
  if (isConforming(d.high)) {
    if (dpl > state.cpl) fail(EXC.GP, selector)
  } else if ((selector & 3) > state.cpl || dpl !== state.cpl) fail(EXC.GP, selector)
  if (state.longMode && (d.high & DESC.long) !== 0 && (d.high & DESC.big) !== 0) fail(EXC.GP, selector)
  if ((d.high & DESC.present) === 0) fail(EXC.NP, selector)
}

/** RIP in a code segment: inside its limit, or canonical. */
function checkOffset(sys: System, d: Descriptor, offset: number): void {
  const long = sys.state.longMode && (d.high & DESC.long) !== 0
  if (long ? !canonical(offset) : offset >>> 0 > limitOf(d) || offset !== offset >>> 0) throw new GuestFault(EXC.GP, 0)
}

const narrow = (offset: number, size: Width): number =>
  size === 64 ? offset : size === 32 ? offset >>> 0 : offset & 0xffff

export function jumpFar(sys: System, selector: number, offset: number, size: Width): void {
  const { state } = sys
  if (!state.protectedMode) {
    state.rip = narrow(offset, size)
    setRealCode(sys, selector)
    return
  }
  if (isNull(selector)) fail(EXC.GP, 0)
  const d = descriptor(sys, selector)
  if ((d.high & DESC.system) !== 0) {
    if (!isCode(d.high)) fail(EXC.GP, selector)
    checkCode(sys, selector, d)
    checkOffset(sys, d, narrow(offset, size))
    setCode(sys, selector, d, state.cpl)
    state.rip = narrow(offset, size)
    return
  }
  const type = typeOf(d.high)
  if (type === 12 || (type === 4 && !state.longMode)) {
    const gate = callGate(sys, selector, d)
    if (dplOf(gate.code.high) !== state.cpl && !isConforming(gate.code.high)) fail(EXC.GP, gate.selector)
    checkOffset(sys, gate.code, gate.offset)
    setCode(sys, gate.selector, gate.code, state.cpl)
    state.rip = gate.offset
    return
  }
  taskTransfer(sys, selector, d, 'jump')
}

function taskTransfer(sys: System, selector: number, d: Descriptor, reason: 'jump' | 'call'): void {
  const { state } = sys
  const type = typeOf(d.high)
  if (state.longMode || ![1, 5, 9].includes(type)) fail(EXC.GP, selector)
  if (dplOf(d.high) < Math.max(state.cpl, selector & 3)) fail(EXC.GP, selector)
  switchTask(sys, selector, reason, state.rip)
}

interface CallGate {
  readonly selector: number
  readonly code: Descriptor
  readonly offset: number
  readonly count: number
  readonly size: Width
}

function callGate(sys: System, selector: number, d: Descriptor): CallGate {
  const { state, linear } = sys
  const long = state.longMode
  if (dplOf(d.high) < Math.max(state.cpl, selector & 3)) fail(EXC.GP, selector)
  if (long && peek(sys, selector, 16) === undefined) fail(EXC.GP, selector)
  if ((d.high & DESC.present) === 0) fail(EXC.NP, selector)
  const wide = typeOf(d.high) === 12
  let offset = ((d.low & 0xffff) | (wide ? d.high & 0xffff_0000 : 0)) >>> 0
  if (long) {
    if ((linear.read32(d.at + 12, false) & 0x1f00) !== 0) fail(EXC.GP, selector)
    offset += linear.read32(d.at + 8, false) * 4294967296
  }
  const target = d.low >>> 16
  if (isNull(target)) fail(EXC.GP, 0)
  const code = descriptor(sys, target)
  if (!isCode(code.high) || dplOf(code.high) > state.cpl) fail(EXC.GP, target)
  if (long && (code.high & (DESC.long | DESC.big)) !== DESC.long) fail(EXC.GP, target)
  if ((code.high & DESC.present) === 0) fail(EXC.NP, target)
  return { selector: target, code, offset, count: d.high & 31, size: long ? 64 : wide ? 32 : 16 }
}

export function callFar(sys: System, selector: number, offset: number, size: Width): void {
  const { state, stack } = sys
  if (!state.protectedMode) {
    stack.current()
    stack.push(size, state.selector(1))
    stack.push(size, state.rip)
    stack.commit()
    state.rip = narrow(offset, size)
    setRealCode(sys, selector)
    return
  }
  if (isNull(selector)) fail(EXC.GP, 0)
  const d = descriptor(sys, selector)
  if ((d.high & DESC.system) !== 0) {
    if (!isCode(d.high)) fail(EXC.GP, selector)
    checkCode(sys, selector, d)
    checkOffset(sys, d, narrow(offset, size))
    stack.current()
    stack.push(size, state.selector(1))
    stack.push(size, state.rip)
    setAccessed(sys, d)
    stack.commit()
    setCode(sys, selector, d, state.cpl)
    state.rip = narrow(offset, size)
    return
  }
  const type = typeOf(d.high)
  if (type === 12 || (type === 4 && !state.longMode)) callThrough(sys, callGate(sys, selector, d))
  else taskTransfer(sys, selector, d, 'call')
}

function callThrough(sys: System, gate: CallGate): void {
  const { state, stack } = sys
  const { size, code } = gate
  checkOffset(sys, code, gate.offset)
  const dpl = dplOf(code.high)
  if (isConforming(code.high) || dpl === state.cpl) {
    stack.current()
    stack.push(size, state.selector(1))
    stack.push(size, state.rip)
    setAccessed(sys, code)
    stack.commit()
    setCode(sys, gate.selector, code, state.cpl)
    state.rip = gate.offset
    return
  }
  if (size === 64) {
    stack.other(0, tssStack(sys, dpl, 0), 64, false, 0, 0, 0)
    stack.push(64, state.selector(2))
    stack.push(64, state.rsp)
    stack.push(64, state.selector(1))
    stack.push(64, state.rip)
    setAccessed(sys, code)
    state.setSegment(2, dpl, 0, 0, dpl << 13)
    state.rsp = stack.sp
  } else {
    const values: number[] = []
    stack.current()
    for (let i = 0; i < gate.count; i++) values.push(stack.pop(size))
    const ss = innerStack(sys, dpl, 0)
    stack.push(size, state.selector(2))
    stack.push(size, state.gprLow(4))
    for (const v of values.reverse()) stack.push(size, v)
    stack.push(size, state.selector(1))
    stack.push(size, state.rip)
    setAccessed(sys, code)
    setAccessed(sys, ss.descriptor)
    state.setSegment(2, ss.selector, baseOf(ss.descriptor), limitOf(ss.descriptor), flagsOf(ss.descriptor))
    stack.commit()
  }
  setCode(sys, gate.selector, code, dpl)
  state.rip = gate.offset
}

/** RETF, with bytes of parameters to drop. */
export function returnFar(sys: System, size: Width, drop: number): void {
  const { state, stack } = sys
  stack.current()
  const offset = stack.pop(size)
  const selector = stack.pop(size) & 0xffff
  if (!state.protectedMode) {
    stack.skip(drop)
    stack.commit()
    state.rip = offset
    setRealCode(sys, selector)
    return
  }
  const d = returnTarget(sys, selector)
  checkOffset(sys, d, offset)
  if ((selector & 3) === state.cpl) {
    setAccessed(sys, d)
    stack.skip(drop)
    stack.commit()
    setCode(sys, selector, d, state.cpl)
    state.rip = offset
    return
  }
  stack.skip(drop)
  const sp = stack.pop(size)
  const ss = stack.pop(size) & 0xffff
  returnOuter(sys, { selector, d, offset, ss, sp, drop })
}

/** The code segment of a far return or IRET, checked. */
export function returnTarget(sys: System, selector: number): Descriptor {
  if (isNull(selector)) fail(EXC.GP, 0)
  const d = descriptor(sys, selector)
  const rpl = selector & 3
  const dpl = dplOf(d.high)
  if (!isCode(d.high) || rpl < sys.state.cpl) fail(EXC.GP, selector)
  if (isConforming(d.high) ? dpl > rpl : dpl !== rpl) fail(EXC.GP, selector)
  if (sys.state.longMode && (d.high & (DESC.long | DESC.big)) === (DESC.long | DESC.big)) fail(EXC.GP, selector)
  if ((d.high & DESC.present) === 0) fail(EXC.NP, selector)
  return d
}

interface OuterReturn {
  readonly selector: number
  readonly d: Descriptor
  readonly offset: number
  readonly ss: number
  readonly sp: number
  readonly drop: number
}

/** To an outer privilege level with the stack that was popped (or to the same with it, for IRETQ). */
export function returnOuter(sys: System, r: OuterReturn): void {
  const { state } = sys
  const cpl = r.selector & 3
  const was = state.cpl
  const long = state.longMode && (r.d.high & DESC.long) !== 0
  let ss: Descriptor | undefined
  if (isNull(r.ss)) {
    if (!long || cpl === 3) fail(EXC.GP, 0)
  } else {
    ss = stackDescriptor(sys, r.ss, cpl, EXC.GP)
    setAccessed(sys, ss)
  }
  if (long && !canonical(r.offset)) throw new GuestFault(EXC.GP, 0)
  setAccessed(sys, r.d)
  setCode(sys, r.selector, r.d, cpl)
  if (ss === undefined) state.setSegment(2, r.ss, 0, 0, cpl << 13)
  else setFrom(sys, 2, r.ss, ss)
  state.rip = r.offset
  const wide = long || ss === undefined ? 64 : (ss.high & DESC.big) !== 0 ? 32 : 16
  if (wide === 64) state.rsp = r.sp + r.drop
  else if (wide === 32) state.setGpr32(4, r.sp + r.drop)
  else state.setWord(4 * 8, (state.gprLow(4) & ~0xffff) | ((r.sp + r.drop) & 0xffff))
  if (cpl > was) hideInner(sys, cpl)
}
