/**
 * Exact x87 arithmetic on significands and exponents, as emitted code: the common case of normal numbers and zeros. What
 * becomes of the result, and of operands that are neither, is the caller's. Hauser's softfloat is the model.
 */
import { F64, I32, I64 } from '@godwit/wasm-encoder'
import type { Emit } from '../wasm/emit.ts'
import { k32, k64, kf64, local, select, type Val } from '../wasm/value.ts'

export const INTEGER_BIT = k64(0, 0x80000000 | 0)
const LOW32 = k64(-1, 0)
/** Three quarters and a quarter of a unit: what a guard word says of a remainder on either side of the half. */
const ABOVE_HALF = k64(0, 0xc0000000 | 0)
const BELOW_HALF = k64(0, 0x40000000)

/** Locals of an operand: sign and exponent, and significand. They may be written. */
export interface OperandLocals {
  readonly se: number
  readonly mant: number
}

/** What an algorithm does at its ends; all of them leave the function. */
export interface Outcome {
  /** Gives up if the condition holds. */
  fail(condition: Val): void
  /** To be rounded: sign 0 or 1, biased exponent, significand with its top bit set, bits below it. */
  rounded(sign: Val, exponent: Val, high: Val, low: Val): void
  /** A zero that needs no rounding, if rounding is to nearest. */
  zero(sign: Val): void
}

/** Not a normal number: exponent 0 or 32767, or no integer bit. */
export const isOdd = (exponent: Val, mant: Val): Val => exponent.sub(1).geU(0x7ffe).or(mant.geS(0))
/** Of an odd number: not zero either. */
export const isStranger = (exponent: Val, mant: Val): Val => mant.or(exponent.to64u()).ne(0)
const signOf = (se: Val): Val => se.shrU(15).and(1)

export function emitAdd(e: Emit, a: OperandLocals, b: OperandLocals, out: Outcome): void {
  const [sa, ma, sb, mb] = [local(I32, a.se), local(I64, a.mant), local(I32, b.se), local(I64, b.mant)]
  const ea = e.temp(I32)
  const eb = e.temp(I32)
  e.assign(ea, sa.and(0x7fff))
  e.assign(eb, sb.and(0x7fff))
  const [xa, xb] = [local(I32, ea), local(I32, eb)]
  e.unlikely(isOdd(xa, ma).or(isOdd(xb, mb)), () => {
    out.fail(
      isOdd(xa, ma)
        .and(isStranger(xa, ma))
        .or(isOdd(xb, mb).and(isStranger(xb, mb))),
    )
    e.if(ma.or(mb).isZero(), () => out.zero(signOf(sa.and(sb))))
  })
  // The larger magnitude first.
  e.if(xa.ltU(xb).or(xa.eq(xb).and(ma.ltU(mb))), () => {
    const m = e.temp(I64)
    const x = e.temp(I32)
    e.assign(x, sa)
    e.assign(m, ma)
    e.assign(a.se, sb)
    e.assign(a.mant, mb)
    e.assign(b.se, local(I32, x))
    e.assign(b.mant, local(I64, m))
    e.assign(x, xa)
    e.assign(ea, xb)
    e.assign(eb, local(I32, x))
  })
  const d = e.let(xa.sub(xb).to64u())
  const high = e.temp(I64)
  const low = e.temp(I64)
  const [hi, lo] = [local(I64, high), local(I64, low)]
  e.if(
    d.ltU(64),
    () => {
      e.assign(high, mb.shrU(d))
      // By 64 less d, in two steps for d = 0.
      e.assign(low, mb.shl(1).shl(k64(63).sub(d)))
    },
    () => {
      e.assign(high, k64(0))
      const beyond = mb.ne(0).to64u()
      e.assign(
        low,
        select(d.eq(64), mb, select(d.ltU(127), mb.shrU(d).or(mb.shl(k64(0).sub(d)).ne(0).to64u()), beyond)),
      )
    },
  )
  const sign = e.let(signOf(sa))
  e.if(
    sa.xor(sb).and(0x8000).isZero(),
    () => {
      const total = e.let(ma.add(hi))
      e.if(
        total.ltU(ma),
        () => {
          e.assign(low, total.shl(63).or(lo.shrU(1)).or(lo.and(1)))
          e.assign(high, total.shrU(1).or(INTEGER_BIT))
          e.assign(ea, xa.add(1))
        },
        () => e.assign(high, total),
      )
    },
    () => {
      e.assign(high, ma.sub(hi).sub(lo.ne(0).to64u()))
      e.assign(low, k64(0).sub(lo))
      e.if(hi.geS(0), () => {
        e.if(hi.isZero(), () => {
          // x - x is +0 when rounding to nearest.
          e.if(lo.isZero(), () => out.zero(k32(0)))
          e.assign(high, lo)
          e.assign(low, k64(0))
          e.assign(ea, xa.sub(64))
        })
        const z = e.let(hi.clz())
        // In two steps for z = 0.
        e.assign(high, hi.shl(z).or(lo.shrU(1).shrU(k64(63).sub(z))))
        e.assign(low, lo.shl(z))
        e.assign(ea, xa.sub(z.to32()))
      })
    },
  )
  out.rounded(sign, xa, hi, lo)
}

