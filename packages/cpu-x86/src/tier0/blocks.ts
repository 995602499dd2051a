/** Blocks of records by physical page: decoding, links inside the page, and dropping what is overwritten. */
import { GuestFault } from '../cpu.ts'
import type { Fetch, Flow, Insn } from '../decode/insn.ts'
import type { Handlers } from './handlers.ts'
import type { Mode } from './mode.ts'
import { HANDLER, isComputed, isDirect, R, recordWriter, writeHead, writeRecord, type RecordWriter } from './record.ts'

const PAGE = 4096
const CHUNK = 64
/**
 * Blocks end where an instruction begins in another stretch of so many bytes. Wherever a block is entered, it ends at
 * the same place, so that counts do not depend on what was decoded before; and an entry in the middle of long
 * straight code (after an interrupt) costs a short block.
 */
const STRETCH = 256
/** Writes beside the code of a page until all its code is dropped: it is data that once was code. */
const PATIENCE = 256

/** What tier 1 knows of a block. */
export interface CodeBlock {
  readonly hostPage: number
  readonly mode: Mode
  readonly record: number
  readonly length: number
  readonly start: number
  readonly end: number
  readonly live: boolean
  readonly second: number
  /** How its last instruction goes on, and where its direct target and what follows it are, counted from the page: NOWHERE for none. */
  readonly flow: Flow
  readonly target: number
  readonly next: number
  /** What its last instruction is. */
  readonly last: string
  /** Control came to it by an address that nobody knew before: a computed jump, a return, another page. */
  readonly sought: boolean
}

interface Block extends CodeBlock {
  readonly key: number
  flow: Flow
  target: number
  next: number
  last: string
  sought: boolean
  record: number
  /** Records there is room for. */
  capacity: number
  records: number
  /** Instructions; one less than records if a `next` ends the block. */
  length: number
  /** Bytes in this page. */
  start: number
  end: number
  live: boolean
  /** Host page of the rest of an instruction that crosses the page's end; else -1. */
  second: number
  secondEnd: number
}

interface CodePage {
  readonly blocks: Map<number, Block>
  /** Blocks of the page before, whose last instruction ends here. */
  readonly tails: Set<Block>
  /** Link fields that wait for a block. */
  readonly waiting: Map<number, number[]>
  /** 1 for 64 bytes some of which are code. */
  readonly covered: Uint8Array
  writes: number
}

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

