/** Recorded results: what the host's processor changed. See oracle/. */
import { IMAGE, type Case } from './cases.ts'
import type { Recorded } from './rows.ts'

export interface Result {
  /** The image of the case after the instruction. */
  readonly image: Uint8Array
  readonly flags: number
  /** Signal that the host raised, or 0. */
  readonly signal: number
}

/** Per case: flags u16, signal u8, number of runs u8; per run: offset u16, length u8, bytes. */
export function encodeResult(input: Uint8Array, r: Result): number[] {
  const runs: number[][] = []
  for (let i = 0; i < IMAGE.size; i++) {
    if (input[i] === r.image[i]) continue
    let n = 1
    while (n < 200 && i + n < IMAGE.size && input[i + n] !== r.image[i + n]) n++
    runs.push([i & 255, i >> 8, n, ...r.image.subarray(i, i + n)])
    i += n - 1
  }
  return [r.flags & 255, (r.flags >> 8) & 255, r.signal, runs.length, ...runs.flat()]
}

/** The results of all cases of all rows, in order. */
export function* decodeResults(
  bytes: Uint8Array,
  records: readonly Recorded[],
): Generator<{ hex: string; test: Case; result: Result }> {
  let at = 0
  const u8 = (): number => bytes[at++]!
  const u16 = (): number => u8() | (u8() << 8)
  for (const { hex, cases } of records) {
    for (const test of cases) {
      const flags = u16()
      const signal = u8()
      const image = test.image.slice()
      for (let runs = u8(); runs > 0; runs--) {
        const offset = u16()
        const length = u8()
        for (let i = 0; i < length; i++) image[offset + i] = u8()
      }
      yield { hex, test, result: { image, flags, signal } }
    }
  }
  if (at !== bytes.length) throw new Error('recorded results do not fit the rows: record again')
}
