/** Shifts and rotates. SDM vol. 2; OF for counts above one as AMD's processors have it. */
import type { Size } from '../decode/insn.ts'
import { k32, k64, select, type Val } from '../wasm/value.ts'
import type { Meaning, Meanings, Place, Unit } from './meaning.ts'
import { CARRY, bit, fit, signOf } from './operands.ts'

const maskOf = (size: Size): number => (size === 64 ? 63 : 31)

/** The count in the operand's type, masked. */
function count(u: Unit, operand: number): Val {
  return u.e.let(fit(u.place(operand, 'read').get().and(maskOf(u.size)), u.size))
}

/** Writes the result; flags change only if the count is not zero. */
function finish(u: Unit, place: Place, n: Val, r: Val, flags: () => void): void {
  if (n.isConst) {
    place.set(r)
    if (!n.is(0)) flags()
    return
  }
  if (u.flags.either !== undefined) {
    place.set(r)
    u.flags.either(n.ne(0), flags)
    return
  }
  u.flags.flush()
  place.set(r)
  u.e.if(n.ne(0), () => {
    flags()
    u.flags.flush()
  })
}

function shifted(u: Unit, place: Place, n: Val, r: Val, cf: Val, of: Val): void {
  const [c, o] = [u.e.let(cf), u.e.let(of)]
  finish(u, place, n, r, () => u.flags.set({ kind: 'cfof', size: u.size, r, cf: c, of: o }))
}

const shl: Meaning = (u) => {
  const { size, e } = u
  const place = u.place(0, 'both')
  const a = place.get()
  const n = count(u, 1)
  if (size === 64) {
    const r = e.let(a.shl(n))
    const cf = e.let(bit(a, k64(64).sub(n)))
    shifted(u, place, n, r, cf, signOf(r, 64).xor(cf))
    return
  }
  const wide = e.let(a.to64u().shl(n.to64u()))
  const r = e.let(wide.to32().zext(size))
  const cf = e.let(bit(wide, size))
  shifted(u, place, n, r, cf, signOf(r, size).xor(cf))
}

const shr: Meaning = (u) => {
  const place = u.place(0, 'both')
  const a = place.get()
  const n = count(u, 1)
  const r = u.e.let(a.shrU(n))
  const before = u.e.let(a.shrU(n.sub(1)))
  shifted(u, place, n, r, bit(before, 0), signOf(before, u.size))
}

const sar: Meaning = (u) => {
  const place = u.place(0, 'both')
  const a = u.e.let(place.get().sext(u.size))
  const n = count(u, 1)
  const r = u.e.let(a.shrS(n).zext(u.size))
  shifted(u, place, n, r, bit(a.shrS(n.sub(1)), 0), k32(0))
}

function rotated(u: Unit, place: Place, n: Val, r: Val, cf: Val, of: Val): void {
  const [c, o] = [u.e.let(cf), u.e.let(of)]
  finish(u, place, n, r, () => u.flags.turn(c, o))
}

/** Narrow operands are repeated to fill 32 bits, so that one rotate does. */
function repeated(u: Unit, a: Val): Val {
  if (u.size === 8) return u.e.let(a.mul(0x01010101))
  return u.size === 16 ? u.e.let(a.or(a.shl(16))) : a
}

const rol: Meaning = (u) => {
  const { size, e } = u
  const place = u.place(0, 'both')
  const a = place.get()
  const n = count(u, 1)
  const r = e.let(repeated(u, a).rotl(n).zext(size))
  const cf = e.let(bit(r, 0))
  rotated(u, place, n, r, cf, cf.xor(signOf(r, size)))
}

const ror: Meaning = (u) => {
  const { size, e } = u
  const place = u.place(0, 'both')
  const a = place.get()
  const n = count(u, 1)
  const r = e.let(repeated(u, a).rotr(n).zext(size))
  const cf = e.let(signOf(r, size))
  rotated(u, place, n, r, cf, cf.xor(bit(r, size - 2)))
}

/** Rotates of size + 1 bits, carry on top: one wide value for up to 32 bits. */
const throughCarry =
  (left: boolean): Meaning =>
  (u) => {
    const { size, e } = u
    const place = u.place(0, 'both')
    const a = place.get()
    const masked = count(u, 1)
    const carry = e.let(u.flags.cond(CARRY))
    let n = masked
    let r: Val
    let cf: Val
    if (size === 64) {
      const into = carry.to64u()
      const rest = e.let(k64(64).sub(n))
      const turned = left
        ? a
            .shl(n)
            .or(into.shl(n.sub(1)))
            .or(a.shrU(1).shrU(rest))
        : a.shrU(n).or(into.shl(rest)).or(a.shl(1).shl(rest))
      r = e.let(select(n.isZero(), a, turned))
      cf = left ? bit(a, rest) : bit(a, n.sub(1))
    } else {
      if (size < 32) n = e.let(n.remU(size + 1))
      const whole = e.let(a.to64u().or(carry.to64u().shl(size)))
      const by = n.to64u()
      const rest = k64(size + 1).sub(by)
      const turned = e.let(left ? whole.shl(by).or(whole.shrU(rest)) : whole.shrU(by).or(whole.shl(rest)))
      r = e.let(turned.to32().zext(size))
      cf = bit(turned, size)
    }
    cf = e.let(cf)
    rotated(u, place, n, r, cf, signOf(r, size).xor(left ? cf : bit(r, size - 2)))
  }

/** SHLD and SHRD. Sixteen-bit ones with a count above 16 shift the source in a second time, as AMD's processors do. */
const double =
  (left: boolean): Meaning =>
  (u) => {
    const { size, e } = u
    const place = u.place(0, 'both')
    const a = place.get()
    const b = u.place(1, 'read').get()
    const n = count(u, 2)
    let r: Val
    let cf: Val
    if (size === 64) {
      const rest = e.let(k64(64).sub(n))
      const moved = left ? a.shl(n).or(b.shrU(rest)) : a.shrU(n).or(b.shl(rest))
      r = e.let(select(n.isZero(), a, moved))
      cf = left ? bit(a, rest) : bit(a, n.sub(1))
    } else {
      const by = n.to64u()
      const [wideA, wideB] = [a.to64u(), b.to64u()]
      if (size === 32) {
        const whole = e.let(left ? wideA.shl(32).or(wideB) : wideB.shl(32).or(wideA))
        r = e.let(left ? whole.shl(by).shrU(32).to32() : whole.shrU(by).to32())
        cf = left ? bit(a, k32(32).sub(n)) : bit(a, n.sub(1))
      } else {
        const twice = wideB.mul(0x10001)
        const whole = e.let(left ? wideA.shl(32).or(twice) : twice.shl(16).or(wideA))
        r = e.let((left ? whole.shl(by).shrU(32) : whole.shrU(by)).to32().zext(16))
        cf = left ? bit(whole.shl(by), 48) : bit(whole.shrU(by.sub(1)), 0)
      }
    }
    shifted(u, place, n, r, cf, signOf(r, size).xor(signOf(a, size)))
  }

export const SHIFT_MEANINGS: Meanings = {
  shl,
  shr,
  sar,
  rol,
  ror,
  rcl: throughCarry(true),
  rcr: throughCarry(false),
  shld: double(true),
  shrd: double(false),
}
