/**
 * The side that gives its guest away. The phases are the list at the end of the class; each is one function.
 *
 * The guest may run in slices on this same thread, so a round is cut into batches with a turn for the guest after each.
 */
import { StreamWriter, configurationOf, configurationState, describe, descriptionText } from '@godwit/vmstate'
import { PAGE_SIZE } from '@godwit/memory'
import { Bandwidth } from './bandwidth.ts'
import type { Channel } from './channel.ts'
import { MigrationError, sentenceOf, type MigrationErrorCode } from './errors.ts'
import { newFigures, queryMigrate, type MigrationFigures } from './figures.ts'
import type { Migratable, ZeroPageDetection } from './migratable.ts'
import { ChannelOfMany, MultifdSender, type MultifdSending } from './multifd/sender.ts'
import { TimeIsUp, hostPace, sleep, within, type Pace } from './pace.ts'
import { defaultParameters, type MigrationParameters } from './parameters.ts'
import { FIRST_PING, KEEPALIVE_PING, LAST_PING, type MigrationStatus, type SourcePhase } from './protocol.ts'
import { MainPages, RamSender, type PageSink } from './ram.ts'
import { described, pathOf, rehearsed, saved } from './section.ts'
import { XbzrlePages } from './xbzrle.ts'
import { ReturnPath } from './return-path.ts'

export interface OutgoingOptions {
  readonly machine: Migratable
  readonly channel: Channel
  /** Read again in every batch, so they may be changed while it runs. */
  readonly parameters?: MigrationParameters
  /** Asks the destination for its word that it has loaded everything. Default: whether the channel is duplex. */
  readonly returnPath?: boolean
  /** Pages go over channels of their own (QEMU's multifd). */
  readonly multifd?: MultifdSending
  /** Pages that were sent before go out as what has changed in them (QEMU's xbzrle); bytes of the cache for that. */
  readonly xbzrleCacheBytes?: number
  /** Waits, paused, for `continue()` before the devices are sent (QEMU's pause-before-switchover). */
  readonly pauseBeforeSwitchover?: boolean
  readonly pace?: Pace
  /** Called on each change of `status`. */
  readonly onStatus?: (status: MigrationStatus) => void
  /** Called after each collection of the dirty log, with its number. */
  readonly onPass?: (pass: number) => void
  /** Called when the guest was stopped for the hand-over, or set going again after a failure. */
  readonly onGuest?: (running: boolean) => void
}

/** `unknown`: everything was sent and the destination's word never came; the guest stays paused. */
export type OutgoingResult =
  | { readonly outcome: 'completed' }
  | { readonly outcome: 'failed' | 'cancelled' | 'unknown'; readonly error: MigrationError }

const RAM_SECTION = { sectionId: 2, idstr: 'ram', instance: 0, version: 4 } as const
const BATCH_BYTES = 2 << 20
/** Silence that the destination is spared while the owner makes up his mind. */
const KEEPALIVE_MS = 10_000
/** The guest's thread is ours too: this part of it is for sending. */
const HOST_SHARE = 0.8
/** A batch that takes longer waits for the network, not for the thread. */
const SHARE_MS = 100
const BATCH_MS = 5

export class OutgoingMigration {
  readonly figures: MigrationFigures
  readonly parameters: MigrationParameters
  status: MigrationStatus = 'none'
  error: MigrationError | undefined
  phase: SourcePhase = 'setup'

  private readonly machine: Migratable
  private readonly channel: Channel
  private readonly options: OutgoingOptions
  private readonly pace: Pace
  private readonly bandwidth: Bandwidth
  private readonly w = new StreamWriter()
  private readonly stop = new AbortController()
  private readonly returnPath: ReturnPath | undefined
  private readonly multifd: MultifdSender | undefined
  private readonly xbzrle: XbzrlePages | undefined
  private readonly sink: PageSink
  private ram: RamSender | undefined
  private path: string | undefined
  private cancelled = false
  /** The byte that lets the destination start its guest was given to the channel. */
  private committed = false
  private before: { readonly running: boolean; readonly runState: string } | undefined
  private pausedAtMs = 0
  private descriptionText: string | undefined
  /** The dirty log was collected since the last batch. */
  private newRound = false
  private release: (() => void) | undefined

