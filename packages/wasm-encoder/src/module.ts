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
  private readonly typeBytes: Bytes[] = []
  private readonly imports: Bytes[] = []
  private readonly funcs: { readonly type: number; readonly func: Func }[] = []
  private readonly globals: Bytes[] = []
  private readonly exports: Bytes[] = []
  private readonly elements: Bytes[] = []
  private importedFuncs = 0
  private globalCount = 0
  private table: Limits | undefined

  /** Index of a function type; equal types share one. */
  type(params: readonly ValueType[], results: readonly ValueType[]): number {
    const key = `${params.join()}>${results.join()}`
    const known = this.typeKeys.indexOf(key)
    if (known >= 0) return known
    this.typeBytes.push(new Bytes(16).u8(0x60).u32(params.length).raw(params).u32(results.length).raw(results))
    return this.typeKeys.push(key) - 1
  }

  importFunc(module: string, name: string, params: readonly ValueType[], results: readonly ValueType[]): number {
    if (this.funcs.length > 0) throw new Error(`import ${module}.${name} after the first function`)
    this.imports.push(new Bytes().name(module).name(name).u8(KIND.func).u32(this.type(params, results)))
    return this.importedFuncs++
  }

  importTable(module: string, name: string, min: number): void {
    this.imports.push(new Bytes().name(module).name(name).u8(KIND.table).u8(FUNCREF).append(limits({ min })))
  }

  /** Sizes in pages of 64 KiB. A shared memory needs its maximum. */
  importMemory(module: string, name: string, size: Limits): void {
    this.imports.push(new Bytes().name(module).name(name).u8(KIND.memory).append(limits(size)))
  }

  importGlobal(module: string, name: string, type: ValueType, mutable: boolean): number {
    this.imports.push(
      new Bytes()
        .name(module)
        .name(name)
        .u8(KIND.global)
        .u8(type)
        .u8(mutable ? 1 : 0),
    )
    return this.globalCount++
  }

  ownTable(min: number, max?: number): void {
    this.table = { min, max }
  }

  /** An integer global with a constant start value. */
  global(type: ValueType, mutable: boolean, initial: number): number {
    const b = new Bytes().u8(type).u8(mutable ? 1 : 0)
    if (type === I32) b.u8(0x41).s32(initial)
    else b.u8(0x42).s64(initial, initial >> 31)
    this.globals.push(b.u8(0x0b))
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
    this.exports.push(new Bytes().name(name).u8(KIND.func).u32(index))
  }

  exportTable(name: string): void {
    this.exports.push(new Bytes().name(name).u8(KIND.table).u32(0))
  }

  /** Functions for table 0 from an offset on. */
  elem(offset: number, funcs: readonly number[]): void {
    const b = new Bytes().u8(0).u8(0x41).s32(offset).u8(0x0b).u32(funcs.length)
    for (const f of funcs) b.u32(f)
    this.elements.push(b)
  }

  /** The binary module. */
  bytes(): Uint8Array<ArrayBuffer> {
    const out = new Bytes(1024).raw([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0])
    section(out, 1, this.typeBytes)
    section(out, 2, this.imports)
    section(
      out,
      3,
      this.funcs.map((f) => new Bytes(4).u32(f.type)),
    )
    if (this.table !== undefined) section(out, 4, [new Bytes().u8(FUNCREF).append(limits(this.table))])
    section(out, 6, this.globals)
    section(out, 7, this.exports)
    section(out, 9, this.elements)
    this.branchHints(out)
    section(
      out,
      10,
      this.funcs.map(({ func }) => code(func)),
    )
    return Uint8Array.from(out.view())
  }

  /** The custom section metadata.code.branch_hint: engines that do not know it skip it. */
  private branchHints(out: Bytes): void {
    const hinted = this.funcs.map(({ func }, i) => ({ func, i })).filter((f) => f.func.hints.length > 0)
    if (hinted.length === 0) return
    const b = new Bytes().name('metadata.code.branch_hint').u32(hinted.length)
    for (const { func, i } of hinted) {
      const start = localsOf(func).length
      b.u32(this.importedFuncs + i).u32(func.hints.length)
      for (const [offset, likely] of func.hints)
        b.u32(offset + start)
          .u32(1)
          .u8(likely)
    }
    out.u8(0).u32(b.length).append(b)
  }
}

function limits({ min, max, shared }: Limits): Bytes {
  const b = new Bytes().u8((max === undefined ? 0 : 1) | (shared === true ? 2 : 0)).u32(min)
  return max === undefined ? b : b.u32(max)
}

function section(out: Bytes, id: number, items: readonly Bytes[]): void {
  if (items.length === 0) return
  const b = new Bytes().u32(items.length)
  for (const item of items) b.append(item)
  out.u8(id).u32(b.length).append(b)
}

/** The declaration of a function's locals, runs of one type together. */
function localsOf(func: Func): Bytes {
  const runs: [count: number, type: ValueType][] = []
  for (const type of func.locals) {
    const run = runs.at(-1)
    if (run !== undefined && run[1] === type) run[0]++
    else runs.push([1, type])
  }
  const b = new Bytes(16).u32(runs.length)
  for (const [count, type] of runs) b.u32(count).u8(type)
  return b
}

function code(func: Func): Bytes {
  const locals = localsOf(func)
  const size = locals.length + func.length + 1
  return new Bytes(size + 8).u32(size).append(locals).append(func).u8(0x0b)
}
