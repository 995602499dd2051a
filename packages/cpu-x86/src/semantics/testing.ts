/** For tests: a Unit over a flat piece of guest memory, which compiles one instruction and runs it. */
import { I32, I64, Module, V128, type Func, type ValueType } from '@godwit/wasm-encoder'
import type { AddressSize, CodeSize, Insn, MemOperand, Size } from '../decode/insn.ts'
import { Flags, flagImage, flagWords } from '../flags.ts'
import type { RuntimeFunctions } from '../runtime.ts'
import { EXC, S } from '../state.ts'
import { Emit } from '../wasm/emit.ts'
import { k32, k64, select, type Val } from '../wasm/value.ts'
import type { Intent, Meaning, Place, PlaceOptions, Unit } from './meaning.ts'
import { typeOf } from './operands.ts'

const LOADS = { 8: 'i32_load8_u', 16: 'i32_load16_u', 32: 'i32_load', 64: 'i64_load', 128: 'v128_load' } as const
const STORES = { 8: 'i32_store8', 16: 'i32_store16', 32: 'i32_store', 64: 'i64_store', 128: 'v128_store' } as const
type Plain = keyof typeof LOADS
const valueType = (size: Size): ValueType => (size === 128 ? V128 : typeOf(size))

/** Guest linear addresses that exist, and where they lie in the machine's memory. */
export interface Window {
  readonly start: number
  readonly length: number
  readonly host: number
}

class TestUnit implements Unit {
  readonly e: Emit
  readonly flags: Flags
  readonly insn: Insn
  readonly size: Size
  readonly stackSize: AddressSize
  done = false
  private readonly f: Func
  private readonly code: CodeSize
  private readonly window: Window
  private readonly rip: number
  private readonly runs: boolean
  private readonly func: (name: string) => number

  constructor(
    f: Func,
    insn: Insn,
    code: CodeSize,
    window: Window,
    rip: number,
    runs: boolean,
    func: (name: string) => number,
  ) {
    this.f = f
    this.e = new Emit(f)
    this.insn = insn
    this.size = insn.size
    this.code = code
    // Sixteen-bit code runs on a flat stack, as the oracle's does.
    this.stackSize = code === 64 ? 64 : 32
    this.window = window
    this.rip = rip
    this.runs = runs
    this.func = func
    this.flags = new Flags(this.e, {
      res: () => this.field(I64, S.flagRes),
      cv: () => this.field(I64, S.flagCv),
      aux: () => this.field(I32, S.flagAux),
      set: (res, cv, aux) => {
        const words = [this.e.let(res), this.e.let(cv), this.e.let(aux)] as const
        this.setField(S.flagRes, words[0])
        this.setField(S.flagCv, words[1])
        this.setField(S.flagAux, words[2])
      },
    })
  }

  place(i: number, intent: Intent, options: PlaceOptions = {}): Place {
    const o = this.insn.operands[i]!
    const size = (options.size ?? o.size) as Plain
    if (o.kind === 'imm') {
      const value = size === 64 ? k64(o.low, o.high) : k32(size === 32 ? o.low : o.low & (2 ** size - 1))
      return {
        get: () => value,
        set: () => {
          throw new Error('set of an immediate')
        },
      }
    }
    if (o.kind === 'mem') return this.memory(o.segment, options.address ?? this.address(i), size, intent, options)
    if (o.high) {
      const at = S.gpr + 8 * o.reg + 1
      return { get: () => this.field8(at), set: (v) => this.setField8(at, v) }
    }
    return { get: () => this.reg(o.reg, size), set: (v) => this.setReg(o.reg, size, v) }
  }

  number(i: number): Val {
    const o = this.insn.operands[i]!
    return k32(o.kind === 'reg' ? o.reg : -1)
  }

