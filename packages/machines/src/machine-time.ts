import { DrivenClock, type Time } from '@godwit/hw'

/** Where wall time comes from. */
export interface WallClock {
  /** Monotonic, ns. */
  monotonic(): bigint
  /** ns since 1970. */
  epoch(): bigint
}

export const systemWallClock: WallClock = {
  monotonic: () => BigInt(Math.round(performance.now() * 1e6)),
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
  const goTo = (ns: bigint): void => {
    offset = ns
    limit = ns + STRIDE
    if (startedAt !== undefined) startedAt = wall.monotonic()
  }
  const virtual = new DrivenClock(now)
  const host = new DrivenClock(() => wall.epoch())
  return {
    virtual,
    host,
    random,
    deterministic: false,
    nsPerInstruction: 0n,
    start() {
      startedAt ??= wall.monotonic()
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
      if (limit !== undefined && unlimited() - limit > AWAY) limit = undefined
      virtual.run()
      host.run()
      const due = virtual.deadline
      // Not from before the timers fired: what they were told then must not be taken back.
      const most = now() + STRIDE
      limit = due === null ? undefined : due > most ? due : most
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
  const virtual = new DrivenClock(now)
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
      bias += ns - now()
    },
    warp(ns) {
      if (ns > now()) bias += ns - now()
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
