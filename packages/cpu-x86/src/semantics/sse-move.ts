/** Moves between vector registers, general registers and memory. SDM vol. 2. */
import { I32, I64, V128 } from '@godwit/wasm-encoder'
import { DS } from '../decode/insn.ts'
import { k32, type Val } from '../wasm/value.ts'
import type { Meaning, Meanings, Unit } from './meaning.ts'
import { enterMmx, guardMmx, guardSse, isMemory, isMmx, low64, splat64, v, vector, zext128 } from './vector.ts'

const fileOf = (u: Unit, i: number): string => {
  const o = u.insn.operands[i]!
  return o.kind === 'reg' ? o.file : o.kind
}

/** 16 bytes either way; memory must be aligned unless align is 1. */
const whole =
  (align: number): Meaning =>
  (u) => {
    guardSse(u)
    const to = u.place(0, 'write', { size: 128, align })
    to.set(vector(u, 1, align))
  }

/** MOVSS, MOVSD: a load clears the rest of the register, a register move keeps it. */
const scalar =
  (size: 32 | 64): Meaning =>
  (u) => {
    guardSse(u)
    if (!isMemory(u, 1)) {
      const to = u.place(0, 'write', { size })
      return to.set(u.place(1, 'read', { size }).get())
    }
    const low = u.e.let(u.place(1, 'read', { size }).get())
    u.place(0, 'write', { size: 128 }).set(zext128(low))
  }

/** MOVD, MOVQ in all register files. */
const movd =
  (size: 32 | 64): Meaning =>
  (u) => {
    const mmx = isMmx(u)
    if (mmx) guardMmx(u)
    else guardSse(u)
    const to = fileOf(u, 0)
    const memory = to === 'mem' ? u.place(0, 'write', { size }) : undefined
    const value = u.e.let(u.place(1, 'read', { size }).get())
    if (mmx) enterMmx(u)
    if (memory !== undefined) memory.set(value)
    else if (to === 'xmm') u.place(0, 'write', { size: 128 }).set(zext128(value))
    else if (to === 'mmx') u.place(0, 'write', { size: 64 }).set(value.to64u())
    else u.place(0, 'write', { size }).set(value)
  }

/** Eight bytes between memory and one half of a register. */
const half =
  (lane: 0 | 1): Meaning =>
  (u) => {
    guardSse(u)
    if (isMemory(u, 0)) {
      const to = u.place(0, 'write', { size: 64 })
      return to.set(u.place(1, 'read', { size: 128 }).get().lane('i64x2_extract_lane', lane, I64))
    }
    const value = u.e.let(
      isMemory(u, 1) ? u.place(1, 'read', { size: 64 }).get() : vector(u, 1).lane('i64x2_extract_lane', 1 - lane, I64),
    )
    const to = u.place(0, 'both', { size: 128 })
    to.set(to.get().lane('i64x2_replace_lane', lane, V128, value))
  }

const shuffled =
  (order: readonly number[]): Meaning =>
  (u) => {
    guardSse(u)
    const from = vector(u, 1)
    u.place(0, 'write', { size: 128 }).set(from.shuffle(from, order))
  }

const movmsk =
  (op: 'i32x4_bitmask' | 'i64x2_bitmask'): Meaning =>
  (u) => {
    guardSse(u)
    u.place(0, 'write', { size: 32 }).set(vector(u, 1).op(op, I32))
  }

/** Bytes selected by a mask to DS:rDI. The whole range is opened, whatever the mask. */
const maskmov: Meaning = (u) => {
  const mmx = isMmx(u)
  if (mmx) guardMmx(u)
  else guardSse(u)
  const size = mmx ? 64 : 128
  const { addressSize, segment } = u.insn
  const to = u.memory(segment < 0 ? DS : segment, u.reg(7, addressSize).to64u(), size, 'both')
  const widen = (x: Val): Val => u.e.let(mmx ? splat64(x) : x)
  const from = widen(u.place(0, 'read', { size }).get())
  const mask = v(widen(u.place(1, 'read', { size }).get()), 'i8x16_shr_s', k32(7))
  const r = v(from, 'v128_bitselect', widen(to.get()), mask)
  const result = u.e.let(mmx ? low64(r) : r)
  if (mmx) enterMmx(u)
  to.set(result)
}

export const SSE_MOVES: Meanings = {
  movaps: whole(16),
  movapd: whole(16),
  movdqa: whole(16),
  movntps: whole(16),
  movntpd: whole(16),
  movntdq: whole(16),
  movntdqa: whole(16),
  movups: whole(1),
  movupd: whole(1),
  movdqu: whole(1),
  lddqu: whole(1),
  movss: scalar(32),
  movsd: scalar(64),
  movd: movd(32),
  movq: movd(64),
  movntq: movd(64),
  movdq2q: movd(64),
  movq2dq: movd(64),
  movlps: half(0),
  movlpd: half(0),
  movhps: half(1),
  movhpd: half(1),
  movhlps: half(0),
  movlhps: half(1),
  movsldup: shuffled([0, 1, 2, 3, 0, 1, 2, 3, 8, 9, 10, 11, 8, 9, 10, 11]),
  movshdup: shuffled([4, 5, 6, 7, 4, 5, 6, 7, 12, 13, 14, 15, 12, 13, 14, 15]),
  movddup: (u) => {
    guardSse(u)
    const low = u.place(1, 'read', { size: 64 }).get()
    u.place(0, 'write', { size: 128 }).set(splat64(low))
  },
  movmskps: movmsk('i32x4_bitmask'),
  movmskpd: movmsk('i64x2_bitmask'),
  movnti: (u) => {
    const size = u.insn.operands[1]!.size
    const to = u.place(0, 'write', { size })
    to.set(u.place(1, 'read', { size }).get())
  },
  maskmovq: maskmov,
  maskmovdqu: maskmov,
}
