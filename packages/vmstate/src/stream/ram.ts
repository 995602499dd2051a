/** Records of the "ram" section. */
import type { Reader } from '@godwit/bits'
import { PAGE_SIZE, RAM } from './format.ts'
import type { PagePlace, RamBlockEntry } from './format.ts'

/** What a record can be refused for; the reader adds the section. */
export class RamFault extends Error {
  readonly expected: string
  readonly came: string

  constructor(expected: string, came: string) {
    super(`expected ${expected}, came ${came}`)
    this.expected = expected
    this.came = came
  }
}

export interface RamLimits {
  /** Largest sum of all blocks. */
  readonly maxRamBytes: number
  readonly maxRamBlocks: number
}

export type RamRecord =
  | { readonly kind: 'ramBlockList'; readonly blocks: readonly RamBlockEntry[] }
  | ({ readonly kind: 'ramPage'; readonly data: Uint8Array } & PagePlace)
  | ({ readonly kind: 'ramZero' } & PagePlace)
  | ({ readonly kind: 'ramXbzrle'; readonly data: Uint8Array } & PagePlace)
  | { readonly kind: 'ramFlush' }
  | { readonly kind: 'ramEos' }

const PAGE_KINDS = RAM.ZERO | RAM.PAGE | RAM.XBZRLE
const XBZRLE_ENCODING = 1
const NAMES: readonly [number, string][] = [
  [RAM.FULL, 'FULL'],
  [RAM.HOOK, 'HOOK'],
  [RAM.COMPRESS_PAGE, 'COMPRESS_PAGE'],
]

/** The announced blocks and the block that CONTINUE means; both last for the whole stream. */
export class RamRecords {
  private readonly limits: RamLimits
  private readonly lengths = new Map<string, number>()
  private listed = false
  private last: string | null = null
  /** Block list entries carry a guest physical address. */
  withGpa = false

  constructor(limits: RamLimits) {
    this.limits = limits
  }

  /** Reads one record; changes nothing if the reader ends within it. */
  read(r: Reader): RamRecord {
    const word = r.u64()
    const flags = Number(word & 0xfffn)
    const offset = Number(word >> 12n) * PAGE_SIZE
    switch (flags & ~RAM.CONTINUE) {
      case RAM.ZERO:
      case RAM.PAGE:
      case RAM.XBZRLE:
        return this.readPage(r, flags, offset)
    }
    if (flags === RAM.MEM_SIZE) return this.readList(r, offset)
    if (offset !== 0 && (flags === RAM.EOS || flags === RAM.MULTIFD_FLUSH)) {
      throw new RamFault('offset 0 in a record without a page', hex(offset))
    }
    if (flags === RAM.EOS) return { kind: 'ramEos' }
    if (flags === RAM.MULTIFD_FLUSH) return { kind: 'ramFlush' }
    const named = NAMES.filter(([bit]) => flags & bit).map(([, name]) => name)
    throw new RamFault('flags of one record that we take', hex(flags) + (named.length ? ` (${named.join(', ')})` : ''))
  }

  private readPage(r: Reader, flags: number, pageOffset: number): RamRecord {
    const continued = (flags & RAM.CONTINUE) !== 0
    const block = continued ? this.last : r.str8()
    if (block === null) throw new RamFault('a block name in the first page record', 'CONTINUE')
    const length = this.lengths.get(block)
    if (length === undefined) throw new RamFault('an announced block', JSON.stringify(block))
    if (pageOffset >= length) throw new RamFault(`an offset below ${hex(length)} in ${block}`, hex(pageOffset))
    const place = { block, pageOffset, continued }
    const record = readPageBody(r, flags & PAGE_KINDS, place)
    this.last = block
    return record
  }

  private readList(r: Reader, total: number): RamRecord {
    if (this.listed) throw new RamFault('one block list', 'a second')
    const { maxRamBytes, maxRamBlocks } = this.limits
    if (total > maxRamBytes) throw new RamFault(`at most ${maxRamBytes} bytes of RAM`, String(total))
    const blocks: RamBlockEntry[] = []
    const names = new Set<string>()
    for (let left = total; left > 0;) {
      if (blocks.length === maxRamBlocks) throw new RamFault(`at most ${maxRamBlocks} RAM blocks`, 'one more')
      const name = r.str8()
      const size = r.u64()
      if (names.has(name)) throw new RamFault('each block once', JSON.stringify(name))
      if (size > BigInt(left) || size % BigInt(PAGE_SIZE) !== 0n) {
        throw new RamFault(`whole pages, at most ${left} bytes in ${JSON.stringify(name)}`, String(size))
      }
      const length = Number(size)
      blocks.push(this.withGpa ? { name, length, gpa: r.u64() } : { name, length })
      names.add(name)
      left -= length
    }
    for (const { name, length } of blocks) this.lengths.set(name, length)
    this.listed = true
    return { kind: 'ramBlockList', blocks }
  }
}

function readPageBody(r: Reader, kind: number, place: PagePlace): RamRecord {
  if (kind === RAM.PAGE) return { kind: 'ramPage', ...place, data: r.raw(PAGE_SIZE) }
  if (kind === RAM.ZERO) {
    const fill = r.u8()
    if (fill !== 0) throw new RamFault('00 in a zero page', hex(fill))
    return { kind: 'ramZero', ...place }
  }
  const encoding = r.u8()
  if (encoding !== XBZRLE_ENCODING) throw new RamFault('XBZRLE encoding 1', String(encoding))
  const length = r.u16()
  if (length > PAGE_SIZE) throw new RamFault(`at most ${PAGE_SIZE} bytes of XBZRLE`, String(length))
  return { kind: 'ramXbzrle', ...place, data: r.raw(length) }
}

/** Brings a page up to date by an XBZRLE record's data. Throws RangeError, page untouched, if the data do not fit a page. */
export function applyXbzrle(page: Uint8Array, data: Uint8Array): void {
  const next = page.slice()
  let to = 0
  let at = 0
  const count = (): number => {
    const low = data[at++] ?? fail('a count')
    if (low < 0x80) return low
    const high = data[at++] ?? fail('the second byte of a count')
    if (high >= 0x80) fail('a count of at most two bytes')
    return (low & 0x7f) | (high << 7)
  }
  while (at < data.length) {
    to += count()
    const changed = count()
    if (changed === 0 || to + changed > next.length || at + changed > data.length)
      fail('a run inside the page and the data')
    next.set(data.subarray(at, at + changed), to)
    at += changed
    to += changed
  }
  page.set(next)
}

function fail(expected: string): never {
  throw new RangeError(`XBZRLE: expected ${expected}`)
}

const hex = (n: number): string => `0x${n.toString(16)}`
