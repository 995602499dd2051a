/** Addition, subtraction, logic, multiplication, division, compare and exchange. SDM vol. 2. */
import { I64 } from '@godwit/wasm-encoder'
import { EXC } from '../state.ts'
import { k32, k64, select, type Val } from '../wasm/value.ts'
import type { Meaning, Meanings, Unit } from './meaning.ts'
import { CARRY, RAX, RBX, RCX, RDX, constant, fit, lockable } from './operands.ts'

type Kind = 'add' | 'sub' | 'adc' | 'sbb'

const arith =
  (kind: Kind, write: boolean): Meaning =>
  (u) => {
    const { size, e } = u
    const place = write ? lockable(u) : u.place(0, 'read')
    const b = u.place(1, 'read').get()
    const a = place.get()
    let r = kind === 'add' || kind === 'adc' ? a.add(b) : a.sub(b)
    if (kind === 'adc') r = r.add(fit(e.let(u.flags.cond(CARRY)), size))
    if (kind === 'sbb') r = r.sub(fit(e.let(u.flags.cond(CARRY)), size))
    r = e.let(r.zext(size))
    if (write) place.set(r)
    u.flags.set({ kind, size, a, b, r })
  }

const logic =
  (f: (a: Val, b: Val) => Val, write: boolean): Meaning =>
  (u) => {
    const place = write ? lockable(u) : u.place(0, 'read')
    const b = u.place(1, 'read').get()
    const r = u.e.let(f(place.get(), b))
    if (write) place.set(r)
    u.flags.set({ kind: 'logic', size: u.size, r })
  }

/** INC and DEC leave CF. */
const step =
  (kind: 'add' | 'sub'): Meaning =>
  (u) => {
    const { size, e } = u
    const place = lockable(u)
    const a = place.get()
    const b = constant(1, size)
    const cf = e.let(u.flags.cond(CARRY))
    const r = e.let((kind === 'add' ? a.add(b) : a.sub(b)).zext(size))
    place.set(r)
    u.flags.set({ kind, size, a, b, r, cf })
  }

const not: Meaning = (u) => {
  const place = lockable(u)
  place.set(u.e.let(place.get().not().zext(u.size)))
}

const neg: Meaning = (u) => {
  const { size } = u
  const place = lockable(u)
  const a = constant(0, size)
  const b = place.get()
  const r = u.e.let(a.sub(b).zext(size))
  place.set(r)
  u.flags.set({ kind: 'sub', size, a, b, r })
}

/** High half of a 64-bit product, from four products of halves. */
function highHalf(u: Unit, a: Val, b: Val, signed: boolean): Val {
  const { e } = u
  const top = (v: Val): Val => e.let(signed ? v.shrS(32) : v.shrU(32))
  const low = (v: Val): Val => e.let(v.zext(32))
  const carry = (v: Val): Val => (signed ? v.shrS(32) : v.shrU(32))
  const [al, ah, bl, bh] = [low(a), top(a), low(b), top(b)]
  const t = e.let(ah.mul(bl).add(al.mul(bl).shrU(32)))
  const m = e.let(al.mul(bh).add(t.zext(32)))
  return e.let(ah.mul(bh).add(carry(t)).add(carry(m)))
}

/** MUL, and IMUL with one operand: the accumulator doubled. */
const multiply =
  (signed: boolean): Meaning =>
  (u) => {
    const { size, e } = u
    const source = u.place(0, 'read').get()
    const acc = u.reg(RAX, size)
    const wide = (v: Val): Val => (signed ? v.sext(size) : v)
    let low: Val
    let high: Val
    if (size === 64) {
      low = e.let(acc.mul(source))
      high = highHalf(u, acc, source, signed)
    } else if (size === 32) {
      const p = e.let(signed ? acc.to64s().mul(source.to64s()) : acc.to64u().mul(source.to64u()))
      low = e.let(p.to32())
      high = e.let(p.shrU(32).to32())
    } else {
      const p = e.let(wide(acc).mul(wide(source)))
      low = e.let(p.zext(size))
      high = e.let(p.shrU(size).zext(size))
    }
    const cf = e.let(
      high.ne(
        signed
          ? low
              .sext(size)
              .shrS(size === 64 ? 63 : 31)
              .zext(size)
          : constant(0, size),
      ),
    )
    if (size === 8) {
      u.setReg(RAX, 16, low.or(high.shl(8)))
    } else {
      u.setReg(RAX, size, low)
      u.setReg(RDX, size, high)
    }
    u.flags.set({ kind: 'cfof', size, r: low, cf, of: cf })
  }

