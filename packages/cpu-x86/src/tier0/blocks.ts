/** Blocks of records by physical page: decoding, links inside the page, and dropping what is overwritten. */
import { GuestFault } from '../cpu.ts'
import type { Fetch, Insn } from '../decode/insn.ts'
import { B, BlockTable, LISTED, LIVE, SOUGHT } from './block-table.ts'
import type { CodeBlock } from './code-block.ts'
import { Coverage } from './coverage.ts'
import type { Handlers } from './handlers.ts'
import { MODES, type Mode } from './mode.ts'
import { HANDLER, isComputed, R, recordWriter, writeHead, writeRecord, type RecordWriter } from './record.ts'
import { SeenBlocks } from './seen-blocks.ts'
import { endsBlock, factsOf, flowOf, hasLink, lengthOf, Templates } from './templates.ts'

const PAGE = 4096
/**
 * Blocks end where an instruction begins in another stretch of so many bytes. Wherever a block is entered, it ends at
 * the same place, so that counts do not depend on what was decoded before; and an entry in the middle of long
 * straight code (after an interrupt) costs a short block.
 */
const STRETCH = 256
const STRETCHES = PAGE / STRETCH

export interface BlocksOptions {
  readonly buffer: ArrayBufferLike
  /** Room for records: host addresses. */
  readonly start: number
  readonly end: number
  readonly handlers: Handlers
  /** The instruction at host address `at`: its bytes up to `end`, and what `beyond` gives for those that follow. */
  decode(at: number, end: number, beyond: Fetch, mode: Mode): Insn
  /** A block ends with such an instruction although what follows it runs next: tier 1 goes on there. */
  ends(insn: Insn): boolean
  /** Host page behind a linear page that follows another. May throw what a fetch throws. */
  host(page: number): number
  /** A byte of a linear page from its start on. May throw what a fetch throws. */
  byte(page: number, offset: number): number
  /** A page has become code: nobody may write it unseen. */
  onCode(hostPage: number): void
  /** A block is being dropped. */
  onDrop?(block: CodeBlock): void
  /** Everything was forgotten. */
  onFull(): void
  /** For profiles: a block was decoded at a record; handlers and bytes in hex of its instructions. */
  onBlock?(
    record: number,
    mode: Mode,
    insns: readonly Insn[],
    handlers: readonly number[],
    code: readonly string[],
  ): void
}

/** Thrown by a fetch beyond the page. */
const CROSSES = new Error('instruction crosses the page')
const crosses: Fetch = () => {
  throw CROSSES
}

export class Blocks {
  /** By host page: 1 where there are live blocks. */
  readonly hasCode: Uint8Array
  /** Instructions in the longest block so far. */
  longest = 1
  decoded = 0
  dropped = 0
  /** What undefined instructions would be, by record. */
  readonly undefinedNames = new Map<number, string>()
  private readonly table = new BlockTable()
  private readonly seen: SeenBlocks
  /** By stretch: the block that came last. A block that is dropped stays in the list until bytes near by are written. */
  private readonly first: Int32Array
  private readonly coverage: Coverage
  /** By host page: blocks of pages before, whose last instruction ends here. */
  private readonly tails = new Map<number, Set<number>>()
  private readonly o: BlocksOptions
  private readonly view: DataView
  private readonly writer: RecordWriter
  private readonly bytes: Uint8Array
  private readonly templates: Templates
  /** Handlers of the instructions of the block that is being decoded. */
  private readonly numbers = new Uint16Array(STRETCH)
  private readonly scratch: number
  private top: number

  constructor(options: BlocksOptions) {
    const { buffer } = options
    const pages = buffer.byteLength / PAGE
    this.o = options
    this.view = new DataView(buffer)
    this.writer = recordWriter(buffer)
    this.bytes = new Uint8Array(buffer)
    this.templates = new Templates(buffer)
    this.coverage = new Coverage(pages)
    this.hasCode = this.coverage.hasCode
    this.seen = new SeenBlocks(this.table, buffer)
    this.first = new Int32Array(pages * STRETCHES)
    this.scratch = options.start
    this.top = options.start + 2 * R.bytes
  }

