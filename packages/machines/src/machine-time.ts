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
  /** The processor idles: time need not wait for its instructions. */
  rest(): void
  /** Told when time has come to where it has to wait for run(). */
  set onLimit(call: () => void)
  /** ns from one instruction to the next (deterministic). */
  readonly nsPerInstruction: bigint
}

/** Guest time that may pass between two looks at the timers if one of them is due, ns. */
const STRIDE = 2_000_000
/** Guest time that may pass with an instruction, and with a look at the clock, ns: see realTime. */
const PER_INSTRUCTION = 10
const PER_LOOK = 1000
/** Guest time is behind the wall by no more than that, ns, but for what the limit keeps back. */
const LAG = 200_000_000
/** A host that was away for longer than this (it stopped the process, say) is not made up for step by step. */
const AWAY = LAG + 250_000_000

/** NaN where a number is not exact. */
const exact = (ns: bigint): number => (ns < SAFE && ns > -SAFE ? Number(ns) : NaN)
const SAFE = 1n << 53n

/**
 * Between two looks at the timers time does not run on past the first that is due: where the host was busy elsewhere for a
 * few periods of a timer, the guest sees each of them, a little late and in quick succession, and not all as one.
 *
 * Nor does time jump while the guest looks on: where the host is slow for a moment (it compiles, say, or collects garbage),
 * time follows the instructions, and makes up for what it lost when the guest waits: each look at the clock is as good as
 * a hundred instructions. So a guest that measures one clock by another finds both steady, and need not wait long for
 * what it would have waited for while it worked. Over more than a moment time is the wall's.
 *
 * @param instructions executed so far; absent: time waits for none
 */
export function realTime(
  wall: WallClock,
  random: (bytes: Uint8Array) => void,
  instructions?: () => number,
): MachineTime {
  /** Guest time at the last jump; what has passed since is a number. */
  let origin = 0n
  let originNs = 0
  /** Wall time then, if the clock runs. */
  let startedAt: number | undefined
  /** How far time may go until the next look. */
  let limit = Infinity
  /** What the guest was told last, and after how many instructions; after how many the processor came to rest. */
  let told = 0
  let toldAt = 0
  let restedAt = -1
  let onLimit: (() => void) | undefined
  const wallNs = (): number => wall.monotonicNs?.() ?? Number(wall.monotonic())
  const unlimited = (): number => (startedAt === undefined ? 0 : wallNs() - startedAt)
  const passed = (): number => {
    let at = unlimited()
    const done = instructions?.() ?? restedAt
    if (done !== restedAt) {
      const most = told + PER_LOOK + Math.max(done - toldAt, 0) * PER_INSTRUCTION
      if (at > most) at = Math.max(most, at - LAG)
      toldAt = done
    }
    if (at >= limit) {
      at = limit
      onLimit?.()
    }
    return (told = at)
  }
  const now = (): bigint => origin + BigInt(passed())
  const goTo = (to: bigint): void => {
    origin = to
    originNs = exact(to)
    limit = STRIDE
    told = 0
    if (startedAt !== undefined) startedAt = wallNs()
  }
  const virtual = new DrivenClock(now, () => originNs + passed())
  const host = new DrivenClock(() => wall.epoch())
  return {
    virtual,
    host,
    random,
    deterministic: false,
    nsPerInstruction: 0n,
    set onLimit(call: () => void) {
      onLimit = call
    },
    start() {
      startedAt ??= wallNs()
    },
    stop() {
      const at = now()
      startedAt = undefined
      goTo(at)
    },
    set: goTo,
    warp: () => undefined,
    rest() {
      restedAt = instructions?.() ?? restedAt
    },
    deadline() {
      return earlier(virtual.deadline, host.deadline === null ? null : host.deadline - wall.epoch() + now())
    },
    run() {
      if (unlimited() - limit > AWAY) limit = Infinity
      virtual.run()
      host.run()
      const due = virtual.deadline
      // Not from before the timers fired: what they were told then must not be taken back.
      limit = due === null ? Infinity : Math.max(Number(due - origin), passed() + STRIDE)
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
    rest: () => undefined,
    set onLimit(_: () => void) {},
  }
}

function earlier(a: bigint | null, b: bigint | null): bigint | null {
  if (a === null || b === null) return a ?? b
  return a < b ? a : b
}
