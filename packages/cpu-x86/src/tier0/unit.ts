/** A Unit whose operands are looked up in a record at run time: how a meaning becomes a handler. */
import { I32, I64, V128, type ValueType } from '@godwit/wasm-encoder'
import { access, LOADS, STORES, typeOf, type Site } from '../access.ts'
import { SS, type AddressSize, type Insn, type MemOperand, type RegOperand, type Size } from '../decode/insn.ts'
import { CpuAreaUnit } from '../cpu-area-unit.ts'
import type { Flags } from '../flags.ts'
import { FLAG } from '../cpu-state.ts'
import type { RuntimeFunctions } from '../runtime.ts'
import type { Intent, Place, PlaceOptions, Unit } from '../semantics/meaning.ts'
import { EXC, EXIT, PENDING, S, SEG } from '../state.ts'
import type { Callee, Emit } from '../wasm/emit.ts'
import { k32, select, type Val } from '../wasm/value.ts'
import type { Mode } from './mode.ts'
import { spend, type Account } from './budget.ts'
import { isComputed, R } from './record.ts'
import { segmentForm, tracked, wideDisplacement, type Facets } from './tracked.ts'

/** The function a handler is emitted into: the big switch, or a function of its own. */
export interface Frame extends Account {
  readonly runtime: RuntimeFunctions
  func(name: string): Callee
  tlb(): Val
  /** Goes on with another record. */
  goto(record: Val): void
  /** Goes on at an address that may be in another page. The budget was charged. */
  jump(rip: Val): void
  /** The same, at S.rip, where privilege and mode may be others. */
  resume(): void
  /** Returns to the run loop. */
  exit(): void
  /** The instruction of S.exitRecord has met the exception in S.vector. */
  fault(): void
}

export class RecordUnit extends CpuAreaUnit implements Unit {
  readonly flags: Flags
  readonly insn: Insn
  readonly size: Size
  /** Control has gone elsewhere, on every path. */
  done = false
  private readonly depth: number
  private readonly frame: Frame
  private readonly real: Insn
  private readonly mode: Mode
  private readonly facets: Facets
  private readonly record: Val
  /** Byte offset of this instruction's record from `record` (fused handlers have two). */
  private readonly at: number
  private readonly site: Site

  constructor(frame: Frame, flags: Flags, insn: Insn, mode: Mode, facets: Facets, record: Val, at: number) {
    super(frame.e, frame.base)
    this.frame = frame
    this.flags = flags
    this.real = insn
    this.insn = tracked(insn, facets)
    this.size = insn.size
    this.mode = mode
    this.facets = facets
    this.record = record
    this.at = at
    this.depth = frame.e.depth
    this.site = {
      e: frame.e,
      base: frame.base,
      tlb: () => frame.tlb(),
      func: (name) => frame.func(name),
      mark: () => this.mark(),
      fault: () => this.fault(),
    }
  }

  get stackSize(): AddressSize {
    return this.facets.note('stack', this.mode.stack)
  }

  place(i: number, intent: Intent, options: PlaceOptions = {}): Place {
    const o = this.real.operands[i]!
    const size = options.size ?? o.size
    switch (o.kind) {
      case 'imm':
        return readOnly(this.immediate(i, size))
      case 'reg':
        return this.register(i, o, size)
      case 'mem':
        return this.opened(o, options.address ?? this.address(i), size, intent, options.align)
    }
  }

  number(i: number): Val {
    const o = this.real.operands[i] as RegOperand
    const field = this.u16(this.regField(i))
    if (o.file === 'gpr') return this.e.let(field.sub(S.gpr).shrU(3))
    if (o.file === 'xmm') return this.e.let(field.sub(S.xmm).shrU(4))
    if (o.file === 'mmx') return this.e.let(field.sub(S.fpr).shrU(4))
    return field
  }

  address(i: number): Val {
    const { e } = this
    const o = this.real.operands[i] as MemOperand
    const wide = wideDisplacement(o)
    let a = e.load(I64, wide ? 'i64_load' : 'i64_load32_s', this.record, this.at + R.disp)
    if (o.ripRelative) return e.let(a.add(this.next()).zext(o.addressSize))
    a = e.load(I64, 'i64_load', this.u16(R.base), this.frame.base).add(a)
    if (o.index >= 0) {
      const index = e.load(I64, 'i64_load', this.u16(R.indexReg), this.frame.base)
      a = a.add(index.shl(e.load(I64, 'i64_load8_u', this.record, this.at + R.scale)))
    }
    return e.let(a.zext(o.addressSize))
  }

  reg(number: number, size: Size): Val {
    return this.e.load(typeOf(size), LOADS[size]!, k32(0), this.frame.base + S.gpr + 8 * number)
  }

  setReg(number: number, size: Size, value: Val): void {
    this.storeRegister(k32(0), size, value, this.frame.base + S.gpr + 8 * number)
  }

