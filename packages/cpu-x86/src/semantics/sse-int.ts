/** Packed integer instructions: MMX and XMM forms share a meaning. SDM vol. 2. */
import { I32, V128, type SimdOp } from '@godwit/wasm-encoder'
import { k32, k64, local, type Val } from '../wasm/value.ts'
import type { Meaning, Meanings, Unit } from './meaning.ts'
import {
  binary,
  either,
  enterMmx,
  guardMmx,
  guardSse,
  high64,
  imm8,
  IOTA,
  isMmx,
  isMemory,
  join64,
  lanes,
  low64,
  select,
  splat16,
  splat32,
  splat64,
  splat8,
  v,
  vector,
  ZERO,
} from './vector.ts'

/** Instructions that are one WebAssembly operation. */
const DIRECT: Readonly<Record<string, SimdOp>> = {
  paddb: 'i8x16_add',
  paddw: 'i16x8_add',
  paddd: 'i32x4_add',
  paddq: 'i64x2_add',
  psubb: 'i8x16_sub',
  psubw: 'i16x8_sub',
  psubd: 'i32x4_sub',
  psubq: 'i64x2_sub',
  paddsb: 'i8x16_add_sat_s',
  paddsw: 'i16x8_add_sat_s',
  paddusb: 'i8x16_add_sat_u',
  paddusw: 'i16x8_add_sat_u',
  psubsb: 'i8x16_sub_sat_s',
  psubsw: 'i16x8_sub_sat_s',
  psubusb: 'i8x16_sub_sat_u',
  psubusw: 'i16x8_sub_sat_u',
  pavgb: 'i8x16_avgr_u',
  pavgw: 'i16x8_avgr_u',
  pand: 'v128_and',
  por: 'v128_or',
  pxor: 'v128_xor',
  andps: 'v128_and',
  andpd: 'v128_and',
  orps: 'v128_or',
  orpd: 'v128_or',
  xorps: 'v128_xor',
  xorpd: 'v128_xor',
  pcmpeqb: 'i8x16_eq',
  pcmpeqw: 'i16x8_eq',
  pcmpeqd: 'i32x4_eq',
  pcmpeqq: 'i64x2_eq',
  pcmpgtb: 'i8x16_gt_s',
  pcmpgtw: 'i16x8_gt_s',
  pcmpgtd: 'i32x4_gt_s',
  pcmpgtq: 'i64x2_gt_s',
  pmaxub: 'i8x16_max_u',
  pmaxsw: 'i16x8_max_s',
  pminub: 'i8x16_min_u',
  pminsw: 'i16x8_min_s',
  pmaxsb: 'i8x16_max_s',
  pmaxuw: 'i16x8_max_u',
  pmaxsd: 'i32x4_max_s',
  pmaxud: 'i32x4_max_u',
  pminsb: 'i8x16_min_s',
  pminuw: 'i16x8_min_u',
  pminsd: 'i32x4_min_s',
  pminud: 'i32x4_min_u',
  pmullw: 'i16x8_mul',
  pmulld: 'i32x4_mul',
  pmaddwd: 'i32x4_dot_i16x8_s',
}

const HIGH_WORDS = [2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23, 26, 27, 30, 31]
const EVEN_DWORDS = [0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11]
const EVEN_WORDS = [0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 25, 28, 29]
const ODD_WORDS = [2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23, 26, 27, 30, 31]

const mulHigh = (sign: 's' | 'u') =>
  binary((a, b) =>
    v(a, `i32x4_extmul_low_i16x8_${sign}`, b).shuffle(v(a, `i32x4_extmul_high_i16x8_${sign}`, b), HIGH_WORDS),
  )

const mulEven = (sign: 's' | 'u') =>
  binary((a, b) => v(a.shuffle(a, EVEN_DWORDS), `i64x2_extmul_low_i32x4_${sign}`, b.shuffle(b, EVEN_DWORDS)))

