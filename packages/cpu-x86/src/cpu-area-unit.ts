/** Fields of the CPU area as a meaning reads and writes them: the same in every tier. */
import { I32, I64, V128, type ValueType } from '@godwit/wasm-encoder'
import type { Emit } from './wasm/emit.ts'
import { k32, type Val } from './wasm/value.ts'

export abstract class CpuAreaUnit {
  readonly e: Emit
  private readonly areaBase: number

  /** @param areaBase address of the CPU area in the host memory */
  constructor(e: Emit, areaBase: number) {
    this.e = e
    this.areaBase = areaBase
  }

  field(type: ValueType, offset: number): Val {
    const op = type === I32 ? 'i32_load' : type === I64 ? 'i64_load' : type === V128 ? 'v128_load' : 'f64_load'
    return this.e.load(type, op, k32(0), this.areaBase + offset)
  }

  field8(offset: number): Val {
    return this.e.load(I32, 'i32_load8_u', k32(0), this.areaBase + offset)
  }

  setField(offset: number, value: Val): void {
    const { type } = value
    const op = type === I32 ? 'i32_store' : type === I64 ? 'i64_store' : type === V128 ? 'v128_store' : 'f64_store'
    this.e.store(op, k32(0), value, this.areaBase + offset)
  }

  setField8(offset: number, value: Val): void {
    this.e.store('i32_store8', k32(0), value, this.areaBase + offset)
  }

  fieldAddress(offset: number | Val): Val {
    return typeof offset === 'number' ? k32(this.areaBase + offset) : offset.add(this.areaBase)
  }
}
