/** The TypeScript side of guest memory accesses: fills the soft-TLB, and stands in where no host address can. */
import type { AddressSpace, Span } from '@godwit/memory'
import { HOW, SLOW_READ_BYTES, SLOW_WRITE_BYTES } from '../access.ts'
import { CR4 } from '../cpu-state.ts'
import type { Cpu } from '../cpu.ts'
import { SS } from '../decode/insn.ts'
import { EXC, S, SEG, TLB } from '../state.ts'
import { linearOf, type Shortcut } from '../system/linear.ts'
import type { Walker } from '../system/paging.ts'
import type { Blocks } from '../tier0/blocks.ts'
import { R } from '../tier0/record.ts'

const PAGE = 4096
const HALF = TLB.entries * TLB.entryBytes
const WORDS = TLB.entryBytes >> 2
const FILLED = 2 * TLB.entries
/** What lookup() gives besides host addresses. */
const FAULT = -1
/** Large pages are remembered by regions of 2 MiB. */
const LARGE = 2 << 20
const DEVICE = -2
/** The entry does not say. */
const UNKNOWN = -3
/** Nobody knows how many entries a page may be written through. */
const MANY = -1

interface Pending {
  /** Addresses of the first byte, and of the first byte in the next page: physical ones unless `plain`. */
  first: number
  second: number
  /** Both pages are plain memory, at addresses of the host. */
  plain: boolean
  /** Bytes in the first page. */
  split: number
  bytes: number
}

export class SoftTlb implements Shortcut {
  /** Host address: supervisor half, then user half. */
  readonly at: number
  misses = 0
  private readonly cpu: Cpu
  private readonly memory: AddressSpace
  private readonly walker: Walker
  private readonly w: Int32Array
  private readonly bytes: Uint8Array
  private readonly view: DataView
  private readonly blocks: () => Blocks
  private readonly state: Int32Array
  private readonly pending: Pending[] = []
  private nextRead = 0
  private nextWrite = 0
  /** Word indices of entries filled since the last flush, and those among them that outlive a change of address space. */
  private readonly filled = new Int32Array(FILLED)
  private filledCount = 0
  private readonly lasting = new Int32Array(FILLED)
  private lastingCount = 0
  /** By host page: word index of an entry that it may be written through, plus 1; 0: there is none; or MANY. */
  private readonly writers: Int32Array
  /** The same of a second one: kernels know most pages by two addresses. */
  private readonly others: Int32Array
  /** Regions of which a part of a large page is known. */
  private readonly large = new Set<number>()
  /** Physical address of the last access that reached a device. */
  private physical = 0

  constructor(cpu: Cpu, at: number, blocks: () => Blocks) {
    this.cpu = cpu
    this.at = at
    this.memory = cpu.memory
    this.blocks = blocks
    this.walker = linearOf(cpu).walker
    const { buffer } = cpu.host.memory
    this.w = new Int32Array(buffer, at, (2 * HALF) >> 2)
    this.bytes = cpu.host.bytes
    this.writers = new Int32Array(buffer.byteLength / PAGE)
    this.others = new Int32Array(buffer.byteLength / PAGE)
    this.view = new DataView(buffer)
    this.state = new Int32Array(buffer, cpu.base, S.end >> 2)
    this.w.fill(-1)
  }

  static readonly sizeBytes = 2 * HALF

  /** Host address of the half for a privilege. */
  half(user: boolean): number {
    return this.at + (user ? HALF : 0)
  }

  /** The runtime function: see access.ts. */
  slow(low: number, high: number, how: number, bytes: number): number {
    this.misses++
    const write = (how & HOW.write) !== 0
    const offset = low & (PAGE - 1)
    if (offset + bytes <= PAGE) {
      const host = this.find(low, high, write, bytes, how)
      if (host !== DEVICE) return host
      return write ? this.deviceWrite(how, bytes) : this.deviceRead(bytes)
    }
    return this.crossing(low, high, write, how, bytes)
  }

  /** The runtime function of tier 1: a host address, or -1 where only slow() will do. Nothing has happened then. */
  plain(low: number, high: number, write: number, bytes: number): number {
    return this.fillPlain(low, high, write !== 0, bytes, this.state[S.cpl >> 2] === 3)
  }

  /** Where TypeScript may read or write bytes of plain memory, or -1. */
  reach(linear: number, bytes: number, write: boolean, user: boolean): number {
    const { w } = this
    const low = linear | 0
    const high = Math.floor(linear / 4294967296)
    if ((low & (PAGE - 1)) + bytes > PAGE) return -1
    // What the system may reach depends on more than the page then.
    if ((this.state[S.cr4 >> 2]! & CR4.SMAP) !== 0) return -1
    const e = (((low >>> 12) & (TLB.entries - 1)) * TLB.entryBytes + (user ? HALF : 0)) >> 2
    const t = write ? e + 2 : e
    if (w[t] === (low & -PAGE) && w[t + 1] === high) return (low + w[e + 4]!) | 0
    return this.fillPlain(low, high, write, bytes, user)
  }

