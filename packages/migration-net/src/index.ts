export { ChannelError, type Channel } from './channel.ts'
export { memoryChannels, type MemoryChannelOptions } from './channels/memory.ts'
export { MIGRATION_ERROR_CODES, MigrationError, type MigrationErrorCode, type Role } from './errors.ts'
export type { Migratable, MigratableSection } from './migratable.ts'
