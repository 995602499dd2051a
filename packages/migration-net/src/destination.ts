/**
 * The side that takes a guest. RAM goes straight to its place and device state is loaded section by section, since this
 * machine has not run yet. If anything fails before the first of them the machine is as it was; afterwards it is spoiled:
 * it holds parts of two guests and never runs.
 */
import { PAGE_SIZE } from '@godwit/memory'
import {
  StreamError,
  StreamReader,
  VMStateError,
  applyXbzrle,
  type Configuration,
  type PartialReader,
  type RamBlockEntry,
  UnknownSections,
  type SectionHead,
  type StreamItem,
  type StreamLimits,
} from '@godwit/vmstate'
import type { Channel } from './channel.ts'
import { MigrationError, sentenceOf, type MigrationErrorCode } from './errors.ts'
import { newFigures, type MigrationFigures } from './figures.ts'
import type { Migratable, MigratableBlock } from './migratable.ts'
import { MultifdFault } from './multifd/packet.ts'
import { gather, type MultifdReceiving } from './multifd/gather.ts'
import { MultifdFailure, MultifdReceiver, type Place } from './multifd/receiver.ts'
import { TimeIsUp, hostPace, within, type Pace } from './pace.ts'
import { defaultParameters, type MigrationParameters } from './parameters.ts'
import { BACK, UNSPOKEN, backMessage, u32Of, type DestinationPhase, type MigrationStatus } from './protocol.ts'
import { isZero, wordsOf } from './ram.ts'
import { loaded, pathOf, type AnySection } from './section.ts'

export interface IncomingOptions {
  readonly machine: Migratable
  readonly channel: Channel
  /** False: the guest stays stopped after it has arrived (QEMU's -S). A function is asked when it has arrived. */
  readonly autostart: boolean | (() => boolean)
  /** Pages come over channels of their own (QEMU's multifd); `channel` is the first of all that comes. */
  readonly multifd?: MultifdReceiving
  /** Of these the timeouts matter here. */
  readonly parameters?: MigrationParameters
  readonly pace?: Pace
  readonly limits?: Partial<StreamLimits>
  readonly onStatus?: (status: MigrationStatus) => void
  /** Called when the guest has been started. */
  readonly onGuest?: (running: boolean) => void
}

export type IncomingResult =
  | { readonly outcome: 'completed'; readonly running: boolean; readonly warnings: readonly string[] }
  | { readonly outcome: 'failed'; readonly error: MigrationError }

type Item = StreamItem<AnySection>

export class IncomingMigration {
  readonly figures: MigrationFigures
  status: MigrationStatus = 'none'
  error: MigrationError | undefined
  phase: DestinationPhase = 'preamble'
  readonly warnings: string[] = []

  private readonly options: IncomingOptions
  private readonly machine: Migratable
  private channel: Channel
  private readonly parameters: MigrationParameters
  private readonly pace: Pace
  private readonly reader: StreamReader<AnySection>
  private readonly sections = new Map<string, AnySection>()
  private readonly blocks = new Map<string, { readonly block: MigratableBlock; readonly words: Uint32Array }>()
  private readonly loaded = new Map<AnySection, { readonly version: number; readonly offset: number }>()
  /** RAM blocks of the stream that this machine has not got: it will be refused, once the list of sections is known. */
  private readonly foreign: string[] = []
  /** Whether anything of the guest is in the machine. */
  private touched = false
  /** Offset in the stream of the item at work. */
  private at = 0
  private readonly announced = new Set<string>()
  private multifd: MultifdReceiver | undefined
  private returnPath = false
  private stopped: string | undefined

  constructor(options: IncomingOptions) {
    this.options = options
    this.machine = options.machine
    this.channel = options.channel
    this.parameters = options.parameters ?? defaultParameters()
    this.pace = options.pace ?? hostPace
    this.figures = newFigures(this.pace.nowMs())
    for (const s of this.machine.sections) this.sections.set(pathOf(s), s)
    for (const block of this.machine.ramBlocks) this.blocks.set(block.name, { block, words: wordsOf(block) })
    this.reader = new StreamReader({
      decode: (head, reader) => this.decode(head, reader),
      knows: (head) => this.foreign.length === 0 && this.sections.has(`${head.idstr}/${head.instance}`),
      ...(options.limits === undefined ? {} : { limits: options.limits }),
    })
  }

