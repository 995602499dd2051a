/**
 * Typed expression values with constant folding. A Val is a pure tree over constants and locals;
 * whatever has an order (register reads, memory) is bound to a local first, with Emit.let().
 */
import {
  F32,
  F64,
  I32,
  I64,
  V128,
  type Func,
  type LaneOp,
  type PlainOp,
  type SaturatingOp,
  type SimdOp,
  type ValueType,
} from '@godwit/wasm-encoder'

type AnyOp = PlainOp | SaturatingOp | SimdOp

type Node =
  | { readonly kind: 'const'; readonly low: number; readonly high: number }
  | { readonly kind: 'real'; readonly value: number }
  | { readonly kind: 'vector'; readonly bytes: Uint8Array }
  | { readonly kind: 'local'; readonly index: number }
  | { readonly kind: 'op'; readonly op: AnyOp; readonly args: readonly Val[] }
  | { readonly kind: 'lane'; readonly op: LaneOp; readonly lane: number; readonly args: readonly Val[] }
  | { readonly kind: 'shuffle'; readonly lanes: ArrayLike<number>; readonly args: readonly Val[] }

/** A 64-bit number in exact halves; integer constants never become BigInt. */
type Number64 = number | Val

export class Val {
  readonly type: ValueType
  readonly node: Node

  constructor(type: ValueType, node: Node) {
    this.type = type
    this.node = node
  }

  get isConst(): boolean {
    return this.node.kind === 'const'
  }

  /** Low 32 bits of a constant. */
  get low(): number {
    return this.node.kind === 'const' ? this.node.low : 0
  }

  get high(): number {
    return this.node.kind === 'const' ? this.node.high : 0
  }

  is(n: number): boolean {
    return (
      this.node.kind === 'const' && this.node.low === (n | 0) && (this.type === I32 || this.node.high === highOf(n))
    )
  }

  emit(f: Func): void {
    const n = this.node
    switch (n.kind) {
      case 'const':
        if (this.type === I32) f.i32(n.low)
        else f.i64(n.low, n.high)
        return
      case 'real':
        if (this.type === F32) f.f32(n.value)
        else f.f64(n.value)
        return
      case 'vector':
        f.v128(n.bytes)
        return
      case 'local':
        f.get(n.index)
        return
      case 'op':
        for (const a of n.args) a.emit(f)
        f.op(n.op)
        return
      case 'lane':
        for (const a of n.args) a.emit(f)
        f.lane(n.op, n.lane)
        return
      case 'shuffle':
        for (const a of n.args) a.emit(f)
        f.shuffle(n.lanes)
    }
  }

  /** Any opcode without immediates; the first operand is this. */
  op(op: AnyOp, result: ValueType, ...rest: Val[]): Val {
    return new Val(result, { kind: 'op', op, args: [this, ...rest] })
  }

  lane(op: LaneOp, lane: number, result: ValueType, ...rest: Val[]): Val {
    return new Val(result, { kind: 'lane', op, lane, args: [this, ...rest] })
  }

  shuffle(other: Val, lanes: ArrayLike<number>): Val {
    return new Val(V128, { kind: 'shuffle', lanes, args: [this, other] })
  }

  add(n: Number64): Val {
    const b = this.lift(n)
    if (b.is(0)) return this
    if (this.is(0)) return b
    if (this.isConst && b.isConst) return this.fold(...add64(this.low, this.high, b.low, b.high))
    return this.binary('i32_add', 'i64_add', b)
  }

  sub(n: Number64): Val {
    const b = this.lift(n)
    if (b.is(0)) return this
    if (this.isConst && b.isConst) {
      const [lo, hi] = add64(~b.low, ~b.high, 1, 0)
      return this.fold(...add64(this.low, this.high, lo, hi))
    }
    return this.binary('i32_sub', 'i64_sub', b)
  }

  mul(n: Number64): Val {
    const b = this.lift(n)
    if (b.is(1)) return this
    return this.binary('i32_mul', 'i64_mul', b)
  }

  and(n: Number64): Val {
    const b = this.lift(n)
    if (b.is(-1)) return this
    if (b.is(0)) return b
    if (this.isConst && b.isConst) return this.fold(this.low & b.low, this.high & b.high)
    const inner = this.node
    if (
      b.isConst &&
      inner.kind === 'op' &&
      (inner.op === 'i32_and' || inner.op === 'i64_and') &&
      inner.args[1]!.isConst
    ) {
      return inner.args[0]!.and(inner.args[1]!.and(b))
    }
    return this.binary('i32_and', 'i64_and', b)
  }

  or(n: Number64): Val {
    const b = this.lift(n)
    if (b.is(0)) return this
    if (this.is(0)) return b
    if (this.isConst && b.isConst) return this.fold(this.low | b.low, this.high | b.high)
    return this.binary('i32_or', 'i64_or', b)
  }

  xor(n: Number64): Val {
    const b = this.lift(n)
    if (b.is(0)) return this
    if (this.isConst && b.isConst) return this.fold(this.low ^ b.low, this.high ^ b.high)
    return this.binary('i32_xor', 'i64_xor', b)
  }

  shl(n: Number64): Val {
    return this.shift('shl', 'i32_shl', 'i64_shl', n)
  }

