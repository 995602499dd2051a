/**
 * Push parser of a migration stream. Feed it what a file or a socket gives, take items until there is none.
 *
 * Nothing on the wire is trusted: every length is bounded before memory is spent on it, and what is buffered
 * is never more than the largest single element that the limits allow.
 */
import { EndOfBytes, Reader } from '@godwit/bits'
import { VMStateError } from '../errors.ts'
import { PartialReader } from '../vmstate.ts'
import { loadConfiguration } from './configuration.ts'
import { StreamError, UnknownSections } from './errors.ts'
import type { StreamFault } from './errors.ts'
import { COMMANDS, MAGIC, RAM_SECTION_VERSION, STREAM_VERSION, TYPE } from './format.ts'
import type { CommandName, LiveType, SectionHead, StreamElement, StreamItem } from './format.ts'
import { RamFault, RamRecords } from './ram.ts'
import { Survey } from './survey.ts'

export interface StreamLimits {
  /** Sum of all RAM blocks. */
  readonly maxRamBytes: number
  readonly maxRamBlocks: number
  /** Payload of one device section. */
  readonly maxSectionBytes: number
  readonly maxSections: number
  /** The JSON description behind the end. */
  readonly maxDescriptionBytes: number
  /** A PACKAGED command's element stream. */
  readonly maxPackagedBytes: number
}

export const DEFAULT_LIMITS: StreamLimits = {
  maxRamBytes: 2 ** 40,
  maxRamBlocks: 1024,
  maxSectionBytes: 1 << 24,
  maxSections: 4096,
  maxDescriptionBytes: 1 << 24,
  maxPackagedBytes: 1 << 26,
}

export interface StreamReaderOptions<T> {
  /**
   * Decodes a device section's payload and leaves the reader behind its last byte. EndOfBytes, or a VMStateError of
   * code 'end-of-bytes', means that more must arrive; the call is then repeated from the payload's beginning, so it
   * must change nothing when it fails (loadSection does not).
   */
  decode(head: SectionHead, reader: PartialReader): T
  /**
   * Whether a device section can be decoded. If not, nothing is decoded any more: the names of the sections that follow
   * are collected as far as they can be read, then UnknownSections is thrown. Default: decode decides.
   */
  knows?(head: SectionHead): boolean
  readonly limits?: Partial<StreamLimits>
  /** Elements only, without header, configuration and EOF: the inside of a PACKAGED command. */
  readonly packaged?: boolean
}

/** Decodings of an incomplete device section that are done for every arrival of bytes. */
const FREE_ATTEMPTS = 8
const MAX_ATTEMPTS = 256

type Phase = 'header' | 'configuration' | 'element' | 'ram' | 'footer' | 'afterEof' | 'done'

export class StreamReader<T = unknown> {
  private readonly options: StreamReaderOptions<T>
  private readonly limits: StreamLimits
  private readonly ram: RamRecords
  private readonly live = new Map<number, SectionHead>()
  private readonly ids = new Set<number>()
  private readonly names = new Set<string>()
  private phase: Phase
  private section: SectionHead | null = null
  private data = new PartialReader(new Uint8Array(0))
  /** Free bytes behind the data in a buffer of our own. */
  private room = 0
  private ended = false
  /** Bytes that must be buffered before trying again is of use. */
  private needed = 0
  private failure: StreamError | null = null
  private survey: { readonly of: Survey; readonly offset: number } | null = null
  /** Times that the device section at work was decoded in vain, and how many bytes were there the last time. */
  private attempts = 0
  private attempted = 0

  constructor(options: StreamReaderOptions<T>) {
    this.options = options
    this.limits = { ...DEFAULT_LIMITS, ...options.limits }
    this.ram = new RamRecords(this.limits)
    this.phase = options.packaged ? 'element' : 'header'
  }

  /** Offset in the stream of the next item. */
  get offset(): number {
    return this.data.offset
  }

  /** Bytes fed and not yet consumed. */
  get buffered(): number {
    return this.data.left
  }

  /** Whether EOF was read. */
  get complete(): boolean {
    return this.phase === 'afterEof' || this.phase === 'done'
  }

  /** Whether an unknown section came, and only names are still collected. */
  get refusing(): boolean {
    return this.survey !== null
  }

