/** The time stamp counter: guest time at a rate, from a start, with what the guest added by writing it. */
import type { Clock } from '@godwit/hw'
import type { CpuState } from '../cpu-state.ts'

const NANOSECONDS = 1_000_000_000n
const MOST_HZ = 1n << 40n
const SECOND = 1e9
const WORD = 4294967296
/** Products of two numbers below 10^9 are not exact: one of them is taken in two parts. */
const PART = 32768

/** ns * hz / 10^9, rounded down: exact where it is a safe integer, and no safe integer elsewhere. */
export function ticksOf(ns: number, hz: number): number {
  const seconds = Math.floor(ns / SECOND)
  const rest = ns - seconds * SECOND
  const whole = Math.floor(hz / SECOND)
  const part = hz - whole * SECOND
  const upper = Math.floor(rest / PART)
  const high = upper * part
  const quotient = Math.floor(high / SECOND)
  const low = (high - quotient * SECOND) * PART + (rest - upper * PART) * part
  return seconds * hz + rest * whole + quotient * PART + Math.floor(low / SECOND)
}

export class TimeStamp {
  private readonly clock: Clock
  private readonly state: CpuState
  private rateHz: bigint
  private start = 0n
  /** Start and the guest's offset together, in halves, as of the offset `known`. */
  private known: bigint | undefined
  private low = 0
  private high = 0
  /** The rate as a number, if it is one that ticksOf() takes. */
  private hz = NaN

  constructor(clock: Clock, state: CpuState, rateHz: bigint) {
    this.clock = clock
    this.state = state
    this.rateHz = rateHz
  }

  read(): bigint {
    return BigInt.asUintN(64, this.machine() + this.state.tscOffset)
  }

  write(value: bigint): void {
    this.state.tscOffset = BigInt.asUintN(64, value - this.machine())
  }

  machine(): bigint {
    return BigInt.asUintN(64, this.ticks() + this.start)
  }

  setMachine(value: bigint, rateHz = this.rateHz): void {
    this.rateHz = rateHz
    this.start = value - this.ticks()
    this.known = undefined
  }

  /** Puts what the guest reads into a field of the state. Guests ask all the time, so without bigints where that is exact. */
  store(at: number): void {
    const { state } = this
    if (this.known !== state.tscOffset) this.split()
    const ns = this.clock.ns()
    const ticks = ticksOf(ns, this.hz)
    if (!(ns >= 0 && ns <= Number.MAX_SAFE_INTEGER && ticks <= Number.MAX_SAFE_INTEGER)) {
      state.setBig(at, this.read())
      return
    }
    const low = (ticks >>> 0) + this.low
    state.setPair(at, low, Math.floor(ticks / WORD) + this.high + (low >= WORD ? 1 : 0))
  }

  private split(): void {
    this.known = this.state.tscOffset
    this.hz = this.rateHz > 0n && this.rateHz < MOST_HZ ? Number(this.rateHz) : NaN
    const sum = this.start + this.known
    this.low = Number(BigInt.asUintN(32, sum))
    this.high = Number(BigInt.asUintN(32, sum >> 32n))
  }

  private ticks(): bigint {
    const ns = this.clock.now()
    return this.rateHz === NANOSECONDS ? ns : (ns * this.rateHz) / NANOSECONDS
  }
}