/** IMUL with two or three operands: the low half. */
const imul: Meaning = (u) => {
  const { size, e, insn } = u
  if (insn.operands.length === 1) {
    multiply(true)(u)
    return
  }
  const first = insn.operands.length === 3 ? 1 : 0
  const b = u.place(first + 1, 'read').get()
  const a = u.place(first, 'read').get()
  const [x, y] = [a.sext(size), b.sext(size)]
  const r = e.let(x.mul(y).zext(size))
  const whole = r.sext(size)
  const lost =
    size === 64
      ? highHalf(u, a, b, true).ne(r.shrS(63))
      : size === 32
        ? a.to64s().mul(b.to64s()).ne(r.to64s())
        : x.mul(y).ne(whole)
  const cf = e.let(lost)
  u.place(0, 'write').set(r)
  u.flags.set({ kind: 'cfof', size, r, cf, of: cf })
}

/** Quotients that do not fit, and zero, are #DE. Flags stay as they are, as on AMD. */
const divide =
  (signed: boolean): Meaning =>
  (u) => {
    const divisor = u.place(0, 'read').get()
    u.raise(EXC.DE, -1, divisor.isZero())
    if (u.size === 64) divide128(u, divisor, signed)
    else divideNarrow(u, divisor, signed)
  }

function divideNarrow(u: Unit, divisor: Val, signed: boolean): void {
  const { size, e } = u
  let dividend: Val
  if (size === 8) dividend = u.reg(RAX, 16)
  else if (size === 16) dividend = e.let(u.reg(RAX, 16).or(u.reg(RDX, 16).shl(16)))
  else dividend = e.let(u.reg(RAX, 32).to64u().or(u.reg(RDX, 32).to64u().shl(32)))
  if (signed && size === 8) dividend = e.let(dividend.sext(16))
  const wide = size === 32 ? (signed ? divisor.to64s() : divisor.to64u()) : signed ? divisor.sext(size) : divisor
  const d = e.let(wide)
  if (signed && size > 8) {
    // The one quotient that WebAssembly traps on.
    const least = size === 16 ? k32(-0x80000000) : k64(0, -0x80000000)
    u.raise(EXC.DE, -1, d.eq(-1).and(dividend.eq(least)))
  }
  const q = e.let(signed ? dividend.divS(d) : dividend.divU(d))
  const r = e.let(signed ? dividend.remS(d) : dividend.remU(d))
  u.raise(EXC.DE, -1, signed ? q.ne(q.sext(size)) : q.ne(q.zext(size)))
  if (size === 8) {
    u.setReg(RAX, 16, q.zext(8).or(r.zext(8).shl(8)))
  } else {
    u.setReg(RAX, size, q.to32().zext(size))
    u.setReg(RDX, size, r.to32().zext(size))
  }
}