  /**
   * A live block by its number; 0: there is none. `page`: its linear page. `sought`: generated code asks, by an address.
   */
  find(hostPage: number, offset: number, mode: Mode, page: number, sought: boolean): number {
    const block = this.table.find((hostPage * PAGE + offset) | 0, mode)
    if (block === 0) return 0
    const { words } = this.table
    const flags = words[block + B.flags]!
    if ((flags & LIVE) === 0) return 0
    if (sought && (flags & SOUGHT) === 0) {
      words[block + B.flags] = flags | SOUGHT
      this.seen.seek(block)
    }
    const second = words[block + B.second]!
    return second >= 0 && second !== this.o.host(page + 1) ? 0 : block
  }

  recordOf(block: number): number {
    return this.table.words[block + B.record]! >>> 0
  }

  lengthOf(block: number): number {
    return this.table.words[block + B.length]!
  }

  /** Its last instruction ends in another page. */
  crosses(block: number): boolean {
    return this.table.words[block + B.second]! >= 0
  }

  /**
   * Decodes the block at an offset, and gives its number. Its records are written behind all others, and moved if there is
   * room for them where they were before.
   */
  decode(hostPage: number, offset: number, mode: Mode, page: number, sought: boolean): number {
    const { handlers } = this.o
    const profiled = this.o.onBlock !== undefined
    if (this.top + (STRETCH + 1) * R.bytes > this.o.end) throw new ArenaFull()
    const { numbers, templates, top } = this
    const { halves } = this.writer
    const insns: Insn[] | undefined = profiled ? [] : undefined
    const limit = (Math.floor(offset / STRETCH) + 1) * STRETCH
    let at = offset
    let count = 0
    let facts = 0
    let undefinedName: string | undefined
    while (at < limit) {
      const record = top + count * R.bytes
      facts = profiled ? 0 : templates.write(hostPage, at, mode, record, count)
      if (facts === 0) {
        const insn = count === 0 ? this.insnAt(hostPage, at, mode, page) : this.insnWithin(hostPage, at, mode)
        if (insn === undefined) break
        const handler = handlers.index(insn, mode)
        writeRecord(this.writer, record, insn, handler, at, count)
        facts = factsOf(insn, mode, this.o.ends(insn))
        if (!handlers.baked && at + insn.length <= PAGE) templates.learn(hostPage, at, mode, record, insn, facts)
        if (insn.op === 'ud') undefinedName = insn.name
        insns?.push(insn)
      }
      numbers[count++] = halves[(record + R.handler) >>> 1]!
      at += lengthOf(facts)
      if (endsBlock(facts)) break
    }
    if (at === offset) throw CROSSES
    const second = at > PAGE ? this.o.host(page + 1) : -1
    const block = this.room(hostPage, offset, mode, flowOf(facts) === 'next' ? count + 1 : count)
    const record = this.recordOf(block)
    if (record !== top) halves.copyWithin(record >>> 1, top >>> 1, (top + count * R.bytes) >>> 1)
    this.fuse(record, count)
    handlers.compile()
    if (insns !== undefined) this.report(record, hostPage, offset, mode, insns)
    const last = record + (count - 1) * R.bytes
    if (undefinedName !== undefined) this.undefinedNames.set(last, undefinedName)
    this.store(block, count, facts, at, second, sought)
    this.linkTo(block, last, at, facts)
    return block
  }

  /** The live block that begins at an offset. */
  block(hostPage: number, offset: number, mode: Mode): CodeBlock | undefined {
    const block = this.table.find((hostPage * PAGE + offset) | 0, mode)
    if (block === 0 || (this.table.words[block + B.flags]! & LIVE) === 0) return undefined
    return this.seen.of(block)
  }

  /** The instructions of a block. */
  insnsOf(block: CodeBlock): Insn[] {
    const insns: Insn[] = []
    const end = (block.hostPage + 1) * PAGE
    let at = block.hostPage * PAGE + block.start
    const beyond: Fetch = (i) => this.bytes[block.second * PAGE + at + i - end]!
    while (insns.length < block.length) {
      const insn = this.o.decode(at, end, block.second < 0 ? crosses : beyond, block.mode)
      insns.push(insn)
      at += insn.length
    }
    return insns
  }

