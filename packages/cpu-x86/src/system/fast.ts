/** Runtime functions in WebAssembly for what is ordinary, before those in TypeScript that do everything. */
import type { RuntimeFunctions } from '../runtime.ts'
import { fastCalls } from './fast-calls.ts'
import { fastInterrupt, fastInterrupts } from './fast-interrupts.ts'
import { fastReturn } from './fast-iret.ts'
import { fastLoadSegment } from './fast-segments.ts'
import type { TlbHalves } from './privilege.ts'

/** The functions, of which some have come to be called NAME_slow and are called by others that are quick. */
export function withFast(functions: RuntimeFunctions, tlb: TlbHalves): RuntimeFunctions {
  const fast: RuntimeFunctions = {
    load_segment: fastLoadSegment(tlb.supervisor),
    int_n: fastInterrupt,
    iret: fastReturn(tlb),
    ...fastCalls(tlb),
  }
  const all = { ...functions, ...fastInterrupts(tlb) }
  for (const [name, f] of Object.entries(fast)) {
    const slow = functions[name]
    if (slow === undefined) continue
    all[`${name}_slow`] = slow
    all[name] = f
  }
  return all
}