/** The product of two words of 64 bits: high and low. */
export function emitProduct(e: Emit, a: Val, b: Val): readonly [high: Val, low: Val] {
  const [a0, a1, b0, b1] = [a.and(LOW32), a.shrU(32), b.and(LOW32), b.shrU(32)].map((x) => e.let(x)) as [
    Val,
    Val,
    Val,
    Val,
  ]
  const p00 = e.let(a0.mul(b0))
  const middle = e.let(a1.mul(b0).add(p00.shrU(32)))
  const cross = e.let(a0.mul(b1).add(middle.and(LOW32)))
  return [e.let(a1.mul(b1).add(middle.shrU(32)).add(cross.shrU(32))), e.let(a.mul(b))]
}

export function emitMul(e: Emit, a: OperandLocals, b: OperandLocals, out: Outcome): void {
  const [sa, ma, sb, mb] = [local(I32, a.se), local(I64, a.mant), local(I32, b.se), local(I64, b.mant)]
  const ea = e.let(sa.and(0x7fff))
  const eb = e.let(sb.and(0x7fff))
  const sign = e.let(signOf(sa.xor(sb)))
  e.unlikely(isOdd(ea, ma).or(isOdd(eb, mb)), () => {
    out.fail(
      isOdd(ea, ma)
        .and(isStranger(ea, ma))
        .or(isOdd(eb, mb).and(isStranger(eb, mb))),
    )
    out.zero(sign)
  })
  const [h, l] = emitProduct(e, ma, mb)
  // The product is normal or half of that.
  const up = e.let(h.geS(0))
  const high = e.let(select(up, h.shl(1).or(l.shrU(63)), h))
  const low = e.let(select(up, l.shl(1), l))
  out.rounded(sign, ea.add(eb).sub(0x3ffe).sub(up), high, low)
}

/** 128 bits divided by 64: quotient and remainder. The divisor has its top bit set and is above the upper word. */
export function emitQuotient(e: Emit, upper: Val, lower: Val, divisor: Val): readonly [quotient: Val, rest: Val] {
  const high = e.temp(I64)
  const low = e.let(lower)
  e.assign(high, upper)
  const v1 = e.let(divisor.shrU(32))
  const v0 = e.let(divisor.and(LOW32))
  const digits = [low.shrU(32), low.and(LOW32)].map((d) => e.let(d))
  const quotient: Val[] = []
  // Two digits of 32 bits each (Knuth, algorithm D).
  for (const digit of digits) {
    const q = e.temp(I64)
    const r = e.temp(I64)
    e.assign(q, local(I64, high).divU(v1))
    e.assign(r, local(I64, high).sub(local(I64, q).mul(v1)))
    e.block((end) => {
      e.loop((again) => {
        const tooLarge = local(I64, q)
          .shrU(32)
          .ne(0)
          .or(local(I64, q).mul(v0).gtU(local(I64, r).shl(32).or(digit)))
        e.brIf(tooLarge.isZero(), end)
        e.assign(q, local(I64, q).sub(1))
        e.assign(r, local(I64, r).add(v1))
        e.brIf(local(I64, r).shrU(32).isZero(), again)
      })
    })
    e.assign(high, local(I64, high).shl(32).or(digit).sub(local(I64, q).mul(divisor)))
    quotient.push(local(I64, q))
  }
  const q = e.let(quotient[0]!.shl(32).add(quotient[1]!))
  return [q, local(I64, high)]
}