  private fillPlain(low: number, high: number, write: boolean, bytes: number, user: boolean): number {
    if ((low & (PAGE - 1)) + bytes > PAGE) return -1
    const linear = high * 4294967296 + (low >>> 0)
    const { walker } = this
    if (!walker.walk(linear, write ? 'write' : 'read', user)) return -1
    let page = walker.page.physical
    if (this.state[S.a20Mask >> 2] !== -1 && (Math.floor(page / 0x10_0000) & 1) === 1) page -= 0x10_0000
    const span = this.memory.find(page)
    if (span === undefined || span.region.kind === 'io' || page + PAGE > span.end) return -1
    const { region } = span
    if (write) {
      const host = region.block.offset + (region.blockOffset ?? 0) + page - span.base
      if (region.kind === 'rom' || this.blocks().hasCode[host >>> 12] !== 0) return -1
    }
    this.misses++
    const host = this.fill(span, page, low, high, user, write, bytes)
    return host === DEVICE ? -1 : host
  }

  /** The runtime function: the value of a store has been put into a slot. */
  commit(slot: number): void {
    const p = this.pending[(slot - this.cpu.base - S.slowWrites) >> 4]!
    const { memory, view } = this
    if (p.plain) {
      this.copy(p.first, slot, p.split)
      this.copy(p.second, slot + p.split, p.bytes - p.split)
      return
    }
    if (p.split === p.bytes) {
      if (p.bytes === 1) memory.write(p.first, 1, view.getUint8(slot))
      else if (p.bytes === 2) memory.write(p.first, 2, view.getUint16(slot, true))
      else {
        const whole = p.bytes & ~3
        for (let i = 0; i < whole; i += 4) memory.write(p.first + i, 4, view.getUint32(slot + i, true))
        for (let i = whole; i < p.bytes; i++) memory.write(p.first + i, 1, view.getUint8(slot + i))
      }
      return
    }
    for (let i = 0; i < p.bytes; i++)
      memory.write(i < p.split ? p.first + i : p.second + i - p.split, 1, view.getUint8(slot + i))
  }

  flush(keepGlobal: boolean): void {
    const { w, filled, lasting } = this
    if (this.filledCount >= FILLED || this.lastingCount >= FILLED) this.recount()
    for (let i = 0; i < this.filledCount; i++) {
      const e = filled[i]!
      // A global page may have taken the place of another.
      if (w[e + 5] !== 1) w[e] = w[e + 1] = w[e + 2] = w[e + 3] = -1
    }
    this.filledCount = 0
    if (keepGlobal) return
    this.large.clear()
    for (let i = 0; i < this.lastingCount; i++) {
      const e = lasting[i]!
      w[e] = w[e + 1] = w[e + 2] = w[e + 3] = -1
    }
    this.lastingCount = 0
  }

  private recount(): void {
    const { w } = this
    this.filledCount = this.lastingCount = 0
    for (let e = 0; e < w.length; e += WORDS) if (w[e] !== -1) this.list(e, w[e + 5] === 1)
  }

  private list(e: number, global: boolean): void {
    if (global) {
      if (this.lastingCount < FILLED) this.lasting[this.lastingCount++] = e
    } else if (this.filledCount < FILLED) this.filled[this.filledCount++] = e
  }

  /** False: the address is in a large page, of which other parts may be known, so everything was dropped. */
  flushPage(linear: number): boolean {
    if (this.large.has(Math.floor(linear / LARGE))) {
      this.flush(false)
      return false
    }
    const e = (((linear | 0) >>> 12) & (TLB.entries - 1)) * WORDS
    for (const half of [e, e + (HALF >> 2)]) this.w.fill(-1, half, half + 4)
    return true
  }

  /** Nobody may write any page without asking again. */
  dropWrites(): void {
    const { w } = this
    for (let e = 0; e < w.length; e += WORDS) {
      w[e + 2] = w[e + 3] = -1
      w[e + 6] = 0
    }
  }

  /** Nobody may write a host page without asking. */
  protect(hostPage: number): void {
    const writer = this.writers[hostPage]!
    const other = this.others[hostPage]!
    this.writers[hostPage] = this.others[hostPage] = 0
    if (writer !== MANY) {
      if (writer > 0) this.protectEntry(writer - 1, hostPage)
      if (other > 0) this.protectEntry(other - 1, hostPage)
      return
    }
    if (this.filledCount >= FILLED || this.lastingCount >= FILLED) this.recount()
    this.protectIn(this.filled, this.filledCount, hostPage)
    this.protectIn(this.lasting, this.lastingCount, hostPage)
  }

