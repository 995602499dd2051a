export { Board, BoardError, type PropTexts, type Section } from './board.ts'
export { BootError } from './boot/boot-error.ts'
export { parseBzImage, type BzImage } from './boot/bzimage.ts'
export { boardOf, compatOf, typeName, type Compat, type Family, type Version } from './family.ts'
export { systemLoop, type HostLoop } from './host-loop.ts'
export { OptionError } from './machine-options.ts'
export {
  createMachine,
  Machine,
  type DeterministicTime,
  type MachineEvents,
  type MachineOptions,
  type ShutdownCause,
} from './machine.ts'
export { systemWallClock, type WallClock } from './machine-time.ts'
export { families, findMachine, machineTypes, UnknownMachine, type MachineType } from './registry.ts'
