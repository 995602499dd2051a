import type { Pace } from '../pace.ts'

/** Time that passes only when asked: a turn takes `turnMs` and runs what `onTurn` says. */
export class FakePace implements Pace {
  ms = 0
  turnMs = 1
  onTurn: () => void = () => undefined
  private timers: { at: number; call: () => void }[] = []

  nowMs(): number {
    return this.ms
  }

  async turn(): Promise<void> {
    this.onTurn()
    this.advance(this.turnMs)
    await new Promise((resolve) => setImmediate(resolve))
  }

  after(ms: number, call: () => void): () => void {
    const timer = { at: this.ms + ms, call }
    this.timers.push(timer)
    return () => {
      this.timers = this.timers.filter((t) => t !== timer)
    }
  }

  /** Lets time pass and fires what is due. */
  advance(ms: number): void {
    this.ms += ms
    for (;;) {
      const due = this.timers.find((t) => t.at <= this.ms)
      if (due === undefined) return
      this.timers = this.timers.filter((t) => t !== due)
      due.call()
    }
  }

  /** Goes to the earliest timer and fires it; false if none is set. */
  skip(): boolean {
    const first = Math.min(...this.timers.map((t) => t.at))
    if (first === Infinity) return false
    this.advance(Math.max(0, first - this.ms))
    return true
  }
}
