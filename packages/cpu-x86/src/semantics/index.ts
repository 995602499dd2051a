/** The instruction set, joined. */
import { ARITH_MEANINGS } from './arith.ts'
import { BCD_MEANINGS } from './bcd.ts'
import { BIT_MEANINGS } from './bits.ts'
import { CONTROL_MEANINGS } from './control.ts'
import type { Meanings } from './meaning.ts'
import { MOVE_MEANINGS } from './move.ts'
import { SHIFT_MEANINGS } from './shift.ts'
import { STACK_MEANINGS } from './stack.ts'
import { STRING_MEANINGS } from './string.ts'

export { INTEGER_FUNCTIONS } from './integer-functions.ts'

/** Meanings by the decoder's names. */
export const SEMANTICS: Meanings = {
  ...MOVE_MEANINGS,
  ...ARITH_MEANINGS,
  ...SHIFT_MEANINGS,
  ...BIT_MEANINGS,
  ...BCD_MEANINGS,
  ...STACK_MEANINGS,
  ...CONTROL_MEANINGS,
  ...STRING_MEANINGS,
}