  xmm(number: number): Val {
    return this.e.load(V128, 'v128_load', k32(0), this.frame.base + S.xmm + 16 * number)
  }

  setXmm(number: number, value: Val): void {
    this.e.store('v128_store', k32(0), value, this.frame.base + S.xmm + 16 * number)
  }

  memory(segment: number, address: Val, size: Size, intent: Intent, options: PlaceOptions = {}): Place {
    const form = this.facets.note(`seg${segment}`, segmentForm(segment, this.mode))
    const at = this.e.let(address)
    const offset = k32(S.seg + SEG.size * segment)
    return this.checked(form, offset, segment === SS, at, options.size ?? size, intent, options.align)
  }

  next(): Val {
    const length = this.e.load(I64, 'i64_load8_u', this.record, this.at + R.length)
    return this.e.let(this.hereRaw().add(length).zext(this.codeWidth()))
  }

  here(): Val {
    return this.e.let(this.hereRaw().zext(this.codeWidth()))
  }

  call(name: string, args: readonly Val[], result?: ValueType): Val {
    if (this.frame.runtime[name]?.kind === 'ts') this.mark()
    return this.e.call(this.frame.func(name), args, result)
  }

  fallible(name: string, args: readonly Val[]): void {
    this.flags.flush()
    this.setField(S.rip, this.here())
    this.mark()
    this.e.unlikely(this.e.call(this.frame.func(name), args, I32), () => this.fault())
  }

  system(name: string, args: readonly Val[]): void {
    this.flags.flush()
    this.setField(S.rip, this.next())
    this.mark()
    this.e.unlikely(this.e.call(this.frame.func(name), args, I32), () => this.fault())
    this.left()
    this.ends()
  }

  /** A `leave` instruction has done its work: its successor is at S.rip. The run loop is asked only if it has something to do. */
  left(): void {
    this.charge()
    exitIfHeld(this.e, this.frame.base, () => this.frame.exit())
    this.frame.resume()
  }

  raise(vector: number, errorCode: number, condition: Val = k32(1)): void {
    this.e.unlikely(condition, () => {
      this.setField(S.vector, k32(vector))
      this.setField(S.errorCode, k32(Math.max(errorCode, 0)))
      this.setField(S.hasErrorCode, k32(errorCode < 0 ? 0 : 1))
      this.mark()
      this.fault()
    })
  }

  /** A real branch, not a select of the link: the next record must not depend on data that is still on its way. */
  branch(taken: Val): void {
    const { e } = this
    const yes = e.flag(taken)
    this.flags.flush()
    const left = this.charge()
    e.if(yes, () => {
      const disp = (): Val => this.e.load(I64, 'i64_load32_s', this.record, this.at + R.disp)
      this.follow(R.link, left, () => this.next().add(disp()).zext(this.transferWidth()))
    })
    this.follow(R.nextLink, left, () => this.next())
    this.ends()
  }

  jump(): void {
    this.flags.flush()
    const disp = (): Val => this.e.load(I64, 'i64_load32_s', this.record, this.at + R.disp)
    this.follow(R.link, this.charge(), () => this.next().add(disp()).zext(this.transferWidth()))
    this.ends()
  }

  /** By a link of the record; else by address. */
  private follow(field: number, left: Val, target: () => Val): void {
    const { e } = this
    const link = e.load(I32, 'i32_load', this.record, this.at + field)
    e.unlikely(link.isZero().or(left.ltS(0)), () => this.frame.jump(e.let(target())))
    this.frame.goto(link)
  }

  jumpTo(rip: Val): void {
    const target = this.e.let(rip.type === I32 ? rip.to64u() : rip)
    this.flags.flush()
    this.charge()
    if (isComputed(this.real.op)) this.e.store('i32_store', this.record, target.to32(), this.at + R.lastTarget)
    this.frame.jump(target)
    this.ends()
  }

  again(): void {
    const { e } = this
    this.flags.flush()
    const left = e.let(this.field(I32, S.budget).sub(1))
    this.setField(S.budget, left)
    e.unlikely(left.ltS(0), () => {
      this.setField(S.budget, left.sub(this.u16(R.index)))
      this.setField(S.rip, this.here())
      this.setField(S.exit, k32(EXIT.budget))
      this.frame.exit()
    })
    this.frame.goto(this.record.add(this.at))
  }

  /** Counts the block's instructions up to this one; negative if the run loop wants control. */
  charge(): Val {
    return spend(this.frame, this.u16(R.index).add(1))
  }

  private ends(): void {
    if (this.e.depth === this.depth) this.done = true
  }

  private mark(): void {
    this.setField(S.exitRecord, this.record.add(this.at))
  }

  private fault(): void {
    this.flags.flush(true)
    this.setField(S.exit, k32(EXIT.fault))
    this.frame.fault()
  }

