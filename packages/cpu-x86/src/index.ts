export { CpuState } from './cpu-state.ts'
export type { Cpu } from './cpu.ts'
export {
  cpuHostBytes,
  createCpu,
  type CpuOptions,
  type ProfiledBlock,
  type Processor,
  type ProcessorStats,
  type RunResult,
} from './create-cpu.ts'
export { cpuidLines, resetRegisterLines } from './guest-abi.ts'
export type { StopReason } from './engine/engine.ts'
export { cpuModel, CpuModel, FEATURES_HERE, MODELS, takesFromMachine } from './models.ts'
export { S } from './state.ts'
export type { KeptCode } from './tier0/code-list.ts'
export type { ListedInsn, RegionListing } from './tier1/listing.ts'
export { cpuCommonVmstate, cpuVmstate, newCpuCommonWire, newCpuWire } from './vmstate.ts'
