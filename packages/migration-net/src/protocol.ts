/**
 * Who says what, and when. The bytes are QEMU's; nothing is added between two Godwits. With multifd the pages, and from
 * machine version 9.0 on also word of those that are zero, go over further channels: `multifd/`.
 *
 *   source                                              destination (incoming, guest not running)
 *   ------                                              -----------
 *   setup     header, CONFIGURATION            ──────▶  preamble   same machine type?
 *             OPEN_RETURN_PATH, PING 1         ──────▶             ──────▶ PONG 1
 *             START ram: block list            ──────▶  ram        same blocks?
 *   rounds    PART ram: pages (guest runs)     ──────▶             pages into RAM
 *             … until what is left fits the downtime
 *   pause     guest stands still                        (a failure up to here, or in the next three
 *             [SWITCHOVER_START]               ──────▶   lines: the source's guest goes on)
 *   ramRest   END ram: the last pages          ──────▶
 *   devices   FULL sections                    ──────▶  devices    decoded; of no use if anything fails later
 *             PING 2                           ──────▶             ──────▶ PONG 2: only the end is missing
 *   handOver  EOF, VMDESCRIPTION               ──────▶  load       timers and wires set again
 *             -- from here only the destination may start the guest --
 *   confirm                                    ◀──────  handOver   SHUT 0, then the guest starts; or SHUT 1
 *             completed; or failed and resumed on SHUT 1; or, if nothing comes, outcome unknown: stays paused
 *
 * Without a return path (a file, or if switched off) the source has completed when its last byte is written.
 */
import { Writer, Reader } from '@godwit/bits'
import type { CommandName } from '@godwit/vmstate'

export const SOURCE_PHASES = ['setup', 'rounds', 'pause', 'ramRest', 'devices', 'handOver', 'confirm'] as const
export type SourcePhase = (typeof SOURCE_PHASES)[number]

export const DESTINATION_PHASES = ['preamble', 'ram', 'devices', 'load', 'handOver'] as const
export type DestinationPhase = (typeof DESTINATION_PHASES)[number]

/** QEMU's names of a migration's state, as query-migrate and the event MIGRATION say them. */
export type MigrationStatus =
  'none' | 'setup' | 'active' | 'pre-switchover' | 'device' | 'completed' | 'failed' | 'cancelling' | 'cancelled'

/** Value of the ping that follows the opening of the return path. */
export const FIRST_PING = 1
/** Value of the ping behind the last device: its echo says that only the end is missing. */
export const LAST_PING = 2

/** Value of the pings while the source waits for its owner before the switch-over. */
export const KEEPALIVE_PING = 0x100

/** Messages from destination to source: u16 type, u16 length, data. */
export const BACK = {
  SHUT: 1,
  PONG: 2,
  REQ_PAGES_ID: 3,
  REQ_PAGES: 4,
  RECV_BITMAP: 5,
  RESUME_ACK: 6,
  SWITCHOVER_ACK: 7,
} as const

export interface BackMessage {
  readonly type: number
  readonly data: Uint8Array
}

/** SHUT or PONG. */
export function backMessage(type: number, value: number): Uint8Array {
  const w = new Writer(8)
  w.u16(type)
  w.u16(4)
  w.u32(value)
  return w.bytes().slice()
}

/** Takes the return path's bytes apart as they come. */
export class BackReader {
  private rest = new Uint8Array(0)

  /** Messages that are complete now. */
  feed(bytes: Uint8Array): BackMessage[] {
    const all = new Uint8Array(this.rest.length + bytes.length)
    all.set(this.rest)
    all.set(bytes, this.rest.length)
    const found: BackMessage[] = []
    const r = new Reader(all)
    while (r.left >= 4) {
      const start = r.at
      const type = r.u16()
      const length = r.u16()
      if (r.left < length) {
        r.at = start
        break
      }
      found.push({ type, data: r.raw(length) })
    }
    this.rest = all.slice(r.at)
    return found
  }
}

/** The u32 in a message or a command, or undefined if it is not one. */
export function u32Of(data: Uint8Array): number | undefined {
  return data.length === 4 ? new Reader(data).u32() : undefined
}

/** Commands of ways to migrate that we do not speak. */
export const UNSPOKEN: Partial<Record<CommandName, string>> = {
  POSTCOPY_ADVISE: 'postcopy',
  POSTCOPY_LISTEN: 'postcopy',
  POSTCOPY_RUN: 'postcopy',
  POSTCOPY_RAM_DISCARD: 'postcopy',
  POSTCOPY_RESUME: 'postcopy',
  RECV_BITMAP: 'postcopy',
  PACKAGED: 'postcopy',
  ENABLE_COLO: 'COLO',
}
