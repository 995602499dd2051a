import { Bytes } from './bytes.ts'
import { Func, FUNCREF, I32, type ValueType } from './func.ts'

const KIND = { func: 0, table: 1, memory: 2, global: 3 } as const

interface Limits {
  readonly min: number
  readonly max?: number | undefined
  readonly shared?: boolean | undefined
}

/** A module under construction. Imports come before functions: their indices count on. */
export class Module {
  private readonly typeKeys: string[] = []
  private readonly types = new Section(1)
  private readonly imports = new Section(2)
  private readonly funcs: { readonly type: number; readonly func: Func }[] = []
  private readonly globals = new Section(6)
  private readonly exports = new Section(7)
  private readonly elements = new Section(9)
  private importedFuncs = 0
  private globalCount = 0
  private table: Limits | undefined

  /** Index of a function type; equal types share one. */
  type(params: readonly ValueType[], results: readonly ValueType[]): number {
    const key = `${params.join()}>${results.join()}`
    const known = this.typeKeys.indexOf(key)
    if (known >= 0) return known
    this.types.next().u8(0x60).u32(params.length).raw(params).u32(results.length).raw(results)
    return this.typeKeys.push(key) - 1
  }

  importFunc(module: string, name: string, params: readonly ValueType[], results: readonly ValueType[]): number {
    if (this.funcs.length > 0) throw new Error(`import ${module}.${name} after the first function`)
    const type = this.type(params, results)
    this.imports.next().name(module).name(name).u8(KIND.func).u32(type)
    return this.importedFuncs++
  }

  importTable(module: string, name: string, min: number): void {
    this.imports.next().name(module).name(name).u8(KIND.table).u8(FUNCREF).append(limits({ min }))
  }

  /** Sizes in pages of 64 KiB. A shared memory needs its maximum. */
  importMemory(module: string, name: string, size: Limits): void {
    this.imports.next().name(module).name(name).u8(KIND.memory).append(limits(size))
  }

  importGlobal(module: string, name: string, type: ValueType, mutable: boolean): number {
    const flag = mutable ? 1 : 0
    this.imports.next().name(module).name(name).u8(KIND.global).u8(type).u8(flag)
    return this.globalCount++
  }

  ownTable(min: number, max?: number): void {
    this.table = { min, max }
  }

  /** An integer global with a constant start value. */
  global(type: ValueType, mutable: boolean, initial: number): number {
    const b = this.globals.next()
    b.u8(type).u8(mutable ? 1 : 0)
    if (type === I32) b.u8(0x41).s32(initial)
    else b.u8(0x42).s64(initial, initial >> 31)
    b.u8(0x0b)
    return this.globalCount++
  }

  func(params: readonly ValueType[], results: readonly ValueType[], exportAs?: string): { func: Func; index: number } {
    const func = new Func(params, results)
    const index = this.importedFuncs + this.funcs.length
    this.funcs.push({ type: this.type(params, results), func })
    if (exportAs !== undefined) this.exportFunc(exportAs, index)
    return { func, index }
  }

  /** A function whose body was made before: its calls must know the indices of the imports. */
  add(func: Func, exportAs?: string): number {
    const index = this.importedFuncs + this.funcs.length
    this.funcs.push({ type: this.type(func.params, func.results), func })
    if (exportAs !== undefined) this.exportFunc(exportAs, index)
    return index
  }

  exportFunc(name: string, index: number): void {
    this.exports.next().name(name).u8(KIND.func).u32(index)
  }

  exportTable(name: string): void {
    this.exports.next().name(name).u8(KIND.table).u32(0)
  }

  /** Functions for table 0 from an offset on. */
  elem(offset: number, funcs: readonly number[]): void {
    const b = this.elements.next().u8(0).u8(0x41).s32(offset).u8(0x0b).u32(funcs.length)
    for (const f of funcs) b.u32(f)
  }

  /** The binary module. */
  bytes(): Uint8Array<ArrayBuffer> {
    const out = new Bytes(4096).raw(HEADER)
    this.types.writeTo(out)
    this.imports.writeTo(out)
    const types = new Section(3)
    for (const { type } of this.funcs) types.next().u32(type)
    types.writeTo(out)
    if (this.table !== undefined) {
      const table = new Section(4)
      table.next().u8(FUNCREF).append(limits(this.table))
      table.writeTo(out)
    }
    this.globals.writeTo(out)
    this.exports.writeTo(out)
    this.elements.writeTo(out)
    this.branchHints(out)
    const code = new Section(10)
    for (const { func } of this.funcs) writeCode(code.next(), func)
    code.writeTo(out)
    return out.view().slice()
  }

  /** The custom section metadata.code.branch_hint: engines that do not know it skip it. */
  private branchHints(out: Bytes): void {
    const hinted = this.funcs.map(({ func }, i) => ({ func, i })).filter((f) => f.func.hints.length > 0)
    if (hinted.length === 0) return
    const b = new Bytes().name('metadata.code.branch_hint').u32(hinted.length)
    for (const { func, i } of hinted) {
      const start = localsLength(func)
      b.u32(this.importedFuncs + i).u32(func.hints.length)
      for (const [offset, likely] of func.hints)
        b.u32(offset + start)
          .u32(1)
          .u8(likely)
    }
    out.u8(0).u32(b.length).append(b)
  }
}

const HEADER = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]

/** A section of a module while its items are written. */
class Section {
  private readonly id: number
  private readonly items = new Bytes()
  private count = 0

  constructor(id: number) {
    this.id = id
  }

  /** Where the next item is to be written. */
  next(): Bytes {
    this.count++
    return this.items
  }

  writeTo(out: Bytes): void {
    const { count, items, id } = this
    if (count > 0)
      out
        .u8(id)
        .u32(lebLength(count) + items.length)
        .u32(count)
        .append(items)
  }
}

const lebLength = (n: number): number => (n < 0x80 ? 1 : n < 0x4000 ? 2 : n < 0x20_0000 ? 3 : n < 0x1000_0000 ? 4 : 5)

function limits({ min, max, shared }: Limits): Bytes {
  const b = new Bytes().u8((max === undefined ? 0 : 1) | (shared === true ? 2 : 0)).u32(min)
  return max === undefined ? b : b.u32(max)
}

/** The declaration of a function's locals: calls back for each run of one type. Returns how many there are. */
function runsOf({ locals }: Func, each: (count: number, type: ValueType) => void): number {
  let runs = 0
  for (let at = 0; at < locals.length; runs++) {
    const start = at
    const type = locals[start]!
    while (locals[at] === type) at++
    each(at - start, type)
  }
  return runs
}

function localsLength(func: Func): number {
  let length = 0
  const runs = runsOf(func, (count) => (length += lebLength(count) + 1))
  return lebLength(runs) + length
}

function writeCode(out: Bytes, func: Func): void {
  out.u32(localsLength(func) + func.length + 1).u32(runsOf(func, () => undefined))
  runsOf(func, (count, type) => out.u32(count).u8(type))
  out.append(func).u8(0x0b)
}
