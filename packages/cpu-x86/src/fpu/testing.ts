/** Runs one instruction in a module of its own: for tests against recorded results. */
import { I32, I64, Module, V128, type MemoryOp, type SimdMemoryOp, type ValueType } from '@godwit/wasm-encoder'
import { HostMemory } from '@godwit/memory'
import { GuestFault, type Cpu } from '../cpu.ts'
import type { AddressSize, Insn, Operand, Size } from '../decode/insn.ts'
import { Flags } from '../flags.ts'
import type { RuntimeFunctions } from '../runtime.ts'
import type { Intent, Meaning, Place, PlaceOptions, Unit } from '../semantics/meaning.ts'
import { S } from '../state.ts'
import { Emit } from '../wasm/emit.ts'
import { k32, k64, type Val } from '../wasm/value.ts'

const BASE = 0x1000
export const MEMORY = 0x8000

const LOAD: Readonly<Record<number, MemoryOp | SimdMemoryOp>> = {
  8: 'i32_load8_u',
  16: 'i32_load16_u',
  32: 'i32_load',
  64: 'i64_load',
  128: 'v128_load',
}
const STORE: Readonly<Record<number, MemoryOp | SimdMemoryOp>> = {
  8: 'i32_store8',
  16: 'i32_store16',
  32: 'i32_store',
  64: 'i64_store',
  128: 'v128_store',
}
const typeOf = (size: Size): ValueType => (size === 128 ? V128 : size === 64 ? I64 : I32)
const loadOf = (type: ValueType): MemoryOp | SimdMemoryOp =>
  type === V128 ? 'v128_load' : type === I64 ? 'i64_load' : 'i32_load'
const storeOf = (type: ValueType): MemoryOp | SimdMemoryOp =>
  type === V128 ? 'v128_store' : type === I64 ? 'i64_store' : 'i32_store'

class SingleUnit implements Unit {
  readonly flags: Flags
  readonly e: Emit
  readonly insn: Insn
  readonly stackSize: AddressSize = 64
  private readonly func: (name: string) => number

  constructor(e: Emit, insn: Insn, func: (name: string) => number) {
    this.e = e
    this.insn = insn
    this.func = func
    this.flags = new Flags(e, {
      res: () => this.field(I64, S.flagRes),
      cv: () => this.field(I64, S.flagCv),
      aux: () => this.field(I32, S.flagAux),
      set: (res, cv, aux) => {
        this.setField(S.flagRes, res)
        this.setField(S.flagCv, cv)
        this.setField(S.flagAux, aux)
      },
    })
  }

  get size(): Size {
    return this.insn.size
  }

  place(i: number, intent: Intent, options: PlaceOptions = {}): Place {
    const o: Operand = this.insn.operands[i]!
    const size = options.size ?? o.size
    if (o.kind === 'imm') return constant(size === 64 ? k64(o.low, o.high) : k32(o.low))
    if (o.kind === 'mem') return this.memory(o.segment, options.address ?? this.address(i), size, intent, options)
    if (o.file === 'gpr') return this.slot(k32(BASE + S.gpr + 8 * o.reg + (o.high ? 1 : 0)), size, size === 32)
    if (o.file === 'xmm') return this.slot(k32(BASE + S.xmm + 16 * o.reg), size)
    if (o.file === 'mmx') {
      const at = BASE + S.fpr + 16 * o.reg
      const low = this.slot(k32(at), size)
      return {
        get: () => low.get(),
        set: (x) => {
          low.set(x)
          this.e.store('i32_store16', k32(0), k32(0xffff), at + 8)
        },
      }
    }
    throw new Error(`a place of ${o.file}`)
  }

  private slot(at: Val, size: Size, zeroExtend = false): Place {
    return {
      get: () => this.e.load(typeOf(size), LOAD[size]!, at),
      set: (x) => {
        if (zeroExtend) this.e.store('i64_store', at, x.to64u())
        else this.e.store(STORE[size]!, at, x)
      },
    }
  }

  number(i: number): Val {
    const o = this.insn.operands[i]!
    if (o.kind !== 'reg') throw new Error('no register')
    // Not a constant, as in tier 0.
    return this.e.let(this.e.load(I32, 'i32_load', k32(0), 0).add(o.reg))
  }

  address(i: number): Val {
    const o = this.insn.operands[i]!
    if (o.kind !== 'mem') throw new Error('no memory operand')
    return this.e.let(this.reg(o.base, 64))
  }

  reg(number: number, size: Size): Val {
    return this.e.load(typeOf(size), LOAD[size]!, k32(0), BASE + S.gpr + 8 * number)
  }

  setReg(number: number, size: Size, value: Val): void {
    this.slot(k32(BASE + S.gpr + 8 * number), size, size === 32).set(value)
  }

  xmm(number: number): Val {
    return this.field(V128, S.xmm + 16 * number)
  }

  setXmm(number: number, value: Val): void {
    this.setField(S.xmm + 16 * number, value)
  }

  memory(_segment: number, address: Val, size: Size, _intent: Intent, options: PlaceOptions = {}): Place {
    const at = this.e.let(address.to32())
    if ((options.align ?? 1) > 1) this.raise(13, 0, at.and(options.align! - 1))
    return this.slot(at, size)
  }