  /** Adds bytes. They are not copied if nothing is buffered, so the caller leaves them alone from now on. */
  feed(bytes: Uint8Array): void {
    if (this.ended) throw new TypeError('feed after end')
    if (bytes.length === 0) return
    const { left, offset } = this.data
    if (left === 0) {
      this.data = new PartialReader(bytes, offset)
      this.room = 0
      return
    }
    const rest = this.data.data.subarray(this.data.at)
    const length = left + bytes.length
    if (bytes.length <= this.room) {
      const grown = new Uint8Array(rest.buffer as ArrayBuffer, rest.byteOffset, length)
      grown.set(bytes, left)
      this.data = new PartialReader(grown, offset)
      this.room -= bytes.length
      return
    }
    const larger = new Uint8Array(length * 2)
    larger.set(rest)
    larger.set(bytes, left)
    this.data = new PartialReader(larger.subarray(0, length), offset)
    this.room = length
  }

  /** Says that no more bytes will come; what is missing is an error from now on. */
  end(): void {
    this.ended = true
  }

  /** The next item, or undefined if more bytes must be fed first, or all is read. Throws StreamError, and then always. */
  next(): StreamItem<T> | undefined {
    if (this.failure) throw this.failure
    const r = this.data
    if (this.survey !== null) return this.surveyOn(r)
    if (r.left < this.needed && !this.ended) return undefined
    if (r.left === 0 && (!this.ended || this.mayEndHere())) return undefined
    const start = r.at
    const offset = r.offset
    try {
      const element = this.read(r)
      this.needed = 0
      this.attempts = 0
      return { ...element, offset }
    } catch (thrown) {
      const missing = missingBytes(thrown)
      if (thrown instanceof Unknown) {
        this.survey = { of: new Survey(thrown.head, this.limits), offset }
        return this.surveyOn(r)
      }
      r.at = start
      if (missing !== null && !this.ended) {
        this.needed = missing - offset
        return undefined
      }
      throw (this.failure = this.blame(thrown, offset))
    }
  }

  private surveyOn(r: PartialReader): undefined {
    const { of, offset } = this.survey!
    if (!of.read(r, this.ended)) return undefined
    throw (this.failure = new UnknownSections({ section: of.sections[0]!, offset }, of.sections, of.reachedEnd))
  }

  private mayEndHere(): boolean {
    return this.complete || (this.options.packaged === true && this.phase === 'element')
  }

  private read(r: PartialReader): StreamElement<T> {
    switch (this.phase) {
      case 'header':
        return this.readHeader(r)
      case 'configuration': {
        const offset = r.offset
        const type = r.u8()
        if (type !== TYPE.CONFIGURATION) throw this.fault('configuration', offset, 'a configuration (0x07)', hex(type))
        const configuration = loadConfiguration(r)
        if (configuration.capabilities?.includes('mapped-ram')) {
          throw this.fault('configuration', offset, 'page records', 'capability mapped-ram, which has none')
        }
        this.ram.withGpa = configuration.capabilities?.includes('x-ignore-shared') ?? false
        this.phase = 'element'
        return { kind: 'configuration', ...configuration }
      }
      case 'element':
        return this.readElement(r)
      case 'ram': {
        const record = this.ram.read(r)
        if (record.kind === 'ramEos') this.phase = 'footer'
        return record
      }
      case 'footer': {
        const { sectionId } = this.section!
        this.readFooter(r, sectionId)
        this.section = null
        this.phase = 'element'
        return { kind: 'sectionEnd', sectionId }
      }
      case 'afterEof':
        return this.readDescription(r)
      case 'done':
        throw this.fault('trailing', r.offset, 'nothing after the description', 'more bytes')
    }
  }

  private readHeader(r: PartialReader): StreamElement<T> {
    const magic = r.u32()
    if (magic !== MAGIC) throw this.fault('header', 0, 'QEVM (0x5145564d)', hex(magic))
    const version = r.u32()
    if (version !== STREAM_VERSION) throw this.fault('header', 4, `stream version ${STREAM_VERSION}`, String(version))
    this.phase = 'configuration'
    return { kind: 'header', version }
  }

  private readElement(r: PartialReader): StreamElement<T> {
    const offset = r.offset
    this.section = null
    const type = r.u8()
    switch (type) {
      case TYPE.EOF:
        if (this.options.packaged) throw this.fault('element', offset, 'no EOF inside a package', '00')
        this.phase = 'afterEof'
        return { kind: 'eof' }
      case TYPE.START:
      case TYPE.FULL:
        return this.readNewSection(r, type, offset)
      case TYPE.PART:
      case TYPE.END: {
        const sectionId = r.u32()
        const head = this.live.get(sectionId)
        if (!head) throw this.fault('element', offset, 'the id of a started section', String(sectionId))
        if (type === TYPE.END) this.live.delete(sectionId)
        return this.enterRam(head, type === TYPE.PART ? 'part' : 'end')
      }
      case TYPE.COMMAND:
        return this.readCommand(r, offset)
      default:
        throw this.fault('element', offset, 'a section, a command or EOF', hex(type))
    }
  }