  /** Runs the migration to its end. Never rejects. */
  async run(): Promise<IncomingResult> {
    if (this.machine.spoiled !== undefined) {
      return await this.failed(this.fault('refused', this.machine.spoiled))
    }
    this.machine.runState = 'inmigrate'
    this.machine.carriedRunState = undefined
    this.setStatus('setup')
    try {
      await this.openMultifd()
      for (;;) {
        const item = await this.nextItem()
        if (item === undefined) break
        await this.take(item)
      }
      this.load()
      return await this.handOver()
    } catch (thrown) {
      return await this.failed(thrown)
    }
  }

  /** Waits until every channel is there, and begins to read those of the pages. */
  private async openMultifd(): Promise<void> {
    const { multifd } = this.options
    if (multifd === undefined) return
    const gathered = await gather(this.channel, multifd, this.pace, this.parameters.peerTimeoutMs)
    this.channel = gathered.main
    const placeOf = (name: string): Place | undefined => (this.announced.has(name) ? this.blocks.get(name) : undefined)
    this.multifd = new MultifdReceiver(gathered.channels, placeOf, this.figures)
    if (this.stopped !== undefined) throw this.fault('cancelled', this.stopped)
    this.multifd.start()
  }

  /** Waits until the channels of the pages have come to their next SYNC, as the main channel has. */
  private async sync(): Promise<void> {
    if (this.multifd !== undefined) await within(this.pace, this.parameters.idleTimeoutMs, this.multifd.sync())
  }

  /** Gives up; without effect once the guest has been accepted. */
  cancel(): void {
    this.stopped ??= 'cancelled'
    this.channel.abort('the destination gave up')
  }

  /** The next item; undefined when the stream is complete. */
  private async nextItem(): Promise<Item | undefined> {
    for (;;) {
      if (this.reader.complete && this.machine.suppressVmdesc === true) return undefined
      let item: Item | undefined
      try {
        item = this.reader.next()
      } catch (thrown) {
        // the guest is complete after EOF; its description is of use to people only
        if (!this.reader.complete) throw thrown
        this.warnings.push(`no description behind the end: ${sentenceOf(thrown)}`)
        return undefined
      }
      if (item !== undefined) {
        this.at = item.offset
        return item.kind === 'vmdescription' ? undefined : item
      }
      if (this.ended) {
        if (this.reader.complete) return undefined
        throw this.fault('torn', 'the stream ended early')
      }
      await this.feed()
    }
  }

  private ended = false

  private async feed(): Promise<void> {
    let bytes: Uint8Array | undefined
    try {
      bytes = await this.receive()
    } catch (thrown) {
      if (!this.reader.complete && !this.reader.refusing) throw thrown
    }
    if (bytes === undefined) {
      this.ended = true
      this.reader.end()
    } else {
      this.figures.transferredBytes += bytes.length
      this.reader.feed(bytes)
    }
  }

  /** Bytes of the main channel; rejects too if a channel of multifd fails, or if the source is silent for too long. */
  private async receive(): Promise<Uint8Array | undefined> {
    const received = this.channel.receive().catch((thrown: unknown) => {
      throw this.fault('channel', sentenceOf(thrown), undefined, thrown)
    })
    // it goes on if another ends the waiting
    received.catch(() => undefined)
    const first = this.multifd === undefined ? received : Promise.race([received, this.multifd.failure])
    return within(this.pace, this.parameters.idleTimeoutMs, first)
  }

  private async take(item: Item): Promise<void> {
    switch (item.kind) {
      case 'configuration':
        return this.takeConfiguration(item)
      case 'command':
        return this.command(item.command, item.data)
      case 'sectionStart':
        if (item.type === 'start') this.phase = 'ram'
        if (item.type === 'end') this.phase = 'devices'
        break
      case 'ramBlockList':
        this.takeList(item.blocks)
        this.setStatus('active')
        break
      case 'ramPage':
        if (this.foreign.length > 0) break
        this.blockOf(item.block).block.write(item.pageOffset, item.data)
        this.figures.normalPages++
        break
      case 'ramZero': {
        if (this.foreign.length > 0) break
        const { block, words } = this.blockOf(item.block)
        if (!isZero(words, item.pageOffset / PAGE_SIZE)) block.fill(item.pageOffset, PAGE_SIZE, 0)
        this.figures.zeroPages++
        break
      }
      case 'ramXbzrle': {
        if (this.foreign.length > 0) break
        const { block } = this.blockOf(item.block)
        try {
          applyXbzrle(block.bytes.subarray(item.pageOffset, item.pageOffset + PAGE_SIZE), item.data)
        } catch (thrown) {
          throw this.fault('ram', sentenceOf(thrown), item.block, thrown)
        }
        block.touched(item.pageOffset, PAGE_SIZE)
        break
      }
      case 'device':
        this.loaded.set(item.value, { version: item.version, offset: item.payloadOffset })
        break
      case 'ramEos':
        if (this.machine.multifdFlushAfterEachSection === true) await this.sync()
        break
      case 'ramFlush':
        await this.sync()
        break
      case 'header':
      case 'sectionEnd':
      case 'eof':
      case 'vmdescription':
        break
    }
  }

