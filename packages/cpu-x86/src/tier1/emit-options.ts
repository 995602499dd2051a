/** What a region is emitted for. */
import type { Meanings } from '../semantics/meaning.ts'
import type { Callee } from '../wasm/emit.ts'
import type { Mark } from './listing.ts'
import type { RegionBlock } from './region.ts'

export interface EmitOptions {
  readonly base: number
  readonly semantics: Meanings
  /** A runtime function, and whether it is WebAssembly. */
  func(name: string): Callee
  inWasm(name: string): boolean
  /** Record of tier 0 that executes an instruction of a block and goes on behind it. */
  record(block: RegionBlock, instruction: number): number
  /** Host address of a byte that says that the region was entered. */
  readonly used: number
  /** The handler that the region is. */
  readonly slot: number
  readonly jumpCache: number
  /** Its pages were found where it expects them when it was entered: until it is left they stay there. Else each way into another asks. */
  readonly steady: boolean
  /** Host address of two i64 that count entries and instructions; 0: nothing is counted. */
  readonly counters: number
  /** To be told where the code of each instruction begins. */
  readonly marks?: Mark[]
  /** The x87 control word: code is made for the like. */
  readonly fpuControl: number
}