/** Bytes of both operands alternating, in groups of `width` bytes, from the low or the high half. */
function unpack(width: number, from: 0 | 8): Meaning {
  const order: number[] = []
  for (let at = 0; at < 8; at += width)
    for (const side of [0, 16]) for (let k = 0; k < width; k++) order.push(side + from + at + k)
  // MMX: interleaving the low halves gives both results, the high one above.
  const low = order.map((n) => n - from)
  // The low MMX forms read 32 bits of memory.
  return either(
    (a, b) => a.shuffle(b, order),
    (a, b) => (from === 0 ? low64 : high64)(splat64(a).shuffle(splat64(b), low)),
    from === 0 ? 32 : 64,
  )
}

const pack = (op: SimdOp): Meaning =>
  either(
    (a, b) => v(a, op, b),
    (a, b) => low64(v(join64(a, b), op, ZERO)),
  )

/** Shift counts are 64 bits wide or an immediate; more than the width clears, or leaves only signs. */
function shift(width: number, op: SimdOp): Meaning {
  const right = op.endsWith('shr_s')
  const apply = (u: Unit, a: Val, count: Val): Val => {
    const fits = u.e.let(count.ltU(k64(width, 0)))
    if (right) return v(a, op, select(fits, count.to32(), k32(width - 1)))
    return v(v(a, op, count.to32()), 'v128_and', splat64(k32(0).sub(fits).to64s()))
  }
  return (u) => {
    const mmx = isMmx(u)
    if (mmx) guardMmx(u)
    else guardSse(u)
    const bits = mmx ? 64 : 128
    const source = u.insn.operands[1]!
    let count: Val
    if (source.kind === 'imm') count = imm8(u, 1).to64u()
    else if (mmx) count = u.place(1, 'read', { size: 64 }).get()
    else count = low64(vector(u, 1))
    count = u.e.let(count)
    const to = u.place(0, 'both', { size: bits })
    if (!mmx) return to.set(apply(u, u.e.let(to.get()), count))
    const r = u.e.let(low64(apply(u, splat64(to.get()), count)))
    enterMmx(u)
    to.set(r)
  }
}

/** Whole-register byte shifts by an immediate. */
const byteShift =
  (op: 'i8x16_add' | 'i8x16_sub'): Meaning =>
  (u) => {
    guardSse(u)
    const n = imm8(u, 1)
    const to = u.place(0, 'both', { size: 128 })
    to.set(v(to.get(), 'i8x16_swizzle', v(IOTA, op, splat8(select(n.ltU(16), n, k32(16))))))
  }

/** Selectors of two bits each in `imm` as byte indices; `scale` has 64 16 4 1 in the lanes that are selected. */
function selectors(imm: Val, bits: 16 | 32, scale: Val, add: Val): Val {
  if (bits === 32) {
    const two = v(v(v(splat32(imm), 'i32x4_mul', scale), 'i32x4_shr_u', k32(6)), 'v128_and', lanes(32, [3, 3, 3, 3]))
    return v(v(two, 'i32x4_mul', splat32(k32(0x04040404))), 'i32x4_add', add)
  }
  const two = v(v(v(splat16(imm), 'i16x8_mul', scale), 'i16x8_shr_u', k32(6)), 'v128_and', splat16(k32(3)))
  return v(v(two, 'i16x8_mul', splat16(k32(0x0202))), 'i16x8_add', add)
}

export const dwordSelectors = (imm: Val): Val => selectors(imm, 32, lanes(32, [64, 16, 4, 1]), splat32(k32(0x03020100)))
const LOW_WORDS = (imm: Val): Val =>
  selectors(
    imm,
    16,
    lanes(16, [64, 16, 4, 1, 0, 0, 0, 0]),
    lanes(16, [0x100, 0x100, 0x100, 0x100, 0x908, 0xb0a, 0xd0c, 0xf0e]),
  )
const UPPER_WORDS = (imm: Val): Val =>
  selectors(
    imm,
    16,
    lanes(16, [0, 0, 0, 0, 64, 16, 4, 1]),
    lanes(16, [0x100, 0x302, 0x504, 0x706, 0x908, 0x908, 0x908, 0x908]),
  )

