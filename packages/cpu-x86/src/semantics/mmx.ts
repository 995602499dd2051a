/** MMX that has no SSE form; the shared ones (both register files) are in SSE_MEANINGS. */
import { k32, k64 } from '../wasm/value.ts'
import { S } from '../state.ts'
import type { Meanings } from './meaning.ts'
import { guardMmx } from './vector.ts'

export const MMX_MEANINGS: Meanings = {
  /** All registers empty. */
  emms: (u) => {
    guardMmx(u)
    u.setField(S.fpuTop, k32(0))
    u.setField(S.fpuEmpty, k64(0x01010101, 0x01010101))
  },
}
