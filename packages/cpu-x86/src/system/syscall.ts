/** SYSCALL, SYSRET, SYSENTER, SYSEXIT. APM vol. 2, 6.1; SDM vol. 3A, 5.8.7. */
import { GuestFault } from '../cpu.ts'
import { EFER, FLAG } from '../cpu-state.ts'
import { EXC, S } from '../state.ts'
import { setVm } from './segments.ts'
import { canonical, type System, type Width } from './system.ts'

export const CODE32 = 0x00cf_9b00
export const CODE64 = 0x00af_9b00
export const DATA = 0x00cf_9300
export const DPL3 = 0x6000
/** What SYSRET takes from R11. */
export const RETURN_FLAGS = 0x003f_7fd5 & ~(FLAG.RF | FLAG.VM)
const FLAT = 0xffff_ffff

function flatCode(sys: System, selector: number, flags: number, cpl: number): void {
  const { state } = sys
  state.resetSegment(1, (selector & 0xfffc) | cpl, 0, FLAT, flags | (cpl === 3 ? DPL3 : 0))
  state.resetSegment(2, ((selector + 8) & 0xfffc) | cpl, 0, FLAT, DATA | (cpl === 3 ? DPL3 : 0))
  state.cpl = cpl
  sys.cpu.modeChanged()
}

/** RIP is the next instruction. */
export function systemCall(sys: System): void {
  const { state } = sys
  if ((state.efer & EFER.SCE) === 0) throw new GuestFault(EXC.UD)
  const selector = state.high(S.star) & 0xffff
  if (state.longMode) {
    const from64 = state.code64
    const target = state.num(from64 ? S.lstar : S.cstar)
    if (!canonical(target)) throw new GuestFault(EXC.GP, 0)
    const flags = state.eflags
    state.setNum(S.gpr + 8, state.rip)
    state.setPair(S.gpr + 8 * 11, flags & ~FLAG.RF, 0)
    state.eflags = flags & ~state.low(S.fmask) & ~FLAG.RF
    state.rip = target
    flatCode(sys, selector, CODE64, 0)
    return
  }
  state.setGpr32(1, state.rip)
  setVm(sys, false)
  state.systemFlags &= ~(FLAG.IF | FLAG.RF)
  state.rip = state.low(S.star) >>> 0
  flatCode(sys, selector, CODE32, 0)
}

export function systemReturn(sys: System, size: Width): void {
  const { state } = sys
  if ((state.efer & EFER.SCE) === 0) throw new GuestFault(EXC.UD)
  if (!state.protectedMode || state.cpl !== 0) throw new GuestFault(EXC.GP, 0)
  const selector = state.high(S.star) >>> 16
  if (state.longMode) {
    if (size === 64 && !canonical(state.gprNum(1))) throw new GuestFault(EXC.GP, 0)
    state.eflags = ((state.gprLow(11) & RETURN_FLAGS) | 2) >>> 0
    state.rip = size === 64 ? state.gprNum(1) : state.gprLow(1) >>> 0
    const cs = size === 64 ? selector + 16 : selector
    state.resetSegment(1, cs | 3, 0, FLAT, (size === 64 ? CODE64 : CODE32) | DPL3)
    state.resetSegment(2, (selector + 8) | 3, 0, FLAT, DATA | DPL3)
    state.cpl = 3
    sys.cpu.modeChanged()
    return
  }
  state.systemFlags |= FLAG.IF
  state.rip = state.gprLow(1) >>> 0
  flatCode(sys, selector, CODE32, 3)
}

export function systemEnter(sys: System): void {
  const { state } = sys
  if (!state.protectedMode && !state.v86) throw new GuestFault(EXC.GP, 0)
  if ((state.sysenterCs & 0xfffc) === 0) throw new GuestFault(EXC.GP, 0)
  const { longMode } = state
  setVm(sys, false)
  state.systemFlags &= ~(FLAG.IF | FLAG.RF)
  state.rip = longMode ? state.sysenterEip : state.sysenterEip >>> 0
  if (longMode) state.rsp = state.sysenterEsp
  else state.setGpr32(4, state.sysenterEsp)
  flatCode(sys, state.sysenterCs & 0xfffc, longMode ? CODE64 : CODE32, 0)
}

export function systemExit(sys: System, size: Width): void {
  const { state } = sys
  if (!state.protectedMode || state.cpl !== 0 || (state.sysenterCs & 0xfffc) === 0) throw new GuestFault(EXC.GP, 0)
  const wide = size === 64
  if (wide && (!canonical(state.gprNum(2)) || !canonical(state.gprNum(1)))) throw new GuestFault(EXC.GP, 0)
  const rip = wide ? state.gprNum(2) : state.gprLow(2) >>> 0
  if (wide) state.rsp = state.gprNum(1)
  else state.setGpr32(4, state.gprLow(1))
  state.rip = rip
  flatCode(sys, (state.sysenterCs & 0xfffc) + (wide ? 32 : 16), wide ? CODE64 : CODE32, 3)
}