  private protectIn(list: Int32Array, count: number, hostPage: number): void {
    for (let i = 0; i < count; i++) this.protectEntry(list[i]!, hostPage)
  }

  private protectEntry(e: number, hostPage: number): void {
    const { w } = this
    if (this.leadsTo(e, hostPage)) w[e + 2] = w[e + 3] = -1
  }

  private leadsTo(e: number, hostPage: number): boolean {
    return (this.w[e + 4]! + (this.w[e]! & -PAGE)) >>> 12 === hostPage
  }

  /** What lookup() gives, from the entry itself where that is enough. */
  private find(low: number, high: number, write: boolean, bytes: number, how: number): number {
    const host = this.known(low, high, write, bytes)
    return host === UNKNOWN ? this.lookup(low, high, write, bytes, how) : host
  }

  private known(low: number, high: number, write: boolean, bytes: number): number {
    const { w } = this
    const tag = low & -PAGE
    const e = (((low >>> 12) & (TLB.entries - 1)) * TLB.entryBytes + (this.state[S.cpl >> 2] === 3 ? HALF : 0)) >> 2
    if (w[e] !== tag || w[e + 1] !== high) return UNKNOWN
    const host = (low + w[e + 4]!) >>> 0
    if (!write || (w[e + 2] === tag && w[e + 3] === high)) return host
    if (w[e + 6] !== 1) return UNKNOWN
    // Only code has kept the page from being written through.
    const hostPage = host >>> 12
    const blocks = this.blocks()
    const offset = low & (PAGE - 1)
    if (blocks.hasCode[hostPage] !== 0) blocks.written(hostPage, offset, offset + bytes)
    if (blocks.hasCode[hostPage] === 0) this.grant(e, tag, high, hostPage)
    return host
  }

  /** Host address of a byte, FAULT after noting one, or DEVICE with this.physical set. */
  private lookup(low: number, high: number, write: boolean, bytes: number, how: number): number {
    const linear = high * 4294967296 + (low >>> 0)
    const user = this.state[S.cpl >> 2] === 3
    const { walker } = this
    if (!walker.walk(linear, write ? 'write' : 'read', user)) return this.fault(linear, how)
    let page = walker.page.physical
    if (this.state[S.a20Mask >> 2] !== -1 && (Math.floor(page / 0x10_0000) & 1) === 1) page -= 0x10_0000
    const offset = low & (PAGE - 1)
    this.physical = page + offset
    const span = this.memory.find(page)
    if (span === undefined || span.region.kind === 'io' || page + PAGE > span.end) return DEVICE
    if (span.region.kind === 'rom' && write) return DEVICE
    return this.fill(span, page, low, high, user, write, bytes)
  }

  private fill(
    span: Span,
    page: number,
    low: number,
    high: number,
    user: boolean,
    write: boolean,
    bytes: number,
  ): number {
    const { region } = span
    if (region.kind === 'io') return DEVICE
    const { block } = region
    const inBlock = (region.blockOffset ?? 0) + page - span.base
    const host = block.offset + inBlock
    if (inBlock % PAGE !== 0) return DEVICE
    const offset = low & (PAGE - 1)
    const { w } = this
    const e = (((low >>> 12) & (TLB.entries - 1)) * TLB.entryBytes + (user ? HALF : 0)) >> 2
    const tag = low & -PAGE
    const same = w[e] === tag && w[e + 1] === high
    const mayWrite = region.kind === 'ram' && this.walker.page.writable && (write || !block.dirty.enabled)
    const hostPage = host >>> 12
    const blocks = this.blocks()
    if (write) {
      block.dirty.mark(inBlock, 1)
      if (blocks.hasCode[hostPage] !== 0) blocks.written(hostPage, offset, offset + bytes)
    }
    const global = this.walker.page.global
    if (!same || (w[e + 5] === 1) !== global) this.list(e, global)
    w[e] = tag
    w[e + 1] = high
    if (mayWrite && blocks.hasCode[hostPage] === 0) this.grant(e, tag, high, hostPage)
    else if (!same) w[e + 2] = w[e + 3] = -1
    w[e + 6] = mayWrite ? 1 : 0
    w[e + 4] = (host - tag) | 0
    w[e + 5] = global ? 1 : 0
    if (this.walker.page.sizeBytes > PAGE) this.large.add(Math.floor((high * 4294967296 + (low >>> 0)) / LARGE))
    return host + offset
  }

  private grant(e: number, tag: number, high: number, hostPage: number): void {
    const { w } = this
    const first = this.writers[hostPage]!
    if (first !== MANY) {
      if (this.isFree(first, e, hostPage)) this.writers[hostPage] = e + 1
      else if (this.isFree(this.others[hostPage]!, e, hostPage)) this.others[hostPage] = e + 1
      else this.writers[hostPage] = MANY
    }
    w[e + 2] = tag
    w[e + 3] = high
  }

