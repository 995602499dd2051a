/** Pages on their way out over several channels. */
import { PAGE_SIZE } from '@godwit/memory'
import type { StreamWriter } from '@godwit/vmstate'
import type { Channel } from '../channel.ts'
import { sentenceOf } from '../errors.ts'
import type { PageSink } from '../ram.ts'
import { HEADER_BYTES, PACKET_PAGES, initialPacket, putHeader } from './packet.ts'

export interface MultifdSending {
  /** Connected to where the main channel is, and after it. */
  readonly channels: readonly Channel[]
  /** The machine's UUID, 16 bytes. Default zeroes, as a machine without one has. */
  readonly uuid?: Uint8Array
}

/**
 * Blocks that a QEMU has filled before the guest comes. It takes the first zero page that a packet names for one that is
 * zero already, so these are sent as they are; seen with QEMU 10.0 and 11.1, which kept their own ACPI tables.
 */
const FILLED = '/rom@'
const ZEROES = new Uint8Array(PAGE_SIZE)

/** Thrown when one of the channels cannot be written; names which. */
export class ChannelOfMany extends Error {
  readonly id: number

  constructor(id: number, thrown: unknown) {
    super(sentenceOf(thrown), { cause: thrown })
    this.id = id
  }
}

export class MultifdSender implements PageSink {
  private readonly channels: readonly Channel[]
  private readonly main: StreamWriter
  /** Zero pages go into the packets; otherwise they are records of the main channel. */
  private readonly zeroesInPackets: boolean
  /** What waits to be sent on each channel. */
  private readonly outboxes: Uint8Array[][]
  private queued = 0
  private turn = 0
  private packets = 0
  private data = new Uint8Array(0)
  private block = ''
  private readonly normal: number[] = []
  private readonly zeroes: number[] = []
  /** Pages were queued since the last sync. */
  private dirty = false

  constructor(sending: MultifdSending, main: StreamWriter, zeroesInPackets: boolean) {
    this.channels = sending.channels
    this.main = main
    this.zeroesInPackets = zeroesInPackets
    const uuid = sending.uuid ?? new Uint8Array(16)
    this.outboxes = this.channels.map((_, id) => [initialPacket({ uuid, id })])
    this.queued = this.outboxes.reduce((sum, [first]) => sum + first!.length, 0)
  }

  get pendingBytes(): number {
    return this.main.pending + this.queued + this.normal.length * PAGE_SIZE
  }

  /** Whether pages were given since the last sync. */
  get unsynced(): boolean {
    return this.dirty
  }

  page(block: string, pageOffset: number, bytes: Uint8Array): boolean {
    this.enter(block)
    if (this.data.length === 0) this.data = new Uint8Array(HEADER_BYTES + PACKET_PAGES * PAGE_SIZE)
    this.data.set(bytes, HEADER_BYTES + this.normal.length * PAGE_SIZE)
    this.normal.push(pageOffset)
    return true
  }

  zero(block: string, pageOffset: number): boolean {
    if (!this.zeroesInPackets) {
      this.main.ramZero({ block, pageOffset })
      return true
    }
    if (block.startsWith(FILLED)) return !this.page(block, pageOffset, ZEROES)
    this.enter(block)
    this.zeroes.push(pageOffset)
    return true
  }

  private enter(block: string): void {
    if (block !== this.block || this.normal.length + this.zeroes.length === PACKET_PAGES) this.finish()
    this.block = block
    this.dirty = true
  }

  /** Ends the packet at work, if there is one. */
  finish(): void {
    const { normal, zeroes } = this
    if (normal.length + zeroes.length === 0) return
    const length = HEADER_BYTES + normal.length * PAGE_SIZE
    const bytes = this.data.length === 0 ? new Uint8Array(length) : this.data.subarray(0, length)
    const head = { sync: false, block: this.block, normal: normal.length, offsets: [...normal, ...zeroes] }
    putHeader(bytes, head, this.packets++)
    this.put(this.turn, bytes)
    this.turn = (this.turn + 1) % this.channels.length
    this.data = new Uint8Array(0)
    normal.length = 0
    zeroes.length = 0
  }

  /** Puts a SYNC on every channel: the destination reads on behind it when the main channel says so. */
  sync(): void {
    this.finish()
    this.channels.forEach((_, id) => {
      const bytes = new Uint8Array(HEADER_BYTES)
      putHeader(bytes, { sync: true, block: '', normal: 0, offsets: [] }, this.packets++)
      this.put(id, bytes)
    })
    this.dirty = false
  }

  private put(id: number, bytes: Uint8Array): void {
    this.outboxes[id]!.push(bytes)
    this.queued += bytes.length
  }

  /** Sends what waits; resolves with the number of bytes when every channel can take more. Rejects with ChannelOfMany. */
  async send(): Promise<number> {
    const bytes = this.queued
    this.queued = 0
    await Promise.all(
      this.channels.map(async (channel, id) => {
        const waiting = this.outboxes[id]!.splice(0)
        try {
          for (const packet of waiting) await channel.send(packet)
        } catch (thrown) {
          throw new ChannelOfMany(id, thrown)
        }
      }),
    )
    return bytes
  }

  close(): void {
    for (const channel of this.channels) void channel.close()
  }

  abort(reason: string): void {
    for (const channel of this.channels) channel.abort(reason)
  }
}
