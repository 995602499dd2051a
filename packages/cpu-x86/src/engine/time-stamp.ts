/** The time stamp counter: guest time at a rate, from a start, with what the guest added by writing it. */
import type { Clock } from '@godwit/hw'
import type { CpuState } from '../cpu-state.ts'

const NANOSECONDS = 1_000_000_000n
const WORD = 4294967296

export class TimeStamp {
  private readonly clock: Clock
  private readonly state: CpuState
  private rateHz: bigint
  private start = 0n
  /** start and the guest's offset together, in halves, as of the offset `known`. */
  private known: bigint | undefined
  private low = 0
  private high = 0

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
    const ns = this.clock.ns()
    if (this.rateHz !== NANOSECONDS || !(ns >= 0 && ns <= Number.MAX_SAFE_INTEGER)) {
      state.setBig(at, this.read())
      return
    }
    if (this.known !== state.tscOffset) this.split()
    const low = (ns >>> 0) + this.low
    state.setPair(at, low, Math.floor(ns / WORD) + this.high + (low >= WORD ? 1 : 0))
  }

  private split(): void {
    this.known = this.state.tscOffset
    const sum = this.start + this.known
    this.low = Number(BigInt.asUintN(32, sum))
    this.high = Number(BigInt.asUintN(32, sum >> 32n))
  }

  private ticks(): bigint {
    const ns = this.clock.now()
    return this.rateHz === NANOSECONDS ? ns : (ns * this.rateHz) / NANOSECONDS
  }
}