/** A permutation of the source chosen by an immediate. */
function permute(order: (imm: Val) => Val): Meaning {
  return (u) => {
    const imm = imm8(u, 2)
    if (isMmx(u)) {
      guardMmx(u)
      const from = u.e.let(splat64(u.place(1, 'read', { size: 64 }).get()))
      enterMmx(u)
      u.place(0, 'write', { size: 64 }).set(low64(v(from, 'i8x16_swizzle', order(imm))))
      return
    }
    guardSse(u)
    const from = vector(u, 1)
    u.place(0, 'write', { size: 128 }).set(v(from, 'i8x16_swizzle', order(imm)))
  }
}

const pmovmskb: Meaning = (u) => {
  if (isMmx(u)) {
    guardMmx(u)
    const mask = u.e.let(
      splat64(u.place(1, 'read', { size: 64 }).get())
        .op('i8x16_bitmask', I32)
        .and(0xff),
    )
    enterMmx(u)
    return u.place(0, 'write', { size: 32 }).set(mask)
  }
  guardSse(u)
  u.place(0, 'write', { size: 32 }).set(vector(u, 1).op('i8x16_bitmask', I32))
}

/** Lane `n` of a vector replaced by value, at run time. */
function insert(bits: 8 | 16 | 32 | 64, into: Val, n: Val, value: Val): Val {
  const at =
    bits === 8
      ? v(IOTA, 'i8x16_eq', splat8(n))
      : bits === 16
        ? v(lanes(16, [0, 1, 2, 3, 4, 5, 6, 7]), 'i16x8_eq', splat16(n))
        : bits === 32
          ? v(lanes(32, [0, 1, 2, 3]), 'i32x4_eq', splat32(n))
          : v(lanes(64, [0, 1]), 'i64x2_eq', splat64(n.to64u()))
  const wide = bits === 8 ? splat8(value) : bits === 16 ? splat16(value) : bits === 32 ? splat32(value) : splat64(value)
  return v(wide, 'v128_bitselect', into, at)
}

/** A lane of a vector, at run time: byte offset `at`. */
const laneAt = (from: Val, at: Val): Val => v(from, 'i8x16_swizzle', v(IOTA, 'i8x16_add', splat8(at)))

function pinsr(bits: 8 | 16 | 32 | 64): Meaning {
  return (u) => {
    const mmx = isMmx(u)
    if (mmx) guardMmx(u)
    else guardSse(u)
    // A register source of 8 or 16 bits is a 32-bit register.
    const size = isMemory(u, 1) || bits === 64 ? bits : 32
    const value = u.e.let(u.place(1, 'read', { size }).get())
    const n = u.e.let(imm8(u, 2).and((mmx ? 64 : 128) / bits - 1))
    const to = u.place(0, 'both', { size: mmx ? 64 : 128 })
    if (!mmx) return to.set(insert(bits, to.get(), n, value))
    const r = u.e.let(low64(insert(bits, splat64(to.get()), n, value)))
    enterMmx(u)
    to.set(r)
  }
}

function pextr(bits: 8 | 16 | 32 | 64): Meaning {
  return (u) => {
    const mmx = isMmx(u)
    if (mmx) guardMmx(u)
    else guardSse(u)
    const n = imm8(u, 2)
      .and((mmx ? 64 : 128) / bits - 1)
      .shl(Math.log2(bits / 8))
    const from = mmx ? splat64(u.place(1, 'read', { size: 64 }).get()) : vector(u, 1)
    const moved = laneAt(from, n)
    const value = u.e.let(
      bits === 64
        ? low64(moved)
        : bits === 32
          ? moved.lane('i32x4_extract_lane', 0, I32)
          : moved.lane(bits === 8 ? 'i8x16_extract_lane_u' : 'i16x8_extract_lane_u', 0, I32),
    )
    if (mmx) enterMmx(u)
    const to = u.place(0, 'write', { size: isMemory(u, 0) || bits === 64 ? bits : 32 })
    to.set(value)
  }
}

