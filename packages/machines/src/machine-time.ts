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
 * Guest time of a machine. Real time: virtual time follows the wall while the machine runs and stands still while it is
 * paused. Deterministic: it counts instructions, and jumps to the next deadline when the processor idles.
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

export function realTime(wall: WallClock, random: (bytes: Uint8Array) => void): MachineTime {
  let offset = 0n
  let startedAt: bigint | undefined
  const now = (): bigint => (startedAt === undefined ? offset : offset + wall.monotonic() - startedAt)
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
      offset = now()
      startedAt = undefined
    },
    set(ns) {
      offset = ns
      if (startedAt !== undefined) startedAt = wall.monotonic()
    },
    warp: () => undefined,
    deadline() {
      return earlier(virtual.deadline, host.deadline === null ? null : host.deadline - wall.epoch() + now())
    },
    run() {
      virtual.run()
      host.run()
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
