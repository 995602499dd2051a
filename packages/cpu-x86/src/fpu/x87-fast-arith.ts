/**
 * Exact x87 arithmetic in WebAssembly for the common case: normal operands, a normal result, rounding to nearest, the
 * precision exception masked. Each function gives 1 if it has done its work and 0 if it did nothing, and then the slow
 * path decides. Rounding to nearest even with a guard word: Hauser's softfloat is the model.
 */
import { I32, I64 } from '@godwit/wasm-encoder'
import { wasm, type Link, type RuntimeFunctions } from '../runtime.ts'
import { S } from '../state.ts'
import { Emit } from '../wasm/emit.ts'
import { k32, k64, local, select, type Val } from '../wasm/value.ts'

const C1 = 0x200
const PE = 0x20
export const INTEGER_BIT = k64(0, 0x80000000 | 0)

/** Access to the state from a runtime function. */
export const fields = (e: Emit, link: Link) => ({
  get: (offset: number): Val => e.load(I32, 'i32_load', k32(0), link.base + offset),
  set: (offset: number, value: Val): void => e.store('i32_store', k32(0), value, link.base + offset),
})

/** Leaves the function with 0 if the condition holds. */
export function giveUp(e: Emit, condition: Val): void {
  e.unlikely(condition, () => e.func.i32(0).ret())
}

/** Not a normal number: exponent 0 or 32767, or no integer bit. */
export const isOdd = (exponent: Val, mant: Val): Val => exponent.sub(1).geU(0x7ffe).or(mant.geS(0))

const p32 = (i: number): Val => local(I32, i)
const p64 = (i: number): Val => local(I64, i)

