/**
 * Runtime functions: what generated code calls by name. Each is declared once, with its signature and one
 * implementation, and every tier imports it from here.
 */
import type { Func, Module, ValueType } from '@godwit/wasm-encoder'
import type { Cpu } from './cpu.ts'

export type Signature = readonly [params: readonly ValueType[], results: readonly ValueType[]]

export type RuntimeFunction =
  /** In TypeScript; 64-bit values cross as two i32 (low, high), never as i64. */
  | { readonly kind: 'ts'; readonly signature: Signature; make(cpu: Cpu): (...args: number[]) => number | void }
  /** In WebAssembly, emitted into a shared module. It may call other runtime functions by name. */
  | { readonly kind: 'wasm'; readonly signature: Signature; emit(f: Func, link: Link): void }

/** What an emitted runtime function may refer to. */
export interface Link {
  readonly module: Module
  /** Byte offset of the CPU area in memory, to be added to the offsets of S. */
  readonly base: number
  /** Function index of another runtime function. */
  func(name: string): number
}

export type RuntimeFunctions = Readonly<Record<string, RuntimeFunction>>

/** A function in TypeScript. */
export const ts = (
  params: readonly ValueType[],
  results: readonly ValueType[],
  make: (cpu: Cpu) => (...args: number[]) => number | void,
): RuntimeFunction => ({ kind: 'ts', signature: [params, results], make })

/** A function in WebAssembly. */
export const wasm = (
  params: readonly ValueType[],
  results: readonly ValueType[],
  emit: (f: Func, link: Link) => void,
): RuntimeFunction => ({ kind: 'wasm', signature: [params, results], emit })
