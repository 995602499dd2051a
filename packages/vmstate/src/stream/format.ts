/** Numbers of the stream's framing, and the items a stream is made of. */

/** "QEVM" */
export const MAGIC = 0x5145564d
export const STREAM_VERSION = 3
export const PAGE_SIZE = 4096

/** First byte of each element. */
export const TYPE = {
  EOF: 0x00,
  START: 0x01,
  PART: 0x02,
  END: 0x03,
  FULL: 0x04,
  SUBSECTION: 0x05,
  VMDESCRIPTION: 0x06,
  CONFIGURATION: 0x07,
  COMMAND: 0x08,
  FOOTER: 0x7e,
} as const

/** Flags in the low twelve bits of a RAM record's first word. */
export const RAM = {
  FULL: 0x001,
  ZERO: 0x002,
  MEM_SIZE: 0x004,
  PAGE: 0x008,
  EOS: 0x010,
  CONTINUE: 0x020,
  XBZRLE: 0x040,
  HOOK: 0x080,
  COMPRESS_PAGE: 0x100,
  MULTIFD_FLUSH: 0x200,
} as const
export const RAM_SECTION_VERSION = 4

/** Commands from source to destination, by number. */
export const COMMANDS = [
  'INVALID',
  'OPEN_RETURN_PATH',
  'PING',
  'POSTCOPY_ADVISE',
  'POSTCOPY_LISTEN',
  'POSTCOPY_RUN',
  'POSTCOPY_RAM_DISCARD',
  'PACKAGED',
  'ENABLE_COLO',
  'POSTCOPY_RESUME',
  'RECV_BITMAP',
  'SWITCHOVER_START',
] as const
export type CommandName = Exclude<(typeof COMMANDS)[number], 'INVALID'>

/** Who a section belongs to, and in which layout it is. */
export interface SectionHead {
  readonly sectionId: number
  readonly idstr: string
  readonly instance: number
  readonly version: number
}

export interface RamBlockEntry {
  readonly name: string
  /** Bytes; a multiple of the page size. */
  readonly length: number
  /** Guest physical address, with the capability x-ignore-shared only. */
  readonly gpa?: bigint
}

export type LiveType = 'start' | 'part' | 'end'

/** What follows the header, as far as the machine is concerned. */
export interface Configuration {
  readonly machine: string
  readonly targetPageBits?: number
  readonly capabilities?: readonly string[]
  readonly uuid?: Uint8Array
}

/** A page record's place. `continued` says that the record bears no block name. */
export interface PagePlace {
  readonly block: string
  /** Bytes from the block's beginning. */
  readonly pageOffset: number
  readonly continued?: boolean
}

/** One item of a stream, in the order of the wire. */
export type StreamElement<T> =
  | { readonly kind: 'header'; readonly version: number }
  | ({ readonly kind: 'configuration' } & Configuration)
  | {
      readonly kind: 'command'
      readonly command: CommandName
      readonly data: Uint8Array
      readonly packaged?: Uint8Array
    }
  | ({ readonly kind: 'sectionStart'; readonly type: LiveType } & SectionHead)
  | { readonly kind: 'ramBlockList'; readonly blocks: readonly RamBlockEntry[] }
  | ({ readonly kind: 'ramPage'; readonly data: Uint8Array } & PagePlace)
  | ({ readonly kind: 'ramZero' } & PagePlace)
  | ({ readonly kind: 'ramXbzrle'; readonly data: Uint8Array } & PagePlace)
  | { readonly kind: 'ramFlush' }
  | { readonly kind: 'ramEos' }
  | { readonly kind: 'sectionEnd'; readonly sectionId: number }
  | ({
      readonly kind: 'device'
      readonly payload: Uint8Array
      /** Offset of the payload in the stream. */
      readonly payloadOffset: number
      /** What the decode callback returned. */
      readonly value: T
    } & SectionHead)
  | { readonly kind: 'eof' }
  | { readonly kind: 'vmdescription'; readonly json: Uint8Array }

/** An item with its offset in the stream. Byte arrays are views of what was fed; copy what must outlive the chunk. */
export type StreamItem<T = unknown> = StreamElement<T> & { readonly offset: number }
