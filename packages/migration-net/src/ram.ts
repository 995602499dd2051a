/** RAM on its way out: which pages are left, and batches of them as records. */
import { PAGE_SIZE } from '@godwit/memory'
import type { RamBlockEntry, StreamWriter } from '@godwit/vmstate'
import type { MigrationFigures } from './figures.ts'
import type { MigratableBlock } from './migratable.ts'

/** Where pages go. */
export interface PageSink {
  /** Bytes that wait to be sent. */
  readonly pendingBytes: number
  /** The bytes are copied. True if they go out as they are, false if shorter. */
  page(block: string, pageOffset: number, bytes: Uint8Array): boolean
  /** True if it goes out without data. */
  zero(block: string, pageOffset: number): boolean
}

/** Pages as records of the main channel. */
export class MainPages implements PageSink {
  private readonly w: StreamWriter

  constructor(w: StreamWriter) {
    this.w = w
  }

  get pendingBytes(): number {
    return this.w.pending
  }

  page(block: string, pageOffset: number, bytes: Uint8Array): boolean {
    this.w.ramPage({ block, pageOffset }, bytes)
    return true
  }

  zero(block: string, pageOffset: number): boolean {
    this.w.ramZero({ block, pageOffset })
    return true
  }
}

interface Pending {
  readonly block: MigratableBlock
  readonly words: Uint32Array
  /** Bytes announced in the block list. */
  readonly length: number
  pages: Uint32Array
  at: number
}

/** Pages between two looks at the clock. */
const LOOK = 32

export class RamSender {
  private readonly pending: Pending[]
  private readonly figures: MigrationFigures

  /** Starts every block's dirty log with all pages dirty. */
  constructor(blocks: readonly MigratableBlock[], figures: MigrationFigures) {
    this.figures = figures
    this.pending = blocks.map((block) => ({
      block,
      words: wordsOf(block),
      length: block.usedSize,
      pages: new Uint32Array(0),
      at: 0,
    }))
    for (const { block } of this.pending) block.dirty.start(true)
    figures.totalBytes = this.pending.reduce((sum, p) => sum + p.length, 0)
    figures.remainingBytes = figures.totalBytes
  }

  list(): RamBlockEntry[] {
    return this.pending.map((p) => ({ name: p.block.name, length: p.length }))
  }

  /** Name of a block whose size is no longer what was announced. */
  resized(): string | undefined {
    return this.pending.find((p) => p.block.usedSize !== p.length)?.block.name
  }

  /** Pages not sent in this round. */
  get leftPages(): number {
    let left = 0
    for (const p of this.pending) left += p.pages.length - p.at
    return left
  }

  /** Pages to send if the guest stopped now, at most: a page can be counted twice. */
  get remainingPages(): number {
    let left = this.leftPages
    for (const p of this.pending) left += p.block.dirty.dirtyPages
    return left
  }

  /** Adds what the guest has dirtied to what is left; returns how many pages it dirtied. */
  collect(): number {
    let found = 0
    for (const p of this.pending) {
      const limit = p.length / PAGE_SIZE
      const dirty = p.block.dirty.collect().filter((page) => page < limit)
      found += dirty.length
      p.pages = union(p.pages.subarray(p.at), dirty)
      p.at = 0
    }
    this.figures.dirtySyncs++
    return found
  }

  /**
   * Gives pages to a sink until the bytes or the time are spent; false when none is left.
   * @param findZeroes whether to look for pages of zeroes, which take hardly any bytes
   */
  write(sink: PageSink, maxBytes: number, timeIsUp: () => boolean, findZeroes = true): boolean {
    let written = 0
    for (const p of this.pending) {
      while (p.at < p.pages.length) {
        if (sink.pendingBytes >= maxBytes || (written % LOOK === 0 && written > 0 && timeIsUp())) return true
        const page = p.pages[p.at++]!
        const offset = page * PAGE_SIZE
        if (findZeroes && isZero(p.words, page)) {
          if (sink.zero(p.block.name, offset)) this.figures.zeroPages++
          else this.figures.normalPages++
        } else {
          const bytes = p.block.bytes.subarray(offset, offset + PAGE_SIZE)
          if (sink.page(p.block.name, offset, bytes)) this.figures.normalPages++
        }
        written++
      }
    }
    return false
  }

  stop(): void {
    for (const { block } of this.pending) block.dirty.stop()
  }
}

/** A block's bytes as words; blocks begin and end at page boundaries. */
export function wordsOf(block: MigratableBlock): Uint32Array {
  const { bytes } = block
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
}

export function isZero(words: Uint32Array, page: number): boolean {
  const end = (page + 1) * (PAGE_SIZE / 4)
  for (let i = page * (PAGE_SIZE / 4); i < end; i += 4) {
    if ((words[i]! | words[i + 1]! | words[i + 2]! | words[i + 3]!) !== 0) return false
  }
  return true
}

/** Two ascending lists as one, without repetition. */
export function union(a: Uint32Array, b: Uint32Array): Uint32Array {
  if (a.length === 0) return b
  if (b.length === 0) return a
  const out = new Uint32Array(a.length + b.length)
  let n = 0
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    const x = i < a.length ? a[i]! : Infinity
    const y = j < b.length ? b[j]! : Infinity
    out[n++] = Math.min(x, y)
    if (x <= y) i++
    if (y <= x) j++
  }
  return out.slice(0, n)
}