  /** Low half of the RIP that a block's computed jump or call went to last; 0: there is none, or it has not run. */
  lastTarget(block: CodeBlock): number {
    return isComputed(block.last)
      ? this.view.getInt32(block.record + (block.length - 1) * R.bytes + R.lastTarget, true)
      : 0
  }

  /** Room for records that outlive any block. */
  reserve(records: number): number {
    if (this.top + records * R.bytes > this.o.end) throw new ArenaFull()
    const at = this.top
    this.top += records * R.bytes
    return at
  }

  /** At `at`: the first instruction of a block by itself, then on to the second. Its handler may have to be compiled. */
  copyFirst(block: CodeBlock, at: number): void {
    const insn = this.insnsOf({ ...block, length: 1 })[0]!
    const handler = this.o.handlers.index(insn, block.mode)
    writeRecord(this.writer, at, insn, handler, block.start, 0)
    writeHead(this.writer, at + R.bytes, HANDLER.forward, 0, 1)
    this.view.setUint32(at + R.bytes + R.link, block.record + R.bytes, true)
  }

  /** A record for one instruction, to be run with a budget of 1 before the next call. */
  single(fetch: Fetch, offset: number, mode: Mode): number {
    const insn = this.o.decode(0, 0, fetch, mode)
    const handler = this.o.handlers.index(insn, mode)
    this.o.handlers.compile()
    const at = this.scratch
    this.undefinedNames.delete(at)
    if (insn.op === 'ud' && insn.name !== undefined) this.undefinedNames.set(at, insn.name)
    writeRecord(this.writer, at, insn, handler, offset, 0)
    this.writeNext(at + R.bytes, offset + insn.length, 1)
    return at
  }

  /** Bytes of a page were written, or are about to be. */
  written(hostPage: number, from: number, to: number): void {
    if (this.hasCode[hostPage] === 0) return
    const left = this.coverage.written(hostPage, from, to)
    if (left === 'all') return
    if (left === 'nothing') {
      from = 0
      to = PAGE
    }
    const { words } = this.table
    // The last instruction of a block may end in the next stretch.
    const first = Math.max(Math.floor(from / STRETCH) - 1, 0)
    const last = Math.floor((to - 1) / STRETCH)
    for (let stretch = first; stretch <= last; stretch++) this.drop(hostPage * STRETCHES + stretch, from, to)
    const tails = first === 0 ? this.tails.get(hostPage) : undefined
    for (const block of tails ?? []) {
      if (words[block + B.secondEnd]! <= from) continue
      if (this.isLive(block)) this.kill(block)
      tails!.delete(block)
    }
    this.recount(hostPage, first, last)
  }

  /** Drops the blocks of a stretch that have bytes among those of its page. */
  private drop(stretch: number, from: number, to: number): void {
    const { words } = this.table
    let before = 0
    for (let block = this.first[stretch]!; block !== 0;) {
      const next = words[block + B.sibling]!
      if ((words[block]! & (PAGE - 1)) < to && words[block + B.end]! > from && this.isLive(block)) this.kill(block)
      if (this.isLive(block)) before = block
      else {
        words[block + B.flags]! &= ~LISTED
        if (before === 0) this.first[stretch] = next
        else words[before + B.sibling] = next
      }
      block = next
    }
  }

  /** The block that a dropped record began has been decoded again elsewhere: whoever comes by the old one goes on there. */
  forward(old: number, record: number): void {
    if (old === record) return
    this.view.setUint16(old + R.handler, HANDLER.forward, true)
    this.view.setUint32(old + R.link, record, true)
  }

  isDead(record: number): boolean {
    return this.view.getUint16(record + R.handler, true) === HANDLER.dead
  }

