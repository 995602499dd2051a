/** Task switches through TSS descriptors and task gates. SDM vol. 3A, chapter 7. */
import { GuestFault } from '../cpu.ts'
import { CR0, DESC, dplOf, FLAG, LDTR, TR, typeOf } from '../cpu-state.ts'
import { EXC, S } from '../state.ts'
import {
  baseOf,
  descriptor,
  flagsOf,
  isNull,
  limitOf,
  peek,
  rebound,
  setAccessed,
  stackDescriptor,
  type Descriptor,
} from './segments.ts'
import type { System } from './system.ts'

export type TaskReason = 'jump' | 'call' | 'return'

interface Image {
  readonly eip: number
  readonly eflags: number
  readonly gpr: readonly number[]
  readonly selectors: readonly number[]
  readonly ldt: number
  readonly cr3: number
  readonly trap: boolean
}

/** A TSS descriptor, behind a task gate or directly, checked for a switch. */
function taskOf(sys: System, selector: number, reason: TaskReason, ext: number): [number, Descriptor] {
  const vector = reason === 'return' ? EXC.TS : EXC.GP
  let sel = selector
  let d = descriptor(sys, sel, vector, ext)
  if ((d.high & DESC.system) === 0 && typeOf(d.high) === 5) {
    if ((d.high & DESC.present) === 0) throw new GuestFault(EXC.NP, (sel & 0xfffc) | ext)
    sel = d.low >>> 16
    if ((sel & 4) !== 0 || isNull(sel)) throw new GuestFault(EXC.GP, (sel & 0xfffc) | ext)
    d = descriptor(sys, sel, EXC.GP, ext)
  }
  const code = (sel & 0xfffc) | ext
  const busy = reason === 'return' ? 2 : 0
  const type = typeOf(d.high)
  if ((sel & 4) !== 0 || (d.high & DESC.system) !== 0 || (type !== (1 | busy) && type !== (9 | busy))) {
    throw new GuestFault(vector, code)
  }
  if ((d.high & DESC.present) === 0) throw new GuestFault(EXC.NP, code)
  if (limitOf(d) < ((type & 8) !== 0 ? 103 : 43)) throw new GuestFault(EXC.TS, code)
  return [sel, d]
}

/** Switches to a task. `nextRip` is what the old task's TSS shall say. */
export function switchTask(sys: System, selector: number, reason: TaskReason, nextRip: number, ext = 0): void {
  const { state, linear, cpu } = sys
  const [sel, d] = taskOf(sys, selector, reason, ext)
  const wide = (typeOf(d.high) & 8) !== 0
  const base = baseOf(d)
  const image = wide ? read32(sys, base) : read16(sys, base)
  // Both ends of the old TSS must be writable before anything changes.
  const oldBase = state.segBase(TR)
  const oldWide = (typeOf(state.segFlags(TR)) & 8) !== 0
  linear.translate(linear.wrap(oldBase), 'write', false)
  linear.translate(linear.wrap(oldBase + (oldWide ? 103 : 43)), 'write', false)

  if (reason !== 'call') setBusy(sys, state.selector(TR), false)
  let flags = state.eflags
  if (reason === 'return') flags &= ~FLAG.NT
  save(sys, oldBase, oldWide, nextRip, flags)
  let next = image.eflags
  if (reason === 'call') {
    linear.write16(linear.wrap(base), state.selector(TR), false)
    next |= FLAG.NT
  }
  if (reason !== 'return') setBusy(sys, sel, true)

  // From here on the new task runs: faults are its own.
  // Busy in memory only, as with LTR.
  state.setSegment(TR, sel, base, limitOf(d), flagsOf(d) & ~0x200)
  state.setWord(S.cr0, state.cr0 | CR0.TS)
  if (wide && (state.cr0 & CR0.PG) !== 0) {
    state.setPair(S.cr3, image.cr3, 0)
    cpu.flushTlb(true)
  }
  state.eflags = next & (0x003f_7fd5 | 2) & ~(wide ? 0 : 0xffff_0000)
  state.rip = image.eip
  image.gpr.forEach((v, i) => state.setGpr32(i, v))
  state.setWord(S.dr + 56, state.low(S.dr + 56) & ~0x55)
  loadAll(sys, image, ext)
  if (image.trap) throw new GuestFault(EXC.DB)
}

function setBusy(sys: System, selector: number, busy: boolean): void {
  const d = peek(sys, selector)
  if (d === undefined) return
  sys.linear.write32(sys.linear.wrap(d.at + 4), busy ? d.high | 0x200 : d.high & ~0x200, false)
}

function read32(sys: System, base: number): Image {
  const word = (at: number): number => sys.linear.read32(sys.linear.wrap(base + at), false)
  return {
    cr3: word(0x1c),
    eip: word(0x20) >>> 0,
    eflags: word(0x24),
    gpr: Array.from({ length: 8 }, (_, i) => word(0x28 + 4 * i)),
    selectors: Array.from({ length: 6 }, (_, i) => word(0x48 + 4 * i) & 0xffff),
    ldt: word(0x60) & 0xffff,
    trap: (word(0x64) & 1) !== 0,
  }
}