  constructor(options: OutgoingOptions) {
    this.options = options
    this.machine = options.machine
    this.channel = options.channel
    this.parameters = options.parameters ?? defaultParameters()
    this.pace = options.pace ?? hostPace
    this.bandwidth = new Bandwidth(this.pace)
    this.figures = newFigures(this.pace.nowMs())
    this.figures.expectedDowntimeMs = this.parameters.downtimeLimitMs
    if (options.multifd !== undefined) {
      this.multifd = new MultifdSender(options.multifd, this.w, this.zeroPageDetection === 'multifd')
    }
    // the deltas would be records of the main channel, which could overtake the pages on others
    if (this.multifd === undefined && options.xbzrleCacheBytes !== undefined) {
      this.xbzrle = new XbzrlePages(this.w, options.xbzrleCacheBytes)
    }
    this.sink = this.multifd ?? this.xbzrle ?? new MainPages(this.w)
    if (options.returnPath ?? options.channel.duplex) this.returnPath = new ReturnPath(options.channel)
  }

  /** Runs the migration to its end. Never rejects. */
  async run(): Promise<OutgoingResult> {
    this.setStatus('setup')
    try {
      if (this.machine.spoiled !== undefined) throw this.fault('refused', this.machine.spoiled)
      for (const [phase, work] of this.phases) {
        this.phase = phase
        this.path = undefined
        this.check()
        await work()
      }
      return this.completed()
    } catch (thrown) {
      return this.failed(thrown)
    }
  }

  /** Gives up, unless the stream is complete already: then the destination's word decides. */
  cancel(): void {
    if (this.committed || this.over) return
    this.cancelled = true
    this.setStatus('cancelling')
    this.stop.abort()
    this.release?.()
    this.abortChannels('the migration was cancelled')
  }

  /** Goes on after pause-before-switchover. False if it is not waiting. */
  continue(): boolean {
    if (this.release === undefined) return false
    this.release()
    return true
  }

  /** If the hand-over fails, the guest stays paused: somebody has stopped it meanwhile. */
  stayPaused(): void {
    if (this.before?.running === true) this.before = { running: false, runState: 'paused' }
  }

  get over(): boolean {
    return this.status === 'completed' || this.status === 'failed' || this.status === 'cancelled'
  }

  /** QMP's query-migrate. */
  query(): Record<string, unknown> {
    if (this.ram !== undefined && !this.over) this.figures.remainingBytes = this.ram.remainingPages * PAGE_SIZE
    const { status, figures, xbzrle, error } = this
    return queryMigrate(status, figures, this.pace.nowMs(), { xbzrle: xbzrle?.figures, error: error?.message })
  }

  private async setup(): Promise<void> {
    const { w, machine } = this
    w.header()
    w.configuration({ machine: machine.machineType })
    if (this.returnPath !== undefined) {
      w.command('OPEN_RETURN_PATH')
      w.ping(FIRST_PING)
      void this.returnPath.read()
    }
    this.ram = new RamSender(machine.ramBlocks, this.figures)
    w.sectionStart('start', RAM_SECTION)
    w.ramBlockList(this.ram.list())
    this.syncChannels()
    w.ramEos()
    w.sectionEnd()
    await this.flush()
    this.figures.setupMs = this.pace.nowMs() - this.figures.startMs
  }

  private async rounds(): Promise<void> {
    this.setStatus('active')
    this.rehearse()
    const ram = this.ram!
    let syncMs = this.pace.nowMs()
    this.collect(0)
    for (;;) {
      if (ram.leftPages === 0) {
        const now = this.pace.nowMs()
        this.collect(now - syncMs)
        syncMs = now
        if (ram.leftPages === 0 || this.fits(ram.leftPages, this.bandwidth.estimate())) return
      } else if (this.fits(ram.remainingPages, this.bandwidth.bytesPerMs)) {
        return
      }
      await this.batch()
      await this.pace.turn()
      this.check()
    }
  }

  /** Saves and describes the devices once in vain: code that runs for the first time is slow, and later the guest waits. */
  private rehearse(): void {
    try {
      for (const section of this.machine.sections) rehearsed(section)
      if (this.machine.suppressVmdesc !== true) descriptionText(this.description())
    } catch {
      // if it happens again when it matters, it is told
    }
  }

  /** Whether that many pages can be sent while the guest stands still. */
  private fits(pages: number, bytesPerMs: number): boolean {
    if (bytesPerMs === 0) return false
    const { figures } = this
    figures.bandwidth = bytesPerMs
    figures.pagesPerSecond = (bytesPerMs * 1000) / PAGE_SIZE
    figures.expectedDowntimeMs = (pages * PAGE_SIZE) / bytesPerMs
    return figures.expectedDowntimeMs <= this.parameters.downtimeLimitMs
  }

  private get zeroPageDetection(): ZeroPageDetection {
    return this.parameters.zeroPageDetection ?? this.machine.zeroPageDetection ?? 'multifd'
  }

  /** Brings the channels of multifd in step with the main one, which stands inside a live section. */
  private syncChannels(): void {
    this.multifd?.sync()
    if (this.multifd !== undefined && this.machine.multifdFlushAfterEachSection !== true) this.w.ramFlush()
  }

