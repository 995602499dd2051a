/** Makes runtime functions callable: wraps those in TypeScript, emits those in WebAssembly into one module. */
import { Func, Module, type ValueType } from '@godwit/wasm-encoder'
import { GuestFault, type Cpu } from './cpu.ts'
import type { RuntimeFunctions } from './runtime.ts'
import { S } from './state.ts'

type Callable = (...args: number[]) => number | void

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

export interface Linked {
  readonly functions: RuntimeFunctions
  /** Every function, for the imports of generated modules. */
  readonly callables: Readonly<Record<string, Callable>>
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
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.bytes()), {
    e: { m: cpu.host.memory },
    r: callables,
  })
  for (const { name } of bodies) callables[name] = instance.exports[name] as Callable
  return { functions, callables }
}

/** A fault thrown in TypeScript becomes the result 1, with the exception noted. */
function guarded(cpu: Cpu, f: Callable, hasResult: boolean): Callable {
  if (!hasResult) return f
  const w = new Int32Array(cpu.host.memory.buffer, cpu.base, S.end >> 2)
  return (...args) => {
    try {
      return f(...args)
    } catch (error) {
      if (!(error instanceof GuestFault)) throw error
      w[S.vector >> 2] = error.vector
      w[S.errorCode >> 2] = error.errorCode ?? 0
      w[S.hasErrorCode >> 2] = error.errorCode === undefined ? 0 : 1
      return 1
    }
  }
}
