/**
 * Floating-point arithmetic on vectors: WebAssembly's own operations while MXCSR is in its default mode (nearest, no FTZ or
 * DAZ, all exceptions masked), else fpu/sse-soft.ts. In the default mode the exception flags of MXCSR are not recorded.
 */
import { F32, F64, I32, I64, V128, type PlainOp, type SimdOp } from '@godwit/wasm-encoder'
import { softCode } from '../fpu/sse-codes.ts'
import { S } from '../state.ts'
import { k32, k64, kf32, kf64, local, type Val } from '../wasm/value.ts'
import type { Meaning, Meanings, Unit } from './meaning.ts'
import { dwordSelectors } from './sse-int.ts'
import {
  asF32,
  asF64,
  bits32,
  bits64,
  enterMmx,
  guard,
  guardMmx,
  imm8,
  isMemory,
  join64,
  lanes,
  low64,
  ONES,
  select,
  splat32,
  splat64,
  v,
  vector,
} from './vector.ts'

type Kind = 'ps' | 'pd' | 'ss' | 'sd'
const isScalar = (kind: Kind): boolean => kind[0] === 's'
const bitsOf = (kind: Kind): 32 | 64 => (kind[1] === 's' ? 32 : 64)
const prefix = (kind: Kind): 'f32x4' | 'f64x2' => (kind[1] === 's' ? 'f32x4' : 'f64x2')

/** Puts a value into a slot of the scratch area. */
const spill = (u: Unit, slot: number, value: Val): void => u.setField(S.temp + 16 * slot, value)

/** fast() where MXCSR is default, else the soft function on the operands in slots 0 and 1, its result from slot 2. */
function arithmetic(u: Unit, code: string, operands: readonly Val[], imm: Val, fast: () => Val): Val {
  let result: Val | undefined
  u.e.if(
    u.field(I32, S.sseSlow).isZero(),
    () => {
      const r = fast()
      result = local(r.type, u.e.temp(r.type))
      u.e.assign(indexOf(result), r)
    },
    () => {
      operands.forEach((o, i) => spill(u, i, o))
      u.fallible('sse_soft', [k32(softCode(code)), imm])
      u.e.assign(indexOf(result!), u.field(result!.type, S.temp + 32))
    },
  )
  return result!
}

const indexOf = (v: Val): number => v.local

const guardArithmetic = (u: Unit): void => guard(u, S.sseBlock)

/** The low element of operand i as i32 or i64 bits. */
const element = (u: Unit, i: number, bits: 32 | 64): Val => u.e.let(u.place(i, 'read', { size: bits }).get())
const asFloat = (x: Val, bits: 32 | 64): Val => (bits === 32 ? asF32(x) : asF64(x))
const asBits = (x: Val, bits: 32 | 64): Val => (bits === 32 ? bits32(x) : bits64(x))

interface Rule {
  /** On vectors. */
  packed(a: Val, b: Val, p: 'f32x4' | 'f64x2'): Val
  /** On the bits of one element. */
  one(a: Val, b: Val, bits: 32 | 64): Val
}

const plain = (name: string): Rule => ({
  packed: (a, b, p) => v(a, `${p}_${name}` as SimdOp, b),
  one: (a, b, bits) =>
    asBits(asFloat(a, bits).op(`f${bits}_${name}` as PlainOp, bits === 32 ? F32 : F64, asFloat(b, bits)), bits),
})

/** x86 gives the second operand unless the first is strictly smaller (larger). */
const extreme = (pick: 'pmin' | 'pmax', less: 'lt' | 'gt'): Rule => ({
  packed: (a, b, p) => v(b, `${p}_${pick}`, a),
  one: (a, b, bits) => select(asFloat(a, bits).op(`f${bits}_${less}`, I32, asFloat(b, bits)), a, b),
})

/** dst = dst op src. */
function operation(name: string, kind: Kind, rule: Rule): Meaning {
  const bits = bitsOf(kind)
  return (u) => {
    guardArithmetic(u)
    if (isScalar(kind)) {
      const b = element(u, 1, bits)
      const to = u.place(0, 'both', { size: bits })
      const a = u.e.let(to.get())
      return to.set(arithmetic(u, `${name}${kind}`, [a, b], k32(0), () => rule.one(a, b, bits)))
    }
    const b = vector(u, 1)
    const to = u.place(0, 'both', { size: 128 })
    const a = u.e.let(to.get())
    to.set(arithmetic(u, `${name}${kind}`, [a, b], k32(0), () => rule.packed(a, b, prefix(kind))))
  }
}

