/** Instructions without memory, by number: what generated code asks of x87_operate. */
import { INDEFINITE, zero } from './soft.ts'
import { compareCodes, frndint, fscale, fsqrt, fxam, fxtract, guardEmpty, remainder } from './x87-arith.ts'
import { loadConstant } from './x87-convert.ts'
import type { X87 } from './x87-state.ts'
import { TRANSCENDENTAL } from './x87-transcendental.ts'

function flipSign(fpu: X87, f: (se: number) => number): void {
  if (guardEmpty(fpu)) return
  fpu.c1(false)
  const at = fpu.slot(0) + 8
  fpu.view.setUint16(at, f(fpu.view.getUint16(at, true)), true)
}

/** The bits of ST(i), or the indefinite's if it is empty. */
function exchange(fpu: X87, i: number): void {
  const both = [0, i]
  if (both.some((k) => fpu.empty(k))) {
    if (fpu.underflow()) return
    for (const k of both) if (fpu.empty(k)) fpu.set(k, INDEFINITE)
  }
  fpu.c1(false)
  const { view } = fpu
  const read = (k: number): [bigint, number] => {
    const at = fpu.slot(k)
    return [view.getBigUint64(at, true), view.getUint16(at + 8, true)]
  }
  const [a, b] = [read(0), read(i)]
  fpu.setRaw(0, ...b)
  fpu.setRaw(i, ...a)
}

/** FLD ST(i). */
function duplicate(fpu: X87, i: number): void {
  const overflow = !fpu.empty(7)
  if (fpu.empty(i)) {
    // An underflow comes first: the indefinite is pushed.
    if (fpu.underflow()) return
    fpu.top = fpu.top - 1
    fpu.set(0, INDEFINITE)
    return
  }
  if (overflow) {
    fpu.push()
    return
  }
  const at = fpu.slot(i)
  const [mant, se] = [fpu.view.getBigUint64(at, true), fpu.view.getUint16(at + 8, true)]
  fpu.push()
  fpu.setRaw(0, mant, se)
}

/** FST ST(i), FSTP ST(i). */
function copyTo(fpu: X87, i: number, pop: boolean): void {
  if (fpu.empty(0)) {
    if (fpu.underflow()) return
    fpu.set(i, INDEFINITE)
  } else {
    fpu.c1(false)
    const at = fpu.slot(0)
    fpu.setRaw(i, fpu.view.getBigUint64(at, true), fpu.view.getUint16(at + 8, true))
  }
  if (pop) fpu.pop()
}

/** FCMOVcc; the source must be there even if nothing moves. */
function moveIf(fpu: X87, i: number, condition: boolean): void {
  if (fpu.empty(0) || fpu.empty(i)) {
    if (!fpu.underflow()) fpu.set(0, INDEFINITE)
    return
  }
  if (!condition) return
  const at = fpu.slot(i)
  fpu.setRaw(0, fpu.view.getBigUint64(at, true), fpu.view.getUint16(at + 8, true))
}

type Operation = (fpu: X87, i: number) => void

const both = (fpu: X87, i: number, quiet: boolean, pops: number): void =>
  compareCodes(fpu, fpu.empty(0) ? undefined : fpu.get(0), fpu.empty(i) ? undefined : fpu.get(i), quiet, pops)

export const OPERATIONS: Readonly<Record<string, Operation>> = {
  fchs: (fpu) => flipSign(fpu, (se) => se ^ 0x8000),
  fabs: (fpu) => flipSign(fpu, (se) => se & 0x7fff),
  ftst: (fpu) => compareCodes(fpu, fpu.empty(0) ? undefined : fpu.get(0), zero(0), false, 0),
  fxam,
  fsqrt,
  frndint,
  fscale,
  fxtract,
  fprem: (fpu) => remainder(fpu, false),
  fprem1: (fpu) => remainder(fpu, true),
  fcom: (fpu, i) => both(fpu, i, false, 0),
  fcomp: (fpu, i) => both(fpu, i, false, 1),
  fcompp: (fpu) => both(fpu, 1, false, 2),
  fucom: (fpu, i) => both(fpu, i, true, 0),
  fucomp: (fpu, i) => both(fpu, i, true, 1),
  fucompp: (fpu) => both(fpu, 1, true, 2),
  fld1: (fpu) => loadConstant(fpu, 0),
  fldl2t: (fpu) => loadConstant(fpu, 1),
  fldl2e: (fpu) => loadConstant(fpu, 2),
  fldpi: (fpu) => loadConstant(fpu, 3),
  fldlg2: (fpu) => loadConstant(fpu, 4),
  fldln2: (fpu) => loadConstant(fpu, 5),
  fldz: (fpu) => loadConstant(fpu, 6),
  fxch: exchange,
  fld: duplicate,
  fst: (fpu, i) => copyTo(fpu, i, false),
  fstp: (fpu, i) => copyTo(fpu, i, true),
  fcmov: (fpu, i) => moveIf(fpu, i & 7, (i & 8) !== 0),
  ffree: (fpu, i) => {
    fpu.c1(false)
    fpu.free(i)
  },
  ffreep: (fpu, i) => {
    fpu.c1(false)
    fpu.free(i)
    fpu.pop()
  },
  fincstp: (fpu) => {
    fpu.c1(false)
    fpu.top = fpu.top + 1
  },
  fdecstp: (fpu) => {
    fpu.c1(false)
    fpu.top = fpu.top - 1
  },
  fnclex: (fpu) => {
    fpu.status &= ~0x80ff
    fpu.summarize()
  },
  ...TRANSCENDENTAL,
}

export const OPERATION_NAMES = Object.keys(OPERATIONS)
const ALL = Object.values(OPERATIONS)

export const operate = (fpu: X87, which: number, i: number): void => ALL[which]!(fpu, i)
