import type { CodeSize } from '../decode/insn.ts'

/** What records and handlers are keyed by, besides the bytes of the instruction. */
export interface Mode {
  readonly code: CodeSize
  readonly stack: CodeSize
  /** ES, CS, SS and DS have base 0 and a limit of 4 GiB, and may be written where data is (always so in 64-bit mode). */
  readonly flat: boolean
  /** 0 to 17: unique. */
  readonly key: number
}

const SIZES: readonly CodeSize[] = [16, 32, 64]

/** All modes by their key. */
export const MODES: readonly Mode[] = SIZES.flatMap((code, c) =>
  SIZES.flatMap((stack, s) => [false, true].map((flat, f) => ({ code, stack, flat, key: c * 6 + s * 2 + f }))),
)

export function modeOf(code: CodeSize, stack: CodeSize, flat: boolean): Mode {
  return MODES[SIZES.indexOf(code) * 6 + SIZES.indexOf(stack) * 2 + (flat ? 1 : 0)]!
}
