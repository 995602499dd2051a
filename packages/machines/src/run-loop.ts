import type { Processor } from '@godwit/cpu-x86'
import type { HostLoop } from './host-loop.ts'
import type { MachineTime } from './machine-time.ts'

/** Longest stretch of execution before events of the host get their turn, ms. */
const TURN_MS = 8
/** The same while somebody else on the thread wants a share: what a socket takes at once is gone in a moment. */
const SHARED_TURN_MS = 2
/** Aim for one call into the processor: timers of the guest are looked at in between, ms. */
const SLICE_MS = 0.5
const MIN_SLICE = 5_000
const MAX_SLICE = 2_000_000
/** A deterministic machine has no reason to look up between deadlines. */
const DETERMINISTIC_SLICE = 1_000_000

/** A deterministic guest that executes nothing for so long (ns of guest time) will not wake up. */
const IDLE_LIMIT = 60_000_000_000n

/**
 * Runs a processor in slices on the host's event loop: fires timers that are due, sleeps while the processor is halted,
 * and jumps over idle time in deterministic mode.
 */
export class RunLoop {
  private readonly processor: Processor
  private readonly time: MachineTime
  private readonly host: HostLoop
  /** The processor shut down by itself: a triple fault. */
  private readonly tripleFault: () => void
  private active = false
  private stopAsked = false
  private scheduled = false
  private cancelSleep: (() => void) | undefined
  private slice = 50_000
  /** Part of the time, from 0 to below 1, that is left to others on the thread even if they only wait for a socket. */
  hostShare = 0

  constructor(processor: Processor, time: MachineTime, host: HostLoop, tripleFault: () => void) {
    this.processor = processor
    this.time = time
    this.host = host
    this.tripleFault = tripleFault
    // A guest that waits for time would wait in vain until its slice is over.
    time.onLimit = () => processor.requestStop()
  }

  get running(): boolean {
    return this.active
  }

  start(): void {
    if (this.active) return
    this.active = true
    this.time.start()
    this.schedule()
  }

  stop(): void {
    this.stopAsked = true
    this.processor.requestStop()
    if (!this.active) return
    this.active = false
    this.cancelSleep?.()
    this.cancelSleep = undefined
    this.time.stop()
  }

  /** Ends a sleep: something happened that a halted processor may wait for. */
  wake(): void {
    if (this.cancelSleep === undefined) return
    this.cancelSleep()
    this.cancelSleep = undefined
    this.schedule()
  }

  /**
   * Deterministic machines only: executes that many instructions, idle time skipped.
   * @returns how many were executed: fewer if the guest stopped or idles for ever
   */
  runFor(instructions: number): number {
    const { processor, time } = this
    const start = processor.instructions
    let last = start
    let activeAt = time.virtual.now()
    this.stopAsked = false
    for (let left = instructions; left > 0; left = start + instructions - processor.instructions) {
      time.run()
      const reason = this.runUntilDeadline(left)
      if (reason === 'shutdown') this.tripleFault()
      if (this.stopAsked || (reason === 'halted' && !this.skipIdle())) break
      if (processor.instructions !== last) {
        last = processor.instructions
        activeAt = time.virtual.now()
      } else if (time.virtual.now() - activeAt > IDLE_LIMIT) break
    }
    return processor.instructions - start
  }

  private schedule(): void {
    if (this.scheduled) return
    this.scheduled = true
    const { host, hostShare } = this
    const next = (): void => {
      this.scheduled = false
      if (this.active) this.turn()
    }
    // asleep rather than in a queue: whoever empties the socket may need this very processor
    if (hostShare === 0) host.yield(next)
    else host.sleep((SHARED_TURN_MS * hostShare) / (1 - hostShare), next)
  }

  private turn(): void {
    const until = this.host.now() + (this.hostShare === 0 ? TURN_MS : SHARED_TURN_MS)
    while (this.active) {
      this.host.attend?.()
      // stopped, and perhaps started again
      if (!this.active || this.scheduled) return
      this.time.run()
      if (!this.active) return
      const reason = this.time.deterministic ? this.runUntilDeadline(DETERMINISTIC_SLICE) : this.runSlice()
      if (reason === 'shutdown') this.tripleFault()
      if (reason === 'halted' && !this.idle()) return
      if (this.host.now() >= until) break
    }
    if (this.active) this.schedule()
  }

  private runSlice(): string {
    const started = this.host.now()
    const { reason, executed } = this.processor.run(this.slice)
    const ms = this.host.now() - started
    if ((reason === 'budget' || reason === 'stopped') && ms > 0) {
      const ideal = Math.round((executed * SLICE_MS) / ms)
      this.slice = Math.min(MAX_SLICE, Math.max(MIN_SLICE, Math.round((this.slice + ideal) / 2)))
    }
    return reason
  }

  private runUntilDeadline(most: number): string {
    const deadline = this.time.deadline()
    let n = most
    if (deadline !== null) {
      const ns = deadline - this.time.virtual.now()
      if (ns <= 0n) return 'budget'
      const { nsPerInstruction } = this.time
      n = Math.min(n, Number((ns + nsPerInstruction - 1n) / nsPerInstruction))
    }
    return this.processor.run(n, true).reason
  }

  /** Deterministic: jumps to the next deadline. False if nothing will ever happen. */
  private skipIdle(): boolean {
    const deadline = this.time.deadline()
    if (deadline === null) return false
    this.time.warp(deadline)
    return true
  }

  /** The processor is halted. True: go on at once; false: a wake-up is arranged. */
  private idle(): boolean {
    if (this.time.deterministic) {
      if (this.skipIdle()) return true
      this.sleepFor(1000)
      return false
    }
    this.time.rest()
    const deadline = this.time.deadline()
    const ms = deadline === null ? 1000 : Number(deadline - this.time.virtual.now()) / 1e6
    if (ms <= 0) return true
    // Timers of the host are coarse: the last millisecond is spent looking at the clock between events.
    if (ms < 1.2) this.schedule()
    else this.sleepFor(Math.min(1000, Math.floor(ms)))
    return false
  }

  private sleepFor(ms: number): void {
    this.cancelSleep = this.host.sleep(ms, () => {
      this.cancelSleep = undefined
      this.schedule()
    })
  }
}
