/** Time and turns of the host, so that tests can have their own. */
export interface Pace {
  /** Milliseconds of a clock that never goes back. */
  nowMs(): number
  /** Lets everything else on this thread have its turn: the guest's next slice among it. */
  turn(): Promise<void>
  /** Calls back after that many milliseconds; returns what cancels it. */
  after(ms: number, call: () => void): () => void
}

const immediate = (globalThis as { setImmediate?: (call: () => void) => unknown }).setImmediate

export const hostPace: Pace = {
  nowMs: () => performance.now(),
  turn: () =>
    new Promise((resolve) => {
      if (immediate !== undefined) immediate(resolve)
      else setTimeout(resolve, 0)
    }),
  after(ms, call) {
    const handle = setTimeout(call, ms)
    return () => clearTimeout(handle)
  },
}

/** Waits; ends early when the signal is given. */
export function sleep(pace: Pace, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = (): void => {
      cancel()
      signal.removeEventListener('abort', done)
      resolve()
    }
    const cancel = pace.after(ms, done)
    signal.addEventListener('abort', done)
  })
}

/** Thrown by `within` when the time is up. */
export class TimeIsUp extends Error {}

/** The promise's own outcome, or TimeIsUp after that many milliseconds; 0 waits for ever. */
export async function within<T>(pace: Pace, ms: number, promise: Promise<T>): Promise<T> {
  if (ms === 0) return promise
  let cancel: () => void = () => undefined
  const limit = new Promise<never>((_, reject) => {
    cancel = pace.after(ms, () => reject(new TimeIsUp(`nothing happened for ${ms} ms`)))
  })
  try {
    return await Promise.race([promise, limit])
  } finally {
    cancel()
  }
}
