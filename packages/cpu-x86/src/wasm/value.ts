/**
 * Typed expression values with constant folding. A Val is a pure tree over constants and locals;
 * whatever has an order (register reads, memory) is bound to a local first, with Emit.let().
 */
import {
  F32,
  F64,
  I32,
  I64,
  PLAIN,
  V128,
  memoryOpcode,
  opcode,
  type Func,
  type LaneOp,
  type MemoryOp,
  type PlainOp,
  type SaturatingOp,
  type SimdMemoryOp,
  type SimdOp,
  type ValueType,
} from '@godwit/wasm-encoder'

type AnyOp = PlainOp | SaturatingOp | SimdOp

/** What a Val is. All have the same fields: making them is the larger part of compiling. */
const CONST = 0
const LOCAL = 1
const OP = 2
const LANE = 3
const SHUFFLE = 4
const REAL = 5
const VECTOR = 6
const LOAD = 7

const P = PLAIN

/** Comparisons by those that hold where they do not. */
const OPPOSITES = new Map<number, number>(
  (
    [
      [P.i32_eq, P.i32_ne],
      [P.i64_eq, P.i64_ne],
      [P.i32_lt_u, P.i32_ge_u],
      [P.i64_lt_u, P.i64_ge_u],
      [P.i32_lt_s, P.i32_ge_s],
      [P.i64_lt_s, P.i64_ge_s],
      [P.i32_gt_u, P.i32_le_u],
      [P.i64_gt_u, P.i64_le_u],
      [P.i32_gt_s, P.i32_le_s],
      [P.i64_gt_s, P.i64_le_s],
    ] as const
  ).flatMap(([a, b]) => [
    [a, b],
    [b, a],
  ]),
)

/** A 64-bit number in exact halves; integer constants never become BigInt. */
type Number64 = number | Val

export class Val {
  readonly type: ValueType
  private readonly kind: number
  /** Low word of a constant, number of a local, opcode. */
  private readonly x: number
  /** High word of a constant, lane. */
  private readonly y: number
  private readonly a: Val | undefined
  private readonly b: Val | undefined
  private readonly c: Val | undefined
  /** A vector's bytes, a shuffle's lanes. */
  private readonly bytes: ArrayLike<number> | undefined

  constructor(
    type: ValueType,
    kind: number,
    x: number,
    y: number,
    a?: Val,
    b?: Val,
    c?: Val,
    bytes?: ArrayLike<number>,
  ) {
    this.type = type
    this.kind = kind
    this.x = x
    this.y = y
    this.a = a
    this.b = b
    this.c = c
    this.bytes = bytes
  }

  get isConst(): boolean {
    return this.kind === CONST
  }

  /** Low 32 bits of a constant. */
  get low(): number {
    return this.kind === CONST ? this.x : 0
  }

  get high(): number {
    return this.kind === CONST ? this.y : 0
  }

  /** Number of the local that this is, or -1. */
  get local(): number {
    return this.kind === LOCAL ? this.x : -1
  }

  /** Adds the locals that it is made of to a list. */
  locals(to: number[]): void {
    if (this.kind === LOCAL) to.push(this.x)
    this.a?.locals(to)
    this.b?.locals(to)
    this.c?.locals(to)
  }

  is(n: number): boolean {
    return this.kind === CONST && this.x === (n | 0) && (this.type === I32 || this.y === highOf(n))
  }

  emit(f: Func): void {
    switch (this.kind) {
      case CONST:
        if (this.type === I32) f.i32(this.x)
        else f.i64(this.x, this.y)
        return
      case LOCAL:
        f.get(this.x)
        return
      case REAL:
        if (this.type === F32) f.f32(this.x)
        else f.f64(this.x)
        return
      case VECTOR:
        f.v128(this.bytes!)
        return
    }
    this.a!.emit(f)
    if (this.kind === LOAD) {
      f.access(this.x, this.y)
      return
    }
    this.b?.emit(f)
    this.c?.emit(f)
    if (this.kind === OP) f.code(this.x)
    else if (this.kind === LANE) f.code(this.x).u8(this.y)
    else f.shuffle(this.bytes!)
  }

  /** Any opcode without immediates; the first operand is this. */
  op(op: AnyOp, result: ValueType, b?: Val, c?: Val): Val {
    return new Val(result, OP, opcode(op), 0, this, b, c)
  }

  lane(op: LaneOp, lane: number, result: ValueType, b?: Val): Val {
    return new Val(result, LANE, opcode(op), lane, this, b)
  }

  shuffle(other: Val, lanes: ArrayLike<number>): Val {
    return new Val(V128, SHUFFLE, 0, 0, this, other, undefined, lanes)
  }

  add(n: Number64): Val {
    const b = this.lift(n)
    if (b.is(0)) return this
    if (this.is(0)) return b
    if (this.isConst && b.isConst) return this.fold(...add64(this.low, this.high, b.low, b.high))
    if (b.isConst && this.kind === OP && (this.x === P.i32_add || this.x === P.i64_add) && this.b!.isConst)
      return this.a!.add(this.b!.add(b))
    return this.binary(P.i32_add, P.i64_add, b)
  }