  private takeConfiguration(came: Configuration): void {
    const own = this.machine.machineType
    if (came.machine !== own) {
      throw this.fault('machine-type', `the source's machine type is ${came.machine}, ours is ${own}`)
    }
    const bits = Math.log2(PAGE_SIZE)
    if (came.targetPageBits !== undefined && came.targetPageBits !== bits) {
      throw this.fault('machine-type', `the source's pages have ${came.targetPageBits} bits, ours ${bits}`)
    }
    const [first] = came.capabilities ?? []
    if (first !== undefined)
      throw this.fault('format', `the source has the capability ${first}, which is not spoken here`)
    if (came.uuid?.some((byte) => byte !== 0) === true) {
      const text = Array.from(came.uuid, (byte) => byte.toString(16).padStart(2, '0')).join('')
      throw this.fault('machine-type', `the source's guest has the UUID ${text}, ours has none`)
    }
  }

  private async command(command: keyof typeof UNSPOKEN, data: Uint8Array): Promise<void> {
    const way = UNSPOKEN[command]
    if (way !== undefined) throw this.fault('format', `the source wants ${way} (${command}), which is not spoken here`)
    if (command === 'OPEN_RETURN_PATH') this.returnPath = this.channel.duplex
    if (command === 'PING' && this.returnPath) {
      await this.channel.send(backMessage(BACK.PONG, u32Of(data) ?? 0))
    }
  }

  private takeList(blocks: readonly RamBlockEntry[]): void {
    for (const { name } of blocks) if (!this.blocks.has(name)) this.foreign.push(name)
    if (this.foreign.length > 0) {
      // A source that listens is told at once, while its guest runs. In a file the list of sections is worth reading on.
      if (this.channel.duplex) throw this.lacking([])
      return
    }
    for (const { name, length } of blocks) {
      const { block } = this.blocks.get(name)!
      if (block.usedSize === length) continue
      const fixed = block.maxSize === block.usedSize && block.name.startsWith('/rom@') === false
      if (fixed || length > block.maxSize) {
        const most = fixed ? `${block.usedSize}` : `at most ${block.maxSize}`
        throw this.fault('ram', `${length} bytes at the source, ${most} here`, name)
      }
    }
    this.touched = true
    for (const { name, length } of blocks) {
      this.blocks.get(name)!.block.usedSize = length
      this.announced.add(name)
      this.figures.totalBytes += length
    }
  }

  /** The refusal of a guest with devices that this machine has not got. */
  private lacking(sections: readonly string[], all = true): MigrationError {
    const words = (name: string): string => {
      const what = this.machine.explain?.(name)
      return what === undefined ? name : `${name} (${what})`
    }
    const parts: string[] = []
    if (this.foreign.length > 0) parts.push(`RAM block${plural(this.foreign)} ${this.foreign.map(words).join(', ')}`)
    if (sections.length > 0) {
      parts.push(`section${plural(sections)} ${sections.map(words).join(', ')}${all ? '' : ' and what follows'}`)
    }
    const own = this.machine.sections.map(pathOf).join(', ')
    return this.fault('unknown-section', `this machine has no ${parts.join(', no ')}; it has ${own}`, sections[0])
  }

  private blockOf(name: string): { readonly block: MigratableBlock; readonly words: Uint32Array } {
    const found = this.blocks.get(name)
    if (found === undefined) throw this.fault('ram', 'a page of a block that was not announced', name)
    return found
  }