  field(type: ValueType, offset: number): Val {
    return this.e.load(type, loadOf(type), k32(0), BASE + offset)
  }

  field8(offset: number): Val {
    return this.e.load(I32, 'i32_load8_u', k32(0), BASE + offset)
  }

  setField(offset: number, value: Val): void {
    this.e.store(storeOf(value.type), k32(0), value, BASE + offset)
  }

  setField8(offset: number, value: Val): void {
    this.e.store('i32_store8', k32(0), value, BASE + offset)
  }

  fieldAddress(offset: number | Val): Val {
    return typeof offset === 'number' ? k32(BASE + offset) : offset.add(BASE)
  }

  next(): Val {
    return k64(this.insn.length)
  }

  here(): Val {
    return k64(0)
  }

  call(name: string, args: readonly Val[], result?: ValueType): Val {
    return this.e.call(this.func(name), args, result)
  }

  fallible(name: string, args: readonly Val[]): void {
    this.e.unlikely(this.e.call(this.func(name), args, I32), () => this.e.func.i32(1).ret())
  }

  system(name: string, args: readonly Val[]): void {
    this.fallible(name, args)
  }

  raise(vector: number, _errorCode: number, condition: Val = k32(1)): void {
    this.e.unlikely(condition, () => {
      this.setField(S.vector, k32(vector))
      this.e.func.i32(1).ret()
    })
  }

  branch(): void {
    throw new Error('no transfers here')
  }

  jump(): void {
    this.branch()
  }

  jumpTo(): void {
    this.branch()
  }

  again(): void {
    this.branch()
  }
}

const constant = (value: Val): Place => ({
  get: () => value,
  set: () => {
    throw new Error('an immediate is set')
  },
})

/** A processor's state without a processor, and instructions run on it. */
export class SingleStep {
  readonly host = new HostMemory({ sizeBytes: 65536 })
  readonly view = new DataView(this.host.memory.buffer)
  readonly base = BASE
  private readonly functions: RuntimeFunctions
  /** The runtime functions. */
  readonly exports: WebAssembly.Exports
  private readonly compiled = new Map<string, () => number>()

  constructor(functions: RuntimeFunctions) {
    this.functions = functions
    this.exports = this.link()
  }

  /** Runs a meaning; gives the exception's vector or -1. */
  run(key: string, insn: Insn, meaning: Meaning): number {
    let f = this.compiled.get(key)
    if (f === undefined) {
      f = this.compile(insn, meaning)
      this.compiled.set(key, f)
    }
    return f() === 0 ? -1 : this.view.getInt32(BASE + S.vector, true)
  }

  private link(): WebAssembly.Exports {
    const m = new Module()
    const indices = new Map<string, number>()
    const imports: Record<string, unknown> = { m: this.host.memory }
    const cpu = { host: this.host, base: BASE } as unknown as Cpu
    m.importMemory('e', 'm', { min: 1, max: 65536 })
    for (const [name, f] of Object.entries(this.functions)) {
      if (f.kind !== 'ts') continue
      const made = f.make(cpu)
      imports[name] = (...args: number[]) => {
        try {
          return made(...args)
        } catch (error) {
          if (!(error instanceof GuestFault)) throw error
          this.view.setInt32(BASE + S.vector, error.vector, true)
          return 1
        }
      }
      indices.set(name, m.importFunc('e', name, ...f.signature))
    }
    const bodies = Object.entries(this.functions).map(([name, f]) => {
      if (f.kind !== 'wasm') return () => m.exportFunc(name, indices.get(name)!)
      const { func, index } = m.func(...f.signature, name)
      indices.set(name, index)
      return () =>
        f.emit(func, {
          module: m,
          base: BASE,
          func: (n) => {
            const i = indices.get(n)
            if (i === undefined) throw new Error(`no runtime function ${n}`)
            return i
          },
        })
    })
    for (const body of bodies) body()
    return new WebAssembly.Instance(new WebAssembly.Module(m.bytes()), { e: imports as WebAssembly.ModuleImports })
      .exports
  }

  private compile(insn: Insn, meaning: Meaning): () => number {
    const m = new Module()
    const imports: Record<string, unknown> = { m: this.host.memory }
    m.importMemory('e', 'm', { min: 1, max: 65536 })
    const indices = new Map<string, number>()
    for (const [name, f] of Object.entries(this.functions)) {
      imports[name] = this.exports[name]
      indices.set(name, m.importFunc('e', name, ...f.signature))
    }
    const { func } = m.func([], [I32], 'run')
    const unit = new SingleUnit(new Emit(func), insn, (name) => {
      const i = indices.get(name)
      if (i === undefined) throw new Error(`no runtime function ${name}`)
      return i
    })
    meaning(unit)
    unit.flags.flush()
    func.i32(0)
    const instance = new WebAssembly.Instance(new WebAssembly.Module(m.bytes()), {
      e: imports as WebAssembly.ModuleImports,
    })
    return instance.exports['run'] as () => number
  }
}