export const FAST_ARITH: RuntimeFunctions = {
  /** (sign 0/1, biased exponent, significand with its top bit set, bits below it, slot): rounded into the slot. */
  x87_round: wasm([I32, I32, I64, I64, I32], [I32], (f, link) => {
    const e = new Emit(f)
    const state = fields(e, link)
    const control = state.get(S.fpuControl)
    giveUp(e, control.and(0xc20).ne(0x20))
    const hi = p64(2)
    const rest = p64(3)
    const ulp = e.temp(I64)
    e.assign(ulp, k64(1))
    e.unlikely(control.and(0x300).ne(0x300), () => {
      // Precision control: 53 or 24 bits of significand.
      const width = e.let(select(control.and(0x200), k64(11), k64(40)))
      e.assign(ulp, k64(1).shl(width))
      e.assign(3, hi.shl(k64(64).sub(width)).or(rest.ne(0).to64u()))
      e.assign(2, hi.and(k64(0).sub(p64(ulp))))
    })
    const up = e.let(rest.ltS(0).and(rest.ne(INTEGER_BIT).or(hi.and(p64(ulp)).ne(0))))
    e.if(up, () => {
      e.assign(2, hi.add(p64(ulp)))
      e.if(hi.isZero(), () => {
        e.assign(2, INTEGER_BIT)
        e.assign(1, p32(1).add(1))
      })
    })
    giveUp(e, p32(1).sub(1).geU(0x7ffe))
    e.store('i64_store', p32(4), hi)
    e.store('i32_store16', p32(4), p32(0).shl(15).or(p32(1)), 8)
    const status = state.get(S.fpuStatus)
    state.set(S.fpuStatus, status.and(~C1).or(rest.ne(0).mul(PE)).or(up.mul(C1)))
    f.i32(1)
  }),

  /** (se a, mant a, se b, mant b, slot): a + b. */
  x87_add: wasm([I32, I64, I32, I64, I32], [I32], (f, link) => {
    const e = new Emit(f)
    const [sa, ma, sb, mb] = [p32(0), p64(1), p32(2), p64(3)]
    const ea = e.temp(I32)
    const eb = e.temp(I32)
    e.assign(ea, sa.and(0x7fff))
    e.assign(eb, sb.and(0x7fff))
    giveUp(e, isOdd(p32(ea), ma).or(isOdd(p32(eb), mb)))
    // The larger magnitude first.
    e.if(
      p32(ea)
        .ltU(p32(eb))
        .or(p32(ea).eq(p32(eb)).and(ma.ltU(mb))),
      () => {
        const m = e.temp(I64)
        const x = e.temp(I32)
        e.assign(x, sa)
        e.assign(m, ma)
        e.assign(0, sb)
        e.assign(1, mb)
        e.assign(2, p32(x))
        e.assign(3, p64(m))
        e.assign(x, p32(ea))
        e.assign(ea, p32(eb))
        e.assign(eb, p32(x))
      },
    )
    const d = e.let(p32(ea).sub(p32(eb)).to64u())
    const high = e.temp(I64)
    const low = e.temp(I64)
    e.if(
      d.isZero(),
      () => {
        e.assign(high, mb)
        e.assign(low, k64(0))
      },
      () =>
        e.if(
          d.ltU(64),
          () => {
            e.assign(high, mb.shrU(d))
            e.assign(low, mb.shl(k64(64).sub(d)))
          },
          () => {
            e.assign(high, k64(0))
            e.assign(
              low,
              select(d.eq(64), mb, select(d.ltU(127), mb.shrU(d).or(mb.shl(k64(0).sub(d)).ne(0).to64u()), k64(1))),
            )
          },
        ),
    )
    const sign = e.let(sa.shrU(15).and(1))
    e.if(
      sa.xor(sb).and(0x8000).isZero(),
      () => {
        const total = e.let(ma.add(p64(high)))
        e.if(
          total.ltU(ma),
          () => {
            e.assign(low, total.shl(63).or(p64(low).shrU(1)).or(p64(low).and(1)))
            e.assign(high, total.shrU(1).or(INTEGER_BIT))
            e.assign(ea, p32(ea).add(1))
          },
          () => e.assign(high, total),
        )
      },
      () => {
        e.assign(high, ma.sub(p64(high)).sub(p64(low).ne(0).to64u()))
        e.assign(low, k64(0).sub(p64(low)))
        e.if(p64(high).isZero(), () => {
          e.if(p64(low).isZero(), () => {
            // x - x is +0 when rounding to nearest.
            giveUp(e, fields(e, link).get(S.fpuControl).and(0xc00))
            e.store('i64_store', p32(4), k64(0))
            e.store('i32_store16', p32(4), k32(0), 8)
            const state = fields(e, link)
            state.set(S.fpuStatus, state.get(S.fpuStatus).and(~C1))
            f.i32(1).ret()
          })
          e.assign(high, p64(low))
          e.assign(low, k64(0))
          e.assign(ea, p32(ea).sub(64))
        })
        const z = e.let(p64(high).clz())
        e.if(z.ne(0), () => {
          e.assign(
            high,
            p64(high)
              .shl(z)
              .or(p64(low).shrU(k64(64).sub(z))),
          )
          e.assign(low, p64(low).shl(z))
          e.assign(ea, p32(ea).sub(z.to32()))
        })
      },
    )
    for (const v of [sign, p32(ea), p64(high), p64(low), p32(4)]) v.emit(f)
    f.call(link.func('x87_round'))
  }),

  x87_mul: wasm([I32, I64, I32, I64, I32], [I32], (f, link) => {
    const e = new Emit(f)
    const [sa, ma, sb, mb] = [p32(0), p64(1), p32(2), p64(3)]
    const ea = e.let(sa.and(0x7fff))
    const eb = e.let(sb.and(0x7fff))
    giveUp(e, isOdd(ea, ma).or(isOdd(eb, mb)))
    const [a0, a1, b0, b1] = [
      e.let(ma.and(k64(-1, 0))),
      e.let(ma.shrU(32)),
      e.let(mb.and(k64(-1, 0))),
      e.let(mb.shrU(32)),
    ]
    const p00 = e.let(a0.mul(b0))
    const p01 = e.let(a0.mul(b1))
    const middle = e.let(a1.mul(b0).add(p00.shrU(32)))
    const cross = e.let(p01.add(middle.and(k64(-1, 0))))
    const high = e.temp(I64)
    const low = e.temp(I64)
    e.assign(high, a1.mul(b1).add(middle.shrU(32)).add(cross.shrU(32)))
    e.assign(low, cross.shl(32).or(p00.and(k64(-1, 0))))
    const exponent = e.temp(I32)
    e.assign(exponent, ea.add(eb).sub(0x3ffe))
    e.if(p64(high).geS(0), () => {
      e.assign(high, p64(high).shl(1).or(p64(low).shrU(63)))
      e.assign(low, p64(low).shl(1))
      e.assign(exponent, p32(exponent).sub(1))
    })
    for (const v of [sa.xor(sb).shrU(15).and(1), p32(exponent), p64(high), p64(low), p32(4)]) v.emit(f)
    f.call(link.func('x87_round'))
  }),

  x87_div: wasm([I32, I64, I32, I64, I32], [I32], (f, link) => {
    const e = new Emit(f)
    const [sa, ma, sb, mb] = [p32(0), p64(1), p32(2), p64(3)]
    const ea = e.let(sa.and(0x7fff))
    const eb = e.let(sb.and(0x7fff))
    giveUp(e, isOdd(ea, ma).or(isOdd(eb, mb)))
    const less = e.let(ma.ltU(mb))
    // A dividend of 128 bits below the divisor * 2^64: the quotient has its top bit set.
    const high = e.temp(I64)
    const low = e.let(select(less, k64(0), ma.shl(63)))
    e.assign(high, select(less, ma, ma.shrU(1)))
    const v1 = e.let(mb.shrU(32))
    const v0 = e.let(mb.and(k64(-1, 0)))
    const digits = [low.shrU(32), low.and(k64(-1, 0))].map((d) => e.let(d))
    const quotient: Val[] = []
    // Two digits of 32 bits each (Knuth, algorithm D).
    for (const digit of digits) {
      const q = e.temp(I64)
      const r = e.temp(I64)
      e.assign(q, p64(high).divU(v1))
      e.assign(r, p64(high).sub(p64(q).mul(v1)))
      e.block((end) => {
        e.loop((again) => {
          const tooLarge = p64(q)
            .shrU(32)
            .ne(0)
            .or(p64(q).mul(v0).gtU(p64(r).shl(32).or(digit)))
          e.brIf(tooLarge.isZero(), end)
          e.assign(q, p64(q).sub(1))
          e.assign(r, p64(r).add(v1))
          e.brIf(p64(r).shrU(32).isZero(), again)
        })
      })
      e.assign(high, p64(high).shl(32).or(digit).sub(p64(q).mul(mb)))
      quotient.push(p64(q))
    }
    const q = e.let(quotient[0]!.shl(32).add(quotient[1]!))
    const r = p64(high)
    const other = e.let(mb.sub(r))
    const rest = select(
      r.isZero(),
      k64(0),
      select(r.eq(other), INTEGER_BIT, select(r.gtU(other), k64(0, 0xc0000000 | 0), k64(0, 0x40000000))),
    )
    const exponent = ea.sub(eb).add(0x3fff).sub(less)
    for (const v of [sa.xor(sb).shrU(15).and(1), exponent, q, rest, p32(4)]) v.emit(f)
    f.call(link.func('x87_round'))
  }),
}