  private collect(sinceMs: number): void {
    const dirty = this.ram!.collect()
    this.newRound = true
    this.xbzrle?.nextRound()
    if (sinceMs > 0) this.figures.dirtyPagesPerSecond = (dirty * 1000) / sinceMs
    this.options.onPass?.(this.figures.dirtySyncs)
  }

  /** One section of pages while the guest runs. */
  private async batch(): Promise<void> {
    const { w, pace } = this
    const limit = this.parameters.maxBandwidth
    const start = pace.nowMs()
    w.sectionStart('part', RAM_SECTION)
    this.pages(Math.min(BATCH_BYTES, this.bandwidth.room(limit)), () => pace.nowMs() - start >= BATCH_MS)
    if (this.machine.multifdFlushAfterEachSection === true) this.syncChannels()
    w.ramEos()
    w.sectionEnd()
    const bytes = await this.flushQuickly()
    // what the limit leaves is the guest's
    if (limit > 0 && this.bandwidth.room(limit) <= bytes) this.machine.hostShare = 0
    await this.bandwidth.spent(bytes, limit, this.stop.signal)
    this.check()
  }

  /** Has the guest stand back while the channel takes bytes, unless the channel is a slow one. */
  private async flushQuickly(): Promise<number> {
    const { machine, pace } = this
    machine.hostShare = HOST_SHARE
    const cancel = pace.after(SHARE_MS, () => (machine.hostShare = 0))
    try {
      return await this.flush()
    } finally {
      cancel()
    }
  }

  /** Pages of the live section that is open; false if none is left. */
  private pages(maxBytes: number, timeIsUp: () => boolean): boolean {
    // a page of this round must not overtake one of the round before on another channel
    if (this.newRound && this.multifd?.unsynced === true) this.syncChannels()
    this.newRound = false
    return this.ram!.write(this.sink, maxBytes, timeIsUp, this.zeroPageDetection !== 'none')
  }

  private async pause(): Promise<void> {
    const { machine } = this
    const before = { running: machine.running, runState: machine.runState }
    this.pausedAtMs = this.pace.nowMs()
    machine.carriedRunState = machine.running ? 'running' : machine.runState
    machine.pause()
    // a guest with a thread of its own may have shut down just before it was stopped
    if (machine.runState !== before.runState) throw this.fault('cancelled', 'the guest has stopped by itself')
    this.before = before
    machine.runState = 'finish-migrate'
    if (this.before.running) this.options.onGuest?.(false)
    if (this.options.pauseBeforeSwitchover === true) {
      await this.waitForOwner()
      this.check()
    }
    this.setStatus('device')
    if (machine.sendSwitchoverStart === true) {
      this.w.command('SWITCHOVER_START')
      await this.flush()
    }
  }

  /** Until `continue` is called. A ping now and then keeps the destination patient, and finds out if it has gone. */
  private async waitForOwner(): Promise<void> {
    const released = new AbortController()
    this.release = () => released.abort()
    this.setStatus('pre-switchover')
    for (;;) {
      await sleep(this.pace, KEEPALIVE_MS, released.signal)
      if (released.signal.aborted) break
      if (this.returnPath !== undefined) this.w.ping(KEEPALIVE_PING)
      await this.flush()
      this.check()
    }
    this.release = undefined
  }

  private async ramRest(): Promise<void> {
    this.collect(0)
    const resized = this.ram!.resized()
    if (resized !== undefined) throw this.fault('ram', 'the block was resized while it was sent', resized)
    this.w.sectionStart('end', RAM_SECTION)
    while (this.pages(BATCH_BYTES, () => false)) {
      await this.flush()
      await this.pace.turn()
      this.check()
    }
    this.syncChannels()
    this.w.ramEos()
    this.w.sectionEnd()
    await this.flush()
    this.check()
    this.figures.remainingBytes = 0
  }

  private async devices(): Promise<void> {
    for (const [index, section] of this.machine.sections.entries()) {
      const { idstr, instance, version } = section
      this.path = pathOf(section)
      const sectionId = RAM_SECTION.sectionId + 1 + index
      this.w.device({ sectionId, idstr, instance, version }, saved(section))
    }
    this.path = undefined
    // whatever breaks before the echo comes leaves the guest here; after it, all that is missing is the end
    if (this.returnPath !== undefined) this.w.ping(LAST_PING)
    await this.flush()
    // meanwhile the destination loads
    if (this.machine.suppressVmdesc !== true) this.descriptionText = descriptionText(this.description())
    if (this.returnPath === undefined) return
    await within(this.pace, this.parameters.peerTimeoutMs, this.returnPath.lastPong)
  }

