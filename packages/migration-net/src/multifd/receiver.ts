/** Pages on their way in over several channels. */
import { PAGE_SIZE } from '@godwit/memory'
import type { Channel } from '../channel.ts'
import { sentenceOf } from '../errors.ts'
import type { MigrationFigures } from '../figures.ts'
import type { MigratableBlock } from '../migratable.ts'
import { isZero } from '../ram.ts'
import { HEADER_BYTES, MultifdFault, readHeader, type PacketHead } from './packet.ts'

export interface Place {
  readonly block: MigratableBlock
  readonly words: Uint32Array
}

/** What a channel ended with: `code` as in MigrationError. */
export class MultifdFailure extends Error {
  readonly code: 'multifd' | 'channel' | 'torn'
  readonly id: number

  constructor(code: MultifdFailure['code'], id: number, detail: string, cause?: unknown) {
    super(detail, { cause })
    this.code = code
    this.id = id
  }
}

interface Reading {
  readonly id: number
  readonly channel: Channel
  /** SYNC packets that came. */
  syncs: number
  ended: boolean
  wake: (() => void) | undefined
}

/**
 * Reads all channels at once. Each stops behind a SYNC until the main channel has come to the same point, so that no
 * page of a round overtakes one of the round before.
 */
export class MultifdReceiver {
  private readonly readings: readonly Reading[]
  private readonly placeOf: (block: string) => Place | undefined
  private readonly figures: MigrationFigures
  /** Syncs that the main channel has asked for, and those that are over. */
  private asked = 0
  private released = 0
  private over = false
  private wakeMain: (() => void) | undefined
  private fail!: (failure: MultifdFailure) => void
  /** Rejects with MultifdFailure when a channel cannot go on; never resolves. */
  readonly failure: Promise<never>

  /** @param placeOf the block's place, or undefined if it was not announced */
  constructor(channels: readonly Channel[], placeOf: (block: string) => Place | undefined, figures: MigrationFigures) {
    this.placeOf = placeOf
    this.figures = figures
    this.failure = new Promise((_, reject) => (this.fail = reject))
    this.failure.catch(() => undefined)
    this.readings = channels.map((channel, id) => ({ id, channel, syncs: 0, ended: false, wake: undefined }))
  }

  /** Begins to read. */
  start(): void {
    for (const reading of this.readings) {
      this.read(reading).catch((thrown: unknown) => {
        if (!this.over) this.fail(failureOf(reading, thrown))
      })
    }
  }

  /** Resolves when every channel has come to its next SYNC; they read on then. */
  async sync(): Promise<void> {
    const round = ++this.asked
    for (;;) {
      const missing = this.readings.filter((r) => r.syncs < round)
      if (missing.length === 0) break
      const gone = missing.find((r) => r.ended)
      if (gone !== undefined) throw new MultifdFailure('channel', gone.id, 'the source closed it before its last sync')
      await Promise.race([this.failure, new Promise<void>((wake) => (this.wakeMain = wake))])
    }
    this.released = round
    for (const reading of this.readings) reading.wake?.()
  }

  async close(): Promise<void> {
    this.over = true
    for (const reading of this.readings) reading.wake?.()
    await Promise.all(this.readings.map(({ channel }) => channel.close()))
  }

  private async read(reading: Reading): Promise<void> {
    const parser = new PacketParser(this.placeOf, this.figures)
    for (;;) {
      const bytes = await reading.channel.receive()
      if (this.over) return
      if (bytes === undefined) {
        if (!parser.atBorder) throw new MultifdFailure('torn', reading.id, 'the channel ended inside a packet')
        reading.ended = true
        this.wakeMain?.()
        return
      }
      this.figures.multifdBytes += bytes.length
      this.figures.transferredBytes += bytes.length
      for (let at = 0; at < bytes.length;) {
        at = parser.feed(bytes, at)
        if (!parser.takeSync()) continue
        reading.syncs++
        this.wakeMain?.()
        while (this.released < reading.syncs && !this.over) {
          await new Promise<void>((wake) => (reading.wake = wake))
        }
        if (this.over) return
      }
    }
  }
}

function failureOf({ id }: Reading, thrown: unknown): MultifdFailure {
  if (thrown instanceof MultifdFailure) return thrown
  const code = thrown instanceof MultifdFault ? 'multifd' : 'channel'
  return new MultifdFailure(code, id, sentenceOf(thrown), thrown)
}

/** Takes one channel's bytes apart; the data of pages go straight to their places. */
class PacketParser {
  private readonly placeOf: (block: string) => Place | undefined
  private readonly figures: MigrationFigures
  private readonly header = new Uint8Array(HEADER_BYTES)
  private have = 0
  private head: PacketHead | undefined
  private place: Place | undefined
  /** Bytes of the packet's data that came. */
  private done = 0
  private synced = false

  constructor(placeOf: (block: string) => Place | undefined, figures: MigrationFigures) {
    this.placeOf = placeOf
    this.figures = figures
  }

  get atBorder(): boolean {
    return this.have === 0
  }

  /** True once after a packet with SYNC. */
  takeSync(): boolean {
    const was = this.synced
    this.synced = false
    return was
  }

  /** Takes bytes up to the end of a packet; returns where it stopped. */
  feed(bytes: Uint8Array, from: number): number {
    let at = from
    if (this.head === undefined) {
      const n = Math.min(HEADER_BYTES - this.have, bytes.length - at)
      this.header.set(bytes.subarray(at, at + n), this.have)
      this.have += n
      at += n
      if (this.have < HEADER_BYTES) return at
      this.begin(readHeader(this.header))
    }
    const head = this.head!
    const size = head.normal * PAGE_SIZE
    while (this.done < size && at < bytes.length) {
      const inPage = this.done % PAGE_SIZE
      const offset = head.offsets[(this.done - inPage) / PAGE_SIZE]!
      const n = Math.min(PAGE_SIZE - inPage, bytes.length - at)
      this.place!.block.write(offset + inPage, bytes.subarray(at, at + n))
      this.done += n
      at += n
    }
    if (this.done === size) this.end(head)
    return at
  }

  private begin(head: PacketHead): void {
    if (head.offsets.length > 0) {
      this.place = this.placeOf(head.block)
      if (this.place === undefined) throw new MultifdFault('a page', 'an announced block', JSON.stringify(head.block))
      const length = this.place.block.usedSize
      for (const offset of head.offsets) {
        if (offset % PAGE_SIZE === 0 && offset < length) continue
        const expected = `the offset of a page below 0x${length.toString(16)}`
        throw new MultifdFault(`a page of ${head.block}`, expected, `0x${offset.toString(16)}`)
      }
    }
    this.head = head
    this.done = 0
  }

  private end(head: PacketHead): void {
    for (const offset of head.offsets.slice(head.normal)) {
      const { block, words } = this.place!
      if (!isZero(words, offset / PAGE_SIZE)) block.fill(offset, PAGE_SIZE, 0)
    }
    this.figures.normalPages += head.normal
    this.figures.zeroPages += head.offsets.length - head.normal
    this.synced = head.sync
    this.head = undefined
    this.have = 0
  }
}
