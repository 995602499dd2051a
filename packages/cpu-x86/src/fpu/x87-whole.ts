/** More functions of values for x87 code (x87-values.ts): rounding to an integer, remainders, scaling, classes. */
import { I32, I64, type ValueType } from '@godwit/wasm-encoder'
import { wasm, type RuntimeFunctions } from '../runtime.ts'
import { Emit } from '../wasm/emit.ts'
import { k32, k64, local, select, type Val } from '../wasm/value.ts'
import { emitQuotient, INTEGER_BIT, isOdd, isStranger } from './x87-algorithms.ts'
import { give, INEXACT, refuse, UP } from './x87-values.ts'

const PAIR: readonly ValueType[] = [I64, I32]
const p32 = (i: number): Val => local(I32, i)
const p64 = (i: number): Val => local(I64, i)
const SIGN = 0x8000
const [C0, C2, C3] = [0x100, 0x400, 0x4000]

/** Refuses what is neither normal nor zero; a zero gives itself. */
function commonOrZero(e: Emit, mant: Val, se: Val, exponent: Val): void {
  e.unlikely(isOdd(exponent, mant), () => {
    refuse(e, isStranger(exponent, mant))
    give(e, mant, se.and(SIGN))
  })
}

export const X87_WHOLE: RuntimeFunctions = {
  /** FRNDINT; the third parameter is the control word's rounding control, in its place. */
  x87v_rint: wasm([I64, I32, I32], PAIR, (f) => {
    const e = new Emit(f)
    const [mant, se] = [p64(0), p32(1)]
    const exponent = e.let(se.and(0x7fff))
    commonOrZero(e, mant, se, exponent)
    const scale = e.let(exponent.sub(0x3fff))
    e.if(scale.geS(63), () => give(e, mant, se.and(0xffff)))
    const [rest, ulp, kept] = [e.temp(I64), e.temp(I64), e.temp(I64)]
    e.if(
      scale.ltS(0),
      () => {
        // A half and more is the fraction itself; of less it is enough that there is some.
        e.assign(rest, select(scale.eq(-1), mant, k64(1)))
        e.assign(ulp, k64(0))
        e.assign(kept, k64(0))
      },
      () => {
        e.assign(rest, mant.shl(scale.add(1).to64u()))
        e.assign(ulp, k64(1).shl(k32(63).sub(scale).to64u()))
        e.assign(kept, mant.and(k64(0).sub(p64(ulp))))
      },
    )
    const part = p64(rest)
    const mode = e.let(p32(2).shrU(10).and(3))
    const tie = part.ltS(0).and(part.ne(INTEGER_BIT).or(p64(kept).and(p64(ulp)).ne(0)))
    // Rounding down grows negative numbers, rounding up positive ones.
    const directed = part
      .ne(0)
      .and(mode.ne(3))
      .and(mode.eq(1).eq(se.shrU(15).and(1)))
    const up = e.let(select(mode, directed, tie))
    const flags = e.let(up.shl(UP).or(part.ne(0).shl(INEXACT)).or(se.and(SIGN)))
    e.if(scale.ltS(0), () => give(e, select(up, INTEGER_BIT, k64(0)), flags.or(select(up, k32(0x3fff), k32(0)))))
    const rounded = e.let(p64(kept).add(select(up, p64(ulp), k64(0))))
    const carried = e.let(rounded.isZero())
    give(e, rounded.or(INTEGER_BIT), flags.or(exponent.add(carried)))
    f.op('unreachable')
  }),
  /** FSCALE: the first number times two to the whole part of the second. */
  x87v_scale: wasm([I64, I32, I64, I32], PAIR, (f) => {
    const e = new Emit(f)
    const [ma, sa, mb, sb] = [p64(0), p32(1), p64(2), p32(3)]
    const ea = e.let(sa.and(0x7fff))
    const eb = e.let(sb.and(0x7fff))
    refuse(e, isOdd(eb, mb).and(isStranger(eb, mb)))
    commonOrZero(e, ma, sa, ea)
    const scale = e.let(eb.sub(0x3fff))
    refuse(e, scale.geS(16))
    const whole = e.let(select(scale.ltS(0), k64(0), mb.shrU(k32(63).sub(scale).to64u())).to32())
    const moved = e.let(ea.add(select(sb.and(SIGN), k32(0).sub(whole), whole)))
    refuse(e, moved.sub(1).geU(0x7ffe))
    give(e, ma, sa.and(SIGN).or(moved))
    f.op('unreachable')
  }),
  /**
   * FPREM, or FPREM1 if the fifth parameter says so, of exponents less than 64 apart. The condition codes are in the upper
   * half of the second result, C1 as UP.
   */
  x87v_remainder: wasm([I64, I32, I64, I32, I32], PAIR, (f) => {
    const e = new Emit(f)
    const [ma, sa, mb, sb, nearest] = [p64(0), p32(1), p64(2), p32(3), p32(4)]
    const ea = e.let(sa.and(0x7fff))
    const eb = e.let(sb.and(0x7fff))
    refuse(e, isOdd(eb, mb))
    commonOrZero(e, ma, sa, ea)
    const d = e.let(ea.sub(eb))
    refuse(e, d.geS(64))
    e.if(d.ltS(0), () => {
      // Of half the divisor and more FPREM1 takes the divisor away.
      refuse(e, nearest.and(d.eq(-1)))
      give(e, ma, sa.and(0xffff))
    })
    const by = e.let(d.to64u())
    // a * 2^d in two words, of which the upper one is below b.
    const high = ma.shrU(1).shrU(k64(63).sub(by))
    const [q, r] = emitQuotient(e, high, ma.shl(by), mb)
    const quotient = e.temp(I64)
    const rest = e.temp(I64)
    const sign = e.temp(I32)
    e.assign(quotient, q)
    e.assign(rest, r)
    e.assign(sign, sa.and(SIGN))
    const other = e.let(mb.sub(r))
    e.if(nearest.and(r.gtU(other).or(r.eq(other).and(q.and(1).ne(0)))), () => {
      e.assign(quotient, q.add(1))
      e.assign(rest, other)
      e.assign(sign, p32(sign).xor(SIGN))
    })
    const bit = (n: number): Val => p64(quotient).shrU(n).and(1).to32()
    const codes = e.let(
      bit(0)
        .shl(UP)
        .or(bit(1).shl(UP + 1))
        .or(bit(2).shl(UP + 2)),
    )
    e.if(p64(rest).isZero(), () => give(e, k64(0), sa.and(SIGN).or(codes)))
    const zeros = e.let(p64(rest).clz())
    const exponent = e.let(eb.sub(zeros.to32()))
    refuse(e, exponent.leS(0))
    give(e, p64(rest).shl(zeros), p32(sign).or(exponent).or(codes))
    f.op('unreachable')
  }),
  /** FXAM's condition codes but C1; the third parameter says that the register is empty. -1 for denormals. */
  x87v_class: wasm([I64, I32, I32], [I32], (f) => {
    const e = new Emit(f)
    const [mant, se, empty] = [p64(0), p32(1), p32(2)]
    const exponent = e.let(se.and(0x7fff))
    const is = (condition: Val, codes: number): void => e.if(condition, () => f.i32(codes).ret())
    is(empty, C3 | C0)
    is(isOdd(exponent, mant).isZero(), C2)
    is(mant.or(exponent.to64u()).isZero(), C3)
    is(exponent.isZero(), -1)
    is(mant.geS(0), 0)
    is(mant.shl(1).isZero(), C2 | C0)
    f.i32(C0)
  }),
}
