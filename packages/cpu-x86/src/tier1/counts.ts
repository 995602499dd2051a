/** What a region counts, if that is asked for. */
import type { Func } from '@godwit/wasm-encoder'

/** Of each region: two i64, for entries and instructions. */
export const COUNTERS_BYTES = 16

/** One entry more, and the instructions that a budget has lost since it was granted. @param at host address of the counters */
export function emitCounts(func: Func, at: number, granted: number, budget: number): void {
  func.i32(0).i32(0).mem('i64_load', at).i64(1).op('i64_add').mem('i64_store', at)
  func
    .i32(0)
    .i32(0)
    .mem('i64_load', at + 8)
  func
    .get(granted)
    .get(budget)
    .op('i32_sub', 'i64_extend_i32_s', 'i64_add')
    .mem('i64_store', at + 8)
}
