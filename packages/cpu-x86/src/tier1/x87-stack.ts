/**
 * The x87 registers of a region in locals. They are numbered from the region's own zero, which stands for a physical register
 * that is known only when the region runs: so the top is known when code is emitted. What instructions leave behind is put
 * into the state where the region is left, and around instructions that work on the state itself.
 */
import { I32, I64, type Func } from '@godwit/wasm-encoder'
import { INEXACT, UP, type Precision } from '../fpu/x87-values.ts'
import { S } from '../state.ts'
import { Emit } from '../wasm/emit.ts'
import { k32, k64, local, type Val } from '../wasm/value.ts'
import type { X87Shape } from './x87-shape.ts'

const C1 = 0x200
const C1_BIT = 9
const PE_BIT = 5
const MASKS = 0x3f
/** What the code depends on: masks, precision and rounding control. */
const MODE = 0xf3f
const ROUNDING = 0xc00

/** The precision that code can be compiled for, under a control word: with all exceptions masked. */
export function compiledPrecision(control: number): Precision | undefined {
  if ((control & MASKS) !== MASKS) return undefined
  const precision = (control >> 8) & 3
  return precision === 3 ? 64 : precision === 2 ? 53 : undefined
}

export interface Register {
  readonly mant: number
  readonly se: number
}

export class X87Locals {
  readonly precision: Precision
  private readonly e: Emit
  private readonly areaBase: number
  private readonly shape: X87Shape
  private readonly registers = new Map<number, Register>()
  /** Status word less C1 and what `seen` adds. */
  readonly status: number
  /** Second results of x87v functions: all of them ORed, and the last one. */
  readonly seen: number
  readonly last: number
  /** A byte for each register, 1 if it is empty. */
  readonly tags: number
  /** 0 if the state is as the code wants it: else what differs in the control word, and bit 16 if instructions must wait. */
  readonly mode: number
  readonly instruction: number
  readonly operand: number
  private readonly zero: number
  private readonly topNow: number

  constructor(e: Emit, areaBase: number, shape: X87Shape, precision: Precision) {
    this.e = e
    this.areaBase = areaBase
    this.shape = shape
    this.precision = precision
    const { func } = e
    for (const r of shape.used) this.registers.set(r, { mant: func.local(I64), se: func.local(I32) })
    this.status = func.local(I32)
    this.seen = func.local(I32)
    this.last = func.local(I32)
    this.tags = func.local(I64)
    this.mode = func.local(I32)
    this.instruction = func.local(I64)
    this.operand = func.local(I64)
    this.zero = func.local(I32)
    this.topNow = func.local(I32)
  }

  register(r: number): Register {
    const found = this.registers.get(r & 7)
    if (found === undefined) throw new Error(`x87 register ${r} was not foreseen`)
    return found
  }

  /** Top of the stack at the beginning of a block. */
  topOf(node: number): number {
    return this.shape.tops[node]!
  }

  /** The control word's rounding control, of nearest 0. */
  rounding(): Val {
    return local(I32, this.mode).and(ROUNDING)
  }

  /** Whether something else than rounding and precision is not as the code wants it. */
  blocked(): Val {
    return local(I32, this.mode).and(~(MODE & ~MASKS))
  }

  /** A new control word that masks everything. */
  setControl(value: Val): void {
    this.e.store('i32_store', k32(0), value.and(0x1f7f).or(0x40), this.areaBase + S.fpuControl)
    this.e.assign(this.mode, this.difference(value))
  }

  /** The status word, with the top that code has reached. */
  statusWord(top: number): Val {
    return this.statusIn().or(local(I32, this.zero).add(top).and(7).shl(11))
  }

  /** Notes where the top is, for the end of the region. */
  noteTop(top: number): void {
    this.e.assign(this.topNow, k32(top))
  }

  /** At a region's beginning; `top` is that of the entry. */
  enter(e: Emit, top: Val): void {
    e.assign(this.topNow, top)
    this.fill(e, local(I32, this.topNow))
  }

  /** At a region's end. */
  leave(func: Func): void {
    this.spillIn(new Emit(func), local(I32, this.topNow))
  }

  /** Everything into the state. */
  spill(top: number): void {
    this.spillIn(this.e, k32(top))
  }

  /** Everything from the state, whose top is taken for `top`. */
  reload(top: number): void {
    this.fill(this.e, k32(top))
  }

  private fill(e: Emit, top: Val): void {
    const at = this.areaBase
    const word = (offset: number): Val => e.load(I32, 'i32_load', k32(0), at + offset)
    e.assign(this.zero, word(S.fpuTop).sub(top).and(7))
    const status = word(S.fpuStatus)
    e.assign(this.status, status.and(~C1))
    e.assign(this.seen, k32(0))
    e.assign(this.last, status.and(C1).shl(UP - C1_BIT))
    const waits = word(S.fpuWaitBlock).ne(0)
    e.assign(this.mode, this.difference(word(S.fpuControl)).or(waits.shl(16)))
    const zero = local(I32, this.zero)
    e.assign(this.tags, e.load(I64, 'i64_load', k32(0), at + S.fpuEmpty).rotr(zero.shl(3).to64u()))
    e.assign(this.instruction, e.load(I64, 'i64_load', k32(0), at + S.fpuIp))
    e.assign(this.operand, e.load(I64, 'i64_load', k32(0), at + S.fpuDp))
    for (const [r, { mant, se }] of this.registers) {
      const slot = e.let(this.slot(r))
      e.assign(mant, e.load(I64, 'i64_load', slot, at + S.fpr))
      e.assign(se, e.load(I32, 'i32_load16_u', slot, at + S.fpr + 8))
    }
  }

  private spillIn(e: Emit, top: Val): void {
    const at = this.areaBase
    const zero = local(I32, this.zero)
    const set = (offset: number, value: Val): void =>
      e.store(value.type === I64 ? 'i64_store' : 'i32_store', k32(0), value, at + offset)
    set(S.fpuTop, zero.add(top).and(7))
    set(S.fpuStatus, this.statusIn())
    set(S.fpuEmpty, local(I64, this.tags).rotl(zero.shl(3).to64u()))
    set(S.fpuIp, local(I64, this.instruction))
    set(S.fpuDp, local(I64, this.operand))
    for (const [r, { mant, se }] of this.registers) {
      const slot = e.let(this.slot(r))
      e.store('i64_store', slot, local(I64, mant), at + S.fpr)
      e.store('i32_store16', slot, local(I32, se), at + S.fpr + 8)
    }
  }

  private statusIn(): Val {
    const up = local(I32, this.last)
      .shrU(UP - C1_BIT)
      .and(C1)
    const inexact = local(I32, this.seen)
      .shrU(INEXACT - PE_BIT)
      .and(1 << PE_BIT)
    return local(I32, this.status).or(up).or(inexact)
  }

  private slot(r: number): Val {
    return local(I32, this.zero).add(r).and(7).shl(4)
  }

  private difference(control: Val): Val {
    return control.and(MODE).xor(MASKS | (this.precision === 64 ? 0x300 : 0x200))
  }
}

/** The bit of a register in tags. */
export const emptyBit = (r: number): Val => (r < 4 ? k64(1 << (8 * r), 0) : k64(0, 1 << (8 * (r - 4))))
