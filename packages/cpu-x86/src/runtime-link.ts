/** Makes runtime functions callable: wraps those in TypeScript, emits those in WebAssembly into one module. */
import { Func, Module, type ValueType } from '@godwit/wasm-encoder'
import { GuestFault, type Cpu } from './cpu.ts'
import type { RuntimeFunction, RuntimeFunctions } from './runtime.ts'
import { S } from './state.ts'
import type { TableCall } from './wasm/emit.ts'

export type Callable = (...args: number[]) => number | void

/** Adds the imports that a body turned out to need, in the order of first use. */
export class Imports {
  readonly names: string[] = []
  private readonly functions: RuntimeFunctions

  constructor(functions: RuntimeFunctions) {
    this.functions = functions
  }

  /** Index that the function will have. */
  func(name: string): number {
    if (this.functions[name] === undefined) throw new Error(`no runtime function ${name}`)
    const known = this.names.indexOf(name)
    return known >= 0 ? known : this.names.push(name) - 1
  }

  declare(module: Module): void {
    for (const name of this.names) module.importFunc('r', name, ...this.functions[name]!.signature)
  }
}

/**
 * Calls of runtime functions through their table. A module that imports functions costs V8 several times what one does
 * that imports none: it compiles an adapter for each signature, in case the function turns out to be JavaScript's.
 */
export class TableCalls {
  private readonly linked: Linked
  private readonly calls = new Map<string, TableCall>()
  private readonly types: RuntimeFunction[] = []

  constructor(linked: Linked) {
    this.linked = linked
  }

  func(name: string): TableCall {
    let call = this.calls.get(name)
    if (call === undefined) this.calls.set(name, (call = this.make(name)))
    return call
  }

  /** Types of functions are numbered by first use: nothing else may have been added to the module before. */
  declare(module: Module): void {
    if (this.calls.size === 0) return
    module.importTable('e', 'f', 0)
    for (const { signature } of this.types) module.type(...signature)
  }

  private make(name: string): TableCall {
    const { functions, slots } = this.linked
    const slot = slots.get(name)
    const f = functions[name]
    if (slot === undefined || f === undefined) throw new Error(`no runtime function ${name}`)
    const same = this.types.findIndex((t) => sameSignature(t, f))
    return { slot, type: same >= 0 ? same : this.types.push(f) - 1 }
  }
}

const sameSignature = (a: RuntimeFunction, b: RuntimeFunction): boolean =>
  a.signature[0].join() === b.signature[0].join() && a.signature[1].join() === b.signature[1].join()

export interface Linked {
  readonly functions: RuntimeFunctions
  /** Every function, for the imports of generated modules. */
  readonly callables: Readonly<Record<string, Callable>>
  /** Every function again, and where each stands. */
  readonly table: WebAssembly.Table
  readonly slots: ReadonlyMap<string, number>
}

/** Describes the machine's memory to a module. */
export function importMemory(module: Module, cpu: Cpu): void {
  const { host } = cpu
  const pages = host.memory.buffer.byteLength / 65536
  module.importMemory('e', 'm', { min: pages, max: pages, shared: host.shared })
}

export function link(cpu: Cpu, functions: RuntimeFunctions): Linked {
  const callables: Record<string, Callable> = {}
  const module = new Module()
  importMemory(module, cpu)
  const index = new Map<string, number>()
  const emitted: {
    readonly name: string
    readonly params: readonly ValueType[]
    readonly results: readonly ValueType[]
  }[] = []
  for (const [name, f] of Object.entries(functions)) {
    const [params, results] = f.signature
    if (f.kind === 'wasm') {
      emitted.push({ name, params, results })
    } else {
      callables[name] = guarded(cpu, f.make(cpu), results.length > 0)
      index.set(name, module.importFunc('r', name, params, results))
    }
  }
  const bodies = emitted.map(({ name, params, results }) => {
    const func = new Func(params, results)
    index.set(name, module.add(func, name))
    return { name, func }
  })
  const at = (name: string): number => {
    const i = index.get(name)
    if (i === undefined) throw new Error(`no runtime function ${name}`)
    return i
  }
  for (const { name, func } of bodies) {
    const f = functions[name]!
    if (f.kind === 'wasm') f.emit(func, { module, base: cpu.base, func: at })
  }
  module.ownTable(index.size, index.size)
  module.elem(0, [...index.values()])
  module.exportTable('f')
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.bytes()), {
    e: { m: cpu.host.memory },
    r: callables,
  })
  for (const { name } of bodies) callables[name] = instance.exports[name] as Callable
  const slots = new Map([...index.keys()].map((name, slot) => [name, slot]))
  return { functions, callables, table: instance.exports['f'] as WebAssembly.Table, slots }
}

/** A fault thrown in TypeScript becomes the result 1, with the exception noted. */
function guarded(cpu: Cpu, f: Callable, hasResult: boolean): Callable {
  if (!hasResult) return f
  const w = new Int32Array(cpu.host.memory.buffer, cpu.base, S.end >> 2)
  // No function has more parameters: an array of them for each call would cost more than the call.
  return (a, b, c, d, e) => {
    try {
      return f(a, b, c, d, e)
    } catch (error) {
      if (!(error instanceof GuestFault)) throw error
      w[S.vector >> 2] = error.vector
      w[S.errorCode >> 2] = error.errorCode ?? 0
      w[S.hasErrorCode >> 2] = error.errorCode === undefined ? 0 : 1
      return 1
    }
  }
}
