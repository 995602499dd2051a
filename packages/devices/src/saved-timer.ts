import type { Clock } from '@godwit/hw'

/** A timer whose expiry is a field of the state, so that saving needs no preparation. */
export interface SavedTimer {
  set(expires: bigint): void
  cancel(): void
  /** Sets the timer as the field says, after loading. */
  rearm(): void
}

/** `state[key]` is the expiry in ns on `clock`, or null. */
export function savedTimer<K extends string>(
  clock: Clock,
  state: Record<NoInfer<K>, bigint | null>,
  key: K,
  fire: () => void,
): SavedTimer {
  const timer = clock.timer(() => {
    state[key] = null
    fire()
  })
  return {
    set(expires) {
      state[key] = expires
      timer.set(expires)
    },
    cancel() {
      state[key] = null
      timer.cancel()
    },
    rearm() {
      const expires = state[key]
      if (expires === null) timer.cancel()
      else timer.set(expires)
    },
  }
}
