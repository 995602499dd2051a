import { DrivenClock, type Time } from '../clock.ts'

export interface ManualTime extends Time {
  readonly virtual: DrivenClock
  readonly host: DrivenClock
  /** Lets guest time pass, firing timers at their moments. */
  advance(ns: bigint): void
  /** Sets the virtual time, as loading a state does. */
  set(ns: bigint): void
}

/** Time that stands still until it is told to pass. The host clock is `epoch` ahead of it. */
export function manualTime(start = 0n, epoch = 1_600_000_000_000_000_000n): ManualTime {
  let now = start
  let seed = 1
  const virtual = new DrivenClock(() => now)
  const host = new DrivenClock(() => now + epoch)
  return {
    virtual,
    host,
    advance(ns) {
      const end = now + ns
      for (;;) {
        const deadlines = [virtual.deadline, host.deadline === null ? null : host.deadline - epoch].filter(
          (d) => d !== null,
        )
        const next = deadlines.reduce<bigint | null>((a, b) => (a === null || b < a ? b : a), null)
        if (next === null || next > end) break
        if (next > now) now = next
        virtual.run()
        host.run()
      }
      now = end
    },
    set(ns) {
      now = ns
    },
    random(bytes) {
      for (let i = 0; i < bytes.length; i++) {
        seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
        bytes[i] = seed >>> 16
      }
    },
  }
}