export function emitDiv(e: Emit, a: OperandLocals, b: OperandLocals, out: Outcome): void {
  const [sa, ma, sb, mb] = [local(I32, a.se), local(I64, a.mant), local(I32, b.se), local(I64, b.mant)]
  const ea = e.let(sa.and(0x7fff))
  const eb = e.let(sb.and(0x7fff))
  const sign = e.let(signOf(sa.xor(sb)))
  e.unlikely(isOdd(ea, ma).or(isOdd(eb, mb)), () => {
    // What is divided by zero is not ours.
    out.fail(isOdd(eb, mb).or(isStranger(ea, ma)))
    out.zero(sign)
  })
  const less = e.let(ma.ltU(mb))
  // A dividend of 128 bits below the divisor * 2^64: the quotient has its top bit set.
  const [q, r] = emitQuotient(e, select(less, ma, ma.shrU(1)), select(less, k64(0), ma.shl(63)), mb)
  const other = e.let(mb.sub(r))
  const rest = e.let(
    select(r.isZero(), k64(0), select(r.eq(other), INTEGER_BIT, select(r.gtU(other), ABOVE_HALF, BELOW_HALF))),
  )
  out.rounded(sign, ea.sub(eb).add(0x3fff).sub(less), q, rest)
}

const TWO_64 = 2 ** 64
const toReal = (x: Val, signed: boolean): Val => x.op(signed ? 'f64_convert_i64_s' : 'f64_convert_i64_u', F64)

/** The root of a normal number or zero that is not negative. */
export function emitRoot(e: Emit, { se, mant }: OperandLocals, out: Outcome): void {
  const [s, m] = [local(I32, se), local(I64, mant)]
  const exponent = e.let(s.and(0x7fff))
  e.unlikely(isOdd(exponent, m).or(s.and(0x8000)), () => {
    out.fail(isStranger(exponent, m))
    out.zero(signOf(s))
  })
  // N = m * 2^63 or, for odd powers, m * 2^64: its root r has its top bit set.
  const even = e.let(exponent.and(1))
  const high = e.let(select(even, m.shrU(1), m))
  const low = e.let(select(even, m.shl(63), k64(0)))
  // A root that is right to some 52 bits, and one step of Newton's: r += (N - r^2) / 2r, right to a unit.
  const r = e.temp(I64)
  const estimate = toReal(high, false)
    .op('f64_sqrt', F64)
    .op('f64_mul', F64, kf64(2 ** 32))
  e.assign(r, estimate.op('i64_trunc_sat_f64_u', I64))
  const root = local(I64, r)
  const restHigh = e.temp(I64)
  const restLow = e.temp(I64)
  const [rh, rl] = [local(I64, restHigh), local(I64, restLow)]
  const rest = (): void => {
    const [h, l] = emitProduct(e, root, root)
    e.assign(restHigh, high.sub(h).sub(low.ltU(l).to64u()))
    e.assign(restLow, low.sub(l))
  }
  rest()
  const real = toReal(rh, true).op('f64_mul', F64, kf64(TWO_64)).op('f64_add', F64, toReal(rl, false))
  const step = real.op('f64_div', F64, toReal(root, false).op('f64_mul', F64, kf64(2))).op('i64_trunc_sat_f64_s', I64)
  const moved = e.let(step)
  // It does not leave the range of significands.
  e.assign(r, select(moved.gtS(0).and(root.add(moved).ltU(root)), k64(-1), root.add(moved)))
  rest()
  // 0 <= N - r^2 <= 2r makes r the root's whole part.
  e.loop((again) => {
    e.if(rh.ltS(0), () => {
      // (r - 1)^2 = r^2 - (2r - 1)
      e.assign(r, root.sub(1))
      const by = e.let(root.shl(1).or(1))
      const sum = e.let(rl.add(by))
      e.assign(restHigh, rh.add(root.shrU(63)).add(sum.ltU(by).to64u()))
      e.assign(restLow, sum)
      e.br(again)
    })
  })
  e.loop((again) => {
    const twice = root.shl(1)
    const carry = root.shrU(63)
    e.if(rh.gtU(carry).or(rh.eq(carry).and(rl.gtU(twice))), () => {
      const by = e.let(root.shl(1).or(1))
      e.assign(restHigh, rh.sub(root.shrU(63)).sub(rl.ltU(by).to64u()))
      e.assign(restLow, rl.sub(by))
      e.assign(r, root.add(1))
      e.br(again)
    })
  })
  // Above the half if N - r^2 > r; it is never the half itself.
  const half = rh.ne(0).or(rl.gtU(root))
  const guard = e.let(select(rh.or(rl).isZero(), k64(0), select(half, ABOVE_HALF, BELOW_HALF)))
  out.rounded(k32(0), exponent.shrU(1).add(0x1fff).add(even), root, guard)
}
