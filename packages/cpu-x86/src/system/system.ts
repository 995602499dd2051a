/** What the functions of system/ work on: one object per processor, so that nothing is looked up on the way. */
import { GuestFault, type Cpu } from '../cpu.ts'
import type { CpuState } from '../cpu-state.ts'
import { SEG, S } from '../state.ts'
import { linearOf, type Linear } from './linear.ts'
import { EXC } from '../state.ts'

export interface System {
  readonly cpu: Cpu
  readonly state: CpuState
  readonly linear: Linear
  readonly stack: Stack
}

const owned = new WeakMap<Cpu, System>()

export function systemOf(cpu: Cpu): System {
  let sys = owned.get(cpu)
  if (sys === undefined) {
    const linear = linearOf(cpu)
    sys = { cpu, state: cpu.state, linear, stack: new Stack(cpu.state, linear) }
    owned.set(cpu, sys)
  }
  return sys
}

export type Width = 16 | 32 | 64

/** Pushes and pops on a stack without moving RSP: commit() does, when everything has gone well. */
export class Stack {
  /** Offset in the segment. */
  sp = 0
  private readonly state: CpuState
  private readonly linear: Linear
  private base = 0
  private width: Width = 16
  private user = false
  private low = 0
  private high = 0
  /** Error code of a violation of the stack's bounds. */
  private selector = 0

  constructor(state: CpuState, linear: Linear) {
    this.state = state
    this.linear = linear
  }

  /** The stack in use. */
  current(): this {
    const { state } = this
    const width = state.stackSize
    const at = S.seg + 2 * SEG.size
    this.selector = 0
    this.user = state.cpl === 3
    this.width = width
    if (width === 64) {
      this.base = 0
      this.sp = state.rsp
      return this
    }
    this.base = state.segBase(2)
    this.low = state.num(at + SEG.low)
    this.high = state.num(at + SEG.highWrite)
    this.sp = width === 16 ? state.gprLow(4) & 0xffff : state.gprLow(4) >>> 0
    return this
  }

  /** Another stack. `high` is the highest offset, `selector` the error code of #SS. */
  other(base: number, sp: number, width: Width, user: boolean, low: number, high: number, selector: number): this {
    this.base = base
    this.width = width
    this.user = user
    this.low = low
    this.high = high
    this.selector = selector
    this.sp = width === 64 ? sp : width === 16 ? sp & 0xffff : sp >>> 0
    return this
  }

  push(size: Width, value: number): void {
    const sp = this.move(this.sp, -(size >> 3))
    this.linear.writeSized(this.at(sp, size), size, value, this.user)
    this.sp = sp
  }

  pop(size: Width): number {
    const value = this.linear.readSized(this.at(this.sp, size), size, this.user)
    this.sp = this.move(this.sp, size >> 3)
    return value
  }

  skip(bytes: number): void {
    this.sp = this.move(this.sp, bytes)
  }

  /** RSP takes the offset, as wide as the stack is. */
  commit(): void {
    const { state, sp } = this
    if (this.width === 64) state.rsp = sp
    else if (this.width === 32) state.setGpr32(4, sp)
    else state.setWord(S.gpr + 32, (state.gprLow(4) & ~0xffff) | sp)
  }

  private move(sp: number, by: number): number {
    if (this.width === 64) return sp + by
    return this.width === 32 ? (sp + by) >>> 0 : (sp + by) & 0xffff
  }

  private at(sp: number, size: Width): number {
    if (this.width === 64) {
      if (!canonical(sp)) throw new GuestFault(EXC.SS, 0)
      return sp
    }
    if (sp < this.low || sp + (size >> 3) - 1 > this.high) throw new GuestFault(EXC.SS, this.selector)
    return this.linear.wrap((this.base + sp) % 4294967296)
  }
}

export function canonical(linear: number): boolean {
  return linear >= -0x8000_0000_0000 && linear < 0x8000_0000_0000
}
