export { Bytes } from './bytes.ts'
export { F32, F64, FUNCREF, Func, I32, I64, V128, VOID, type BlockType, type ValueType } from './func.ts'
export { Module } from './module.ts'
export type { AtomicOp, LaneOp, MemoryOp, PlainOp, SaturatingOp, SimdMemoryOp, SimdOp } from './opcodes.ts'