  private readNewSection(r: PartialReader, type: number, offset: number): StreamElement<T> {
    const head: SectionHead = { sectionId: r.u32(), idstr: r.str8(), instance: r.u32(), version: r.u32() }
    const name = nameOf(head)
    const refuse = (expected: string, came: string): StreamError =>
      new StreamError('section', { section: name, offset }, expected, came)
    if (this.ids.has(head.sectionId)) throw refuse('a section id of its own', String(head.sectionId))
    if (this.names.has(name)) throw refuse('each section once', 'a second')
    if (this.names.size === this.limits.maxSections)
      throw refuse(`at most ${this.limits.maxSections} sections`, 'one more')
    if (type === TYPE.FULL) {
      if (this.options.knows?.(head) === false) throw new Unknown(head)
      return this.readDevice(r, head)
    }

    if (head.idstr !== 'ram' || head.instance !== 0) throw refuse('ram, the only live section we know', name)
    if (head.version !== RAM_SECTION_VERSION) throw refuse(`version ${RAM_SECTION_VERSION}`, `version ${head.version}`)
    this.enlist(head)
    this.live.set(head.sectionId, head)
    return this.enterRam(head, 'start')
  }

  private enterRam(head: SectionHead, type: LiveType): StreamElement<T> {
    this.section = head
    this.phase = 'ram'
    return { kind: 'sectionStart', type, ...head }
  }

  private readDevice(r: PartialReader, head: SectionHead): StreamElement<T> {
    this.section = head
    const start = r.at
    const payloadOffset = r.offset
    const most = this.limits.maxSectionBytes
    // one byte more than a payload may have: the footer's first
    if (this.attempts >= FREE_ATTEMPTS && !this.ended) this.awaitFooter(r, head.sectionId, payloadOffset)
    const window = new PartialReader(r.data.subarray(start, Math.min(r.data.length, start + most + 1)), payloadOffset)
    let value: T
    try {
      value = this.options.decode(head, window)
    } catch (thrown) {
      const missing = missingBytes(thrown)
      if (missing !== null && missing - payloadOffset > most) {
        throw this.fault('limit', payloadOffset, `a payload of at most ${most} bytes`, 'a longer one')
      }
      this.attempts++
      this.attempted = r.data.length - start
      throw thrown
    }
    if (window.at > most)
      throw this.fault('limit', payloadOffset, `a payload of at most ${most} bytes`, String(window.at))
    r.skip(window.at)
    this.readFooter(r, head.sectionId)
    this.section = null
    this.enlist(head)
    const payload = r.data.subarray(start, start + window.at)
    return { kind: 'device', ...head, payload, payloadOffset, value }
  }

  /**
   * Decoding anew for every few bytes would take quadratic time. So after some attempts in vain the next one waits
   * for bytes that look like the section's footer; a payload that is full of them is not one we take.
   */
  private awaitFooter(r: PartialReader, sectionId: number, payloadOffset: number): void {
    if (this.attempts >= MAX_ATTEMPTS) {
      throw this.fault('limit', payloadOffset, `one footer (0x7e and id ${sectionId})`, 'a payload full of them')
    }
    const { data, at } = r
    const from = at + Math.max(0, this.attempted - 4)
    for (
      let i = data.indexOf(TYPE.FOOTER, from);
      i >= 0 && i + 5 <= data.length;
      i = data.indexOf(TYPE.FOOTER, i + 1)
    ) {
      if (new Reader(data.subarray(i + 1, i + 5)).u32() === sectionId) return
    }
    const { left } = r
    if (left > this.limits.maxSectionBytes + 5) {
      throw this.fault(
        'limit',
        payloadOffset,
        `a payload of at most ${this.limits.maxSectionBytes} bytes`,
        'a longer one',
      )
    }
    this.attempted = left
    throw new EndOfBytes(r.offset, left + 1, left)
  }

  private enlist(head: SectionHead): void {
    this.ids.add(head.sectionId)
    this.names.add(nameOf(head))
  }

