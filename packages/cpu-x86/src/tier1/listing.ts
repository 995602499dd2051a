/** Compiled code beside the guest's: for people who want to know why a loop is slow. */
import { disassemble as disassembleWasm } from '@godwit/wasm-encoder'
import { disassemble } from '../decode/disassemble.ts'
import type { Region } from './region.ts'

/** Where in a function the code of an instruction begins. */
export interface Mark {
  readonly offset: number
  readonly node: number
  readonly index: number
}

/** What is kept of a region to list it. */
export interface Annotated {
  readonly graph: Region
  /** Linear address of the page of the region's root. */
  readonly pageAt: number
  readonly code: Uint8Array
  readonly marks: readonly Mark[]
}

export interface ListedInsn {
  /** Linear address. */
  readonly rip: number
  /** The instruction as text. */
  readonly text: string
  /** What it became, a line each, indented by the blocks around. Empty if it was never reached. */
  readonly wasm: readonly string[]
}

export interface RegionListing {
  /** Linear address of the root. */
  readonly rip: number
  /** How often it was entered, and instructions of the guest it executed. */
  readonly entries: number
  readonly executed: number
  readonly instructions: number
  /** Of the function's body. */
  readonly wasmBytes: number
  /** What the function does before the first instruction. */
  readonly prologue: readonly string[]
  readonly blocks: readonly { readonly entry: boolean; readonly insns: readonly ListedInsn[] }[]
}

export function listing(
  { graph, pageAt, code, marks }: Annotated,
  counts: { readonly entries: number; readonly executed: number },
): RegionListing {
  const lines = disassembleWasm(code)
  const sorted = [...marks].sort((a, b) => a.offset - b.offset)
  const wasm = new Map<string, string[]>()
  const prologue: string[] = []
  let next = 0
  let into = prologue
  for (const { offset, depth, text } of lines) {
    while (next < sorted.length && sorted[next]!.offset <= offset) {
      const { node, index } = sorted[next++]!
      wasm.set(`${node}.${index}`, (into = []))
    }
    into.push('  '.repeat(depth) + text)
  }
  const blocks = graph.blocks.map((b, node) => ({
    entry: b.entry,
    insns: b.insns.map((insn, i) => {
      const rip = pageAt + b.page * 4096 + b.offsets[i]!
      return { rip, text: disassemble(insn, rip), wasm: wasm.get(`${node}.${i}`) ?? [] }
    }),
  }))
  const first = graph.blocks[graph.entries[0] ?? 0]!
  return {
    rip: pageAt + first.page * 4096 + first.block.start,
    ...counts,
    instructions: graph.instructions,
    wasmBytes: code.length,
    prologue,
    blocks,
  }
}
