/**
 * What stands in the first record of a block that a region is entered by, in the place of operands: the region has a copy of
 * that instruction elsewhere.
 */
import type { Func } from '@godwit/wasm-encoder'
import { S } from '../state.ts'
import { R } from '../tier0/record.ts'
import { Emit, type Callee } from '../wasm/emit.ts'

export const ENTRY = {
  /** u32: number of the entry. */
  number: R.regs,
  /** i64: S.codePage ^ S.modeTag when the region's pages were last found where it expects them. */
  place: 16,
} as const

/** Low word of no place: neither pages nor tags have bits there. */
export const NO_PLACE = 1

/** At the beginning of a region that goes from page to page without asking: all are where it expects them, or tier 0 goes on. */
export function emitConfirm(func: Func, base: number, confirm: Callee): void {
  func
    .get(0)
    .mem('i64_load', ENTRY.place)
    .i32(0)
    .mem('i64_load', base + S.codePage)
    .i32(0)
    .mem('i64_load', base + S.modeTag)
    .op('i64_xor', 'i64_ne')
    .hint(0)
    .if()
    .get(0)
  new Emit(func).invoke(confirm)
  func.op('i32_eqz').if().get(0).ret().end().end()
}