/** dst = op src. */
function unary(
  name: string,
  kind: Kind,
  packed: (b: Val, imm: Val) => Val,
  one: (b: Val, imm: Val) => Val,
  immediate = false,
): Meaning {
  const bits = bitsOf(kind)
  return (u) => {
    guardArithmetic(u)
    const imm = immediate ? imm8(u, 2) : k32(0)
    if (isScalar(kind)) {
      const b = element(u, 1, bits)
      const r = arithmetic(u, `${name}${kind}`, [b], imm, () => asBits(one(asFloat(b, bits), imm), bits))
      return u.place(0, 'write', { size: bits }).set(r)
    }
    const b = vector(u, 1)
    u.place(0, 'write', { size: 128 }).set(arithmetic(u, `${name}${kind}`, [b], imm, () => packed(b, imm)))
  }
}

const sqrt = (kind: Kind): Meaning =>
  unary(
    'sqrt',
    kind,
    (b) => v(b, `${prefix(kind)}_sqrt`),
    (b) => b.op(`f${bitsOf(kind)}_sqrt`, b.type),
  )

/** Approximations are given exactly rounded, as QEMU does; never slow. */
const reciprocal = (kind: 'ps' | 'ss', root: boolean): Meaning =>
  unary(
    root ? 'rsqrt' : 'rcp',
    kind,
    (b) => v(splat32(k32(0x3f800000)), 'f32x4_div', root ? v(b, 'f32x4_sqrt') : b),
    (b) => kf32(1).op('f32_div', F32, root ? b.op('f32_sqrt', F32) : b),
  )

/** The eight predicates of CMPPS: EQ LT LE UNORD and their opposites, at run time. */
function compareMask(u: Unit, a: Val, b: Val, imm: Val, p: 'f32x4' | 'f64x2'): Val {
  const rule = (n: number): Val => {
    if (n === 3) return v(v(v(a, `${p}_eq`, a), 'v128_and', v(b, `${p}_eq`, b)), 'v128_not')
    return v(a, `${p}_${(['eq', 'lt', 'le'] as const)[n]!}`, b)
  }
  const invert = splat32(k32(0).sub(imm.shrU(2).and(1)))
  if (imm.isConst) return v(rule(imm.low & 3), 'v128_xor', invert)
  const r = u.e.temp(V128)
  const which = u.e.let(imm.and(3))
  u.e.if(
    which.leU(1),
    () =>
      u.e.if(
        which.isZero(),
        () => u.e.assign(r, rule(0)),
        () => u.e.assign(r, rule(1)),
      ),
    () =>
      u.e.if(
        which.eq(2),
        () => u.e.assign(r, rule(2)),
        () => u.e.assign(r, rule(3)),
      ),
  )
  return v(local(V128, r), 'v128_xor', invert)
}

function compare(kind: Kind): Meaning {
  const bits = bitsOf(kind)
  return (u) => {
    guardArithmetic(u)
    const imm = u.e.let(imm8(u, 2).and(7))
    if (!isScalar(kind)) {
      const b = vector(u, 1)
      const to = u.place(0, 'both', { size: 128 })
      const a = u.e.let(to.get())
      return to.set(arithmetic(u, `cmp${kind}`, [a, b], imm, () => compareMask(u, a, b, imm, prefix(kind))))
    }
    const b = element(u, 1, bits)
    const to = u.place(0, 'both', { size: bits })
    const a = u.e.let(to.get())
    const splat = bits === 32 ? splat32 : splat64
    const lane = bits === 32 ? 'i32x4_extract_lane' : 'i64x2_extract_lane'
    const fast = (): Val => compareMask(u, splat(a), splat(b), imm, prefix(kind)).lane(lane, 0, a.type)
    to.set(arithmetic(u, `cmp${kind}`, [a, b], imm, fast))
  }
}

/** COMISS and the like: ZF PF CF; OF SF AF clear. Slow result: 0 greater, 1 less, 2 equal, 3 unordered. */
function comis(name: string, kind: 'ss' | 'sd'): Meaning {
  const bits = bitsOf(kind)
  return (u) => {
    guardArithmetic(u)
    const b = element(u, 1, bits)
    const a = element(u, 0, bits)
    const fa = asFloat(a, bits)
    const fb = asFloat(b, bits)
    const fast = (): Val => {
      const below = fa.op(`f${bits}_ge`, I32, fb).isZero()
      const notApart = fa
        .op(`f${bits}_lt`, I32, fb)
        .or(fa.op(`f${bits}_gt`, I32, fb))
        .isZero()
      return below.or(notApart.shl(1))
    }
    setCompareFlags(u, arithmetic(u, `${name}${kind}`, [a, b], k32(0), fast))
  }
}

