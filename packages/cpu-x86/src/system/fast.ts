/** Runtime functions in WebAssembly for what is ordinary, before those in TypeScript that do everything. */
import type { RuntimeFunction, RuntimeFunctions } from '../runtime.ts'
import { fastCalls } from './fast-calls.ts'
import { fastMoveFromCr, tryMoveFromCr } from './fast-control.ts'
import { fastInterrupt, fastInterrupts } from './fast-interrupts.ts'
import { fastReturn } from './fast-iret.ts'
import { fastLoadSegment, tryLoadSegment } from './fast-segments.ts'
import type { TlbHalves } from './privilege.ts'

/** The functions, of which some have come to be called NAME_slow and are called by others that are quick. */
export function withFast(functions: RuntimeFunctions, tlb: TlbHalves): RuntimeFunctions {
  const fast: RuntimeFunctions = {
    load_segment: fastLoadSegment,
    mov_from_cr: fastMoveFromCr,
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