  /** Forgets all code. */
  clear(): void {
    this.table.clear()
    this.seen.clear()
    this.tails.clear()
    this.undefinedNames.clear()
    this.first.fill(0)
    this.coverage.clear()
    this.top = this.scratch + 2 * R.bytes
    this.o.onFull()
  }

  /** The first instruction of a block. It may reach into the next page. */
  private insnAt(hostPage: number, offset: number, mode: Mode, page: number): Insn {
    const end = (hostPage + 1) * PAGE
    const at = hostPage * PAGE + offset
    return this.o.decode(at, end, (i) => this.o.byte(page + 1, at + i - end), mode)
  }

  /** A later one; undefined: it crosses the page's end, or is none. */
  private insnWithin(hostPage: number, offset: number, mode: Mode): Insn | undefined {
    try {
      return this.o.decode(hostPage * PAGE + offset, (hostPage + 1) * PAGE, crosses, mode)
    } catch (error) {
      if (error !== CROSSES && !(error instanceof GuestFault)) throw error
      return undefined
    }
  }

  /** Handlers of sequences take the place of those of their first instructions. */
  private fuse(record: number, count: number): void {
    const { sequences } = this.o.handlers
    const { numbers } = this
    const { halves } = this.writer
    for (let i = 0; i < count; i++) {
      const handler = sequences.find(numbers, i, count)
      if (handler < 0) continue
      halves[(record + i * R.bytes + R.handler) >>> 1] = handler
      i += sequences.length - 1
    }
  }

  private report(record: number, hostPage: number, offset: number, mode: Mode, insns: readonly Insn[]): void {
    let at = offset
    const code = insns.map(({ length }) => this.hex(hostPage, (at += length) - length, length))
    this.o.onBlock?.(record, mode, insns, [...this.numbers.subarray(0, insns.length)], code)
  }

  /** `end`: counted from the page. */
  private store(block: number, count: number, facts: number, end: number, second: number, sought: boolean): void {
    const { words } = this.table
    const at = words[block]! >>> 0
    const hostPage = at >>> 12
    words[block + B.length] = count
    words[block + B.records] = flowOf(facts) === 'next' ? count + 1 : count
    words[block + B.end] = Math.min(end, PAGE)
    words[block + B.second] = second
    words[block + B.secondEnd] = second < 0 ? 0 : end - PAGE
    words[block + B.facts] = facts
    // Whoever waits for it comes by a link from now on.
    const found = sought && words[block + B.waiting] === 0
    words[block + B.flags] = (words[block + B.flags]! & ~SOUGHT) | (found ? LIVE | SOUGHT : LIVE)
    this.longest = Math.max(this.longest, count)
    this.decoded++
    this.cover(hostPage, at & (PAGE - 1), words[block + B.end]!)
    if (second >= 0) {
      const tails = this.tails.get(second)
      if (tails === undefined) this.tails.set(second, new Set([block]))
      else tails.add(block)
      this.cover(second, 0, end - PAGE)
    }
    this.answer(block)
    this.seen.update(block)
  }

  private hex(hostPage: number, offset: number, length: number): string {
    const at = hostPage * PAGE + offset
    return Array.from(this.bytes.subarray(at, at + length), (b) => b.toString(16).padStart(2, '0')).join('')
  }

  /** What goes on behind a block, or where its last record says. */
  private linkTo(block: number, last: number, end: number, facts: number): void {
    const flow = flowOf(facts)
    if (flow === 'next') {
      this.writeNext(last + R.bytes, end, this.lengthOf(block))
      this.want(block, 0, end)
      return
    }
    // A transfer of another width than the code's cuts RIP off: it goes by the jump cache.
    if (hasLink(facts)) this.want(block, 1, end + this.writer.words[(last + R.disp) >>> 2]!)
    if (flow === 'cond') this.want(block, 0, end)
  }

  /** Fills a link field now, or when the block is there. */
  private want(block: number, way: number, offset: number): void {
    if (offset < 0 || offset >= PAGE) return
    const { table } = this
    const { words } = table
    const to = table.at((words[block]! & -PAGE) | offset, MODES[words[block + B.flags]! & 31]!)
    if (table.words[to + B.record] === 0) table.wait(block, way, to)
    else if (table.words[to + B.second]! < 0) this.setLink(block, way, table.words[to + B.record]!)
  }

