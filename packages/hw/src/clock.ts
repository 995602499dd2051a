/** Guest time in ns, as a bigint. It stands still while the machine is paused. */
export interface Clock {
  now(): bigint
  /** The same as a number: exact below 2^53, which is 104 days; beyond that whoever asks must take now(). */
  ns(): number
  /** A timer that is not set yet. */
  timer(fire: () => void): Timer
}

export interface Timer {
  /** When it fires, or null. */
  readonly expires: bigint | null
  set(expires: bigint): void
  cancel(): void
}

/** The one door through which time and chance come into a machine. */
export interface Time {
  /** Guest virtual time; every device timer runs on it. */
  readonly virtual: Clock
  /** Wall time, ns since 1970, for real-time clocks. Follows virtual time in deterministic mode. */
  readonly host: Clock
  /** The same bytes on each run in deterministic mode. */
  random(bytes: Uint8Array): void
}

interface Armed {
  expires: bigint
  readonly order: number
  readonly fire: () => void
}

/** A clock over a source of ns; its owner calls `run` when the deadline may have passed. */
export class DrivenClock implements Clock {
  private readonly source: () => bigint
  /** The source as a number: NaN, or 2^53 and more, where that is not exact. */
  readonly ns: () => number
  private readonly armed: Armed[] = []
  private orders = 0
  /** Called when the earliest deadline may have moved. */
  onDeadline: (() => void) | undefined

  constructor(source: () => bigint, ns: () => number = () => Number(source())) {
    this.source = source
    this.ns = ns
  }

  now(): bigint {
    return this.source()
  }

  /** The earliest expiry of all timers, or null. */
  get deadline(): bigint | null {
    let first: bigint | null = null
    for (const a of this.armed) if (first === null || a.expires < first) first = a.expires
    return first
  }

  /** Fires what is due, in order of expiry, then of setting. */
  run(): void {
    const now = this.now()
    for (;;) {
      let due: Armed | undefined
      for (const a of this.armed) {
        if (
          a.expires <= now &&
          (due === undefined || a.expires < due.expires || (a.expires === due.expires && a.order < due.order))
        )
          due = a
      }
      if (due === undefined) return
      this.armed.splice(this.armed.indexOf(due), 1)
      due.fire()
    }
  }

  timer(fire: () => void): Timer {
    let entry: Armed | undefined
    const cancel = (): void => {
      const at = entry === undefined ? -1 : this.armed.indexOf(entry)
      if (at >= 0) this.armed.splice(at, 1)
      entry = undefined
    }
    return {
      get expires() {
        return entry?.expires ?? null
      },
      set: (expires) => {
        cancel()
        entry = {
          expires,
          order: this.orders++,
          fire: () => {
            entry = undefined
            fire()
          },
        }
        this.armed.push(entry)
        this.onDeadline?.()
      },
      cancel: () => {
        if (entry === undefined) return
        cancel()
        this.onDeadline?.()
      },
    }
  }
}
