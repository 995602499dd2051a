export { Bytes } from './bytes.ts'
export { disassemble, type Line } from './disassemble.ts'
export {
  F32,
  F64,
  FUNCREF,
  Func,
  I32,
  I64,
  V128,
  VOID,
  memoryOpcode,
  opcode,
  type BlockType,
  type ValueType,
} from './func.ts'
export { Module } from './module.ts'
export { PLAIN } from './opcodes.ts'
export type { AtomicOp, LaneOp, MemoryOp, PlainOp, SaturatingOp, SimdMemoryOp, SimdOp } from './opcodes.ts'