  private answer(block: number): void {
    const { table } = this
    const { words } = table
    for (let waiter = table.take(block); waiter !== 0; waiter = table.take(block))
      // What crosses into another page is checked at each lookup, so nothing may link to it.
      if (words[block + B.second]! < 0) this.setLink(waiter & -B.words, waiter & 1, words[block + B.record]!)
  }

  /** `way`: 0 to what follows, 1 to the target. */
  private setLink(block: number, way: number, record: number): void {
    const { words } = this.table
    const last = words[block + B.record]! + (words[block + B.records]! - 1) * R.bytes
    const field = way === 1 || flowOf(words[block + B.facts]!) === 'next' ? R.link : R.nextLink
    this.writer.words[(last + field) >>> 2] = record
  }

  /** A block with room: the old one's place if that is enough, so that links to it stay right. */
  private room(hostPage: number, offset: number, mode: Mode, count: number): number {
    const { table } = this
    const old = table.at((hostPage * PAGE + offset) | 0, mode)
    let { words } = table
    if (words[old + B.capacity]! >= count) {
      if (this.isLive(old)) this.kill(old)
      this.enlist(old)
      return old
    }
    let block = old
    if (words[old + B.record] !== 0) {
      block = table.replace(old)
      words = table.words
    }
    words[block + B.record] = this.top
    words[block + B.capacity] = count
    this.top += count * R.bytes
    this.enlist(block)
    if (block !== old) {
      if (this.isLive(old)) this.kill(old)
      this.forward(this.recordOf(old), this.recordOf(block))
    }
    return block
  }

  private enlist(block: number): void {
    const { words } = this.table
    if ((words[block + B.flags]! & LISTED) !== 0) return
    const stretch = Math.floor((words[block]! >>> 0) / STRETCH)
    words[block + B.flags]! |= LISTED
    words[block + B.sibling] = this.first[stretch]!
    this.first[stretch] = block
  }

  private isLive(block: number): boolean {
    return (this.table.words[block + B.flags]! & LIVE) !== 0
  }

  private kill(block: number): void {
    const { words } = this.table
    words[block + B.flags]! &= ~LIVE
    this.dropped++
    const seen = this.seen.drop(block)
    if (seen !== undefined) this.o.onDrop?.(seen)
    const record = this.recordOf(block)
    const end = record + words[block + B.records]! * R.bytes
    for (let r = record; r < end; r += R.bytes) this.writer.halves[(r + R.handler) >>> 1] = HANDLER.dead
    if (this.undefinedNames.size > 0) for (let r = record; r < end; r += R.bytes) this.undefinedNames.delete(r)
    this.table.forget(block)
  }

  private writeNext(at: number, offset: number, index: number): void {
    writeHead(this.writer, at, HANDLER.next, offset, index)
  }

  private cover(hostPage: number, start: number, end: number): void {
    if (this.coverage.cover(hostPage, start, end)) this.o.onCode(hostPage)
  }

  /** What of stretches of a page is still code. */
  private recount(hostPage: number, first: number, last: number): void {
    const { coverage } = this
    const { words } = this.table
    // Where blocks of the last end.
    const beyond = Math.min(last + 1, STRETCHES - 1)
    coverage.forget(hostPage, first * STRETCH, (beyond + 1) * STRETCH)
    for (let stretch = Math.max(first - 1, 0); stretch <= beyond; stretch++)
      for (let b = this.first[hostPage * STRETCHES + stretch]!; b !== 0; b = words[b + B.sibling]!)
        if (this.isLive(b)) coverage.add(hostPage, words[b]! & (PAGE - 1), words[b + B.end]!)
    if (first > 0) return
    for (const b of this.tails.get(hostPage) ?? [])
      if (this.isLive(b)) coverage.add(hostPage, 0, words[b + B.secondEnd]!)
  }
}

/** There is no room for another block: everything has to go. */
export class ArenaFull extends Error {}
