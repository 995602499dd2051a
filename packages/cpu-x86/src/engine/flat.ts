import { DESC, type CpuState } from '../cpu-state.ts'
import { S, SEG } from '../state.ts'

/** Whether ES, CS, SS and DS reach all of 4 GiB from 0 on, with every right that code may make use of. */
export function hasFlatSegments(state: CpuState): boolean {
  for (let i = 0; i < 4; i++) {
    const at = S.seg + i * SEG.size
    if (state.low(at + SEG.base) !== 0 || state.high(at + SEG.base) !== 0) return false
    if (i === 1) continue
    for (const bound of [SEG.highRead, SEG.highWrite])
      if (state.low(at + bound) !== -1 || state.high(at + bound) !== 0) return false
    if (state.low(at + SEG.low) !== 0 || state.high(at + SEG.low) !== 0) return false
  }
  // Code is read through CS now and then: it must be readable without limits as well.
  return state.segLimit(1) === 0xffff_ffff && (state.segFlags(1) & DESC.code) !== 0
}
