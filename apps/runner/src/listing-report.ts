/** The compiled regions of a guest that executed most: its code, and beside it the WebAssembly it became. */
import type { Machine } from '@godwit/machines'

type Listings = ReturnType<Machine['processor']['compiled']>
type Insn = Listings[number]['blocks'][number]['insns'][number]

const SHOWN = 30
const LEFT = 48

/** @param regions those that executed most first @returns text */
export function listingReport(regions: Listings): string {
  const executed = regions.reduce((sum, r) => sum + r.executed, 0)
  const shown = regions.slice(0, SHOWN)
  const head = `${executed} instructions in ${regions.length} regions that are there now; the first ${shown.length}:\n`
  const parts = shown.map((r, i) => {
    const share = executed === 0 ? 0 : (100 * r.executed) / executed
    const each = r.entries === 0 ? 0 : r.executed / r.entries
    const title =
      `${i + 1}. ${share.toFixed(2)} % at ${hex(r.rip)}: entered ${r.entries} times, ${each.toFixed(0)} instructions each; ` +
      `${r.instructions} instructions in ${r.wasmBytes} bytes`
    const blocks = r.blocks.flatMap((b) => [b.entry ? 'entry' : 'block', ...b.insns.flatMap(beside)])
    return [title, ...r.prologue.map((line) => right('', line)), ...blocks, ''].join('\n')
  })
  return [head, ...parts].join('\n')
}

function beside({ rip, text, wasm }: Insn): string[] {
  const [first = '', ...rest] = wasm
  return [right(`  ${hex(rip)}  ${text}`, first), ...rest.map((line) => right('', line))]
}

const right = (guest: string, wasm: string): string => `${guest.padEnd(LEFT)}  ${wasm}`.trimEnd()

const hex = (address: number): string => BigInt.asUintN(64, BigInt(address)).toString(16).padStart(8, '0')
