/**
 * Exact x87 arithmetic in WebAssembly for the common case: normal operands, a normal result, rounding to nearest, the
 * precision exception masked. Each function gives 1 if it has done its work and 0 if it did nothing, and then the slow
 * path decides. Rounding to nearest even with a guard word: Hauser's softfloat is the model.
 */
import { I32, I64 } from '@godwit/wasm-encoder'
import { wasm, type Link, type RuntimeFunction, type RuntimeFunctions } from '../runtime.ts'
import { S } from '../state.ts'
import { Emit } from '../wasm/emit.ts'
import { k32, k64, local, select, type Val } from '../wasm/value.ts'
import { emitAdd, emitDiv, emitMul, emitRoot, INTEGER_BIT, type OperandLocals, type Outcome } from './x87-algorithms.ts'

const C1 = 0x200
const PE = 0x20

/** Access to the state from a runtime function. */
export const fields = (e: Emit, link: Link) => ({
  get: (offset: number): Val => e.load(I32, 'i32_load', k32(0), link.base + offset),
  set: (offset: number, value: Val): void => e.store('i32_store', k32(0), value, link.base + offset),
})

/** Leaves the function with 0 if the condition holds. */
export function giveUp(e: Emit, condition: Val): void {
  e.unlikely(condition, () => e.func.i32(0).ret())
}

const p32 = (i: number): Val => local(I32, i)
const p64 = (i: number): Val => local(I64, i)

/** An algorithm as a function of the operands' signs, exponents and significands, and the slot of the result. */
function binary(emit: (e: Emit, a: OperandLocals, b: OperandLocals, out: Outcome) => void): RuntimeFunction {
  return wasm([I32, I64, I32, I64, I32], [I32], (f, link) => {
    const e = new Emit(f)
    emit(e, { se: 0, mant: 1 }, { se: 2, mant: 3 }, intoSlot(e, link, p32(4)))
  })
}

/** Results go to a slot; the function gives 1 if there is one. */
function intoSlot(e: Emit, link: Link, slot: Val): Outcome {
  const { func } = e
  return {
    fail: (condition) => giveUp(e, condition),
    rounded: (sign, exponent, high, low) => {
      for (const v of [sign, exponent, high, low, slot]) v.emit(func)
      func.call(link.func('x87_round')).ret()
    },
    zero: (sign) => {
      const state = fields(e, link)
      giveUp(e, state.get(S.fpuControl).and(0xc00))
      e.store('i64_store', slot, k64(0))
      e.store('i32_store16', slot, sign.shl(15), 8)
      state.set(S.fpuStatus, state.get(S.fpuStatus).and(~C1))
      func.i32(1).ret()
    },
  }
}

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

  x87_add: binary(emitAdd),
  x87_mul: binary(emitMul),
  x87_div: binary(emitDiv),
  /** (se, mant, slot): the root. */
  x87_root: wasm([I32, I64, I32], [I32], (f, link) => {
    const e = new Emit(f)
    emitRoot(e, { se: 0, mant: 1 }, intoSlot(e, link, p32(2)))
  }),
}