  shrU(n: Number64): Val {
    return this.shift('shr_u', 'i32_shr_u', 'i64_shr_u', n)
  }

  shrS(n: Number64): Val {
    return this.shift('shr_s', 'i32_shr_s', 'i64_shr_s', n)
  }

  rotl(n: Number64): Val {
    return this.shift('rotl', 'i32_rotl', 'i64_rotl', n)
  }

  rotr(n: Number64): Val {
    return this.shift('rotr', 'i32_rotr', 'i64_rotr', n)
  }

  eq(n: Number64): Val {
    const b = this.lift(n)
    if (this.isConst && b.isConst) return k32(this.low === b.low && this.high === b.high ? 1 : 0)
    if (b.is(0)) return this.op(this.type === I32 ? 'i32_eqz' : 'i64_eqz', I32)
    return this.compare('i32_eq', 'i64_eq', b)
  }

  ne(n: Number64): Val {
    const b = this.lift(n)
    if (this.isConst && b.isConst) return k32(this.low === b.low && this.high === b.high ? 0 : 1)
    return this.compare('i32_ne', 'i64_ne', b)
  }

  ltU(n: Number64): Val {
    return this.compare('i32_lt_u', 'i64_lt_u', this.lift(n))
  }

  ltS(n: Number64): Val {
    return this.compare('i32_lt_s', 'i64_lt_s', this.lift(n))
  }

  leU(n: Number64): Val {
    return this.compare('i32_le_u', 'i64_le_u', this.lift(n))
  }

  leS(n: Number64): Val {
    return this.compare('i32_le_s', 'i64_le_s', this.lift(n))
  }

  gtU(n: Number64): Val {
    return this.compare('i32_gt_u', 'i64_gt_u', this.lift(n))
  }

  gtS(n: Number64): Val {
    return this.compare('i32_gt_s', 'i64_gt_s', this.lift(n))
  }

  geU(n: Number64): Val {
    return this.compare('i32_ge_u', 'i64_ge_u', this.lift(n))
  }

  geS(n: Number64): Val {
    return this.compare('i32_ge_s', 'i64_ge_s', this.lift(n))
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
    return this.op(this.type === I32 ? 'i32_clz' : 'i64_clz', this.type)
  }

  ctz(): Val {
    return this.op(this.type === I32 ? 'i32_ctz' : 'i64_ctz', this.type)
  }

  popcnt(): Val {
    return this.op(this.type === I32 ? 'i32_popcnt' : 'i64_popcnt', this.type)
  }

  divU(n: Number64): Val {
    return this.binary('i32_div_u', 'i64_div_u', this.lift(n))
  }

  divS(n: Number64): Val {
    return this.binary('i32_div_s', 'i64_div_s', this.lift(n))
  }

  remU(n: Number64): Val {
    return this.binary('i32_rem_u', 'i64_rem_u', this.lift(n))
  }

  remS(n: Number64): Val {
    return this.binary('i32_rem_s', 'i64_rem_s', this.lift(n))
  }

  /** Low 32 bits as i32. */
  to32(): Val {
    if (this.type === I32) return this
    if (this.isConst) return k32(this.low)
    const n = this.node
    if (n.kind === 'op' && (n.op === 'i64_extend_i32_u' || n.op === 'i64_extend_i32_s')) return n.args[0]!
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

  private binary(narrow: PlainOp, wide: PlainOp, b: Val): Val {
    return new Val(this.type, { kind: 'op', op: this.type === I32 ? narrow : wide, args: [this, b] })
  }

  private compare(narrow: PlainOp, wide: PlainOp, b: Val): Val {
    return new Val(I32, { kind: 'op', op: this.type === I32 ? narrow : wide, args: [this, b] })
  }

  private shift(name: 'shl' | 'shr_u' | 'shr_s' | 'rotl' | 'rotr', narrow: PlainOp, wide: PlainOp, n: Number64): Val {
    const b = this.lift(n)
    if (b.is(0)) return this
    if (this.isConst && b.isConst && this.type === I32) {
      const k = b.low & 31
      if (name === 'shl') return k32(this.low << k)
      if (name === 'shr_u') return k32(this.low >>> k)
      if (name === 'shr_s') return k32(this.low >> k)
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

export const k32 = (n: number): Val => new Val(I32, { kind: 'const', low: n | 0, high: 0 })
export const k64 = (low: number, high = low >> 31): Val => new Val(I64, { kind: 'const', low: low | 0, high: high | 0 })
export const kf64 = (value: number): Val => new Val(F64, { kind: 'real', value })
export const kf32 = (value: number): Val => new Val(F32, { kind: 'real', value })
export const kv128 = (bytes: ArrayLike<number>): Val => new Val(V128, { kind: 'vector', bytes: Uint8Array.from(bytes) })
export const local = (type: ValueType, index: number): Val => new Val(type, { kind: 'local', index })

/** Both sides are evaluated. */
export function select(condition: Val, yes: Val, no: Val): Val {
  if (condition.isConst) return condition.low !== 0 ? yes : no
  if (yes.type === V128) throw new Error('select of vectors: use v128_bitselect')
  return new Val(yes.type, { kind: 'op', op: 'select', args: [yes, no, condition] })
}