  private hereRaw(): Val {
    return this.field(I64, S.codePage).add(this.e.load(I64, 'i64_load16_u', this.record, this.at + R.offset))
  }

  private codeWidth(): 32 | 64 {
    return this.facets.note('long', this.mode.code === 64) ? 64 : 32
  }

  private transferWidth(): Size {
    return this.facets.note('codeSize', this.real.codeSize)
  }

  private u16(offset: number): Val {
    return this.e.load(I32, 'i32_load16_u', this.record, this.at + offset)
  }

  /** Where the record has the number of register operand i. */
  private regField(i: number): number {
    const before = this.real.operands.slice(0, i).filter((o) => o.kind === 'reg').length
    return R.regs + 2 * before
  }

  private immediate(i: number, size: Size): Val {
    const o = this.real.operands[i]!
    if (o.kind !== 'imm') throw new Error('not an immediate')
    let at = this.at + R.imm
    for (const p of this.real.operands.slice(0, i)) if (p.kind === 'imm') at += p.high === p.low >> 31 ? 4 : 8
    if (size === 64) return this.e.load(I64, o.high === o.low >> 31 ? 'i64_load32_s' : 'i64_load', this.record, at)
    return this.e.load(I32, LOADS[size]!, this.record, at)
  }

  private register(i: number, o: RegOperand, size: Size): Place {
    const { e } = this
    const { base } = this.frame
    const field = this.u16(this.regField(i))
    if (o.file === 'seg') {
      const at = field.mul(SEG.size)
      return readOnly(e.load(I32, 'i32_load', at, base + S.seg + SEG.selector))
    }
    return {
      get: () => e.load(typeOf(size), LOADS[size]!, field, base),
      set: (value) => {
        if (o.file === 'gpr') {
          this.storeRegister(field, size, value, base)
        } else {
          e.store(STORES[size]!, field, value, base)
          if (o.file === 'mmx') e.store('i32_store16', field, k32(0xffff), base + 8)
        }
      },
    }
  }

  private storeRegister(at: Val, size: Size, value: Val, offset: number): void {
    if (size === 32) this.e.store('i64_store', at, value.to64u(), offset)
    else this.e.store(STORES[size]!, at, value, offset)
  }

  private opened(o: MemOperand, address: Val, size: Size, intent: Intent, align?: number): Place {
    const form = segmentForm(o.segment, this.mode)
    const offset = form === '' ? k32(0) : this.u16(R.segment)
    return this.checked(form, offset, undefined, this.e.let(address), size, intent, align)
  }

  /** The one place that computes a linear address. `stack` undefined: the record's segment says. */
  private checked(
    form: '' | 'b' | 's',
    segment: Val,
    stack: boolean | undefined,
    address: Val,
    size: Size,
    intent: Intent,
    align: number | undefined,
  ): Place {
    const { e } = this
    const { base } = this.frame
    let linear = address
    if (form !== '') linear = address.add(e.load(I64, 'i64_load', segment, base + SEG.base))
    if (form === 's') {
      const last = size === 0 ? 0 : size / 8 - 1
      const low = e.load(I64, 'i64_load', segment, base + SEG.low)
      const high = e.load(I64, 'i64_load', segment, base + (intent === 'read' ? SEG.highRead : SEG.highWrite))
      e.unlikely(address.ltS(low).or(address.add(last).gtS(high)), () => {
        const onStack = stack === undefined ? segment.eq(S.seg + SEG.size * SS) : k32(stack ? 1 : 0)
        this.setField(S.vector, select(onStack, k32(EXC.SS), k32(EXC.GP)))
        this.setField(S.errorCode, k32(0))
        this.setField(S.hasErrorCode, k32(1))
        this.mark()
        this.fault()
      })
      linear = linear.zext(32)
    }
    linear = e.let(linear)
    if (align !== undefined)
      this.raise(
        EXC.GP,
        0,
        linear
          .to32()
          .and(align - 1)
          .ne(0),
      )
    return access(this.site, linear, size, intent, stack === true, form === 's')
  }
}

/** Leaves if the run loop has something to do before the next instruction. */
export function exitIfHeld(e: Emit, base: number, exit: () => void): void {
  const word = (offset: number): Val => e.load(I32, 'i32_load', k32(0), base + offset)
  // An interrupt waits for IF: bit 0 of the mask is that, PENDING.intr is bit 0 too.
  const takeable = word(S.pending).and(word(S.eflags).shrU(9).or(~PENDING.intr))
  const held = takeable.or(word(S.halted)).or(word(S.shadow)).or(word(S.bounded))
  e.unlikely(held.or(word(S.eflags).and(FLAG.TF)), () => {
    e.store('i32_store', k32(0), k32(EXIT.left), base + S.exit)
    exit()
  })
}

function readOnly(value: Val): Place {
  return {
    get: () => value,
    set: () => {
      throw new Error('an operand that cannot be written')
    },
  }
}
