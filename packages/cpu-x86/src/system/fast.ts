/** Runtime functions in WebAssembly for what is ordinary, before those in TypeScript that do everything. */
import { I32 } from '@godwit/wasm-encoder'
import { wasm, type RuntimeFunction, type RuntimeFunctions } from '../runtime.ts'
import { fastCalls } from './fast-calls.ts'
import { tryMoveFromCr } from './fast-control.ts'
import { fastInterrupt, fastInterrupts } from './fast-interrupts.ts'
import { fastReturn } from './fast-iret.ts'
import { tryLoadSegment } from './fast-segments.ts'
import type { TlbHalves } from './privilege.ts'

/** The functions, of which some have come to be called NAME_slow and are called by others that are quick. */
export function withFast(functions: RuntimeFunctions, tlb: TlbHalves): RuntimeFunctions {
  const fast: RuntimeFunctions = {
    load_segment: tryFirst('load_segment', 2),
    mov_from_cr: tryFirst('mov_from_cr', 1),
    int_n: fastInterrupt,
    iret: fastReturn(tlb),
    ...fastCalls(tlb),
  }
  const all: Record<string, RuntimeFunction> = {
    ...functions,
    ...fastInterrupts(tlb),
    try_load_segment: tryLoadSegment(tlb.supervisor),
    try_mov_from_cr: tryMoveFromCr,
  }
  for (const [name, f] of Object.entries(fast)) {
    const slow = functions[name]
    if (slow === undefined) continue
    all[`${name}_slow`] = slow
    all[name] = f
  }
  return all
}

/** (parameters) -> 0, or 1 for a fault: by try_NAME, which gives 1 where it has done nothing, and then by NAME_slow. */
const tryFirst = (name: string, parameters: number): RuntimeFunction =>
  wasm(
    Array.from({ length: parameters }, () => I32),
    [I32],
    (f, link) => {
      const call = (callee: string): void => {
        for (let i = 0; i < parameters; i++) f.get(i)
        f.call(link.func(callee))
      }
      call(`try_${name}`)
      f.op('i32_eqz').if().i32(0).ret().end()
      call(`${name}_slow`)
    },
  )