/** Flags from 0 greater, 1 less, 2 equal, 3 unordered. */
export function setCompareFlags(u: Unit, order: Val): void {
  const carry = order.and(1)
  u.flags.pending = undefined
  // Zero as result has even parity: PF is right for unordered; for equal, aux bit 2 inverts it.
  u.flags.home.set(order.shrU(1).xor(1).to64u(), carry.to64u().mul(k64(3, 0)).shl(62), order.eq(2).shl(2))
}

/** A conversion whose operands are read and written by `read` and `write`. */
function convert(
  name: string,
  read: (u: Unit) => Val,
  fast: (x: Val) => Val,
  write: (u: Unit, r: Val) => void,
): Meaning {
  return (u) => {
    guardArithmetic(u)
    const x = read(u)
    write(u, u.e.let(arithmetic(u, name, [x], k32(0), () => fast(x))))
  }
}

const from = (bits: 32 | 64) => (u: Unit) => element(u, 1, bits)
const fromVector = (u: Unit): Val => vector(u, 1)
/** 64 bits of memory or the low half of a register, as a vector. */
const fromHalf = (u: Unit): Val =>
  isMemory(u, 1) ? u.e.let(splat64(u.place(1, 'read', { size: 64 }).get())) : vector(u, 1)
const to = (size: 32 | 64 | 128) => (u: Unit, r: Val) => u.place(0, 'write', { size }).set(r)

/** 0x80000000 for whatever does not fit, NaN included: `fits` is false for those. */
const indefinite = (sat: Val, fits: Val): Val =>
  select(fits, sat, sat.type === I32 ? k32(0x80000000) : k64(0, 0x80000000 | 0))

function toInteger(x: Val, bits: 32 | 64, out: 32 | 64, round: boolean): Val {
  const f = asFloat(x, bits)
  const n = round ? f.op(`f${bits}_nearest`, f.type) : f
  const limit = bits === 32 ? kf32(2 ** (out - 1)) : kf64(2 ** (out - 1))
  return indefinite(n.op(`i${out}_trunc_sat_f${bits}_s`, out === 32 ? I32 : I64), n.op(`f${bits}_lt`, I32, limit))
}

/** CVT(T)SS2SI and so on: the width of the result is that of the general register. */
const toGeneral =
  (name: string, bits: 32 | 64, round: boolean): Meaning =>
  (u) => {
    const out = u.insn.operands[0]!.size === 64 ? 64 : 32
    convert(`${name}${out}`, from(bits), (x) => toInteger(x, bits, out, round), to(out))(u)
  }

const fromGeneral =
  (name: string, bits: 32 | 64): Meaning =>
  (u) => {
    const size = u.insn.operands[1]!.size === 64 ? 64 : 32
    const fast = (x: Val): Val => asBits(x.op(`f${bits}_convert_i${size}_s`, bits === 32 ? F32 : F64), bits)
    convert(`${name}${size}`, from(size), fast, to(bits))(u)
  }

const TWO31_F32 = splat32(k32(0x4f000000))
const TWO31_F64 = splat64(k64(0, 0x41e00000))
const MIN_INT = splat32(k32(0x80000000))

function psToDq(x: Val, round: boolean): Val {
  const n = round ? v(x, 'f32x4_nearest') : x
  return v(v(n, 'i32x4_trunc_sat_f32x4_s'), 'v128_bitselect', MIN_INT, v(n, 'f32x4_lt', TWO31_F32))
}

function pdToDq(x: Val, round: boolean): Val {
  const n = round ? v(x, 'f64x2_nearest') : x
  const fits = v(n, 'f64x2_lt', TWO31_F64).shuffle(ONES, [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 20, 21, 22, 23])
  return v(v(n, 'i32x4_trunc_sat_f64x2_s_zero'), 'v128_bitselect', MIN_INT, fits)
}

/** MMX integers to floats: the MMX state is entered for register operands only, as AMD processors do. */
function fromMmx(name: string, fast: (x: Val) => Val, write: (u: Unit, r: Val) => void): Meaning {
  return (u) => {
    if (!isMemory(u, 1)) guardMmx(u)
    convert(
      name,
      (u) => u.e.let(u.place(1, 'read', { size: 64 }).get()),
      fast,
      (u, r) => {
        if (!isMemory(u, 1)) enterMmx(u)
        write(u, r)
      },
    )(u)
  }
}