function divide128(u: Unit, divisor: Val, signed: boolean): void {
  const { e } = u
  const low = u.reg(RAX, 64)
  const high = u.reg(RDX, 64)
  if (!signed) {
    u.raise(EXC.DE, -1, high.geU(divisor))
    const q = u.call('div128', [high, low, divisor], I64)
    u.setReg(RAX, 64, q)
    u.setReg(RDX, 64, low.sub(q.mul(divisor)))
    return
  }
  const negative = e.let(high.shrS(63))
  const opposite = e.let(high.xor(divisor).shrS(63))
  const magLow = e.let(low.xor(negative).sub(negative))
  const magHigh = e.let(high.xor(negative).add(select(negative.ne(0).and(magLow.isZero()), k64(1), k64(0))))
  const sign = e.let(divisor.shrS(63))
  const d = e.let(divisor.xor(sign).sub(sign))
  u.raise(EXC.DE, -1, magHigh.geU(d))
  const q = u.call('div128', [magHigh, magLow, d], I64)
  // At most 2^63 - 1, or 2^63 when it becomes negative.
  u.raise(EXC.DE, -1, q.gtU(k64(-1, 0x7fffffff).sub(opposite)))
  const r = e.let(magLow.sub(q.mul(d)))
  u.setReg(RAX, 64, q.xor(opposite).sub(opposite))
  u.setReg(RDX, 64, r.xor(negative).sub(negative))
}

const xadd: Meaning = (u) => {
  const { size } = u
  const b = u.place(1, 'read').get()
  const place = lockable(u)
  const a = place.get()
  const r = u.e.let(a.add(b).zext(size))
  u.place(1, 'write').set(a)
  place.set(r)
  u.flags.set({ kind: 'add', size, a, b, r })
}

/** The destination is written in either case; the accumulator only when they differ. */
const cmpxchg: Meaning = (u) => {
  const { size, e } = u
  const place = lockable(u)
  const b = place.get()
  const source = u.place(1, 'read').get()
  const a = u.reg(RAX, size)
  const r = e.let(a.sub(b).zext(size))
  const equal = e.let(r.isZero())
  e.if(
    equal,
    () => place.set(source),
    () => {
      place.set(b)
      u.setReg(RAX, size, b)
    },
  )
  u.flags.set({ kind: 'sub', size, a, b, r })
}

/** ZF alone. */
function setZero(u: Unit, zero: Val): void {
  const image = u.flags.image()
  u.flags.load(u.e.let(image.and(~0x40).or(zero.shl(6))))
}

const cmpxchg8b: Meaning = (u) => {
  const { e } = u
  const place = lockable(u)
  const old = place.get()
  const pair = (high: number, low: number): Val => e.let(u.reg(low, 32).to64u().or(u.reg(high, 32).to64u().shl(32)))
  const equal = e.let(old.eq(pair(RDX, RAX)))
  place.set(select(equal, pair(RCX, RBX), old))
  setZero(u, equal)
  e.if(equal.isZero(), () => {
    u.setReg(RAX, 32, e.let(old.to32()))
    u.setReg(RDX, 32, e.let(old.shrU(32).to32()))
  })
}

const cmpxchg16b: Meaning = (u) => {
  const { e } = u
  const place = lockable(u, { align: 16 })
  const old = place.get()
  const low = e.let(old.lane('i64x2_extract_lane', 0, I64))
  const high = e.let(old.lane('i64x2_extract_lane', 1, I64))
  const equal = e.let(low.eq(u.reg(RAX, 64)).and(high.eq(u.reg(RDX, 64))))
  const newLow = e.let(select(equal, u.reg(RBX, 64), low))
  const newHigh = e.let(select(equal, u.reg(RCX, 64), high))
  place.set(newLow.op('i64x2_splat', old.type).lane('i64x2_replace_lane', 1, old.type, newHigh))
  setZero(u, equal)
  e.if(equal.isZero(), () => {
    u.setReg(RAX, 64, low)
    u.setReg(RDX, 64, high)
  })
}

export const ARITH_MEANINGS: Meanings = {
  add: arith('add', true),
  adc: arith('adc', true),
  sub: arith('sub', true),
  sbb: arith('sbb', true),
  cmp: arith('sub', false),
  and: logic((a, b) => a.and(b), true),
  or: logic((a, b) => a.or(b), true),
  xor: logic((a, b) => a.xor(b), true),
  test: logic((a, b) => a.and(b), false),
  inc: step('add'),
  dec: step('sub'),
  not,
  neg,
  mul: multiply(false),
  imul,
  div: divide(false),
  idiv: divide(true),
  xadd,
  cmpxchg,
  cmpxchg8b,
  cmpxchg16b,
}