function read16(sys: System, base: number): Image {
  const word = (at: number): number => sys.linear.read16(sys.linear.wrap(base + at), false)
  return {
    cr3: 0,
    eip: word(0x0e),
    eflags: word(0x10),
    gpr: Array.from({ length: 8 }, (_, i) => word(0x12 + 2 * i) | 0xffff_0000),
    selectors: Array.from({ length: 6 }, (_, i) => (i < 4 ? word(0x22 + 2 * i) : 0)),
    ldt: word(0x2a),
    trap: false,
  }
}

function save(sys: System, base: number, wide: boolean, eip: number, eflags: number): void {
  const { state, linear } = sys
  if (wide) {
    const put = (at: number, v: number): void => linear.write32(linear.wrap(base + at), v, false)
    put(0x20, eip)
    put(0x24, eflags)
    for (let i = 0; i < 8; i++) put(0x28 + 4 * i, state.gprLow(i))
    for (let i = 0; i < 6; i++) linear.write16(linear.wrap(base + 0x48 + 4 * i), state.selector(i), false)
    return
  }
  const put = (at: number, v: number): void => linear.write16(linear.wrap(base + at), v, false)
  put(0x0e, eip)
  put(0x10, eflags)
  for (let i = 0; i < 8; i++) put(0x12 + 2 * i, state.gprLow(i))
  for (let i = 0; i < 4; i++) put(0x22 + 2 * i, state.selector(i))
}

/** Segments of the new task. Their selectors are in place before any is checked, as the handler of a fault expects. */
function loadAll(sys: System, image: Image, ext: number): void {
  const { state } = sys
  image.selectors.forEach((selector, i) => state.setSegment(i, selector, 0, 0, 0))
  state.setSegment(LDTR, image.ldt, 0, 0, 0)
  if (state.v86) {
    image.selectors.forEach((selector, i) => state.setSegment(i, selector, selector * 16, 0xffff, 0xf300))
    state.cpl = 3
    sys.cpu.modeChanged()
  } else {
    state.cpl = image.selectors[1]! & 3
  }
  rebound(sys)
  loadLdt(sys, image.ldt, ext)
  if (state.v86) return
  loadCode(sys, image.selectors[1]!, ext)
  loadStackOf(sys, image.selectors[2]!, ext)
  for (const i of [0, 3, 4, 5]) loadDataOf(sys, i, image.selectors[i]!, ext)
  sys.cpu.modeChanged()
}

function loadLdt(sys: System, selector: number, ext: number): void {
  if (isNull(selector)) return
  const code = (selector & 0xfffc) | ext
  const d = (selector & 4) !== 0 ? undefined : peek(sys, selector)
  if (d === undefined || (d.high & DESC.system) !== 0 || typeOf(d.high) !== 2 || (d.high & DESC.present) === 0) {
    throw new GuestFault(EXC.TS, code)
  }
  sys.state.setSegment(LDTR, selector, baseOf(d), limitOf(d), flagsOf(d))
}

function loadCode(sys: System, selector: number, ext: number): void {
  const code = (selector & 0xfffc) | ext
  if (isNull(selector)) throw new GuestFault(EXC.TS, code)
  const d = descriptor(sys, selector, EXC.TS, ext)
  const rpl = selector & 3
  const isCode = (d.high & (DESC.system | DESC.code)) === (DESC.system | DESC.code)
  const fits = (d.high & DESC.conforming) !== 0 ? dplOf(d.high) <= rpl : dplOf(d.high) === rpl
  if (!isCode || !fits) throw new GuestFault(EXC.TS, code)
  if ((d.high & DESC.present) === 0) throw new GuestFault(EXC.NP, code)
  setAccessed(sys, d)
  sys.state.setSegment(1, selector, baseOf(d), limitOf(d), flagsOf(d))
}

function loadStackOf(sys: System, selector: number, ext: number): void {
  if (isNull(selector)) throw new GuestFault(EXC.TS, (selector & 0xfffc) | ext)
  const d = stackDescriptor(sys, selector, sys.state.cpl, EXC.TS, ext)
  setAccessed(sys, d)
  sys.state.setSegment(2, selector, baseOf(d), limitOf(d), flagsOf(d))
}

function loadDataOf(sys: System, i: number, selector: number, ext: number): void {
  if (isNull(selector)) return
  const code = (selector & 0xfffc) | ext
  const d = descriptor(sys, selector, EXC.TS, ext)
  const isCode = (d.high & DESC.code) !== 0
  const conforming = isCode && (d.high & DESC.conforming) !== 0
  if ((d.high & DESC.system) === 0 || (isCode && (d.high & DESC.readable) === 0)) throw new GuestFault(EXC.TS, code)
  if (!conforming && dplOf(d.high) < Math.max(sys.state.cpl, selector & 3)) throw new GuestFault(EXC.TS, code)
  if ((d.high & DESC.present) === 0) throw new GuestFault(EXC.NP, code)
  setAccessed(sys, d)
  sys.state.setSegment(i, selector, baseOf(d), limitOf(d), flagsOf(d))
}
