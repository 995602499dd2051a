/** Writes the items of a migration stream. */
import { Writer, latin1 } from '@godwit/bits'
import { StreamError } from './errors.ts'
import { saveConfiguration } from './configuration.ts'
import { COMMANDS, MAGIC, PAGE_SIZE, RAM, STREAM_VERSION, TYPE } from './format.ts'
import type {
  CommandName,
  Configuration,
  LiveType,
  PagePlace,
  RamBlockEntry,
  SectionHead,
  StreamElement,
} from './format.ts'

const LIVE_TYPES: Record<LiveType, number> = { start: TYPE.START, part: TYPE.PART, end: TYPE.END }

export class StreamWriter {
  private readonly w = new Writer(1 << 16)
  /** Block of the last page record of the stream, which CONTINUE means. */
  private last: string | null = null
  private open: number | null = null
  private taken = 0

  /** Bytes written since the beginning of the stream. */
  get offset(): number {
    return this.taken + this.w.length
  }

  /** Bytes written and not yet taken. */
  get pending(): number {
    return this.w.length
  }

  /** A copy of the bytes written since the last call. */
  take(): Uint8Array {
    const bytes = this.w.bytes().slice()
    this.taken += bytes.length
    this.w.clear()
    return bytes
  }

  header(): void {
    this.w.u32(MAGIC)
    this.w.u32(STREAM_VERSION)
  }

  configuration(configuration: Configuration): void {
    this.w.u8(TYPE.CONFIGURATION)
    saveConfiguration(configuration, this.w)
  }

  command(command: CommandName, data: Uint8Array = new Uint8Array(0)): void {
    this.w.u8(TYPE.COMMAND)
    this.w.u16(COMMANDS.indexOf(command))
    this.w.u16(data.length)
    this.w.raw(data)
  }

  /** PACKAGED, with the elements in it. */
  packaged(elements: Uint8Array): void {
    this.command('PACKAGED', u32(elements.length))
    this.w.raw(elements)
  }

  ping(value: number): void {
    this.command('PING', u32(value))
  }

  /** Opens a live section; RAM records follow, then sectionEnd. */
  sectionStart(type: LiveType, head: SectionHead): void {
    this.expectClosed()
    this.w.u8(LIVE_TYPES[type])
    this.w.u32(head.sectionId)
    if (type === 'start') this.head(head)
    this.open = head.sectionId
  }

  ramBlockList(blocks: readonly RamBlockEntry[]): void {
    const total = blocks.reduce((sum, block) => sum + block.length, 0)
    this.record(total, RAM.MEM_SIZE)
    for (const { name, length, gpa } of blocks) {
      this.w.str8(name)
      this.w.u64(BigInt(length))
      if (gpa !== undefined) this.w.u64(gpa)
    }
  }

  ramPage(place: PagePlace, data: Uint8Array): void {
    if (data.length !== PAGE_SIZE) throw new RangeError(`${data.length} bytes are not a page`)
    this.place(place, RAM.PAGE)
    this.w.raw(data)
  }

  ramZero(place: PagePlace): void {
    this.place(place, RAM.ZERO)
    this.w.u8(0)
  }

  ramXbzrle(place: PagePlace, data: Uint8Array): void {
    this.place(place, RAM.XBZRLE)
    this.w.u8(1)
    this.w.u16(data.length)
    this.w.raw(data)
  }

  ramFlush(): void {
    this.record(0, RAM.MULTIFD_FLUSH)
  }

  ramEos(): void {
    this.record(0, RAM.EOS)
  }

  /** Footer of the section that sectionStart opened. */
  sectionEnd(): void {
    if (this.open === null) throw new TypeError('no section is open')
    this.footer(this.open)
    this.open = null
  }

  /** A whole device section. `payload` is bytes, or writes them; what it throws leaves nothing of the section behind. */
  device(head: SectionHead, payload: Uint8Array | ((w: Writer) => void)): void {
    this.expectClosed()
    const before = this.w.length
    try {
      this.w.u8(TYPE.FULL)
      this.w.u32(head.sectionId)
      this.head(head)
      if (typeof payload === 'function') payload(this.w)
      else this.w.raw(payload)
      this.footer(head.sectionId)
    } catch (thrown) {
      this.w.length = before
      throw thrown
    }
  }

  eof(): void {
    this.expectClosed()
    this.w.u8(TYPE.EOF)
  }

  /** The description behind the end: JSON text, or its bytes. */
  vmdescription(json: string | Uint8Array): void {
    const bytes = typeof json === 'string' ? ascii(json) : json
    this.w.u8(TYPE.VMDESCRIPTION)
    this.w.u32(bytes.length)
    this.w.raw(bytes)
  }

  /** Writes an item that a StreamReader gave; the same bytes come out. */
  write(item: StreamElement<unknown>): void {
    switch (item.kind) {
      case 'header':
        return this.header()
      case 'configuration':
        return this.configuration(item)
      case 'command':
        return item.packaged ? this.packaged(item.packaged) : this.command(item.command, item.data)
      case 'sectionStart':
        return this.sectionStart(item.type, item)
      case 'ramBlockList':
        return this.ramBlockList(item.blocks)
      case 'ramPage':
        return this.ramPage(item, item.data)
      case 'ramZero':
        return this.ramZero(item)
      case 'ramXbzrle':
        return this.ramXbzrle(item, item.data)
      case 'ramFlush':
        return this.ramFlush()
      case 'ramEos':
        return this.ramEos()
      case 'sectionEnd':
        return this.sectionEnd()
      case 'device':
        return this.device(item, item.payload)
      case 'eof':
        return this.eof()
      case 'vmdescription':
        return this.vmdescription(item.json)
    }
  }

  private head(head: SectionHead): void {
    this.w.str8(head.idstr)
    this.w.u32(head.instance)
    this.w.u32(head.version)
  }

  private footer(sectionId: number): void {
    this.w.u8(TYPE.FOOTER)
    this.w.u32(sectionId)
  }

  private place({ block, pageOffset, continued }: PagePlace, kind: number): void {
    const same = block === this.last
    if (continued && !same) {
      const at = { section: 'ram/0', offset: this.offset }
      throw new StreamError('ram', at, `a block name, since the last page was in ${this.last ?? 'none'}`, 'CONTINUE')
    }
    const short = continued ?? same
    this.record(pageOffset, short ? kind | RAM.CONTINUE : kind)
    if (!short) this.w.str8(block)
    this.last = block
  }

  private record(offset: number, flags: number): void {
    if (offset % PAGE_SIZE !== 0) throw new RangeError(`${offset} is not a multiple of the page size`)
    this.w.uint(Math.floor(offset / 2 ** 32), 4)
    this.w.uint((offset % 2 ** 32) + flags, 4)
  }

  private expectClosed(): void {
    if (this.open !== null) throw new TypeError(`section ${this.open} is still open`)
  }
}

function u32(value: number): Uint8Array {
  const w = new Writer(4)
  w.u32(value)
  return w.bytes()
}

/** JSON text in ASCII: other characters stand only inside its strings, where they can be escaped. */
function ascii(json: string): Uint8Array {
  return latin1(json.replace(/[^\0-\x7f]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`))
}
