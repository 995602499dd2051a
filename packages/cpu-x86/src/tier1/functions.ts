/** What regions call on their cold paths, so that these are short: filling the TLB, and putting pending flags at rest. */
import { I32, I64 } from '@godwit/wasm-encoder'
import { wasm, type RuntimeFunctions } from '../runtime.ts'
import { S } from '../state.ts'
import type { Callee, Emit } from '../wasm/emit.ts'
import { k32, local, type Val } from '../wasm/value.ts'
import { FLAGS_FUNCTION } from './lazy-flags.ts'

/** Argument of `fill` besides the address: bytes shifted by one, and whether they will be written. */
export const fillArgument = (write: boolean, bytes: number): number => (bytes << 1) | (write ? 1 : 0)

/** Functions that may not do what they are asked for: then nothing has happened. By what they stand for. */
const QUICK = new Map([
  ['load_segment', 'try_load_segment'],
  ['mov_from_cr', 'try_mov_from_cr'],
  ['rdtsc', 'rdtsc'],
  ['rdtscp', 'rdtscp'],
])

export const quickOf = (name: string): string | undefined => QUICK.get(name)

/** Calls a function that may want to know which instruction runs and how many did, and may call for attention: its result. */
export function callCounted(
  e: Emit,
  base: number,
  now: { readonly budget: number; readonly record: number },
  callee: Callee,
  args: readonly Val[],
): Val {
  e.store('i32_store', k32(0), local(I32, now.budget), base + S.budget)
  e.store('i32_store', k32(0), k32(now.record), base + S.exitRecord)
  const result = e.call(callee, args, I32)
  e.assign(now.budget, e.load(I32, 'i32_load', k32(0), base + S.budget))
  return result
}

export const REGION_FUNCTIONS: RuntimeFunctions = {
  /** (form, a, b, c): see LazyFlags. */
  flag_words: FLAGS_FUNCTION,
  /** 0: the soft-TLB has the page; 1: only tier 0 can do this access. */
  fill: wasm([I64, I32], [I32], (f, link) => {
    f.get(0).op('i32_wrap_i64').get(0).i64(32).op('i64_shr_u', 'i32_wrap_i64')
    f.get(1).i32(1).op('i32_and').get(1).i32(1).op('i32_shr_u').call(link.func('fill_page'))
    f.i32(-1).op('i32_eq')
  }),
}