function toMmx(name: string, read: (u: Unit) => Val, fast: (x: Val) => Val): Meaning {
  return (u) => {
    guardMmx(u)
    convert(
      name,
      read,
      (x) => low64(fast(x)),
      (u, r) => {
        enterMmx(u)
        u.place(0, 'write', { size: 64 }).set(r)
      },
    )(u)
  }
}

const ROUND = ['nearest', 'floor', 'ceil', 'trunc'] as const

/** ROUNDPS and the like. The immediate says how, or that MXCSR does (which is nearest on the fast path). */
function round(kind: Kind): Meaning {
  const p = prefix(kind)
  const bits = bitsOf(kind)
  return (u) => {
    const pick = <T extends Val>(imm: Val, rule: (how: (typeof ROUND)[number]) => T): Val => {
      if (imm.isConst) return rule((imm.low & 4) !== 0 ? 'nearest' : ROUND[imm.low & 3]!)
      const how = u.e.let(select(imm.and(4), k32(0), imm.and(3)))
      const first = rule('nearest')
      const r = u.e.temp(first.type)
      u.e.assign(r, first)
      for (let k = 1; k < 4; k++) u.e.if(how.eq(k), () => u.e.assign(r, rule(ROUND[k]!)))
      return local(first.type, r)
    }
    unary(
      'round',
      kind,
      (b, imm) => pick(imm, (how) => v(b, `${p}_${how}`)),
      (b, imm) => pick(imm, (how) => b.op(`f${bits}_${how}`, b.type)),
      true,
    )(u)
  }
}

/** Neighbours combined: add or subtract. */
function horizontal(name: 'hadd' | 'hsub', kind: 'ps' | 'pd'): Meaning {
  const even = kind === 'ps' ? [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27] : LOW_HALVES
  const odd = kind === 'ps' ? [4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31] : HIGH_HALVES
  const op = `${prefix(kind)}_${name === 'hadd' ? 'add' : 'sub'}` as const
  return operation(name, kind, {
    packed: (a, b) => v(a.shuffle(b, even), op, a.shuffle(b, odd)),
    one: (a) => a,
  })
}
const LOW_HALVES = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23]
const HIGH_HALVES = [8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31]

const addsub = (kind: 'ps' | 'pd'): Meaning =>
  operation('addsub', kind, {
    packed: (a, b, p) =>
      v(
        v(a, `${p}_sub`, b),
        'v128_bitselect',
        v(a, `${p}_add`, b),
        kind === 'ps' ? lanes(32, [-1, 0, -1, 0]) : lanes(32, [-1, -1, 0, 0]),
      ),
    one: (a) => a,
  })

/** DPPS, DPPD: always in software; the order of additions and the rounding of each are those of the manual. */
const dot =
  (kind: 'ps' | 'pd'): Meaning =>
  (u) => {
    guardArithmetic(u)
    const imm = imm8(u, 2)
    const b = vector(u, 1)
    const to = u.place(0, 'both', { size: 128 })
    spill(u, 0, to.get())
    spill(u, 1, b)
    u.fallible('sse_soft', [k32(softCode(`dp${kind}`)), imm])
    to.set(u.field(V128, S.temp + 32))
  }

const shufps: Meaning = (u) => {
  guardArithmetic(u)
  const imm = imm8(u, 2)
  const b = vector(u, 1)
  const to = u.place(0, 'both', { size: 128 })
  const index = u.e.let(dwordSelectors(imm))
  const mixed = v(to.get(), 'i8x16_swizzle', index).shuffle(
    v(b, 'i8x16_swizzle', index),
    [0, 1, 2, 3, 4, 5, 6, 7, 24, 25, 26, 27, 28, 29, 30, 31],
  )
  to.set(mixed)
}

const shufpd: Meaning = (u) => {
  guardArithmetic(u)
  const imm = imm8(u, 2)
  const b = vector(u, 1)
  const to = u.place(0, 'both', { size: 128 })
  const a = u.e.let(to.get())
  const pick = (from: Val, bit: number): Val =>
    select(imm.and(bit), from.lane('i64x2_extract_lane', 1, I64), from.lane('i64x2_extract_lane', 0, I64))
  to.set(join64(pick(a, 1), pick(b, 2)))
}

