/** IRET in all modes. SDM vol. 2A, IRET. */
import { GuestFault } from '../cpu.ts'
import { FLAG, TR } from '../cpu-state.ts'
import { EXC } from '../state.ts'
import { returnOuter, returnTarget } from './far.ts'
import { DESC } from '../cpu-state.ts'
import { limitOf, rebound, setAccessed, setCode, setRealCode, setV86 } from './segments.ts'
import { canonical, type System, type Width } from './system.ts'
import { switchTask } from './tasks.ts'

/** Flags that IRET and POPF change at any privilege. RF lasts one instruction only, so it is not kept. */
export const FREE =
  FLAG.CF | FLAG.PF | FLAG.AF | FLAG.ZF | FLAG.SF | FLAG.TF | FLAG.DF | FLAG.OF | FLAG.NT | FLAG.AC | FLAG.ID

/** Flags after a load of `value` in the given width, with what this privilege may change. */
export function loadFlags(old: number, value: number, size: Width, cpl: number): number {
  const iopl = (old >> 12) & 3
  let mask: number = FREE
  if (cpl <= iopl) mask |= FLAG.IF
  if (cpl === 0) mask |= FLAG.IOPL
  if (size === 16) mask &= 0xffff
  return ((old & ~mask) | (value & mask)) >>> 0
}

export function interruptReturn(sys: System, size: Width): void {
  const { state } = sys
  if (state.protectedMode) {
    if ((state.systemFlags & FLAG.NT) !== 0) nested(sys)
    else returnProtected(sys, size)
  } else returnReal(sys, size)
  state.nmiBlocked = false
}

function returnReal(sys: System, size: Width): void {
  const { state, stack } = sys
  const { v86 } = state
  if (v86 && state.iopl < 3) throw new GuestFault(EXC.GP, 0)
  stack.current()
  const offset = stack.pop(size)
  const selector = stack.pop(size) & 0xffff
  const flags = stack.pop(size)
  if (offset > 0xffff) throw new GuestFault(EXC.GP, 0)
  stack.commit()
  state.rip = offset
  state.eflags = loadFlags(state.eflags, flags, size, v86 ? 3 : 0)
  setRealCode(sys, selector)
}

function nested(sys: System): void {
  const { state, linear } = sys
  if (state.longMode) throw new GuestFault(EXC.GP, 0)
  const back = linear.read16(linear.wrap(state.segBase(TR)), false)
  if ((back & 4) !== 0) throw new GuestFault(EXC.TS, back & 0xfffc)
  switchTask(sys, back, 'return', state.rip)
}

function returnProtected(sys: System, size: Width): void {
  const { state, stack } = sys
  stack.current()
  const offset = stack.pop(size)
  const selector = stack.pop(size) & 0xffff
  const flags = stack.pop(size)
  if (size === 32 && !state.longMode && (flags & FLAG.VM) !== 0 && state.cpl === 0) {
    toV86(sys, offset, selector, flags)
    return
  }
  const d = returnTarget(sys, selector)
  const long = state.longMode && (d.high & DESC.long) !== 0
  if (long ? !canonical(offset) : offset !== offset >>> 0 || offset > limitOf(d)) throw new GuestFault(EXC.GP, 0)
  const cpl = state.cpl
  if ((selector & 3) === cpl && !state.code64) {
    setAccessed(sys, d)
    stack.commit()
    setCode(sys, selector, d, cpl)
    state.rip = offset
  } else {
    const sp = stack.pop(size)
    const ss = stack.pop(size) & 0xffff
    returnOuter(sys, { selector, d, offset, ss, sp, drop: 0 })
  }
  state.eflags = loadFlags(state.eflags, flags, size, cpl)
}

function toV86(sys: System, offset: number, cs: number, flags: number): void {
  const { state, stack } = sys
  const sp = stack.pop(32)
  const ss = stack.pop(32) & 0xffff
  const es = stack.pop(32) & 0xffff
  const ds = stack.pop(32) & 0xffff
  const fs = stack.pop(32) & 0xffff
  const gs = stack.pop(32) & 0xffff
  state.eflags = loadFlags(state.eflags, flags, 32, 0) | FLAG.VM
  rebound(sys)
  state.rip = offset & 0xffff
  state.setGpr32(4, sp)
  setV86(sys, [es, cs, ss, ds, fs, gs])
}
