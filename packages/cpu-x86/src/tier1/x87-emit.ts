/**
 * x87 instructions of a region on registers in locals. What is checked once holds to the end of the block; what is rare
 * (empty or full registers, NaNs, infinities, denormals, other modes) is left to tier 0. Instructions that have no rule here
 * run as they do anywhere, on the state.
 */
import { I32, I64, type Func } from '@godwit/wasm-encoder'
import type { Place } from '../semantics/meaning.ts'
import { R } from '../tier0/record.ts'
import { Emit } from '../wasm/emit.ts'
import { k32, local, select, type Val } from '../wasm/value.ts'
import { hasDispatch, type Region } from './region.ts'
import { isX87, movesTop, x87Shape } from './x87-shape.ts'
import { RULES } from './x87-rules.ts'
import { compiledPrecision, emptyBit, X87Locals, type Register } from './x87-stack.ts'
import type { Ground, RegionUnit } from './unit.ts'

/** Those that neither see nor change what is in locals. */
const APART = new Set(['fnstcw', 'fwait', 'fnop', 'fneni', 'fndisi', 'fnsetpm'])

/** The top where ways to any entry meet. */
const GATHERED = 0

/** A number that an instruction works on. */
export interface Value {
  readonly se: Val
  readonly mant: Val
}

/** For regions with x87 code that can be compiled under a control word. */
export function x87Emitter(
  ground: Ground,
  region: Region,
  control: number,
  ripAt: (offset: number) => Val,
): X87Emitter | undefined {
  const shape = x87Shape(region.blocks)
  const precision = compiledPrecision(control)
  if (shape === undefined || precision === undefined) return undefined
  const locals = new X87Locals(ground.e, ground.base, shape, precision)
  return new X87Emitter(ground, region, locals, ripAt)
}

export class X87Emitter {
  readonly g: Ground
  readonly locals: X87Locals
  /** The top, from the region's zero. */
  top = 0
  private readonly region: Region
  private readonly ripAt: (offset: number) => Val
  /** What is known of registers' tags. */
  private readonly empty: (boolean | undefined)[] = []
  /** Registers whose tags differ from those in the local. */
  private stale: number[] = []
  private checked = false
  /** Offset of the last instruction that is to be noted. */
  private noted: number | undefined

  constructor(ground: Ground, region: Region, locals: X87Locals, ripAt: (offset: number) => Val) {
    this.g = ground
    this.region = region
    this.locals = locals
    this.ripAt = ripAt
  }

  /** In the function around the region, whose parameter is the record that it is entered by. */
  prologue(func: Func): void {
    const e = new Emit(func)
    const { region } = this
    const gathered = hasDispatch(region)
    const tops = region.entries.map((node) => (gathered ? GATHERED : this.locals.topOf(node)))
    let top: Val = k32(tops[0]!)
    if (tops.some((t) => t !== tops[0])) {
      const entry = e.load(I32, 'i32_load', local(I32, 0), R.regs)
      tops.forEach((t, i) => {
        if (i > 0) top = select(entry.eq(i), k32(t), top)
      })
    }
    this.locals.enter(e, top)
  }

  /** A block begins. */
  begin(node: number): void {
    this.top = this.locals.topOf(node)
    this.forget()
  }

  /** An instruction, which `meaning` translates if it is not one of the register stack or has no rule. */
  translate(unit: RegionUnit, offset: number, meaning: () => void): void {
    const { insn } = unit
    if (!isX87(insn) || APART.has(insn.op)) {
      meaning()
      return
    }
    const rule = RULES[insn.op]
    if (rule !== undefined && rule(this, unit, offset)) return
    this.settle()
    this.locals.spill(this.top)
    meaning()
    if (unit.done) return
    this.top = (this.top + movesTop(insn)) & 7
    this.locals.reload(this.top)
    this.forget()
  }

  /** What is known statically goes into locals; to be done on every way out of a block. */
  settle(): void {
    const { e } = this.g
    if (this.stale.length > 0) {
      let tags: Val = local(I64, this.locals.tags)
      for (const r of this.stale) tags = this.empty[r] === true ? tags.or(emptyBit(r)) : tags.and(emptyBit(r).not())
      e.assign(this.locals.tags, tags)
    }
    if (this.noted !== undefined) e.assign(this.locals.instruction, this.ripAt(this.noted))
  }

  /** On the way out of the region. */
  leave(): void {
    this.settle()
    this.locals.noteTop(this.top)
  }

  /** To a block, after settling: its top may be elsewhere. */
  go(node: number): void {
    this.turn(this.locals.topOf(node))
  }

