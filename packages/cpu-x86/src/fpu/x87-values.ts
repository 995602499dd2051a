/**
 * x87 arithmetic as functions of values for compiled code, which keeps the register stack in locals: significands, and signs
 * with exponents whose upper halves may be anything. They hold for rounding to nearest with all exceptions masked, to 64
 * or 53 bits. The second result is a sign and exponent with UP and INEXACT, or negative: then nothing is known.
 */
import { I32, I64, type ValueType } from '@godwit/wasm-encoder'
import { wasm, type RuntimeFunction, type RuntimeFunctions } from '../runtime.ts'
import { Emit } from '../wasm/emit.ts'
import { k32, k64, local, select, type Val } from '../wasm/value.ts'
import {
  emitAdd,
  emitDiv,
  emitMul,
  emitRoot,
  INTEGER_BIT,
  isOdd,
  type OperandLocals,
  type Outcome,
} from './x87-algorithms.ts'

/** Bits above a sign and exponent: the significand was rounded up; it was rounded. */
export const UP = 16
export const INEXACT = 17

export type Precision = 64 | 53

const PAIR: readonly ValueType[] = [I64, I32]
const p32 = (i: number): Val => local(I32, i)
const p64 = (i: number): Val => local(I64, i)
const noted = (up: Val, inexact: Val): Val => up.shl(UP).or(inexact.shl(INEXACT))

/** Leaves the function with two values. */
export function give(e: Emit, mant: Val, se: Val): void {
  mant.emit(e.func)
  se.emit(e.func)
  e.func.ret()
}

export const refuse = (e: Emit, condition: Val): void => e.unlikely(condition, () => give(e, k64(0), k32(-1)))

/** Ends of an algorithm: a result as two values. */
function asValues(e: Emit, precision: Precision): Outcome {
  const ulp = precision === 64 ? 1 : 1 << 11
  return {
    fail: (condition) => refuse(e, condition),
    zero: (sign) => give(e, k64(0), sign.shl(15)),
    rounded: (sign, exponent, high, low) => {
      const rest = e.let(precision === 64 ? low : high.shl(53).or(low.ne(0).to64u()))
      const kept = e.let(precision === 64 ? high : high.and(-ulp))
      const odd = precision === 64 ? kept : kept.shrU(11)
      // Above the half, or the half itself and the last bit is set.
      const up = e.let(rest.shrU(63).to32().and(rest.ne(INTEGER_BIT).or(odd.to32())))
      const mant = e.let(kept.add(precision === 64 ? up.to64u() : up.to64u().shl(11)))
      const carried = e.let(mant.geS(0))
      const biased = e.let(exponent.add(carried))
      refuse(e, biased.sub(1).geU(0x7ffe))
      give(
        e,
        mant.or(INTEGER_BIT),
        sign
          .shl(15)
          .or(biased)
          .or(noted(up, rest.ne(0))),
      )
    },
  }
}

type Algorithm = (e: Emit, a: OperandLocals, b: OperandLocals, out: Outcome) => void

const binary = (emit: Algorithm, precision: Precision): RuntimeFunction =>
  wasm([I64, I32, I64, I32], PAIR, (f) => {
    const e = new Emit(f)
    emit(e, { mant: 0, se: 1 }, { mant: 2, se: 3 }, asValues(e, precision))
    f.op('unreachable')
  })

const unary = (precision: Precision): RuntimeFunction =>
  wasm([I64, I32], PAIR, (f) => {
    const e = new Emit(f)
    emitRoot(e, { mant: 0, se: 1 }, asValues(e, precision))
    f.op('unreachable')
  })

