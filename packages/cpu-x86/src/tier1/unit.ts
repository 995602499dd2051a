/** A Unit whose operands are known: registers are locals, flags stay symbolic, what is rare is left to tier 0. */
import { F64, I32, I64, V128, type ValueType } from '@godwit/wasm-encoder'
import { LOADS, STORES, tlbSlot, typeOf } from '../access.ts'
import { SS, type AddressSize, type Insn, type MemOperand, type RegOperand, type Size } from '../decode/insn.ts'
import { CpuAreaUnit } from '../cpu-area-unit.ts'
import type { Flags } from '../flags.ts'
import type { Intent, Place, PlaceOptions, Unit } from '../semantics/meaning.ts'
import { S, SEG, TLB } from '../state.ts'
import type { Mode } from '../tier0/mode.ts'
import { segmentForm } from '../tier0/tracked.ts'
import type { Callee, Emit } from '../wasm/emit.ts'
import { goesOn } from './compilable.ts'
import { fillArgument, quickOf } from './functions.ts'
import { cacheKey, NO_PAGE, STACK, type PageCache } from './page-cache.ts'
import { k32, k64, kf64, kv128, loading, local, select, type Val } from '../wasm/value.ts'

/** What an instruction needs of the region it is emitted into. */
export interface Ground {
  readonly e: Emit
  readonly base: number
  readonly mode: Mode
  /** Locals of the registers. */
  gpr(number: number, write: boolean): number
  xmm(number: number, write: boolean): number
  /** Linear address of the page less the CS base, i64. */
  page(): Val
  tlb(): Val
  /** A runtime function, and whether it is WebAssembly. */
  runtime(name: string): Callee
  inWasm(name: string): boolean
  /** In loops: the last page that accesses of one kind reached. */
  pageCache(key: string): PageCache | undefined
  /** Leaves the instruction to tier 0: nothing of it was done. */
  bail(): void
  branch(taken: Val): void
  jump(): void
  jumpTo(rip: Val): void
  /** To the next instruction, with an end of the block between. */
  goOn(): void
  /** Calls a function that may ask how many instructions were executed; its result. */
  ask(name: string, args: readonly Val[]): Val
  /** Asks for the run loop at the next end of a block. */
  attend(): void
}

export class RegionUnit extends CpuAreaUnit implements Unit {
  readonly flags: Flags
  readonly insn: Insn
  readonly size: Size
  /** Control has gone elsewhere, on every path. */
  done = false
  private readonly depth: number
  private readonly g: Ground
  private readonly insns: readonly Insn[]
  private readonly index: number
  /** Offset of the instruction in its page. */
  private readonly offset: number

  /** @param insns of a block, of which this one is number `index`, `offset` bytes into its page */
  constructor(ground: Ground, flags: Flags, insns: readonly Insn[], index: number, offset: number) {
    super(ground.e, ground.base)
    this.g = ground
    this.flags = flags
    this.insn = insns[index]!
    this.insns = insns
    this.index = index
    this.size = this.insn.size
    this.offset = offset
    this.depth = ground.e.depth
  }

  get stackSize(): AddressSize {
    return this.g.mode.stack
  }

  place(i: number, intent: Intent, options: PlaceOptions = {}): Place {
    const o = this.insn.operands[i]!
    const size = options.size ?? o.size
    switch (o.kind) {
      case 'imm': {
        const value = size === 64 ? k64(o.low, o.high) : k32(size === 32 ? o.low : o.low & (2 ** size - 1))
        return { get: () => value, set: refuse }
      }
      case 'reg':
        return this.register(o, size)
      case 'mem':
        return this.reach(
          cacheKey(this.insns, this.index, o),
          o.segment,
          options.address ?? this.address(i),
          size,
          intent,
          options,
        )
    }
  }

  number(i: number): Val {
    return k32((this.insn.operands[i] as RegOperand).reg)
  }

  address(i: number): Val {
    const o = this.insn.operands[i] as MemOperand
    const disp = k64(o.dispLow, o.dispHigh)
    if (o.ripRelative) return this.e.let(this.next().add(disp).zext(o.addressSize))
    let a: Val = disp
    if (o.base >= 0) a = this.gpr(o.base).add(a)
    if (o.index >= 0) a = this.gpr(o.index).shl(o.scale).add(a)
    return this.e.let(a.zext(o.addressSize))
  }

  reg(number: number, size: Size): Val {
    return this.readGpr(number, false, size)
  }

  setReg(number: number, size: Size, value: Val): void {
    this.writeGpr(number, false, size, value)
  }

