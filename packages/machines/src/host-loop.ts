/** How a machine shares its thread with everybody else on it. */
export interface HostLoop {
  /** Lets pending events run, then calls back. */
  yield(then: () => void): void
  /** Calls back after some ms; the result cancels. */
  sleep(ms: number, then: () => void): () => void
  /** Monotonic ms. */
  now(): number
  /** Called between two slices of a turn: what cannot wait for the turn's end may be done here, a stop included. */
  attend?(): void
}

type Immediate = (then: () => void) => void

function immediate(): Immediate {
  const native = (globalThis as { setImmediate?: Immediate }).setImmediate
  if (native !== undefined) return (then) => native(then)
  const channel = new MessageChannel()
  const queue: (() => void)[] = []
  channel.port1.onmessage = () => queue.shift()?.()
  return (then) => {
    queue.push(then)
    channel.port2.postMessage(0)
  }
}

/** Of Node and of browsers alike. */
export function systemLoop(): HostLoop {
  return {
    yield: immediate(),
    sleep(ms, then) {
      const id = setTimeout(then, ms)
      return () => clearTimeout(id)
    },
    now: () => performance.now(),
  }
}