  sub(n: Number64): Val {
    const b = this.lift(n)
    if (b.is(0)) return this
    if (this.isConst && b.isConst) {
      const [lo, hi] = add64(~b.low, ~b.high, 1, 0)
      return this.fold(...add64(this.low, this.high, lo, hi))
    }
    return this.binary(P.i32_sub, P.i64_sub, b)
  }

  mul(n: Number64): Val {
    const b = this.lift(n)
    if (b.is(1)) return this
    return this.binary(P.i32_mul, P.i64_mul, b)
  }

  and(n: Number64): Val {
    const b = this.lift(n)
    if (b.is(-1)) return this
    if (b.is(0)) return b
    if (this.isConst && b.isConst) return this.fold(this.low & b.low, this.high & b.high)
    if (b.isConst && this.kind === OP && (this.x === P.i32_and || this.x === P.i64_and) && this.b!.isConst)
      return this.a!.and(this.b!.and(b))
    return this.binary(P.i32_and, P.i64_and, b)
  }

  or(n: Number64): Val {
    const b = this.lift(n)
    if (b.is(0)) return this
    if (this.is(0)) return b
    if (this.isConst && b.isConst) return this.fold(this.low | b.low, this.high | b.high)
    return this.binary(P.i32_or, P.i64_or, b)
  }

  xor(n: Number64): Val {
    const b = this.lift(n)
    if (b.is(0)) return this
    if (this.isConst && b.isConst) return this.fold(this.low ^ b.low, this.high ^ b.high)
    return this.binary(P.i32_xor, P.i64_xor, b)
  }

  shl(n: Number64): Val {
    return this.shift(P.i32_shl, P.i64_shl, n)
  }

  shrU(n: Number64): Val {
    return this.shift(P.i32_shr_u, P.i64_shr_u, n)
  }

  shrS(n: Number64): Val {
    return this.shift(P.i32_shr_s, P.i64_shr_s, n)
  }

  rotl(n: Number64): Val {
    return this.shift(P.i32_rotl, P.i64_rotl, n)
  }

  rotr(n: Number64): Val {
    return this.shift(P.i32_rotr, P.i64_rotr, n)
  }

  eq(n: Number64): Val {
    const b = this.lift(n)
    if (this.isConst && b.isConst) return k32(this.low === b.low && this.high === b.high ? 1 : 0)
    if (b.is(0)) {
      const opposite = this.kind === OP ? OPPOSITES.get(this.x) : undefined
      if (opposite !== undefined) return new Val(I32, OP, opposite, 0, this.a, this.b)
      return this.unary(P.i32_eqz, P.i64_eqz, I32)
    }
    return this.compare(P.i32_eq, P.i64_eq, b)
  }

  ne(n: Number64): Val {
    const b = this.lift(n)
    if (this.isConst && b.isConst) return k32(this.low === b.low && this.high === b.high ? 0 : 1)
    return this.compare(P.i32_ne, P.i64_ne, b)
  }

  ltU(n: Number64): Val {
    return this.compare(P.i32_lt_u, P.i64_lt_u, this.lift(n))
  }

  ltS(n: Number64): Val {
    return this.compare(P.i32_lt_s, P.i64_lt_s, this.lift(n))
  }

  leU(n: Number64): Val {
    return this.compare(P.i32_le_u, P.i64_le_u, this.lift(n))
  }

  leS(n: Number64): Val {
    return this.compare(P.i32_le_s, P.i64_le_s, this.lift(n))
  }

  gtU(n: Number64): Val {
    return this.compare(P.i32_gt_u, P.i64_gt_u, this.lift(n))
  }

  gtS(n: Number64): Val {
    return this.compare(P.i32_gt_s, P.i64_gt_s, this.lift(n))
  }

  geU(n: Number64): Val {
    return this.compare(P.i32_ge_u, P.i64_ge_u, this.lift(n))
  }

  geS(n: Number64): Val {
    return this.compare(P.i32_ge_s, P.i64_ge_s, this.lift(n))
  }

  not(): Val {
    return this.xor(-1)
  }

  isZero(): Val {
    return this.eq(0)
  }

  neg(): Val {
    return this.zeroOf().sub(this)
  }

  clz(): Val {
    return this.unary(P.i32_clz, P.i64_clz, this.type)
  }

  ctz(): Val {
    return this.unary(P.i32_ctz, P.i64_ctz, this.type)
  }

  popcnt(): Val {
    return this.unary(P.i32_popcnt, P.i64_popcnt, this.type)
  }

  divU(n: Number64): Val {
    return this.binary(P.i32_div_u, P.i64_div_u, this.lift(n))
  }

  divS(n: Number64): Val {
    return this.binary(P.i32_div_s, P.i64_div_s, this.lift(n))
  }

  remU(n: Number64): Val {
    return this.binary(P.i32_rem_u, P.i64_rem_u, this.lift(n))
  }

