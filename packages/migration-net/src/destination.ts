/**
 * The side that takes a guest. RAM goes straight to its place, since this machine has not run yet; device state is
 * loaded section by section and put back as it was if anything after it fails, so no machine is half loaded.
 */
import { PAGE_SIZE, type RamBlock } from '@godwit/memory'
import {
  StreamError,
  StreamReader,
  VMStateError,
  applyXbzrle,
  load,
  restore,
  snapshot,
  type PartialReader,
  type RamBlockEntry,
  type SectionHead,
  type Snapshot,
  type StreamItem,
  type StreamLimits,
  type VMState,
} from '@godwit/vmstate'
import type { Channel } from './channel.ts'
import { MigrationError, sentenceOf, type MigrationErrorCode } from './errors.ts'
import { newFigures, type MigrationFigures } from './figures.ts'
import type { Migratable, MigratableSection } from './migratable.ts'
import { hostPace, type Pace } from './pace.ts'
import { BACK, UNSPOKEN, backMessage, u32Of, type DestinationPhase, type MigrationStatus } from './protocol.ts'
import { isZero, wordsOf } from './ram.ts'

export interface IncomingOptions {
  readonly machine: Migratable
  readonly channel: Channel
  /** False: the guest stays stopped after it has arrived (QEMU's -S). A function is asked when it has arrived. */
  readonly autostart: boolean | (() => boolean)
  readonly pace?: Pace
  readonly limits?: Partial<StreamLimits>
  readonly onStatus?: (status: MigrationStatus) => void
  /** Called when the guest has been started. */
  readonly onGuest?: (running: boolean) => void
}

export type IncomingResult =
  | { readonly outcome: 'completed'; readonly running: boolean; readonly warnings: readonly string[] }
  | { readonly outcome: 'failed'; readonly error: MigrationError }

type Item = StreamItem<MigratableSection>

export class IncomingMigration {
  readonly figures: MigrationFigures
  status: MigrationStatus = 'none'
  error: MigrationError | undefined
  phase: DestinationPhase = 'preamble'
  readonly warnings: string[] = []

  private readonly options: IncomingOptions
  private readonly machine: Migratable
  private readonly channel: Channel
  private readonly pace: Pace
  private readonly reader: StreamReader<MigratableSection>
  private readonly sections = new Map<string, MigratableSection>()
  private readonly blocks = new Map<string, { readonly block: RamBlock; readonly words: Uint32Array }>()
  private readonly loaded = new Map<MigratableSection, number>()
  private readonly undo: Snapshot[] = []
  private readonly oldSizes: (() => void)[] = []
  private returnPath = false
  private stopped: string | undefined

  constructor(options: IncomingOptions) {
    this.options = options
    this.machine = options.machine
    this.channel = options.channel
    this.pace = options.pace ?? hostPace
    this.figures = newFigures(this.pace.nowMs())
    for (const s of this.machine.sections) this.sections.set(`${s.idstr}/${s.instance}`, s)
    for (const block of this.machine.ramBlocks) this.blocks.set(block.name, { block, words: wordsOf(block) })
    this.reader = new StreamReader({
      decode: (head, reader) => this.decode(head, reader),
      ...(options.limits === undefined ? {} : { limits: options.limits }),
    })
  }

  /** Runs the migration to its end. Never rejects. */
  async run(): Promise<IncomingResult> {
    this.machine.runState = 'inmigrate'
    this.machine.carriedRunState = undefined
    this.setStatus('setup')
    try {
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
      bytes = await this.channel.receive()
    } catch (thrown) {
      if (!this.reader.complete) throw this.fault('channel', sentenceOf(thrown), undefined, thrown)
    }
    if (bytes === undefined) {
      this.ended = true
      this.reader.end()
    } else {
      this.figures.transferredBytes += bytes.length
      this.reader.feed(bytes)
    }
  }