  /** Called by the stream reader, again from the payload's beginning if the payload is not complete. */
  private decode(head: SectionHead, reader: PartialReader): AnySection {
    const { idstr, instance, version } = head
    const path = `${idstr}/${instance}`
    const section = this.sections.get(path)
    if (section === undefined) throw this.lacking([path])
    loaded(section, reader, version)
    this.touched = true
    return section
  }

  private load(): void {
    this.phase = 'load'
    if (this.foreign.length > 0) throw this.lacking([])
    if (this.blocks.size > 0 && this.figures.totalBytes === 0) throw this.fault('format', 'the stream has no RAM')
    for (const section of this.machine.sections) {
      if (!this.loaded.has(section)) this.warnings.push(`no section ${pathOf(section)} in the stream`)
    }
    for (const section of this.machine.sections) {
      const came = this.loaded.get(section)
      if (came === undefined) continue
      this.at = came.offset
      try {
        section.afterLoad?.(came.version)
      } catch (thrown) {
        throw this.fault('device', sentenceOf(thrown), pathOf(section), thrown)
      }
    }
  }

  /** The word goes out first: a guest that nobody could be told about is not started. */
  private async handOver(): Promise<IncomingResult> {
    const { machine } = this
    this.phase = 'handOver'
    if (this.stopped !== undefined) throw this.fault('cancelled', this.stopped)
    if (this.returnPath) await this.channel.send(backMessage(BACK.SHUT, 0))
    const carried = machine.carriedRunState ?? 'running'
    const { autostart } = this.options
    const running = carried === 'running' && (typeof autostart === 'function' ? autostart() : autostart)
    machine.runState = running ? 'running' : carried === 'running' ? 'paused' : carried
    this.figures.totalMs = this.pace.nowMs() - this.figures.startMs
    if (running) {
      machine.resume()
      this.options.onGuest?.(true)
    }
    this.setStatus('completed')
    void this.multifd?.close()
    void this.channel.close()
    return { outcome: 'completed', running, warnings: this.warnings }
  }

  private async failed(thrown: unknown): Promise<IncomingResult> {
    const error = this.errorOf(thrown)
    this.error = error
    if (this.touched) this.machine.spoil?.(error.message)
    else if (this.machine.spoiled === undefined) this.machine.carriedRunState = undefined
    if (this.returnPath && this.phase !== 'handOver') {
      try {
        await this.channel.send(backMessage(BACK.SHUT, 1))
      } catch {
        // the source finds out by the closed channel
      }
    }
    await Promise.all([this.channel.close(), this.multifd?.close()])
    this.setStatus('failed')
    return { outcome: 'failed', error }
  }

  private errorOf(thrown: unknown): MigrationError {
    if (this.stopped !== undefined) return this.fault('cancelled', this.stopped)
    const inner = thrown instanceof StreamError ? (thrown.cause ?? thrown) : thrown
    if (inner instanceof MigrationError) return inner
    if (thrown instanceof UnknownSections) {
      this.at = thrown.offset
      return this.lacking(
        thrown.sections.filter((path) => !this.sections.has(path)),
        thrown.all,
      )
    }
    if (thrown instanceof StreamError) {
      const path = thrown.section === '' ? undefined : thrown.section
      this.at = thrown.offset
      return this.fault(CODES[thrown.code] ?? 'format', thrown.message, path, thrown)
    }
    if (thrown instanceof MultifdFailure) return this.fault(thrown.code, thrown.message, `multifd/${thrown.id}`, thrown)
    if (thrown instanceof MultifdFault) return this.fault('multifd', thrown.message, undefined, thrown)
    if (thrown instanceof TimeIsUp) return this.fault('timeout', `the source is silent: ${thrown.message}`)
    if (thrown instanceof VMStateError) return this.fault('device', thrown.message, thrown.path, thrown)
    return this.fault('channel', sentenceOf(thrown), undefined, thrown)
  }

  private fault(code: MigrationErrorCode, detail: string, path?: string, cause?: unknown): MigrationError {
    return new MigrationError(code, 'destination', this.phase, detail, path, cause, this.at)
  }

  private setStatus(status: MigrationStatus): void {
    if (this.status === status) return
    this.status = status
    this.options.onStatus?.(status)
  }
}

const plural = (list: readonly unknown[]): string => (list.length === 1 ? '' : 's')

const CODES: Partial<Record<StreamError['code'], MigrationErrorCode>> = {
  section: 'device',
  ram: 'ram',
  truncated: 'torn',
}