  address(i: number): Val {
    const o = this.insn.operands[i] as MemOperand
    let a: Val = k64(o.dispLow, o.dispHigh)
    if (o.ripRelative) a = a.add(this.next())
    if (o.base >= 0) a = a.add(this.reg(o.base, 64))
    if (o.index >= 0) a = a.add(this.reg(o.index, 64).shl(o.scale))
    return this.e.let(a.zext(o.addressSize))
  }

  reg(number: number, size: Size): Val {
    return this.e.load(typeOf(size), LOADS[size as Plain], k32(0), S.gpr + 8 * number)
  }

  setReg(number: number, size: Size, value: Val): void {
    const at = S.gpr + 8 * number
    if (size === 32) this.e.store('i64_store', k32(0), value.to64u(), at)
    else this.e.store(STORES[size as Plain], k32(0), value, at)
  }

  xmm(number: number): Val {
    return this.field(V128, S.xmm + 16 * number)
  }

  setXmm(number: number, value: Val): void {
    this.setField(S.xmm + 16 * number, value)
  }

  memory(_segment: number, address: Val, size: Size, _intent: Intent, options: PlaceOptions = {}): Place {
    const { e, window } = this
    const bytes = size === 0 ? 1 : size / 8
    const linear = e.let(this.code === 64 ? address : address.zext(32))
    if (options.align !== undefined) this.raise(EXC.GP, 0, linear.and(options.align - 1).ne(0))
    const offset = e.let(linear.sub(window.start))
    this.raise(EXC.PF, 0, offset.gtU(window.length - bytes))
    const host = e.let(offset.to32().add(window.host))
    const place = {
      get: () => e.load(valueType(size), LOADS[size as Plain], host),
      set: (v: Val) => e.store(STORES[size as Plain], host, v),
    }
    if (!this.runs) return place
    // Bytes to the end of a page that is smaller than real ones, so that tests cross many.
    return { ...place, run: () => ({ host, bytes: e.let(k32(64).sub(offset.to32().and(63))) }) }
  }

  field(type: ValueType, offset: number): Val {
    const op = type === I32 ? 'i32_load' : type === I64 ? 'i64_load' : 'v128_load'
    return this.e.load(type, op, k32(0), offset)
  }

  field8(offset: number): Val {
    return this.e.load(I32, 'i32_load8_u', k32(0), offset)
  }

  setField(offset: number, value: Val): void {
    const op = value.type === I32 ? 'i32_store' : value.type === I64 ? 'i64_store' : 'v128_store'
    this.e.store(op, k32(0), value, offset)
  }

  setField8(offset: number, value: Val): void {
    this.e.store('i32_store8', k32(0), value, offset)
  }

  fieldAddress(offset: number | Val): Val {
    return typeof offset === 'number' ? k32(offset) : offset
  }

  next(): Val {
    return k64(this.rip + this.insn.length, 0)
  }

  here(): Val {
    return k64(this.rip, 0)
  }

  call(name: string, args: readonly Val[], result?: ValueType): Val {
    return this.e.call(this.func(name), args, result)
  }

  fallible(name: string): void {
    throw new Error(`${name}: the testing unit has no system`)
  }

  system(name: string): void {
    this.fallible(name)
  }

  raise(vector: number, errorCode: number, condition: Val = k32(1)): void {
    this.e.if(condition, () => {
      this.setField(S.vector, k32(vector))
      this.setField(S.errorCode, k32(errorCode))
      this.flags.flush(true)
      this.f.i32(1).ret()
    })
  }

  branch(taken: Val): void {
    const yes = this.e.let(taken)
    this.flags.flush()
    const to = this.next().add(k64(this.insn.target)).zext(this.insn.codeSize)
    this.setField(S.rip, select(yes, to, this.next()))
    this.done = true
  }

  jump(): void {
    this.branch(k32(1))
  }

  jumpTo(rip: Val): void {
    this.setField(S.rip, rip)
    this.flags.flush()
    this.done = true
  }

  again(): void {
    this.flags.flush()
    this.setField(S.rip, this.here())
    this.f.i32(0).ret()
  }