const palignr: Meaning = (u) => {
  const n = imm8(u, 2)
  const rule = either(
    (a, b) => {
      const by = u.e.let(splat8(select(n.ltU(32), n, k32(32))))
      const index = u.e.let(v(IOTA, 'i8x16_add', by))
      return v(v(b, 'i8x16_swizzle', index), 'v128_or', v(a, 'i8x16_swizzle', v(index, 'i8x16_sub', splat8(k32(16)))))
    },
    (a, b) => low64(laneAt(join64(b, a), select(n.ltU(16), n, k32(16)))),
  )
  rule(u)
}

/** Pairs of neighbours of both operands, combined. */
function horizontal(op: SimdOp, bits: 16 | 32): Meaning {
  const even = bits === 16 ? EVEN_WORDS : [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27]
  const odd = bits === 16 ? ODD_WORDS : [4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31]
  return either(
    (a, b) => v(a.shuffle(b, even), op, a.shuffle(b, odd)),
    (a, b, u) => {
      const ab = u.e.let(join64(a, b))
      return low64(v(ab.shuffle(ab, even), op, ab.shuffle(ab, odd)))
    },
  )
}

/** b's sign applied to a; zero where b is zero. */
const psign = (lane: 'i8x16' | 'i16x8' | 'i32x4'): Meaning =>
  binary((a, b, u) => {
    const negative = u.e.let(v(ZERO, `${lane}_gt_s`, b))
    const signed = v(v(a, 'v128_xor', negative), `${lane}_sub`, negative)
    return v(signed, 'v128_andnot', v(b, `${lane}_eq`, ZERO))
  })

const absolute = (op: SimdOp): Meaning => binary((_a, b) => v(b, op))

/** Widening moves: the low lanes of the source (a register, or 64, 32 or 16 bits of memory). */
function widen(bytes: 2 | 4 | 8, ...ops: SimdOp[]): Meaning {
  return (u) => {
    guardSse(u)
    let from: Val
    if (isMemory(u, 1)) {
      const low = u.place(1, 'read', { size: (bytes * 8) as 16 | 32 | 64 }).get()
      from = bytes === 8 ? splat64(low) : splat32(low)
    } else from = vector(u, 1)
    for (const op of ops) from = v(from, op)
    u.place(0, 'write', { size: 128 }).set(from)
  }
}

const psadbw = binary((a, b, u) => {
  const apart = v(v(a, 'i8x16_max_u', b), 'i8x16_sub', v(a, 'i8x16_min_u', b))
  const sums = u.e.let(v(v(apart, 'i16x8_extadd_pairwise_i8x16_u'), 'i32x4_extadd_pairwise_i16x8_u'))
  return v(v(sums, 'i64x2_add', v(sums, 'i64x2_shr_u', k32(32))), 'v128_and', lanes(32, [-1, 0, -1, 0]))
})

/** Unsigned bytes of a times signed bytes of b, neighbours added with saturation. */
const pmaddubsw = binary((a, b, u) => {
  const product = (half: 'low' | 'high'): Val =>
    u.e.let(v(v(a, `i16x8_extend_${half}_i8x16_u`), 'i16x8_mul', v(b, `i16x8_extend_${half}_i8x16_s`)))
  const low = product('low')
  const high = product('high')
  return v(low.shuffle(high, EVEN_WORDS), 'i16x8_add_sat_s', low.shuffle(high, ODD_WORDS))
})

/** wasm saturates -32768 * -32768 to 32767; the instruction gives -32768. */
const pmulhrsw = binary((a, b, u) => {
  const r = u.e.let(v(a, 'i16x8_q15mulr_sat_s', b))
  const corner = v(v(a, 'v128_and', b), 'i16x8_eq', splat16(k32(0x8000)))
  const both = v(v(a, 'i16x8_eq', b), 'v128_and', corner)
  return v(r, 'v128_xor', both)
})

const ptest: Meaning = (u) => {
  guardSse(u)
  const b = vector(u, 1)
  const a = vector(u, 0)
  const zf = u.e.let(v(a, 'v128_and', b).op('v128_any_true', I32))
  const cf = v(b, 'v128_andnot', a).op('v128_any_true', I32).isZero()
  // PF is clear even when ZF is set: aux bit 2 inverts PF.
  u.flags.pending = undefined
  u.flags.home.set(zf.to64u(), cf.to64u().mul(k64(3, 0)).shl(62), zf.isZero().shl(2))
}

