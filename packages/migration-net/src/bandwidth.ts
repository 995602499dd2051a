import { sleep, type Pace } from './pace.ts'

const WINDOW_MS = 100

/** Keeps the bytes per second below a limit, and measures what is reached. */
export class Bandwidth {
  private readonly pace: Pace
  private windowStart: number
  private windowBytes = 0
  private measureStart: number
  private measured = 0
  /** Bytes per ms over the last window that was full; 0 before. */
  bytesPerMs = 0

  constructor(pace: Pace) {
    this.pace = pace
    this.windowStart = pace.nowMs()
    this.measureStart = this.windowStart
  }

  /** How many bytes may go out before the next wait. */
  room(limitPerSecond: number): number {
    if (limitPerSecond === 0) return Infinity
    return Math.max(0, (limitPerSecond * WINDOW_MS) / 1000 - this.windowBytes)
  }

  /** Counts bytes that were sent; waits for the next window if this one is used up. */
  async spent(bytes: number, limitPerSecond: number, signal: AbortSignal): Promise<void> {
    this.windowBytes += bytes
    this.measured += bytes
    if (limitPerSecond > 0) {
      const perWindow = (limitPerSecond * WINDOW_MS) / 1000
      while (this.windowBytes >= perWindow && !signal.aborted) {
        const rest = this.windowStart + WINDOW_MS - this.pace.nowMs()
        if (rest > 0) await sleep(this.pace, rest, signal)
        this.windowStart = Math.max(this.windowStart + WINDOW_MS, this.pace.nowMs() - WINDOW_MS)
        this.windowBytes -= perWindow
      }
    }
    const now = this.pace.nowMs()
    if (this.windowStart + WINDOW_MS <= now) {
      this.windowStart = now
      this.windowBytes = 0
    }
    const elapsed = now - this.measureStart
    if (elapsed >= WINDOW_MS) {
      this.bytesPerMs = this.measured / elapsed
      this.measureStart = now
      this.measured = 0
    }
  }

  /** The measured value, or what the first moments let expect. */
  estimate(): number {
    if (this.bytesPerMs > 0) return this.bytesPerMs
    return this.measured / Math.max(1, this.pace.nowMs() - this.measureStart)
  }
}
