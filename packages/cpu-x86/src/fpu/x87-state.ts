/** The x87 registers in the CPU area, as TypeScript sees them. SDM vol. 1, chapter 8. */
import { S } from '../state.ts'
import { updateFpuBlocks } from './blocks.ts'
import { EXTENDED, IE, INDEFINITE, OE, pack80, PE, round, UE, unpack80, type Format, type Num } from './soft.ts'

export const C0 = 0x100
export const C1 = 0x200
export const C2 = 0x400
export const C3 = 0x4000
export const SF = 0x40
/** Summary and busy. */
const ES_B = 0x8080
/** Bias adjustment of results with unmasked overflow or underflow. */
const WRAP = 24576

export class X87 {
  readonly view: DataView
  readonly bytes: Uint8Array
  readonly base: number

  constructor(view: DataView, base: number) {
    this.view = view
    this.bytes = new Uint8Array(view.buffer)
    this.base = base
  }

  get control(): number {
    return this.view.getUint32(this.base + S.fpuControl, true)
  }

  set control(n: number) {
    this.view.setUint32(this.base + S.fpuControl, (n & 0x1f7f) | 0x40, true)
    this.summarize()
  }

  get status(): number {
    return this.view.getUint32(this.base + S.fpuStatus, true)
  }

  set status(n: number) {
    this.view.setUint32(this.base + S.fpuStatus, n, true)
  }

  get top(): number {
    return this.view.getUint32(this.base + S.fpuTop, true)
  }

  set top(n: number) {
    this.view.setUint32(this.base + S.fpuTop, n & 7, true)
  }

  get rc(): number {
    return (this.control >> 10) & 3
  }

  get masks(): number {
    return this.control & 0x3f
  }

  /** The format that precision control gives to add, subtract, multiply, divide and square root. */
  get format(): Format {
    const precision = [24, 64, 53, 64][(this.control >> 8) & 3]!
    return precision === 64 ? EXTENDED : { ...EXTENDED, precision }
  }

  /** Host address of ST(i). */
  slot(i: number): number {
    return this.base + S.fpr + 16 * ((this.top + i) & 7)
  }

  private tag(i: number): number {
    return this.base + S.fpuEmpty + ((this.top + i) & 7)
  }

  empty(i: number): boolean {
    return this.view.getUint8(this.tag(i)) !== 0
  }

  free(i: number): void {
    this.view.setUint8(this.tag(i), 1)
  }

  valid(i: number): void {
    this.view.setUint8(this.tag(i), 0)
  }

  get(i: number): Num {
    const at = this.slot(i)
    return unpack80(this.view.getBigUint64(at, true), this.view.getUint16(at + 8, true))
  }

  set(i: number, n: Num): void {
    const { mant, se } = pack80(n)
    this.setRaw(i, mant, se)
  }

  setRaw(i: number, mant: bigint, se: number): void {
    const at = this.slot(i)
    this.view.setBigUint64(at, mant, true)
    this.view.setUint16(at + 8, se, true)
    this.valid(i)
  }

  pop(): void {
    this.free(0)
    this.top = this.top + 1
  }

  /** Records exceptions; true if one is unmasked. */
  raise(flags: number): boolean {
    this.status |= flags
    const unmasked = (flags & 0x3f & ~this.masks) !== 0
    if (unmasked) this.summarize()
    return unmasked
  }

  /** ES and B from the flags and their masks, and with them what waits. */
  summarize(): void {
    const { status } = this
    this.status = (status & 0x3f & ~this.masks) !== 0 ? status | ES_B : status & ~ES_B
    updateFpuBlocks(this.view, this.base)
  }

  c1(on: boolean): void {
    this.status = on ? this.status | C1 : this.status & ~C1
  }

  conditions(bits: number): void {
    this.status = (this.status & ~(C0 | C1 | C2 | C3)) | bits
  }

  /** An empty register is used: true if the response is unmasked. */
  underflow(): boolean {
    this.c1(false)
    return this.raise(IE | SF)
  }

  /** Makes room: false if nothing must be pushed (unmasked overflow); on a masked one the indefinite is there already. */
  push(): 'free' | 'indefinite' | 'none' {
    if (!this.empty(7)) {
      const unmasked = this.raise(IE | SF)
      this.c1(true)
      if (unmasked) return 'none'
      this.top = this.top - 1
      this.set(0, INDEFINITE)
      return 'indefinite'
    }
    this.c1(false)
    this.top = this.top - 1
    this.valid(0)
    return 'free'
  }

  /** Rounds a result for a register, with flags, C1 and the responses to overflow and underflow. */
  finish(n: Num, f: Format): Num {
    let r = round(n, f, this.rc)
    let { flags } = r
    if ((flags & OE) !== 0 && (this.masks & OE) === 0) {
      r = round({ ...n, exp: n.exp - WRAP }, f, this.rc)
      flags = OE | (r.flags & PE)
    } else if (r.tiny && (this.masks & UE) === 0) {
      r = round({ ...n, exp: n.exp + WRAP }, f, this.rc)
      flags = UE | (r.flags & PE)
    }
    this.c1(r.up)
    this.raise(flags)
    return r.value
  }
}