  /** All sixteen conditions from what is pending, each as if it were asked first. */
  private conditions(): void {
    const { pending } = this.flags
    if (pending === undefined) return
    let mask: Val = k32(0x10000)
    for (let cc = 0; cc < 16; cc++) {
      this.flags.pending = pending
      mask = mask.or(this.e.let(this.flags.cond(cc).and(1)).shl(cc))
    }
    this.flags.pending = pending
    this.setField(CONDITIONS, mask)
  }

  /** What comes after a meaning. */
  finish(): void {
    this.conditions()
    this.flags.flush()
    if (!this.done) this.setField(S.rip, this.next())
    this.f.i32(0)
  }
}

/** Where the conditions lie that a meaning's flags gave before they were put at rest: a mask, and bit 16 if there is one. */
const CONDITIONS = S.temp

/** A processor's integer state and some memory: CPU area at 0, guest memory from 64 KiB on. */
export class Machine {
  readonly memory = new WebAssembly.Memory({ initial: 2 })
  readonly view = new DataView(this.memory.buffer)
  readonly bytes = new Uint8Array(this.memory.buffer)
  readonly window: Window
  private readonly functions: RuntimeFunctions

  constructor(functions: RuntimeFunctions, start: number, length: number) {
    this.functions = functions
    this.window = { start, length, host: 0x10000 }
  }

  /** @returns true for a fault, which is in S.vector */
  run(meaning: Meaning, insn: Insn, code: CodeSize, rip: number, runs = false): boolean {
    this.view.setInt32(CONDITIONS, 0, true)
    const m = new Module()
    m.importMemory('env', 'memory', { min: 2 })
    const made = new Map<string, number>()
    const func = (name: string): number => {
      const known = made.get(name)
      if (known !== undefined) return known
      const runtime = this.functions[name]
      if (runtime?.kind !== 'wasm') throw new Error(`no runtime function ${name} in WebAssembly`)
      const { func: f, index } = m.func(...runtime.signature)
      made.set(name, index)
      runtime.emit(f, { module: m, base: 0, func })
      return index
    }
    const { func: f } = m.func([], [I32], 'run')
    const unit = new TestUnit(f, insn, code, this.window, rip, runs, func)
    meaning(unit)
    unit.finish()
    const instance = new WebAssembly.Instance(new WebAssembly.Module(m.bytes()), { env: { memory: this.memory } })
    return (instance.exports as { run: () => number }).run() !== 0
  }

  gpr(i: number): bigint {
    return this.view.getBigUint64(S.gpr + 8 * i, true)
  }

  setGpr(i: number, value: bigint): void {
    this.view.setBigUint64(S.gpr + 8 * i, value, true)
  }

  /** Mask of the conditions that hold, if the last instruction left flags pending. */
  get conditions(): number | undefined {
    const mask = this.view.getInt32(CONDITIONS, true)
    return mask === 0 ? undefined : mask & 0xffff
  }

  get rip(): bigint {
    return this.view.getBigUint64(S.rip, true)
  }

  /** Arithmetic flags and DF. */
  get flags(): number {
    const { view } = this
    const at = (offset: number): number => view.getInt32(offset, true)
    const six = flagImage(at(S.flagRes), at(S.flagRes + 4), at(S.flagCv + 4), at(S.flagAux))
    return six | (at(S.eflags) & 0x400)
  }

  set flags(image: number) {
    const { view } = this
    const [res, cvHigh, aux] = flagWords(image)
    view.setBigInt64(S.flagRes, BigInt(res), true)
    view.setInt32(S.flagCv, 0, true)
    view.setInt32(S.flagCv + 4, cvHigh, true)
    view.setInt32(S.flagAux, aux, true)
    view.setInt32(S.eflags, image & 0x400, true)
    view.setInt32(S.direction, (image & 0x400) !== 0 ? -1 : 1, true)
  }
}