  /** The place of a writer may be entry e's: it is that, or it leads there no more. */
  private isFree(writer: number, e: number, hostPage: number): boolean {
    const known = writer - 1
    return writer === 0 || known === e || this.w[known + 2] === -1 || !this.leadsTo(known, hostPage)
  }

  private fault(linear: number, how: number): number {
    const { fault } = this.walker
    const { state } = this
    let { vector } = fault
    if (vector === EXC.PF) this.cpu.state.setNum(S.cr2, this.cpu.state.longMode ? linear : linear >>> 0)
    else if ((how & HOW.stack) !== 0 || this.recordUsesStack()) vector = EXC.SS
    state[S.vector >> 2] = vector
    state[S.errorCode >> 2] = fault.errorCode
    state[S.hasErrorCode >> 2] = 1
    return FAULT
  }

  private recordUsesStack(): boolean {
    const record = this.state[S.exitRecord >> 2]! >>> 0
    return this.view.getUint16(record + R.segment, true) === S.seg + SEG.size * SS
  }

  private deviceRead(bytes: number): number {
    const slot = this.readSlot()
    this.readInto(slot, this.physical, bytes)
    return slot
  }

  private deviceWrite(how: number, bytes: number): number {
    const { physical } = this
    const slot = this.writeSlot(physical, physical, bytes, bytes, false)
    if ((how & HOW.both) === HOW.both) this.readInto(slot, physical, bytes)
    return slot
  }

  private crossing(low: number, high: number, write: boolean, how: number, bytes: number): number {
    const split = PAGE - (low & (PAGE - 1))
    const rest = bytes - split
    const first = this.find(low, high, write, split, how)
    if (first === FAULT) return FAULT
    const nextLow = (low + split) | 0
    const nextHigh = nextLow === 0 && this.cpu.state.longMode ? (high + 1) | 0 : high
    const second = this.find(nextLow, nextHigh, write, rest, how)
    if (second === FAULT) return FAULT
    const read = !write || (how & HOW.both) === HOW.both
    if (first < 0 || second < 0) {
      this.lookup(low, high, write, split, how)
      const { physical } = this
      this.lookup(nextLow, nextHigh, write, rest, how)
      return this.crossingAtDevice(physical, this.physical, split, bytes, write, read)
    }
    const slot = write ? this.writeSlot(first, second, split, bytes, true) : this.readSlot()
    if (read) {
      this.copy(slot, first, split)
      this.copy(slot + split, second, rest)
    }
    return slot
  }

  /** A part of it is not plain memory. */
  private crossingAtDevice(
    first: number,
    second: number,
    split: number,
    bytes: number,
    write: boolean,
    read: boolean,
  ): number {
    const slot = write ? this.writeSlot(first, second, split, bytes, false) : this.readSlot()
    if (read) {
      this.readBytes(slot, first, split)
      this.readBytes(slot + split, second, bytes - split)
    }
    return slot
  }

  private copy(to: number, from: number, count: number): void {
    const { bytes } = this
    for (let i = 0; i < count; i++) bytes[to + i] = bytes[from + i]!
  }

  private readSlot(): number {
    const slot = this.cpu.base + S.slowReads + this.nextRead
    this.nextRead = (this.nextRead + 16) & (SLOW_READ_BYTES - 1)
    return slot
  }

  private writeSlot(first: number, second: number, split: number, bytes: number, plain: boolean): number {
    const i = this.nextWrite
    const slot = this.cpu.base + S.slowWrites + i
    this.nextWrite = (i + 16) & (SLOW_WRITE_BYTES - 1)
    let p = this.pending[i >> 4]
    if (p === undefined) {
      p = { first, second, plain, split, bytes }
      this.pending[i >> 4] = p
    }
    p.first = first
    p.second = second
    p.plain = plain
    p.split = split
    p.bytes = bytes
    return slot
  }

  private readInto(slot: number, physical: number, bytes: number): void {
    const { memory, view } = this
    if (bytes === 1) view.setUint8(slot, memory.read(physical, 1))
    else if (bytes === 2) view.setUint16(slot, memory.read(physical, 2), true)
    else {
      const whole = bytes & ~3
      for (let i = 0; i < whole; i += 4) view.setUint32(slot + i, memory.read(physical + i, 4), true)
      this.readBytes(slot + whole, physical + whole, bytes - whole)
    }
  }

  private readBytes(slot: number, physical: number, bytes: number): void {
    for (let i = 0; i < bytes; i++) this.bytes[slot + i] = this.memory.read(physical + i, 1)
  }
}
