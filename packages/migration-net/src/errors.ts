import { readable } from '@godwit/vmstate'

/** Every way a migration can fail. */
export const MIGRATION_ERROR_CODES = [
  'cancelled', // somebody asked for it
  'channel', // reading or writing the channel failed, or the peer closed it
  'torn', // the stream ended in the middle
  'format', // the bytes are not a stream of this format
  'machine-type', // another machine type
  'ram', // block list or page record does not fit this machine
  'unknown-section', // the machine has no such section
  'multifd', // the channels for pages are not those agreed upon, or what came on one is no packet
  'device', // a section's bytes do not fit its description
  'refused', // the destination says that loading failed
  'timeout', // the peer was silent for too long
  'outcome-unknown', // everything was sent and nobody said what became of it
] as const

export type MigrationErrorCode = (typeof MIGRATION_ERROR_CODES)[number]
export type Role = 'source' | 'destination'

/** A migration that failed: who, in which phase, at which section. */
export class MigrationError extends Error {
  readonly code: MigrationErrorCode
  readonly role: Role
  readonly phase: string
  /** Section or RAM block the error is about, if any. */
  readonly path: string | undefined
  /** Offset in the stream of what was at work; undefined at the source. */
  readonly offset: number | undefined

  constructor(
    code: MigrationErrorCode,
    role: Role,
    phase: string,
    detail: string,
    path?: string,
    cause?: unknown,
    offset?: number,
  ) {
    super(readable(`migration ${role}, phase ${phase}${path === undefined ? '' : `, ${path}`}: ${detail}`), { cause })
    this.name = 'MigrationError'
    this.code = code
    this.role = role
    this.phase = phase
    this.path = path
    this.offset = offset
  }
}

/** The sentence of an error that may be anything. */
export function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