  private readFooter(r: PartialReader, sectionId: number): void {
    const offset = r.offset
    const type = r.u8()
    if (type !== TYPE.FOOTER) throw this.fault('footer', offset, 'the footer (0x7e) of the section', hex(type))
    const id = r.u32()
    if (id !== sectionId) throw this.fault('footer', offset, `section id ${sectionId} in the footer`, String(id))
  }

  private readCommand(r: PartialReader, offset: number): StreamElement<T> {
    const number = r.u16()
    const data = r.raw(r.u16())
    const command = COMMANDS[number]
    if (command === undefined || command === 'INVALID') {
      throw this.fault('command', offset, `a command of 1 to ${COMMANDS.length - 1}`, String(number))
    }
    const lengths = COMMAND_LENGTHS[command]
    if (lengths && !lengths.includes(data.length)) {
      throw this.fault('command', offset, `${lengths.join(' or ')} bytes of ${command}`, String(data.length))
    }
    if (command !== 'PACKAGED') return { kind: 'command', command, data }
    const size = new DataView(data.buffer, data.byteOffset, 4).getUint32(0)
    const most = this.limits.maxPackagedBytes
    if (size > most) throw this.fault('limit', offset, `a package of at most ${most} bytes`, String(size))
    if (this.options.packaged) throw this.fault('command', offset, 'no package inside a package', command)
    return { kind: 'command', command, data, packaged: r.raw(size) }
  }

  private readDescription(r: PartialReader): StreamElement<T> {
    const offset = r.offset
    const type = r.u8()
    if (type !== TYPE.VMDESCRIPTION)
      throw this.fault('trailing', offset, 'the description (0x06) or the end', hex(type))
    const length = r.u32()
    const most = this.limits.maxDescriptionBytes
    if (length > most) throw this.fault('limit', offset, `a description of at most ${most} bytes`, String(length))
    const json = r.raw(length)
    this.phase = 'done'
    return { kind: 'vmdescription', json }
  }

  private fault(code: StreamFault, offset: number, expected: string, came: string): StreamError {
    return new StreamError(code, { section: this.section ? nameOf(this.section) : '', offset }, expected, came)
  }

  private blame(thrown: unknown, offset: number): StreamError {
    const section = this.section ? nameOf(this.section) : ''
    if (thrown instanceof StreamError) return thrown
    if (thrown instanceof RamFault) return this.fault('ram', offset, thrown.expected, thrown.came)
    if (thrown instanceof EndOfBytes) {
      return new StreamError(
        'truncated',
        { section, offset: thrown.offset },
        `${thrown.wanted} bytes`,
        `${thrown.left} bytes`,
      )
    }
    if (thrown instanceof VMStateError) {
      const code = thrown.code === 'end-of-bytes' ? 'truncated' : section === '' ? 'configuration' : 'section'
      const place = { section, path: thrown.path, offset: thrown.offset }
      return new StreamError(code, place, thrown.expected, thrown.came, { cause: thrown })
    }
    // the decode callback refused in its own words
    const message = thrown instanceof Error ? thrown.message : String(thrown)
    return new StreamError('section', { section, offset }, 'a section that can be loaded', message, { cause: thrown })
  }
}

/** Leaves the reading of an element when its section turns out to be unknown. */
class Unknown extends Error {
  readonly head: SectionHead

  constructor(head: SectionHead) {
    super(`unknown section ${nameOf(head)}`)
    this.head = head
  }
}

const COMMAND_LENGTHS: Partial<Record<CommandName, readonly number[]>> = {
  OPEN_RETURN_PATH: [0],
  PING: [4],
  POSTCOPY_ADVISE: [0, 16],
  POSTCOPY_LISTEN: [0],
  POSTCOPY_RUN: [0],
  PACKAGED: [4],
  ENABLE_COLO: [0],
  POSTCOPY_RESUME: [0],
  SWITCHOVER_START: [0],
}

/** End of the read that failed for want of bytes, as an offset in the stream; null for any other fault. */
function missingBytes(thrown: unknown): number | null {
  if (thrown instanceof EndOfBytes) return thrown.offset + thrown.wanted
  if (thrown instanceof VMStateError && thrown.code === 'end-of-bytes') return thrown.offset + thrown.wanted
  return null
}

function nameOf(head: SectionHead): string {
  return `${head.idstr}/${head.instance}`
}

const hex = (n: number): string => `0x${n.toString(16).padStart(2, '0')}`
