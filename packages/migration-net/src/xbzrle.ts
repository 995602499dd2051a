/** Pages as what has changed since they were sent last. */
import { PAGE_SIZE } from '@godwit/memory'
import type { StreamWriter } from '@godwit/vmstate'
import { newXbzrleFigures, type XbzrleFigures } from './figures.ts'
import { MainPages } from './ram.ts'

/**
 * Writes what turns one page into another: runs of unchanged bytes by their length, runs of changed ones as they are.
 * @returns bytes written, 0 for equal pages, -1 if they do not fit
 */
export function encodeXbzrle(old: Uint8Array, now: Uint8Array, out: Uint8Array): number {
  const size = now.length
  let length = 0
  for (let at = 0; at < size;) {
    let changed = at
    while (changed < size && old[changed] === now[changed]) changed++
    if (changed === size) break
    let end = changed + 1
    while (end < size && old[end] !== now[end]) end++
    // two counts of at most two bytes each
    if (length + 4 + end - changed > out.length) return -1
    length = putCount(out, length, changed - at)
    length = putCount(out, length, end - changed)
    out.set(now.subarray(changed, end), length)
    length += end - changed
    at = end
  }
  return length
}

/** ULEB128 of a number below 2^14. */
function putCount(out: Uint8Array, at: number, n: number): number {
  if (n < 0x80) {
    out[at] = n
    return at + 1
  }
  out[at] = (n & 0x7f) | 0x80
  out[at + 1] = n >> 7
  return at + 2
}

/** Rounds for which a page that was not asked for keeps its place. */
const LIFETIME = 2

interface Cached {
  readonly bytes: Uint8Array
  /** When it was sent last. */
  round: number
}

/** Page records of the main channel, as deltas where the page's last content is in the cache. */
export class XbzrlePages extends MainPages {
  readonly figures: XbzrleFigures
  private readonly writer: StreamWriter
  /** What the destination has, by block and offset; the page that was sent longest ago comes first. */
  private readonly cache = new Map<string, Cached>()
  private round = 0
  private readonly most: number
  private readonly delta = new Uint8Array(PAGE_SIZE)
  /** The page as it was at one moment: the guest may go on writing to it. */
  private readonly now = new Uint8Array(PAGE_SIZE)

  /** @param cacheBytes at least a page */
  constructor(w: StreamWriter, cacheBytes: number) {
    super(w)
    this.writer = w
    this.figures = newXbzrleFigures(cacheBytes)
    this.most = Math.floor(cacheBytes / PAGE_SIZE)
  }

  /** A round begins. In the first one every page is new, so nothing is kept. */
  nextRound(): void {
    this.round++
  }

  override page(block: string, pageOffset: number, bytes: Uint8Array): boolean {
    if (this.round < 2) return super.page(block, pageOffset, bytes)
    const { figures, delta, now } = this
    now.set(bytes)
    const key = `${block} ${pageOffset}`
    const old = this.cache.get(key)
    figures.asked++
    if (old === undefined) {
      figures.cacheMisses++
      this.keep(key, now)
      return super.page(block, pageOffset, now)
    }
    const length = encodeXbzrle(old.bytes, now, delta)
    old.bytes.set(now)
    old.round = this.round
    this.cache.delete(key)
    this.cache.set(key, old)
    if (length === 0) return false
    if (length < 0) {
      figures.overflows++
      return super.page(block, pageOffset, now)
    }
    this.writer.ramXbzrle({ block, pageOffset }, delta.subarray(0, length))
    figures.pages++
    figures.bytes += length
    return false
  }

  override zero(block: string, pageOffset: number): boolean {
    this.cache.get(`${block} ${pageOffset}`)?.bytes.fill(0)
    return super.zero(block, pageOffset)
  }

  private keep(key: string, bytes: Uint8Array): void {
    if (this.cache.size >= this.most) {
      const [oldest] = this.cache
      // pages come in order: to drop what the next round asks for first would leave no hit at all
      if (oldest === undefined || oldest[1].round + LIFETIME > this.round) return
      this.cache.delete(oldest[0])
    }
    this.cache.set(key, { bytes: bytes.slice(), round: this.round })
  }
}
