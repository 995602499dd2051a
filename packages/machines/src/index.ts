export { Board, BoardError, type PropTexts, type Section } from './board.ts'
export { BootError } from './boot/boot-error.ts'
export { parseBzImage, type BzImage } from './boot/bzimage.ts'
export {
  boardOf,
  compatOf,
  newestOf,
  rowsOf,
  typeName,
  type Compat,
  type Family,
  type Tag,
  type Version,
} from './family.ts'
export { Digest } from './digest.ts'
export { ABI_PARTS, type AbiPart, type GuestAbi } from './guest-abi.ts'
export { systemLoop, type HostLoop } from './host-loop.ts'
export { changesIn, knownAt, lifecycleOf, machineTypesAt, type Lifecycle, type LifeState } from './lifecycle.ts'
export { OptionError } from './machine-options.ts'
export {
  createMachine,
  Machine,
  SpoiledMachine,
  type DeterministicTime,
  type MachineEvents,
  type CpuTuning,
  type MachineOptions,
  type ShutdownCause,
} from './machine.ts'
export { systemWallClock, type WallClock } from './machine-time.ts'
export { childrenOf, isParent, parentsOf } from './parents.ts'
export {
  families,
  findMachine,
  knownFamilies,
  machineTypes,
  namesOf,
  UnknownMachine,
  type MachineType,
} from './registry.ts'
export { BOARD_VALUES, MIGRATION_PROPS, refusalsOf, UnmodelledVersion, WITHOUT_EFFECT } from './unmodelled.ts'
export {
  CalendarError,
  compareVersions,
  dateOf,
  minorOf,
  newestRelease,
  nextRelease,
  releaseAt,
  releases,
  type Release,
} from './releases.ts'