const insertps: Meaning = (u) => {
  guardArithmetic(u)
  const imm = imm8(u, 2)
  const at = u.e.let(imm.shrU(4).and(3))
  let value: Val
  if (isMemory(u, 1)) value = splat32(u.place(1, 'read', { size: 32 }).get())
  else
    value = v(
      vector(u, 1),
      'i8x16_swizzle',
      v(splat32(imm.shrU(6).mul(0x04040404)), 'i32x4_add', splat32(k32(0x03020100))),
    )
  const to = u.place(0, 'both', { size: 128 })
  const mixed = v(value, 'v128_bitselect', to.get(), v(lanes(32, [0, 1, 2, 3]), 'i32x4_eq', splat32(at)))
  const bit = lanes(32, [1, 2, 4, 8])
  to.set(v(mixed, 'v128_andnot', v(v(splat32(imm), 'v128_and', bit), 'i32x4_eq', bit)))
}

const KINDS: readonly Kind[] = ['ps', 'pd', 'ss', 'sd']
const family = (name: string, make: (kind: Kind) => Meaning): [string, Meaning][] =>
  KINDS.map((kind) => [`${name}${kind}`, make(kind)])

export const SSE_FLOAT: Meanings = {
  ...Object.fromEntries([
    ...['add', 'sub', 'mul', 'div'].flatMap((n) => family(n, (k) => operation(n, k, plain(n)))),
    ...family('min', (k) => operation('min', k, extreme('pmin', 'lt'))),
    ...family('max', (k) => operation('max', k, extreme('pmax', 'gt'))),
    ...family('sqrt', sqrt),
    ...family('cmp', compare),
    ...family('round', round),
  ]),
  rcpps: reciprocal('ps', false),
  rcpss: reciprocal('ss', false),
  rsqrtps: reciprocal('ps', true),
  rsqrtss: reciprocal('ss', true),
  comiss: comis('comi', 'ss'),
  comisd: comis('comi', 'sd'),
  ucomiss: comis('ucomi', 'ss'),
  ucomisd: comis('ucomi', 'sd'),
  cvtsi2ss: fromGeneral('cvtsi2ss', 32),
  cvtsi2sd: fromGeneral('cvtsi2sd', 64),
  cvtss2si: toGeneral('cvtss2si', 32, true),
  cvtsd2si: toGeneral('cvtsd2si', 64, true),
  cvttss2si: toGeneral('cvttss2si', 32, false),
  cvttsd2si: toGeneral('cvttsd2si', 64, false),
  cvtss2sd: convert('cvtss2sd', from(32), (x) => bits64(asF32(x).op('f64_promote_f32', F64)), to(64)),
  cvtsd2ss: convert('cvtsd2ss', from(64), (x) => bits32(asF64(x).op('f32_demote_f64', F32)), to(32)),
  cvtps2pd: convert('cvtps2pd', fromHalf, (x) => v(x, 'f64x2_promote_low_f32x4'), to(128)),
  cvtpd2ps: convert('cvtpd2ps', fromVector, (x) => v(x, 'f32x4_demote_f64x2_zero'), to(128)),
  cvtdq2ps: convert('cvtdq2ps', fromVector, (x) => v(x, 'f32x4_convert_i32x4_s'), to(128)),
  cvtdq2pd: convert('cvtdq2pd', fromHalf, (x) => v(x, 'f64x2_convert_low_i32x4_s'), to(128)),
  cvtps2dq: convert('cvtps2dq', fromVector, (x) => psToDq(x, true), to(128)),
  cvttps2dq: convert('cvttps2dq', fromVector, (x) => psToDq(x, false), to(128)),
  cvtpd2dq: convert('cvtpd2dq', fromVector, (x) => pdToDq(x, true), to(128)),
  cvttpd2dq: convert('cvttpd2dq', fromVector, (x) => pdToDq(x, false), to(128)),
  cvtpi2ps: fromMmx('cvtpi2ps', (x) => low64(v(splat64(x), 'f32x4_convert_i32x4_s')), to(64)),
  cvtpi2pd: fromMmx('cvtpi2pd', (x) => v(splat64(x), 'f64x2_convert_low_i32x4_s'), to(128)),
  cvtps2pi: toMmx('cvtps2pi', fromHalf, (x) => psToDq(x, true)),
  cvttps2pi: toMmx('cvttps2pi', fromHalf, (x) => psToDq(x, false)),
  cvtpd2pi: toMmx('cvtpd2pi', fromVector, (x) => pdToDq(x, true)),
  cvttpd2pi: toMmx('cvttpd2pi', fromVector, (x) => pdToDq(x, false)),
  haddps: horizontal('hadd', 'ps'),
  haddpd: horizontal('hadd', 'pd'),
  hsubps: horizontal('hsub', 'ps'),
  hsubpd: horizontal('hsub', 'pd'),
  addsubps: addsub('ps'),
  addsubpd: addsub('pd'),
  dpps: dot('ps'),
  dppd: dot('pd'),
  shufps,
  shufpd,
  insertps,
}
