/** SSE to SSE4.2: the families joined, and the control register. */
import { I32 } from '@godwit/wasm-encoder'
import { S } from '../state.ts'
import type { Meanings } from './meaning.ts'
import { SSE_FLOAT } from './sse-float.ts'
import { SSE_INTEGER } from './sse-int.ts'
import { SSE_MOVES } from './sse-move.ts'
import { SSE_STRING } from './sse-string.ts'
import { guardSse } from './vector.ts'

export const SSE_MEANINGS: Meanings = {
  ...SSE_INTEGER,
  ...SSE_FLOAT,
  ...SSE_MOVES,
  ...SSE_STRING,
  ldmxcsr: (u) => {
    guardSse(u)
    u.fallible('set_mxcsr', [u.e.let(u.place(0, 'read', { size: 32 }).get())])
  },
  stmxcsr: (u) => {
    guardSse(u)
    u.place(0, 'write', { size: 32 }).set(u.field(I32, S.mxcsr))
  },
}
