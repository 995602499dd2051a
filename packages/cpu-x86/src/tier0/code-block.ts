/** A block of records: what the tiers tell one another of it. */
import type { Flow } from '../decode/insn.ts'
import type { Mode } from './mode.ts'

/** No offset. */
export const NOWHERE = -(2 ** 31)

/** What tier 1 knows of a block. */
export interface CodeBlock {
  /** Its number among all there are: dense, and for ever the same. */
  readonly id: number
  readonly hostPage: number
  readonly mode: Mode
  readonly record: number
  readonly length: number
  readonly start: number
  readonly end: number
  readonly live: boolean
  readonly second: number
  /** How its last instruction goes on, and where its direct target and what follows it are, counted from the page: NOWHERE for none. */
  readonly flow: Flow
  readonly target: number
  readonly next: number
  /** What its last instruction is. */
  readonly last: string
  /** Control came to it by an address that nobody knew before: a computed jump, a return, another page. */
  readonly sought: boolean
}
