import { Bytes } from './bytes.ts'
import {
  ATOMIC,
  LANE,
  MEMORY,
  PLAIN,
  SATURATING,
  SIMD,
  SIMD_MEMORY,
  type AtomicOp,
  type LaneOp,
  type MemoryOp,
  type PlainOp,
  type SaturatingOp,
  type SimdMemoryOp,
  type SimdOp,
} from './opcodes.ts'

export const I32 = 0x7f
export const I64 = 0x7e
export const F32 = 0x7d
export const F64 = 0x7c
export const V128 = 0x7b
export const FUNCREF = 0x70
/** Block type of a block that leaves nothing. */
export const VOID = 0x40
export type ValueType = typeof I32 | typeof I64 | typeof F32 | typeof F64 | typeof V128
export type BlockType = ValueType | typeof VOID

/** Opcodes without immediates by name: a byte, or a prefix above bit 16 with what follows it. One look-up for each. */
const CODES = new Map<string, number>([
  ...Object.entries(PLAIN),
  ...Object.entries(SIMD).map(([name, code]) => [name, 0xfd_0000 | code] as const),
  ...Object.entries(SATURATING).map(([name, code]) => [name, 0xfc_0000 | code] as const),
  ...Object.entries(LANE).map(([name, code]) => [name, 0xfd_0000 | code] as const),
])
/** The same of loads and stores. */
const MEMORY_CODES = new Map<string, number>([
  ...Object.entries(MEMORY).map(([name, [code]]) => [name, code] as const),
  ...Object.entries(SIMD_MEMORY).map(([name, [code]]) => [name, 0xfd_0000 | code] as const),
])

/** Number of an opcode, for Func.code(). */
export const opcode = (name: PlainOp | SaturatingOp | SimdOp | LaneOp): number => CODES.get(name)!

/** Number of a load or store, for Func.access(). */
export const memoryOpcode = (name: MemoryOp | SimdMemoryOp): number => MEMORY_CODES.get(name)!

/** A function body under construction. Parameters are locals 0 to n-1. */
export class Func extends Bytes {
  readonly params: readonly ValueType[]
  readonly results: readonly ValueType[]
  readonly locals: ValueType[] = []
  /** Branch hints: offset of the if or br_if in the body, 1 for likely. */
  readonly hints: [offset: number, likely: 0 | 1][] = []

  constructor(params: readonly ValueType[], results: readonly ValueType[]) {
    super(1024)
    this.params = params
    this.results = results
  }

  local(type: ValueType): number {
    return this.params.length + this.locals.push(type) - 1
  }

  typeOf(local: number): ValueType {
    const { params } = this
    return local < params.length ? params[local]! : this.locals[local - params.length]!
  }

  /** Opcodes without immediates. */
  op(name: PlainOp | SaturatingOp | SimdOp, ...more: (PlainOp | SaturatingOp | SimdOp)[]): this {
    this.code(CODES.get(name)!)
    for (const next of more) this.code(CODES.get(next)!)
    return this
  }

  /** An opcode by its number. */
  code(code: number): this {
    if (code < 0x100) return this.u8(code)
    return this.u8(code >>> 16).u32(code & 0xffff)
  }

  get(local: number): this {
    return this.u8u32(0x20, local)
  }

  set(local: number): this {
    return this.u8u32(0x21, local)
  }

  tee(local: number): this {
    return this.u8u32(0x22, local)
  }

  getGlobal(index: number): this {
    return this.u8u32(0x23, index)
  }

  setGlobal(index: number): this {
    return this.u8u32(0x24, index)
  }

  i32(value: number): this {
    return this.u8(0x41).s32(value)
  }

  /** A 64-bit constant in two halves. */
  i64(low: number, high = low >> 31): this {
    return this.u8(0x42).s64(low, high)
  }

  f32(value: number): this {
    return this.u8(0x43).raw(new Uint8Array(Float32Array.of(value).buffer))
  }

  f64(value: number): this {
    return this.u8(0x44).raw(new Uint8Array(Float64Array.of(value).buffer))
  }

  /** A vector constant of 16 bytes. */
  v128(bytes: ArrayLike<number>): this {
    return this.u8(0xfd).u32(12).raw(bytes)
  }

  shuffle(lanes: ArrayLike<number>): this {
    return this.u8(0xfd).u32(13).raw(lanes)
  }

  lane(name: LaneOp, index: number): this {
    return this.u8(0xfd).u32(LANE[name]).u8(index)
  }

  /** A load or store; the guest's accesses are unaligned, so the alignment hint is 1 byte. */
  mem(name: MemoryOp | SimdMemoryOp, offset = 0): this {
    return this.access(MEMORY_CODES.get(name)!, offset)
  }

  /** A load or store by its number. */
  access(code: number, offset: number): this {
    return this.code(code).u8(0).u32(offset)
  }

  atomic(name: AtomicOp, offset = 0): this {
    const [opcode, align] = ATOMIC[name]
    return this.u8(0xfe).u32(opcode).u32(align).u32(offset)
  }

  block(type: BlockType = VOID): this {
    return this.u8(0x02).u8(type)
  }

  loop(type: BlockType = VOID): this {
    return this.u8(0x03).u8(type)
  }

  if(type: BlockType = VOID): this {
    return this.u8(0x04).u8(type)
  }

  /** Says of the if or br_if that follows whether it is taken as a rule. */
  hint(likely: 0 | 1): this {
    this.hints.push([this.length, likely])
    return this
  }

  else(): this {
    return this.u8(0x05)
  }

  end(): this {
    return this.u8(0x0b)
  }

  br(depth: number): this {
    return this.u8u32(0x0c, depth)
  }

  brIf(depth: number): this {
    return this.u8u32(0x0d, depth)
  }

  brTable(depths: readonly number[], otherwise: number): this {
    this.u8(0x0e).u32(depths.length)
    for (const d of depths) this.u32(d)
    return this.u32(otherwise)
  }

  ret(): this {
    return this.u8(0x0f)
  }

  call(func: number): this {
    return this.u8u32(0x10, func)
  }

  callIndirect(type: number, table = 0): this {
    return this.u8(0x11).u32(type).u32(table)
  }

  returnCall(func: number): this {
    return this.u8u32(0x12, func)
  }

  returnCallIndirect(type: number, table = 0): this {
    return this.u8(0x13).u32(type).u32(table)
  }

  memoryFill(): this {
    return this.u8(0xfc).u32(11).u8(0)
  }

  memoryCopy(): this {
    return this.u8(0xfc).u32(10).u8(0).u8(0)
  }
}