/** Bits of a number in memory: 52 or 23 bits of fraction. */
function storing(width: 52 | 23): RuntimeFunction {
  const [all, bias] = width === 52 ? [0x7ff, 1023] : [0xff, 127]
  const cut = 63 - width
  return wasm([I64, I32], PAIR, (f) => {
    const e = new Emit(f)
    const [mant, se] = [p64(0), p32(1)]
    const scaled = e.let(se.and(0x7fff).sub(0x3fff - bias))
    const sign = se
      .shrU(15)
      .and(1)
      .to64u()
      .shl(width === 52 ? 63 : 31)
    // The largest exponent is left out: rounding may overflow it.
    e.unlikely(
      scaled
        .sub(1)
        .geU(all - 2)
        .or(mant.geS(0)),
      () => {
        refuse(e, mant.or(se.and(0x7fff).to64u()).ne(0))
        give(e, sign, k32(0))
      },
    )
    const rest = e.let(mant.shl(64 - cut))
    const kept = e.let(mant.shrU(cut))
    const up = e.let(rest.shrU(63).to32().and(rest.ne(INTEGER_BIT).or(kept.to32())))
    // The integer bit of the significand adds one to the exponent field.
    const value = scaled.sub(1).to64u().shl(width).add(kept).add(up.to64u()).or(sign)
    give(e, value, noted(up, rest.ne(0)))
    f.op('unreachable')
  })
}

export const X87_VALUES: RuntimeFunctions = {
  ...Object.fromEntries(
    ([64, 53] as const).flatMap((p): [string, RuntimeFunction][] => [
      [`x87v_add${p}`, binary(emitAdd, p)],
      [`x87v_mul${p}`, binary(emitMul, p)],
      [`x87v_div${p}`, binary(emitDiv, p)],
      [`x87v_root${p}`, unary(p)],
    ]),
  ),
  x87v_double: storing(52),
  x87v_single: storing(23),
  /** To an integer of up to 64 bits: chopped if the third parameter says so, else to nearest. */
  x87v_integer: wasm([I64, I32, I32], PAIR, (f) => {
    const e = new Emit(f)
    const [mant, se, chop] = [p64(0), p32(1), p32(2)]
    const scale = e.let(se.and(0x7fff).sub(0x3fff))
    const kept = e.temp(I64)
    const rest = e.temp(I64)
    e.unlikely(mant.geS(0).or(scale.geU(62)), () => {
      const isZero = mant.or(se.and(0x7fff).to64u()).isZero()
      e.if(isZero, () => give(e, k64(0), k32(0)))
      refuse(e, mant.geS(0).or(scale.geS(0)).or(se.and(0x7fff).isZero()))
    })
    e.if(
      scale.ltS(0),
      () => {
        e.assign(kept, k64(0))
        // From a half up to one, the significand is the fraction; below, only that there is one matters.
        e.assign(rest, select(scale.eq(-1), mant, k64(1)))
      },
      () => {
        e.assign(kept, mant.shrU(k32(63).sub(scale).to64u()))
        e.assign(rest, mant.shl(scale.add(1).to64u()))
      },
    )
    const [whole, part] = [p64(kept), p64(rest)]
    const half = part.shrU(63).to32().and(part.ne(INTEGER_BIT).or(whole.to32()))
    const up = e.let(half.and(chop.isZero()))
    const magnitude = e.let(whole.add(up.to64u()))
    give(e, select(se.and(0x8000), k64(0).sub(magnitude), magnitude), noted(up, part.ne(0)))
    f.op('unreachable')
  }),
  /** Two numbers compared: 0 greater, 1 less, 2 equal; -1 for what is neither normal nor zero. */
  x87v_order: wasm([I64, I32, I64, I32], [I32], (f) => {
    const e = new Emit(f)
    const [ma, sa, mb, sb] = [p64(0), p32(1), p64(2), p32(3)]
    const ea = e.let(sa.and(0x7fff))
    const eb = e.let(sb.and(0x7fff))
    e.unlikely(isOdd(ea, ma).or(isOdd(eb, mb)), () => {
      const isStrange = (exponent: Val, mant: Val): Val => isOdd(exponent, mant).and(mant.or(exponent.to64u()).ne(0))
      e.if(isStrange(ea, ma).or(isStrange(eb, mb)), () => f.i32(-1).ret())
      e.if(ma.or(mb).isZero(), () => f.i32(2).ret())
    })
    const negative = e.let(sa.shrU(15).and(1))
    e.if(sa.xor(sb).and(0x8000), () => {
      negative.emit(f)
      f.ret()
    })
    e.if(ea.eq(eb).and(ma.eq(mb)), () => f.i32(2).ret())
    ea.ltU(eb)
      .or(ea.eq(eb).and(ma.ltU(mb)))
      .xor(negative)
      .emit(f)
  }),
}
