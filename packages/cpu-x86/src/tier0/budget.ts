/** What instructions are counted by: the budget, and where samples are taken what is left until the next one. */
import { I32 } from '@godwit/wasm-encoder'
import { S } from '../state.ts'
import type { Emit } from '../wasm/emit.ts'
import { k32, type Val } from '../wasm/value.ts'

export interface Account {
  readonly e: Emit
  /** Byte offset of the CPU area. */
  readonly base: number
  /** Tier 0 says now and then where it is. */
  readonly sampled: boolean
}

/** Counts instructions that were done; the result is negative if the run loop wants control. */
export function spend(account: Account, count: Val): Val {
  const { e, base, sampled } = account
  const take = (offset: number): Val => {
    const left = e.let(e.load(I32, 'i32_load', k32(0), base + offset).sub(count))
    e.store('i32_store', k32(0), left, base + offset)
    return left
  }
  const left = take(S.budget)
  return sampled ? e.let(left.or(take(S.untilSample))) : left
}

/** Negative if the run loop wants control. */
export function remaining({ e, base, sampled }: Account): Val {
  const word = (offset: number): Val => e.load(I32, 'i32_load', k32(0), base + offset)
  return sampled ? word(S.budget).or(word(S.untilSample)) : word(S.budget)
}
