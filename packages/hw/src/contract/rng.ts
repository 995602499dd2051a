/** Pseudo-random choices that are the same on each run. */
export interface Rng {
  /** An integer from 0 to n - 1. */
  below(n: number): number
  chance(probability: number): boolean
  pick<T>(from: readonly T[]): T
  /** A value a guest might write: often small, all ones or one bit. Fits `bytes`. */
  value(bytes: 1 | 2 | 4): number
}

/** Marsaglia's xorshift over 32 bits. */
export function rngOf(seed: number): Rng {
  let x = (Math.imul(seed + 1, 0x9e37_79b9) | 1) >>> 0
  const next = (): number => {
    x ^= x << 13
    x >>>= 0
    x ^= x >>> 17
    x ^= x << 5
    x >>>= 0
    return x
  }
  const below = (n: number): number => Math.floor((next() / 2 ** 32) * n)
  return {
    below,
    chance: (probability) => next() / 2 ** 32 < probability,
    pick: (from) => from[below(from.length)]!,
    value(bytes) {
      const limit = 2 ** (8 * bytes)
      const kind = below(8)
      if (kind === 0) return 0
      if (kind === 1) return limit - 1
      if (kind === 2) return 2 ** below(8 * bytes)
      if (kind === 3) return below(16)
      return next() % limit
    },
  }
}