  xmm(number: number): Val {
    return this.e.let(local(V128, this.g.xmm(number, false)))
  }

  setXmm(number: number, value: Val): void {
    this.e.assign(this.g.xmm(number, true), value)
  }

  memory(segment: number, address: Val, size: Size, intent: Intent, options: PlaceOptions = {}): Place {
    return this.reach(segment === SS ? STACK : '', segment, address, size, intent, options)
  }

  /** The one place that computes a linear address. */
  private reach(key: string, segment: number, address: Val, size: Size, intent: Intent, options: PlaceOptions): Place {
    return this.open(key, ...this.linear(segment, address, size, intent, options), intent)
  }

  private linear(
    segment: number,
    address: Val,
    size: Size,
    intent: Intent,
    options: PlaceOptions,
  ): [linear: Val, size: Size] {
    const { e } = this
    const { base, mode } = this.g
    const real = options.size ?? size
    const form = segmentForm(segment, mode)
    const at = base + S.seg + SEG.size * segment
    let linear = address
    if (form !== '') linear = address.add(e.load(I64, 'i64_load', k32(0), at + SEG.base))
    if (form === 's') {
      address = e.let(address)
      const low = e.load(I64, 'i64_load', k32(0), at + SEG.low)
      const high = e.load(I64, 'i64_load', k32(0), at + (intent === 'read' ? SEG.highRead : SEG.highWrite))
      const last = real === 0 ? 0 : real / 8 - 1
      e.unlikely(address.ltS(low).or(address.add(last).gtS(high)), () => this.g.bail())
      linear = linear.zext(32)
    }
    linear = e.let(linear)
    if (options.align !== undefined)
      e.unlikely(
        linear
          .to32()
          .and(options.align - 1)
          .ne(0),
        () => this.g.bail(),
      )
    return [linear, real]
  }

  next(): Val {
    return this.e.let(this.at(this.offset + this.insn.length))
  }

  here(): Val {
    return this.e.let(this.at(this.offset))
  }

  call(name: string, args: readonly Val[], result?: ValueType): Val {
    if (name === 'attend') {
      this.g.attend()
      return k32(0)
    }
    if (this.g.inWasm(name)) return this.e.call(this.g.runtime(name), args, result)
    this.leave()
    return result === undefined || result === I32
      ? k32(0)
      : result === I64
        ? k64(0)
        : result === V128
          ? kv128(new Uint8Array(16))
          : kf64(0)
  }

  /** Nothing was done yet: tier 0 does all of it, unless there is a function that does what is ordinary. */
  fallible(name: string, args: readonly Val[]): void {
    const quick = quickOf(name)
    if (quick === undefined) this.leave()
    else this.e.unlikely(this.g.ask(quick, args), () => this.g.bail())
  }

  system(): void {
    this.leave()
  }

  raise(_vector: number, _errorCode: number, condition: Val = k32(1)): void {
    if (condition.isConst) {
      if (condition.low !== 0) this.leave()
    } else this.e.unlikely(condition, () => this.g.bail())
  }

  branch(taken: Val): void {
    this.g.branch(taken)
    this.ends()
  }

  jump(): void {
    this.g.jump()
    this.ends()
  }

  jumpTo(rip: Val): void {
    if (goesOn(this.insn)) this.g.goOn()
    else this.g.jumpTo(rip.type === I32 ? rip.to64u() : rip)
    this.ends()
  }

  again(): void {
    throw new Error('instructions that repeat are not compiled')
  }

  private tagAt(slot: Val, intent: Intent): Val {
    return loading(I64, 'i64_load', slot, intent === 'read' ? TLB.readTag : TLB.writeTag)
  }

  /** Page of the last byte, and so of all bytes, or none of the first byte's. */
  private pageOf(linear: Val, bytes: number): Val {
    return (bytes === 1 ? linear : linear.add(bytes - 1)).and(-4096)
  }

  private leave(): void {
    this.g.bail()
    this.ends()
  }

  private ends(): void {
    if (this.e.depth === this.depth) this.done = true
  }

  private at(offset: number): Val {
    return this.g
      .page()
      .add(k64(offset))
      .zext(this.g.mode.code === 64 ? 64 : 32)
  }

  private gpr(number: number): Val {
    return local(I64, this.g.gpr(number, false))
  }

  private readGpr(number: number, high: boolean, size: Size): Val {
    const whole = this.gpr(number)
    if (size === 64) return this.e.let(whole)
    if (high) return this.e.let(whole.to32().shrU(8).and(0xff))
    return this.e.let(whole.to32().zext(size))
  }

