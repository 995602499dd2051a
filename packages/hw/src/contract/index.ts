export { deviceContract, type ContractOptions } from './device.ts'
export { checks, failuresOf, type Check, type CheckOptions } from './checks.ts'
export type { Bench } from './rig.ts'
export { rngOf, type Rng } from './rng.ts'
