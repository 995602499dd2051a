export { ChannelError, type Channel } from './channel.ts'
export { memoryChannels, type MemoryChannelOptions } from './channels/memory.ts'
export { IncomingMigration, type IncomingOptions, type IncomingResult } from './destination.ts'
export { MIGRATION_ERROR_CODES, MigrationError, type MigrationErrorCode, type Role } from './errors.ts'
export { newFigures, queryMigrate, type MigrationFigures, type QueryExtras, type XbzrleFigures } from './figures.ts'
export type {
  DistantSection,
  Migratable,
  MigratableBlock,
  MigratableLog,
  MigratableSection,
  ZeroPageDetection,
} from './migratable.ts'
export { described, loaded, saved, type AnySection } from './section.ts'
export type { MultifdReceiving } from './multifd/gather.ts'
export type { MultifdSending } from './multifd/sender.ts'
export { hostPace, type Pace } from './pace.ts'
export { defaultParameters, type MigrationParameters } from './parameters.ts'
export {
  DESTINATION_PHASES,
  SOURCE_PHASES,
  type DestinationPhase,
  type MigrationStatus,
  type SourcePhase,
} from './protocol.ts'
export { OutgoingMigration, type OutgoingOptions, type OutgoingResult } from './source.ts'