  private writeGpr(number: number, high: boolean, size: Size, value: Val): void {
    const whole = this.gpr(number)
    const index = this.g.gpr(number, true)
    if (size === 64 || size === 32) {
      this.e.assign(index, value.to64u())
      return
    }
    const part = value.zext(size).to64u()
    if (high) this.e.assign(index, whole.and(k64(~0xff00, -1)).or(part.shl(8)))
    else this.e.assign(index, whole.and(k64(size === 8 ? ~0xff : ~0xffff, -1)).or(part))
  }

  private register(o: RegOperand, size: Size): Place {
    const { e, g } = this
    switch (o.file) {
      case 'gpr':
        return {
          get: () => this.readGpr(o.reg, o.high, size),
          set: (value) => this.writeGpr(o.reg, o.high, size, value),
        }
      case 'xmm':
        return { get: () => this.readXmm(o.reg, size), set: (value) => this.writeXmm(o.reg, size, value) }
      case 'mmx': {
        const at = g.base + S.fpr + 16 * o.reg
        return {
          get: () => e.load(typeOf(size), LOADS[size]!, k32(0), at),
          set: (value) => {
            e.store(STORES[size]!, k32(0), value, at)
            e.store('i32_store16', k32(0), k32(0xffff), at + 8)
          },
        }
      }
      case 'seg': {
        const value = e.load(I32, 'i32_load', k32(0), g.base + S.seg + SEG.size * o.reg + SEG.selector)
        return { get: () => value, set: refuse }
      }
      default:
        throw new Error(`a register of file ${o.file} is no place`)
    }
  }

  private readXmm(number: number, size: Size): Val {
    const { e } = this
    const whole = local(V128, this.g.xmm(number, false))
    if (size === 128) return e.let(whole)
    if (size === 64) return e.let(whole.lane('i64x2_extract_lane', 0, I64))
    const low = whole.lane('i32x4_extract_lane', 0, I32)
    return e.let(size === 32 ? low : low.zext(size))
  }

  private writeXmm(number: number, size: Size, value: Val): void {
    const index = this.g.xmm(number, true)
    const whole = local(V128, index)
    if (size === 128) this.e.assign(index, value)
    else if (value.type === F64) this.e.assign(index, whole.lane('f64x2_replace_lane', 0, V128, value))
    else if (size === 64) this.e.assign(index, whole.lane('i64x2_replace_lane', 0, V128, value))
    else if (size === 32) this.e.assign(index, whole.lane('i32x4_replace_lane', 0, V128, value))
    else if (size === 16) this.e.assign(index, whole.lane('i16x8_replace_lane', 0, V128, value))
    else this.e.assign(index, whole.lane('i8x16_replace_lane', 0, V128, value))
  }

  /** Devices, page borders, faults and pages with code are tier 0's: `fill` only gives plain memory. */
  private open(key: string, linear: Val, size: Size, intent: Intent): Place {
    const { e, g } = this
    const bytes = size === 0 ? 1 : size / 8
    const low = linear.to32()
    // What may be written may be read: one cache serves both.
    const shared = key === STACK
    const cache = key === '' ? undefined : g.pageCache(shared || intent === 'read' ? key : `${key}w`)
    const find = (): Val => {
      const slot = e.let(tlbSlot(low, g.tlb()))
      e.unlikely(this.pageOf(linear, bytes).ne(this.tagAt(slot, intent)), () => {
        const argument = k32(fillArgument(intent !== 'read', bytes))
        e.unlikelyResult(g.runtime('fill'), [linear, argument], () => g.bail())
      })
      return slot
    }
    let host: Val
    if (cache === undefined) host = e.let(low.add(loading(I32, 'i32_load', find(), TLB.addend)))
    else {
      const beside = linear.sub(local(I64, cache.page)).gtU(k64(4096 - bytes))
      e.unlikely(beside, () => {
        const slot = find()
        const tag = e.let(this.tagAt(slot, shared ? 'write' : intent))
        e.assign(cache.page, shared && intent === 'read' ? select(tag.eq(linear.and(-4096)), tag, NO_PAGE) : tag)
        e.assign(cache.addend, loading(I32, 'i32_load', slot, TLB.addend))
      })
      host = e.let(low.add(local(I32, cache.addend)))
    }
    return {
      get: () => {
        if (size === 80 || size === 0) throw new Error(`a memory operand of ${size} bits has no value of its own`)
        return e.load(typeOf(size), LOADS[size]!, host)
      },
      set: (value) => e.store(value.type === F64 ? 'f64_store' : STORES[size]!, host, value),
    }
  }
}

function refuse(): void {
  throw new Error('an operand that cannot be written')
}
