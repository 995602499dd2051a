/** What is tested, by the package it is of. */
export { createMachine, type Machine } from '../../../packages/machines/src/index.ts'
export {
  IncomingMigration,
  MigrationError,
  memoryChannels,
  type Migratable,
} from '../../../packages/migration-net/src/index.ts'
export {
  StreamError,
  StreamReader,
  VMStateError,
  applyXbzrle,
  configurationOf,
  configurationState,
  decodeTree,
  describe,
  load,
  readWhole,
  restore,
  saveBytes,
  saveInner,
  snapshot,
  type DescribedState,
  type StreamItem,
  type Tree,
  type TreeField,
  type TreeValue,
  type VMState,
} from '../../../packages/vmstate/src/index.ts'