  /** To where all entries are reached from, after settling. */
  gather(): void {
    this.turn(GATHERED)
  }

  /** From there to a block. */
  scatter(node: number): void {
    this.top = GATHERED
    this.go(node)
  }

  private turn(to: number): void {
    if (to === this.top) return
    this.locals.spill(this.top)
    this.locals.reload(to)
  }

  // -- for rules ------------------------------------------------------------------------------------------------

  /** All that the code relies on holds, or the instruction is tier 0's. */
  check(): void {
    if (this.checked) return
    this.g.e.unlikely(local(I32, this.locals.mode).ne(0), () => this.g.bail())
    this.checked = true
  }

  /** As check(), with any rounding and precision. */
  checkLoosely(): void {
    if (!this.checked) this.g.e.unlikely(this.locals.blocked().ne(0), () => this.g.bail())
  }

  /** The control word may be another. */
  uncheck(): void {
    this.checked = false
  }

  /** Local register of ST(i). */
  register(i: number): Register {
    return this.locals.register(this.top + i)
  }

  value(i: number): Value {
    const { se, mant } = this.register(i)
    return { se: local(I32, se), mant: local(I64, mant) }
  }

  /** ST(i) must be there. */
  need(i: number): void {
    this.mustBe(i, false)
  }

  /** There must be room for one more. */
  room(): void {
    this.mustBe(7, true)
  }

  set(i: number, { se, mant }: Value): void {
    const to = this.register(i)
    this.g.e.assign(to.mant, mant)
    this.g.e.assign(to.se, se)
    this.mark(i, false)
  }

  push(value: Value): void {
    this.top = (this.top + 7) & 7
    this.set(0, value)
  }

  pop(): void {
    this.mark(0, true)
    this.top = (this.top + 1) & 7
  }

  free(i: number): void {
    this.mark(i, true)
  }

  /** Result flags of the last instruction. */
  note(flags: Val): void {
    const { e } = this.g
    const { seen, last } = this.locals
    if (!flags.isConst) e.assign(seen, local(I32, seen).or(flags))
    e.assign(last, flags)
  }

  /** C1 is bit UP of the flags, and the others mean nothing. */
  noteUp(flags: Val): void {
    this.g.e.assign(this.locals.last, flags)
  }

  /** Whether ST(i) is empty. */
  isEmpty(i: number): Val {
    const r = (this.top + i) & 7
    const known = this.empty[r]
    return known !== undefined ? k32(known ? 1 : 0) : local(I64, this.locals.tags).and(emptyBit(r)).ne(0)
  }

  /** The instruction was one that FNSTENV names. */
  instruction(offset: number): void {
    this.noted = offset
  }

  /** Its memory operand was there. */
  operand(address: Val): void {
    this.g.e.assign(this.locals.operand, address)
  }

  /** Calls a function of two results; tier 0 takes over if the second is negative. */
  call(name: string, args: readonly Val[]): Value {
    const { e } = this.g
    for (const a of args) a.emit(e.func)
    e.invoke(this.g.runtime(name))
    const se = e.temp(I32)
    const mant = e.temp(I64)
    e.func.set(se).set(mant)
    const flags = local(I32, se)
    e.unlikely(flags.ltS(0), () => this.g.bail())
    return { se: flags, mant: local(I64, mant) }
  }

  /** Addresses and opens memory operand 0, as bits of some width. */
  open(
    unit: RegionUnit,
    intent: 'read' | 'write',
    size: 16 | 32 | 64 | 80,
  ): { readonly address: Val; readonly places: Place[] } {
    const address = unit.address(0)
    if (size !== 80) return { address, places: [unit.place(0, intent, { address, size })] }
    const low = unit.place(0, intent, { address, size: 64 })
    return { address, places: [low, unit.place(0, intent, { address: unit.e.let(address.add(8)), size: 16 })] }
  }

  private mustBe(i: number, empty: boolean): void {
    const { e } = this.g
    const r = (this.top + i) & 7
    const known = this.empty[r]
    if (known === empty) return
    const bit = local(I64, this.locals.tags).and(emptyBit(r))
    if (known !== undefined) this.g.bail()
    else e.unlikely(empty ? bit.isZero() : bit.ne(0), () => this.g.bail())
    this.empty[r] = empty
  }

  private mark(i: number, empty: boolean): void {
    const r = (this.top + i) & 7
    if (this.empty[r] === empty) return
    this.empty[r] = empty
    if (!this.stale.includes(r)) this.stale.push(r)
  }

  private forget(): void {
    this.empty.length = 0
    this.stale = []
    this.checked = false
    this.noted = undefined
  }
}
