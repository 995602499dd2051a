/* eslint max-lines: off -- a generated table */
/**
 * The handlers inside the big switch, each by one instruction (or fused pair) that needs it: key of the mode, bytes.
 * Made by bench/hot.ts from counts of a boot.
 */
export const HOT: readonly (readonly [mode: number, bytes: string])[] = [
  [17, '4801d8'],
  [17, '89d8'],
  [17, '75fe'],
]
