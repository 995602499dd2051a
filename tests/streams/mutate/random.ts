/** Numbers from a seed (mulberry32). */
export interface Random {
  /** 0 to below - 1. */
  below(below: number): number
  pick<T>(list: readonly T[]): T
  chance(oneIn: number): boolean
  byte(): number
}

export function randomOf(seed: number): Random {
  let state = seed | 0
  const below = (n: number): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % n
  }
  return {
    below,
    pick: (list) => list[below(list.length)]!,
    chance: (oneIn) => below(oneIn) === 0,
    byte: () => below(256),
  }
}
