/** One damaged stream by its seed. */
import { bytesOf, cloneDraft, type Draft } from './draft.ts'
import { mutateOnce } from './mutations.ts'
import { randomOf, type Random } from './random.ts'

export interface Mutant {
  readonly seed: number
  readonly bytes: Uint8Array
  /** What was done, in words. */
  readonly deeds: readonly string[]
}

/** Of ten mutants seven are changed in their structure alone, the others in their bytes as well or only there. */
export function mutantOf(seed: number, original: Draft, donors: readonly Draft[]): Mutant {
  const r = randomOf(Math.imul(seed, 0x9e37_79b1) ^ 0x5bd1_e995)
  const donor = r.pick(donors)
  const draft = cloneDraft(original)
  const deeds: string[] = []
  const way = r.below(10)
  if (way < 9) {
    for (let n = r.pick([1, 1, 1, 1, 2, 3, 5]); n > 0; n--) {
      const deed = mutateOnce(draft, r, { draft: donor })
      if (deed !== undefined) deeds.push(deed)
    }
  }
  let { bytes } = bytesOf(draft)
  if (way >= 7) bytes = roughly(bytes, draft, r, donor, deeds)
  return { seed, bytes, deeds }
}

function roughly(bytes: Uint8Array, draft: Draft, r: Random, donor: Draft, deeds: string[]): Uint8Array {
  switch (r.below(5)) {
    case 0: {
      const at = r.chance(2) ? r.pick(bytesOf(draft).offsets) + r.below(12) : r.below(bytes.length)
      deeds.push(`cut at ${at}`)
      return bytes.slice(0, at)
    }
    case 1: {
      const other = bytesOf(donor)
      const own = bytesOf(draft)
      const clean = r.chance(2)
      const from = clean ? r.pick(own.offsets) : r.below(bytes.length)
      const to = clean ? r.pick(other.offsets) : r.below(other.bytes.length)
      deeds.push(`${from} bytes, then another stream from ${to}`)
      return new Uint8Array(Buffer.concat([bytes.subarray(0, from), other.bytes.subarray(to)]))
    }
    default: {
      const out = bytes.slice()
      const framing = r.chance(2)
      const { offsets } = bytesOf(draft)
      for (let n = 1 + r.below(4); n > 0; n--) {
        const at = framing ? Math.min(out.length - 1, r.pick(offsets) + r.below(40)) : r.below(out.length)
        out[at] = r.pick([out[at]! ^ (1 << r.below(8)), r.byte(), 0, 0xff])
        deeds.push(`byte ${at}`)
      }
      return out
    }
  }
}
