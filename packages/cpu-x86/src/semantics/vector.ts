/** What the MMX and SSE families share: guards, operands as vectors, and vector constants. */
import { F32, F64, I32, I64, V128, type SimdOp } from '@godwit/wasm-encoder'
import { S } from '../state.ts'
import { k32, k64, kv128, select, type Val } from '../wasm/value.ts'
import type { Meaning, Unit } from './meaning.ts'

/** Raises the exception that a block field of the state holds, if any. */
export function guard(u: Unit, field: number): void {
  const block = u.e.let(u.field(I32, field))
  u.e.unlikely(block.ne(0), () => u.fallible('fpu_blocked', [block]))
}

export const guardSse = (u: Unit): void => guard(u, S.sseBlock)

/** #UD, #NM or a pending #MF for an MMX instruction. */
export const guardMmx = (u: Unit): void => guard(u, S.mmxBlock)

/** Every MMX instruction but EMMS makes all registers valid and the top 0. SDM vol. 1, 9.6.2. */
export function enterMmx(u: Unit): void {
  u.setField(S.fpuTop, k32(0))
  u.setField(S.fpuEmpty, k64(0))
}

export const isMmx = (u: Unit): boolean => u.insn.operands.some((o) => o.kind === 'reg' && o.file === 'mmx')
export const isMemory = (u: Unit, i: number): boolean => u.insn.operands[i]?.kind === 'mem'

export const bits32 = (x: Val): Val => x.op('i32_reinterpret_f32', I32)
export const bits64 = (x: Val): Val => x.op('i64_reinterpret_f64', I64)
export const asF32 = (x: Val): Val => x.op('f32_reinterpret_i32', F32)
export const asF64 = (x: Val): Val => x.op('f64_reinterpret_i64', F64)

export const v = (a: Val, op: SimdOp, ...rest: Val[]): Val => a.op(op, V128, ...rest)
export const splat8 = (x: Val): Val => x.op('i8x16_splat', V128)
export const splat16 = (x: Val): Val => x.op('i16x8_splat', V128)
export const splat32 = (x: Val): Val => x.op('i32x4_splat', V128)
export const splat64 = (x: Val): Val => x.op('i64x2_splat', V128)
export const low64 = (x: Val): Val => x.lane('i64x2_extract_lane', 0, I64)
export const high64 = (x: Val): Val => x.lane('i64x2_extract_lane', 1, I64)
/** Two 64-bit halves as one vector. */
export const join64 = (low: Val, high: Val): Val => splat64(low).lane('i64x2_replace_lane', 1, V128, high)
export const ZERO = kv128(new Uint8Array(16))
export const ONES = kv128(new Uint8Array(16).fill(255))
export const IOTA = kv128([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])
/** A vector with zero above an i32 or i64. */
export const zext128 = (x: Val): Val =>
  x.type === I32 ? ZERO.lane('i32x4_replace_lane', 0, V128, x) : ZERO.lane('i64x2_replace_lane', 0, V128, x)

/** A vector constant of 16-, 32- or 64-bit lanes (64 as numbers below 2^53). */
export function lanes(bits: 16 | 32 | 64, values: readonly number[]): Val {
  const view = new DataView(new ArrayBuffer(16))
  values.forEach((n, i) => {
    if (bits === 16) view.setUint16(i * 2, n & 0xffff, true)
    else if (bits === 32) view.setUint32(i * 4, n >>> 0, true)
    else view.setBigInt64(i * 8, BigInt(n), true)
  })
  return kv128(new Uint8Array(view.buffer))
}

/** Operand i as a 128-bit vector; memory must be aligned unless align is 1. */
export const vector = (u: Unit, i: number, align = 16): Val => u.e.let(u.place(i, 'read', { size: 128, align }).get())

/** The immediate of operand i, 0 to 255. */
export const imm8 = (u: Unit, i: number): Val => u.e.let(u.place(i, 'read', { size: 8 }).get().and(0xff))

export function setVector(u: Unit, i: number, value: Val): void {
  u.place(i, 'write', { size: 128 }).set(value)
}

/** `a op b` for vectors that are XMM registers and memory, or MMX registers and memory in the low half. */
export function binary(f: (a: Val, b: Val, u: Unit) => Val): Meaning {
  return (u) => {
    if (isMmx(u)) {
      guardMmx(u)
      const b = u.e.let(splat64(u.place(1, 'read', { size: 64 }).get()))
      const to = u.place(0, 'both', { size: 64 })
      const r = u.e.let(low64(f(u.e.let(splat64(to.get())), b, u)))
      enterMmx(u)
      to.set(r)
      return
    }
    guardSse(u)
    const b = vector(u, 1)
    const to = u.place(0, 'both', { size: 128 })
    to.set(f(u.e.let(to.get()), b, u))
  }
}

/** A different rule for MMX: f64 gets and gives i64; its memory operand may be 32 bits. */
export function either(
  f128: (a: Val, b: Val, u: Unit) => Val,
  f64: (a: Val, b: Val, u: Unit) => Val,
  memory: 32 | 64 = 64,
): Meaning {
  const wide = binary(f128)
  return (u) => {
    if (!isMmx(u)) return wide(u)
    guardMmx(u)
    const b = u.e.let(
      u
        .place(1, 'read', { size: isMemory(u, 1) ? memory : 64 })
        .get()
        .to64u(),
    )
    const to = u.place(0, 'both', { size: 64 })
    const r = u.e.let(f64(u.e.let(to.get()), b, u))
    enterMmx(u)
    to.set(r)
  }
}

/** A select of vectors; both sides are evaluated. */
export const choose = (condition: Val, yes: Val, no: Val): Val =>
  v(yes, 'v128_bitselect', no, splat32(k32(0).sub(condition.ne(0))))

export { select }