/** No offset. */
export const NOWHERE = 2 ** 40

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
  private readonly pages = new Map<number, CodePage>()
  private readonly o: BlocksOptions
  private readonly view: DataView
  private readonly writer: RecordWriter
  private readonly bytes: Uint8Array
  private readonly scratch: number
  private top: number

  constructor(options: BlocksOptions) {
    this.o = options
    this.view = new DataView(options.buffer)
    this.writer = recordWriter(options.buffer)
    this.bytes = new Uint8Array(options.buffer)
    this.hasCode = new Uint8Array(options.buffer.byteLength / PAGE)
    this.scratch = options.start
    this.top = options.start + 2 * R.bytes
  }

  /**
   * A live block. `second`: host page behind the next linear page, asked only when it matters. `sought`: generated code
   * asks, by an address.
   */
  find(hostPage: number, offset: number, mode: Mode, second: () => number, sought: boolean): CodeBlock | undefined {
    const block = this.pages.get(hostPage)?.blocks.get(keyOf(mode, offset))
    if (block === undefined || !block.live) return undefined
    if (sought) block.sought = true
    if (block.second >= 0 && block.second !== second()) return undefined
    return block
  }

  /**
   * Decodes the block at an offset. `beyond` reads bytes of the next linear page and may throw what a fetch throws.
   */
  decode(
    hostPage: number,
    offset: number,
    mode: Mode,
    beyond: Fetch,
    second: () => number,
    sought: boolean,
  ): CodeBlock {
    const base = hostPage * PAGE
    const insns: Insn[] = []
    const end = base + PAGE
    let at = offset
    let crossing = false
    const limit = (Math.floor(offset / STRETCH) + 1) * STRETCH
    while (at < limit) {
      let insn: Insn
      try {
        insn = this.o.decode(base + at, end, crosses, mode)
      } catch (error) {
        if (error !== CROSSES && !(error instanceof GuestFault)) throw error
        if (insns.length > 0) break
        if (error !== CROSSES) throw error
        crossing = true
        insn = this.o.decode(base + at, end, (i) => beyond(at + i - PAGE), mode)
      }
      insns.push(insn)
      at += insn.length
      if (insn.flow !== 'next' || this.o.ends(insn)) break
    }
    return this.store(hostPage, offset, mode, insns, at, crossing ? second() : -1, sought)
  }

  /** The live block that begins at an offset. */
  block(hostPage: number, offset: number, mode: Mode): CodeBlock | undefined {
    const block = this.pages.get(hostPage)?.blocks.get(keyOf(mode, offset))
    return block?.live === true ? block : undefined
  }

  /** Live blocks of a page in a mode. */
  *blocksOf(hostPage: number, mode: Mode): Iterable<CodeBlock> {
    for (const block of this.pages.get(hostPage)?.blocks.values() ?? [])
      if (block.live && block.mode === mode) yield block
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
    const page = this.pages.get(hostPage)
    if (page === undefined) return
    let hit = false
    for (let c = Math.floor(from / CHUNK); c * CHUNK < to; c++) if (page.covered[c] !== 0) hit = true
    if (++page.writes > PATIENCE) {
      from = 0
      to = PAGE
    } else if (!hit) return
    for (const block of page.blocks.values())
      if (block.live && block.start < to && block.end > from) this.kill(page, block)
    for (const block of page.tails) {
      if (block.secondEnd > from) {
        if (block.live) this.kill(undefined, block)
        page.tails.delete(block)
      }
    }
    this.recount(hostPage, page)
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
    this.pages.clear()
    this.undefinedNames.clear()
    this.hasCode.fill(0)
    this.top = this.scratch + 2 * R.bytes
    this.o.onFull()
  }

  private store(
    hostPage: number,
    offset: number,
    mode: Mode,
    insns: readonly Insn[],
    end: number,
    second: number,
    sought: boolean,
  ): Block {
    const { handlers } = this.o
    const last = insns.at(-1)!
    const open = last.flow === 'next'
    const count = insns.length + (open ? 1 : 0)
    const page = this.page(hostPage)
    const key = keyOf(mode, offset)
    const block = this.room(page, hostPage, mode, key, count)
    const numbers: number[] = []
    for (const insn of insns) numbers.push(handlers.index(insn, mode))
    let at = offset
    let fusedTo = 0
    const codes: string[] = []
    for (let i = 0; i < insns.length; i++) {
      const insn = insns[i]!
      const record = block.record + i * R.bytes
      const handler = i < fusedTo ? -1 : handlers.sequences.find(numbers, i)
      if (handler >= 0) fusedTo = i + handlers.sequences.length
      writeRecord(this.writer, record, insn, handler >= 0 ? handler : numbers[i]!, at, i)
      if (this.o.onBlock !== undefined) codes.push(this.hex(hostPage, at, insn.length))
      if (insn.op === 'ud' && insn.name !== undefined) this.undefinedNames.set(record, insn.name)
      at += insn.length
    }
    handlers.compile()
    this.o.onBlock?.(block.record, mode, insns, numbers, codes)
    const lastRecord = block.record + (insns.length - 1) * R.bytes
    if (open) this.writeNext(block.record + insns.length * R.bytes, at, insns.length)
    block.records = count
    block.length = insns.length
    block.start = offset
    block.end = Math.min(end, PAGE)
    block.live = true
    // Whoever waits for it comes by a link from now on.
    block.sought = sought && !page.waiting.has(key)
    block.last = last.op
    block.flow = last.flow
    block.next = last.flow === 'jump' ? NOWHERE : end
    block.target = isDirect(last) && (last.codeSize === mode.code || last.codeSize === 64) ? end + last.target : NOWHERE
    block.second = second
    block.secondEnd = second < 0 ? 0 : end - PAGE
    this.longest = Math.max(this.longest, insns.length)
    this.decoded++
    this.cover(hostPage, page, block.start, block.end)
    if (second >= 0) {
      const other = this.page(second)
      other.tails.add(block)
      this.cover(second, other, 0, block.secondEnd)
    }
    this.answer(page, key, block.record)
    if (open) this.want(page, mode, at, block.record + insns.length * R.bytes + R.link)
    else if (isDirect(last)) this.linkDirect(page, mode, last, at, lastRecord)
    return block
  }

  private hex(hostPage: number, offset: number, length: number): string {
    const at = hostPage * PAGE + offset
    return Array.from(this.bytes.subarray(at, at + length), (b) => b.toString(16).padStart(2, '0')).join('')
  }

  private linkDirect(page: CodePage, mode: Mode, insn: Insn, next: number, record: number): void {
    // A transfer of another width than the code's cuts RIP off: it goes by the jump cache.
    if (insn.codeSize === mode.code || insn.codeSize === 64) this.want(page, mode, next + insn.target, record + R.link)
    if (insn.flow === 'cond') this.want(page, mode, next, record + R.nextLink)
  }

  /** Fills a link field now, or when the block is there. */
  private want(page: CodePage, mode: Mode, offset: number, field: number): void {
    if (offset < 0 || offset >= PAGE) return
    const key = keyOf(mode, offset)
    const block = page.blocks.get(key)
    if (block !== undefined && block.second < 0) {
      this.view.setUint32(field, block.record, true)
      return
    }
    if (block !== undefined) return
    const waiting = page.waiting.get(key)
    if (waiting === undefined) page.waiting.set(key, [field])
    else waiting.push(field)
  }

  private answer(page: CodePage, key: number, record: number): void {
    const waiting = page.waiting.get(key)
    if (waiting === undefined) return
    page.waiting.delete(key)
    // What crosses into another page is checked at each lookup, so nothing may link to it.
    if (page.blocks.get(key)!.second >= 0) return
    for (const field of waiting) this.view.setUint32(field, record, true)
  }

  /** A block object with room: the old one's place if that is enough, so that links to it stay right. */
  private room(page: CodePage, hostPage: number, mode: Mode, key: number, count: number): Block {
    const old = page.blocks.get(key)
    if (old !== undefined && old.capacity >= count) {
      if (old.live) this.kill(page, old)
      return old
    }
    if (this.top + count * R.bytes > this.o.end) throw new ArenaFull()
    const block: Block = {
      hostPage,
      mode,
      flow: 'next',
      target: NOWHERE,
      next: NOWHERE,
      last: '',
      sought: false,
      key,
      record: this.top,
      capacity: count,
      records: 0,
      length: 0,
      start: 0,
      end: 0,
      live: false,
      second: -1,
      secondEnd: 0,
    }
    this.top += count * R.bytes
    if (old !== undefined) {
      if (old.live) this.kill(page, old)
      this.forward(old.record, block.record)
    }
    page.blocks.set(key, block)
    return block
  }

  private kill(page: CodePage | undefined, block: Block): void {
    block.live = false
    this.dropped++
    this.o.onDrop?.(block)
    const end = block.record + block.records * R.bytes
    for (let r = block.record; r < end; r += R.bytes) {
      this.view.setUint16(r + R.handler, HANDLER.dead, true)
      if (this.undefinedNames.size > 0) this.undefinedNames.delete(r)
    }
    if (page === undefined) return
    for (const [key, fields] of page.waiting) {
      const rest = fields.filter((f) => f < block.record || f >= end)
      if (rest.length === 0) page.waiting.delete(key)
      else if (rest.length < fields.length) page.waiting.set(key, rest)
    }
  }

  private writeNext(at: number, offset: number, index: number): void {
    writeHead(this.writer, at, HANDLER.next, offset, index)
  }

  private page(hostPage: number): CodePage {
    let page = this.pages.get(hostPage)
    if (page === undefined) {
      page = {
        blocks: new Map(),
        tails: new Set(),
        waiting: new Map(),
        covered: new Uint8Array(PAGE / CHUNK),
        writes: 0,
      }
      this.pages.set(hostPage, page)
    }
    return page
  }

  private cover(hostPage: number, page: CodePage, start: number, end: number): void {
    for (let c = Math.floor(start / CHUNK); c * CHUNK < end; c++) page.covered[c] = 1
    page.writes = 0
    if (this.hasCode[hostPage] === 1) return
    this.hasCode[hostPage] = 1
    this.o.onCode(hostPage)
  }

  /** What of a page is still code. */
  private recount(hostPage: number, page: CodePage): void {
    page.covered.fill(0)
    let any = false
    const add = (start: number, end: number): void => {
      any = true
      for (let c = Math.floor(start / CHUNK); c * CHUNK < end; c++) page.covered[c] = 1
    }
    for (const b of page.blocks.values()) if (b.live) add(b.start, b.end)
    for (const b of page.tails) if (b.live) add(0, b.secondEnd)
    this.hasCode[hostPage] = any ? 1 : 0
  }
}

/** There is no room for another block: everything has to go. */
export class ArenaFull extends Error {}

const keyOf = (mode: Mode, offset: number): number => mode.key * PAGE + offset