  private async handOver(): Promise<void> {
    this.w.eof()
    if (this.descriptionText !== undefined) this.w.vmdescription(this.descriptionText)
    this.check()
    this.committed = true
    await this.flush()
  }

  private description(): unknown {
    const { machine } = this
    const devices = machine.sections.map(described)
    const configuration = describe(configurationState, configurationOf({ machine: machine.machineType }))
    return { configuration, page_size: PAGE_SIZE, devices }
  }

  private async confirm(): Promise<void> {
    const word = this.returnPath?.shut
    if (word === undefined) return
    const status = await within(this.pace, this.parameters.peerTimeoutMs, word)
    if (status !== 0) throw this.fault('refused', `the destination could not load the guest (status ${status})`)
  }

  private readonly phases: readonly (readonly [SourcePhase, () => Promise<void>])[] = [
    ['setup', () => this.setup()],
    ['rounds', () => this.rounds()],
    ['pause', () => this.pause()],
    ['ramRest', () => this.ramRest()],
    ['devices', () => this.devices()],
    ['handOver', () => this.handOver()],
    ['confirm', () => this.confirm()],
  ]

  private completed(): OutgoingResult {
    const now = this.pace.nowMs()
    this.figures.totalMs = now - this.figures.startMs
    this.figures.downtimeMs = now - this.pausedAtMs
    this.ram?.stop()
    this.machine.hostShare = 0
    this.machine.runState = 'postmigrate'
    void this.channel.close()
    this.multifd?.close()
    this.setStatus('completed')
    return { outcome: 'completed' }
  }

  private failed(thrown: unknown): OutgoingResult {
    this.ram?.stop()
    this.machine.hostShare = 0
    const error = this.errorOf(thrown)
    this.abortChannels(error.message)
    // a file cannot start a guest, so only a live peer leaves us in doubt
    const unknown = this.committed && error.code !== 'refused' && this.channel.duplex
    const outcome = unknown ? 'unknown' : error.code === 'cancelled' ? 'cancelled' : 'failed'
    if (unknown) {
      this.machine.runState = 'paused'
    } else if (this.before !== undefined) {
      this.machine.runState = this.before.runState
      if (this.before.running) {
        this.machine.resume()
        this.options.onGuest?.(true)
      }
    }
    this.error = unknown
      ? this.fault('outcome-unknown', `${error.message}; the guest may run at the destination, so it stays paused here`)
      : error
    this.setStatus(outcome === 'cancelled' ? 'cancelled' : 'failed')
    return { outcome, error: this.error }
  }

  private errorOf(thrown: unknown): MigrationError {
    if (this.cancelled) return this.fault('cancelled', 'cancelled')
    if (this.returnPath?.refusal !== undefined) {
      return this.fault('refused', `the destination could not load the guest (status ${this.returnPath.refusal})`)
    }
    if (thrown instanceof MigrationError) return thrown
    if (thrown instanceof ChannelOfMany) return this.fault('channel', thrown.message, `multifd/${thrown.id}`, thrown)
    if (thrown instanceof TimeIsUp) return this.fault('timeout', thrown.message, undefined, thrown)
    const code = this.path === undefined ? 'channel' : 'device'
    return this.fault(code, sentenceOf(thrown), this.path, thrown)
  }

  private fault(code: MigrationErrorCode, detail: string, path = this.path, cause?: unknown): MigrationError {
    return new MigrationError(code, 'source', this.phase, detail, path, cause)
  }

  /** Throws if the migration cannot go on. */
  private check(): void {
    if (this.cancelled) throw this.fault('cancelled', 'cancelled')
    const lost = this.committed ? undefined : this.returnPath?.lost
    if (lost !== undefined) throw this.fault('channel', lost)
  }

  /**
   * Sends what waits on all channels at once: the destination may be unable to read on from one of them before it has
   * read on from another. Resolves with the number of bytes.
   */
  private async flush(): Promise<number> {
    this.multifd?.finish()
    const bytes = this.w.take()
    const { figures } = this
    const sending = Promise.all([this.channel.send(bytes), this.multifd?.send() ?? 0])
    const [, multifdBytes] = await within(this.pace, this.parameters.peerTimeoutMs, sending)
    figures.transferredBytes += bytes.length + multifdBytes
    figures.multifdBytes += multifdBytes
    if (this.before !== undefined) figures.downtimeBytes += bytes.length
    else figures.precopyBytes += bytes.length
    return bytes.length + multifdBytes
  }

  private abortChannels(reason: string): void {
    this.channel.abort(reason)
    this.multifd?.abort(reason)
  }

  private setStatus(status: MigrationStatus): void {
    if (this.status === status || (this.status === 'cancelling' && status !== 'cancelled' && status !== 'failed'))
      return
    this.status = status
    this.options.onStatus?.(status)
  }
}