const phminposuw: Meaning = (u) => {
  guardSse(u)
  const from = vector(u, 1)
  const best = u.e.temp(I32)
  u.e.assign(best, k32(-1))
  // Value above position: the smallest number is the first of the smallest values.
  for (let i = 0; i < 8; i++) {
    const n = u.e.let(from.lane('i16x8_extract_lane_u', i, I32).shl(16).or(i))
    const now = local(I32, best)
    u.e.assign(best, select(n.ltU(now), n, now))
  }
  const r = local(I32, best)
  u.place(0, 'write', { size: 128 }).set(ZERO.lane('i32x4_replace_lane', 0, V128, r.shrU(16).or(r.and(7).shl(16))))
}

/** Blends by the immediate's bits: lane k from the source if bit k is set. */
function blend(bits: 16 | 32 | 64): Meaning {
  return (u) => {
    guardSse(u)
    const b = vector(u, 1)
    const imm = imm8(u, 2)
    const to = u.place(0, 'both', { size: 128 })
    const count = 128 / bits
    const each = lanes(
      bits,
      Array.from({ length: count }, (_, i) => 2 ** i),
    )
    const wide = bits === 16 ? splat16(imm) : bits === 32 ? splat32(imm) : splat64(imm.to64u())
    const lane = bits === 16 ? 'i16x8' : bits === 32 ? 'i32x4' : 'i64x2'
    const mask = v(v(wide, 'v128_and', each), `${lane}_eq`, each)
    to.set(v(b, 'v128_bitselect', to.get(), mask))
  }
}

/** Blends by the sign bits of XMM0. */
const blendv = (op: SimdOp, bits: number): Meaning =>
  binary((a, b, u) => v(b, 'v128_bitselect', a, v(u.xmm(0), op, k32(bits - 1))))

const mpsadbw: Meaning = (u) => {
  const imm = imm8(u, 2)
  binary((a, b) => {
    const block = u.e.let(laneAt(b, imm.and(3).shl(2)))
    const first = u.e.let(laneAt(a, imm.shrU(2).and(1).shl(2)))
    let sum: Val | undefined
    for (let k = 0; k < 4; k++) {
      const x = v(first.shuffle(first, windowOf(k)), 'i16x8_extend_low_i8x16_u')
      const y = splat16(block.lane('i8x16_extract_lane_u', k, I32))
      const d = v(v(x, 'i16x8_sub', y), 'i16x8_abs')
      sum = sum === undefined ? d : v(sum, 'i16x8_add', d)
    }
    return sum!
  })(u)
}
const windowOf = (k: number): number[] => Array.from({ length: 16 }, (_, i) => (i + k) & 15)

