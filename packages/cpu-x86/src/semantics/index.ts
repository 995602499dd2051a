/** The instruction set, joined. */
import { ARITH_MEANINGS } from './arith.ts'
import { BCD_MEANINGS } from './bcd.ts'
import { BIT_MEANINGS } from './bits.ts'
import { CONTROL_MEANINGS } from './control.ts'
import type { Meanings } from './meaning.ts'
import { MOVE_MEANINGS } from './move.ts'
import { SHIFT_MEANINGS } from './shift.ts'
import { STACK_MEANINGS } from './stack.ts'
import { MMX_MEANINGS } from './mmx.ts'
import { SSE_MEANINGS } from './sse.ts'
import { PORT_STRING_MEANINGS } from './port-strings.ts'
import { STRING_MEANINGS } from './string.ts'
import { SYSTEM_MEANINGS } from './system.ts'
import { X87_MEANINGS } from './x87.ts'

export { INTEGER_FUNCTIONS } from './integer-functions.ts'

/** The families that need nothing but registers, flags and memory. */
export const INTEGER_MEANINGS: Meanings = {
  ...MOVE_MEANINGS,
  ...ARITH_MEANINGS,
  ...SHIFT_MEANINGS,
  ...BIT_MEANINGS,
  ...BCD_MEANINGS,
  ...STACK_MEANINGS,
  ...CONTROL_MEANINGS,
  ...STRING_MEANINGS,
}

/** Meanings by the decoder's names. */
export const SEMANTICS: Meanings = {
  ...INTEGER_MEANINGS,
  ...PORT_STRING_MEANINGS,
  ...SYSTEM_MEANINGS,
  ...X87_MEANINGS,
  ...SSE_MEANINGS,
  ...MMX_MEANINGS,
}