  remS(n: Number64): Val {
    return this.binary(P.i32_rem_s, P.i64_rem_s, this.lift(n))
  }

  /** Low 32 bits as i32. */
  to32(): Val {
    if (this.type === I32) return this
    if (this.isConst) return k32(this.low)
    if (this.kind === OP && (this.x === P.i64_extend_i32_u || this.x === P.i64_extend_i32_s)) return this.a!
    return this.op('i32_wrap_i64', I32)
  }

  /** To i64, zero-extending an i32. */
  to64u(): Val {
    if (this.type === I64) return this
    if (this.isConst) return k64(this.low, 0)
    return this.op('i64_extend_i32_u', I64)
  }

  /** To i64, sign-extending an i32. */
  to64s(): Val {
    if (this.type === I64) return this
    if (this.isConst) return k64(this.low, this.low >> 31)
    return this.op('i64_extend_i32_s', I64)
  }

  /** Sign-extends the low bits (8, 16, 32 or 64) to the full width of the type. */
  sext(bits: number): Val {
    if (bits === 64 || (bits === 32 && this.type === I32)) return this
    if (this.isConst) {
      const low = bits === 32 ? this.low : (this.low << (32 - bits)) >> (32 - bits)
      return this.fold(low, low >> 31)
    }
    if (this.type === I32) return this.op(bits === 8 ? 'i32_extend8_s' : 'i32_extend16_s', I32)
    return this.op(bits === 8 ? 'i64_extend8_s' : bits === 16 ? 'i64_extend16_s' : 'i64_extend32_s', I64)
  }

  /** Keeps the low bits. */
  zext(bits: number): Val {
    if (bits === 64 || (bits === 32 && this.type === I32)) return this
    return this.and(this.type === I32 ? k32(2 ** bits - 1) : k64((2 ** bits - 1) | 0, 0))
  }

  private zeroOf(): Val {
    return this.type === I32 ? k32(0) : k64(0, 0)
  }

  private lift(n: Number64): Val {
    if (n instanceof Val) {
      if (n.type !== this.type)
        throw new Error(`operands of types ${this.type.toString(16)} and ${n.type.toString(16)}`)
      return n
    }
    return this.type === I32 ? k32(n) : k64(n | 0, highOf(n))
  }

  private fold(low: number, high: number): Val {
    return this.type === I32 ? k32(low) : k64(low, high)
  }

  private unary(narrow: number, wide: number, result: ValueType): Val {
    return new Val(result, OP, this.type === I32 ? narrow : wide, 0, this)
  }

  private binary(narrow: number, wide: number, b: Val): Val {
    return new Val(this.type, OP, this.type === I32 ? narrow : wide, 0, this, b)
  }

  private compare(narrow: number, wide: number, b: Val): Val {
    return new Val(I32, OP, this.type === I32 ? narrow : wide, 0, this, b)
  }

  private shift(narrow: number, wide: number, n: Number64): Val {
    const b = this.lift(n)
    if (b.is(0)) return this
    if (this.isConst && b.isConst && this.type === I32) {
      const k = b.low & 31
      if (narrow === P.i32_shl) return k32(this.low << k)
      if (narrow === P.i32_shr_u) return k32(this.low >>> k)
      if (narrow === P.i32_shr_s) return k32(this.low >> k)
    }
    return this.binary(narrow, wide, b)
  }
}

/** High word of an integer's 64-bit two's complement, for |n| below 2^53. */
function highOf(n: number): number {
  return Math.floor(n / 2 ** 32) | 0
}

function add64(aLow: number, aHigh: number, bLow: number, bHigh: number): [number, number] {
  const low = (aLow + bLow) | 0
  const carry = low >>> 0 < aLow >>> 0 ? 1 : 0
  return [low, (aHigh + bHigh + carry) | 0]
}

export const k32 = (n: number): Val => new Val(I32, CONST, n | 0, 0)
export const k64 = (low: number, high = low >> 31): Val => new Val(I64, CONST, low | 0, high | 0)
export const kf64 = (value: number): Val => new Val(F64, REAL, value, 0)
export const kf32 = (value: number): Val => new Val(F32, REAL, value, 0)
export const kv128 = (bytes: ArrayLike<number>): Val =>
  new Val(V128, VECTOR, 0, 0, undefined, undefined, undefined, Uint8Array.from(bytes))
/** A load that happens where the value is emitted: for one use, before anything is stored. */
export const loading = (type: ValueType, op: MemoryOp | SimdMemoryOp, address: Val, offset = 0): Val =>
  new Val(type, LOAD, memoryOpcode(op), offset, address)
export const local = (type: ValueType, index: number): Val => new Val(type, LOCAL, index, 0)

/** Both sides are evaluated. */
export function select(condition: Val, yes: Val, no: Val): Val {
  if (condition.isConst) return condition.low !== 0 ? yes : no
  if (yes.type === V128) throw new Error('select of vectors: use v128_bitselect')
  return new Val(yes.type, OP, P.select, 0, yes, no, condition)
}
