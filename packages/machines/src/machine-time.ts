import { DrivenClock, type Time } from '@godwit/hw'

/** Where wall time comes from. */
export interface WallClock {
  /** Monotonic, ns. */
  monotonic(): bigint
  /** The same as a number, if that is cheaper. */
  monotonicNs?(): number
  /** ns since 1970. */
  epoch(): bigint
}

export const systemWallClock: WallClock = {
  monotonic: () => BigInt(Math.round(performance.now() * 1e6)),
  monotonicNs: () => Math.round(performance.now() * 1e6),
  epoch: () => BigInt(Date.now()) * 1_000_000n,
}

/**
 * Guest time of a machine. Real time: virtual time follows the wall while the machine runs (see realTime) and stands still
 * while it is paused. Deterministic: it counts instructions, and jumps to the next deadline when the processor idles.
 */
export interface MachineTime extends Time {
  readonly virtual: DrivenClock
  readonly host: DrivenClock
  readonly deterministic: boolean
  start(): void
  stop(): void
  /** Sets virtual time, as loading a state does. */
  set(ns: bigint): void
  /** Deterministic only: idles until the virtual time given. */
  warp(ns: bigint): void
  /** The earliest deadline of either clock in virtual time, or null. */
  deadline(): bigint | null
  /** Fires what is due. */
  run(): void
  /** ns from one instruction to the next (deterministic). */
  readonly nsPerInstruction: bigint
}

/** Guest time that may pass between two looks at the timers if one of them is due, ns. */
const STRIDE = 2_000_000n
/** A host that was away for longer than this (it stopped the process, say) is not made up for step by step. */
const AWAY = 250_000_000n

/** NaN where a number is not exact. */
const exact = (ns: bigint): number => (ns < SAFE && ns > -SAFE ? Number(ns) : NaN)
const SAFE = 1n << 53n

/**
 * Between two looks at the timers time does not run on past the first that is due: where the host was busy elsewhere for a
 * few periods of a timer, the guest sees each of them, a little late and in quick succession, and not all as one.
 */
export function realTime(wall: WallClock, random: (bytes: Uint8Array) => void): MachineTime {
  let offset = 0n
  let startedAt: bigint | undefined
  /** How far time may go until the next look; undefined: no timer is set. */
  let limit: bigint | undefined
  const unlimited = (): bigint => (startedAt === undefined ? offset : offset + wall.monotonic() - startedAt)
  const now = (): bigint => {
    const at = unlimited()
    return limit === undefined || at < limit ? at : limit
  }
  /** Of the three, as numbers: guest time less wall time, or guest time while it stands still, and the limit. */
  let lead = 0
  let most = Infinity
  const wallNs = (): number => wall.monotonicNs?.() ?? Number(wall.monotonic())
  const changed = (): void => {
    lead = exact(startedAt === undefined ? offset : offset - startedAt)
    most = limit === undefined ? Infinity : exact(limit)
  }
  const ns = (): number => {
    const at = startedAt === undefined ? lead : lead + wallNs()
    return at < most ? at : most
  }
  const goTo = (to: bigint): void => {
    offset = to
    limit = to + STRIDE
    if (startedAt !== undefined) startedAt = wall.monotonic()
    changed()
  }
  const virtual = new DrivenClock(now, ns)
  const host = new DrivenClock(() => wall.epoch())
  return {
    virtual,
    host,
    random,
    deterministic: false,
    nsPerInstruction: 0n,
    start() {
      startedAt ??= wall.monotonic()
      changed()
    },
    stop() {
      const at = now()
      startedAt = undefined
      goTo(at)
    },
    set: goTo,
    warp: () => undefined,
    deadline() {
      return earlier(virtual.deadline, host.deadline === null ? null : host.deadline - wall.epoch() + now())
    },
    run() {
      if (limit !== undefined && unlimited() - limit > AWAY) {
        limit = undefined
        changed()
      }
      virtual.run()
      host.run()
      const due = virtual.deadline
      // Not from before the timers fired: what they were told then must not be taken back.
      const least = now() + STRIDE
      limit = due === null ? undefined : due > least ? due : least
      changed()
    },
  }
}

/** @param instructions executed so far; monotonic */
export function instructionTime(
  instructions: () => number,
  options: { nsPerInstruction: bigint; epochNs: bigint; seed: number },
): MachineTime {
  const { nsPerInstruction, epochNs } = options
  let bias = 0n
  const now = (): bigint => bias + BigInt(instructions()) * nsPerInstruction
  const each = Number(nsPerInstruction)
  let lead = 0
  const shift = (by: bigint): void => {
    bias += by
    lead = exact(bias)
  }
  const virtual = new DrivenClock(now, () => lead + instructions() * each)
  const host = new DrivenClock(() => epochNs + now())
  let seed = options.seed >>> 0 || 1
  const deadline = (): bigint | null =>
    earlier(virtual.deadline, host.deadline === null ? null : host.deadline - epochNs)
  return {
    virtual,
    host,
    deterministic: true,
    nsPerInstruction,
    random(bytes) {
      for (let i = 0; i < bytes.length; i++) {
        // xorshift32
        seed ^= seed << 13
        seed ^= seed >>> 17
        seed ^= seed << 5
        bytes[i] = seed >>> 8
      }
    },
    start: () => undefined,
    stop: () => undefined,
    set(ns) {
      shift(ns - now())
    },
    warp(ns) {
      if (ns > now()) shift(ns - now())
    },
    deadline,
    run() {
      virtual.run()
      host.run()
    },
  }
}

function earlier(a: bigint | null, b: bigint | null): bigint | null {
  if (a === null || b === null) return a ?? b
  return a < b ? a : b
}