export const SSE_INTEGER: Meanings = {
  ...Object.fromEntries(Object.entries(DIRECT).map(([name, op]) => [name, binary((a, b) => v(a, op, b))])),
  pandn: binary((a, b) => v(b, 'v128_andnot', a)),
  andnps: binary((a, b) => v(b, 'v128_andnot', a)),
  andnpd: binary((a, b) => v(b, 'v128_andnot', a)),
  pmulhw: mulHigh('s'),
  pmulhuw: mulHigh('u'),
  pmuludq: mulEven('u'),
  pmuldq: mulEven('s'),
  psadbw,
  packsswb: pack('i8x16_narrow_i16x8_s'),
  packuswb: pack('i8x16_narrow_i16x8_u'),
  packssdw: pack('i16x8_narrow_i32x4_s'),
  packusdw: pack('i16x8_narrow_i32x4_u'),
  punpcklbw: unpack(1, 0),
  punpcklwd: unpack(2, 0),
  punpckldq: unpack(4, 0),
  punpcklqdq: unpack(8, 0),
  punpckhbw: unpack(1, 8),
  punpckhwd: unpack(2, 8),
  punpckhdq: unpack(4, 8),
  punpckhqdq: unpack(8, 8),
  unpcklps: unpack(4, 0),
  unpcklpd: unpack(8, 0),
  unpckhps: unpack(4, 8),
  unpckhpd: unpack(8, 8),
  psllw: shift(16, 'i16x8_shl'),
  pslld: shift(32, 'i32x4_shl'),
  psllq: shift(64, 'i64x2_shl'),
  psrlw: shift(16, 'i16x8_shr_u'),
  psrld: shift(32, 'i32x4_shr_u'),
  psrlq: shift(64, 'i64x2_shr_u'),
  psraw: shift(16, 'i16x8_shr_s'),
  psrad: shift(32, 'i32x4_shr_s'),
  pslldq: byteShift('i8x16_sub'),
  psrldq: byteShift('i8x16_add'),
  pshufd: permute(dwordSelectors),
  pshuflw: permute(LOW_WORDS),
  pshufhw: permute(UPPER_WORDS),
  pshufw: permute(LOW_WORDS),
  pmovmskb,
  pinsrb: pinsr(8),
  pinsrw: pinsr(16),
  pinsrd: pinsr(32),
  pinsrq: pinsr(64),
  pextrb: pextr(8),
  pextrw: pextr(16),
  pextrd: pextr(32),
  pextrq: pextr(64),
  extractps: pextr(32),
  // SSSE3
  pshufb: either(
    (a, b) => v(a, 'i8x16_swizzle', v(b, 'v128_and', splat8(k32(0x8f)))),
    (a, b) => low64(v(splat64(a), 'i8x16_swizzle', v(splat64(b), 'v128_and', splat8(k32(0x87))))),
  ),
  palignr,
  phaddw: horizontal('i16x8_add', 16),
  phaddd: horizontal('i32x4_add', 32),
  phaddsw: horizontal('i16x8_add_sat_s', 16),
  phsubw: horizontal('i16x8_sub', 16),
  phsubd: horizontal('i32x4_sub', 32),
  phsubsw: horizontal('i16x8_sub_sat_s', 16),
  psignb: psign('i8x16'),
  psignw: psign('i16x8'),
  psignd: psign('i32x4'),
  pabsb: absolute('i8x16_abs'),
  pabsw: absolute('i16x8_abs'),
  pabsd: absolute('i32x4_abs'),
  pmaddubsw,
  pmulhrsw,
  // SSE4.1
  ptest,
  phminposuw,
  mpsadbw,
  pblendw: blend(16),
  blendps: blend(32),
  blendpd: blend(64),
  pblendvb: blendv('i8x16_shr_s', 8),
  blendvps: blendv('i32x4_shr_s', 32),
  blendvpd: blendv('i64x2_shr_s', 64),
  pmovsxbw: widen(8, 'i16x8_extend_low_i8x16_s'),
  pmovsxbd: widen(4, 'i16x8_extend_low_i8x16_s', 'i32x4_extend_low_i16x8_s'),
  pmovsxbq: widen(2, 'i16x8_extend_low_i8x16_s', 'i32x4_extend_low_i16x8_s', 'i64x2_extend_low_i32x4_s'),
  pmovsxwd: widen(8, 'i32x4_extend_low_i16x8_s'),
  pmovsxwq: widen(4, 'i32x4_extend_low_i16x8_s', 'i64x2_extend_low_i32x4_s'),
  pmovsxdq: widen(8, 'i64x2_extend_low_i32x4_s'),
  pmovzxbw: widen(8, 'i16x8_extend_low_i8x16_u'),
  pmovzxbd: widen(4, 'i16x8_extend_low_i8x16_u', 'i32x4_extend_low_i16x8_u'),
  pmovzxbq: widen(2, 'i16x8_extend_low_i8x16_u', 'i32x4_extend_low_i16x8_u', 'i64x2_extend_low_i32x4_u'),
  pmovzxwd: widen(8, 'i32x4_extend_low_i16x8_u'),
  pmovzxwq: widen(4, 'i32x4_extend_low_i16x8_u', 'i64x2_extend_low_i32x4_u'),
  pmovzxdq: widen(8, 'i64x2_extend_low_i32x4_u'),
}