  private async take(item: Item): Promise<void> {
    switch (item.kind) {
      case 'configuration': {
        const own = this.machine.machineType
        if (item.machine === own) break
        throw this.fault('machine-type', `the source's machine type is ${item.machine}, ours is ${own}`)
      }
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
        this.blockOf(item.block).block.write(item.pageOffset, item.data)
        this.figures.normalPages++
        break
      case 'ramZero': {
        const { block, words } = this.blockOf(item.block)
        if (!isZero(words, item.pageOffset / PAGE_SIZE)) block.fill(item.pageOffset, PAGE_SIZE, 0)
        this.figures.zeroPages++
        break
      }
      case 'ramXbzrle': {
        const { block } = this.blockOf(item.block)
        applyXbzrle(block.bytes.subarray(item.pageOffset, item.pageOffset + PAGE_SIZE), item.data)
        block.touched(item.pageOffset, PAGE_SIZE)
        break
      }
      case 'device':
        this.loaded.set(item.value, item.version)
        break
      case 'header':
      case 'sectionEnd':
      case 'ramEos':
      case 'ramFlush':
      case 'eof':
      case 'vmdescription':
        break
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
    for (const { name, length } of blocks) {
      const own = this.blocks.get(name)
      if (own === undefined) throw this.fault('ram', 'this machine has no such RAM block', name)
      const { block } = own
      if (block.usedSize === length) continue
      const fixed = block.maxSize === block.usedSize && block.name.startsWith('/rom@') === false
      if (fixed || length > block.maxSize) {
        const most = fixed ? `${block.usedSize}` : `at most ${block.maxSize}`
        throw this.fault('ram', `${length} bytes at the source, ${most} here`, name)
      }
    }
    for (const { name, length } of blocks) {
      const { block } = this.blocks.get(name)!
      const before = block.usedSize
      this.oldSizes.push(() => (block.usedSize = before))
      block.usedSize = length
      this.figures.totalBytes += length
    }
  }

  private blockOf(name: string): { readonly block: RamBlock; readonly words: Uint32Array } {
    const found = this.blocks.get(name)
    if (found === undefined) throw this.fault('ram', 'a page of a block that was not announced', name)
    return found
  }

  /** Called by the stream reader, again from the payload's beginning if the payload is not complete. */
  private decode(head: SectionHead, reader: PartialReader): MigratableSection {
    const { idstr, instance, version } = head
    const path = `${idstr}/${instance}`
    const section = this.sections.get(path)
    if (section === undefined) throw this.fault('unknown-section', 'this machine has no such section', path)
    const before = snapshot(section.vmstate, section.state)
    try {
      load(section.vmstate as VMState<object>, section.state, reader, version)
    } catch (thrown) {
      restore(before)
      throw thrown
    }
    this.undo.push(before)
    return section
  }

  private load(): void {
    this.phase = 'load'
    if (this.blocks.size > 0 && this.figures.totalBytes === 0) throw this.fault('format', 'the stream has no RAM')
    for (const section of this.machine.sections) {
      if (!this.loaded.has(section)) this.warnings.push(`no section ${section.idstr}/${section.instance} in the stream`)
    }
    for (const section of this.machine.sections) {
      const version = this.loaded.get(section)
      if (version === undefined) continue
      try {
        section.afterLoad?.(version)
      } catch (thrown) {
        throw this.fault('device', sentenceOf(thrown), `${section.idstr}/${section.instance}`, thrown)
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
    void this.channel.close()
    return { outcome: 'completed', running, warnings: this.warnings }
  }

  private async failed(thrown: unknown): Promise<IncomingResult> {
    for (let i = this.undo.length - 1; i >= 0; i--) restore(this.undo[i]!)
    for (const put of this.oldSizes.reverse()) put()
    this.machine.carriedRunState = undefined
    const error = this.errorOf(thrown)
    this.error = error
    if (this.returnPath && this.phase !== 'handOver') {
      try {
        await this.channel.send(backMessage(BACK.SHUT, 1))
      } catch {
        // the source finds out by the closed channel
      }
    }
    await this.channel.close()
    this.setStatus('failed')
    return { outcome: 'failed', error }
  }

  private errorOf(thrown: unknown): MigrationError {
    if (this.stopped !== undefined) return this.fault('cancelled', this.stopped)
    const inner = thrown instanceof StreamError ? (thrown.cause ?? thrown) : thrown
    if (inner instanceof MigrationError) return inner
    if (thrown instanceof StreamError) {
      const path = thrown.section === '' ? undefined : thrown.section
      return this.fault(CODES[thrown.code] ?? 'format', thrown.message, path, thrown)
    }
    if (thrown instanceof VMStateError) return this.fault('device', thrown.message, thrown.path, thrown)
    return this.fault('channel', sentenceOf(thrown), undefined, thrown)
  }

  private fault(code: MigrationErrorCode, detail: string, path?: string, cause?: unknown): MigrationError {
    return new MigrationError(code, 'destination', this.phase, detail, path, cause)
  }

  private setStatus(status: MigrationStatus): void {
    if (this.status === status) return
    this.status = status
    this.options.onStatus?.(status)
  }
}

const CODES: Partial<Record<StreamError['code'], MigrationErrorCode>> = {
  section: 'device',
  ram: 'ram',
  truncated: 'torn',
}
