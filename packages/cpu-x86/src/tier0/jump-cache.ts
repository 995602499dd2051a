/**
 * Where control goes that a record does not know: entries {i64 linear address ^ mode tag, i32 record, pad}, read by
 * generated code. A flush changes the tag instead of the entries.
 */
import { I32, I64 } from '@godwit/wasm-encoder'
import { S } from '../state.ts'
import type { Emit } from '../wasm/emit.ts'
import { k32, loading, local, type Val } from '../wasm/value.ts'
import type { Mode } from './mode.ts'

export const JUMP = { entries: 65536, entryBytes: 16 } as const

const WORDS = JUMP.entryBytes >> 2

/** Functions begin at multiples of 16 as a rule: the low bits alone would leave most places empty. */
const SPREAD = 0x9e37_79b1 | 0
const SHIFT = Math.clz32(JUMP.entries - 1)

/** First word of the place a jump wants; the second best is the other one of the pair. */
export const slotOf = (low: number): number => (Math.imul(low, SPREAD) >>> SHIFT) * WORDS

/** Bits 49 to 63 of a tag: privilege, 5 bits of mode, 9 of generation. A canonical address has copies of bit 47 there. */
const GENERATIONS = 512
/** Privilege, in the upper word of a tag. */
const USER = 2 << 16
/** A tag that no address has: bit 48 differs from bit 47. */
const NO_TAG = 0x0001_0000

export class JumpCache {
  /** Host address. */
  readonly at: number
  /** Tags begin anew: what was noted with one must be forgotten. */
  onWrap: (() => void) | undefined
  private readonly w: Int32Array
  /** Of supervisor and user code. */
  private readonly generation = [0, 0]
  private readonly state: Int32Array

  constructor(buffer: ArrayBufferLike, at: number, base: number) {
    this.at = at
    this.w = new Int32Array(buffer, at, (JUMP.entries * JUMP.entryBytes) >> 2)
    this.state = new Int32Array(buffer, base, S.end >> 2)
    this.clear()
  }

  set(linear: number, record: number): void {
    const { w } = this
    const low = linear | 0
    const high = this.highOf(linear)
    const slot = slotOf(low)
    const other = slot ^ WORDS
    if (w[other] === low && w[other + 1] === high) this.clearSlot(other)
    // What was here moves over, unless that would drive out one that is where it wants to be.
    const here = this.isLive(slot) && (w[slot] !== low || w[slot + 1] !== high)
    if (here && !(this.isLive(other) && slotOf(w[other]!) === other)) {
      w[other] = w[slot]!
      w[other + 1] = w[slot + 1]!
      w[other + 2] = w[slot + 2]!
    }
    w[slot] = low
    w[slot + 1] = high
    w[slot + 2] = record
  }

  /** The record that generated code would go on with, or 0. */
  get(linear: number): number {
    const { w } = this
    const low = linear | 0
    const high = this.highOf(linear)
    let slot = slotOf(low)
    if (w[slot] !== low || w[slot + 1] !== high) slot ^= WORDS
    return w[slot] === low && w[slot + 1] === high ? w[slot + 2]! : 0
  }

  /** Forgets a jump, if it is there (with this record). */
  drop(linear: number, record?: number): void {
    const low = linear | 0
    const slot = slotOf(low)
    this.dropAt(slot, low, record)
    this.dropAt(slot ^ WORDS, low, record)
  }

  private dropAt(slot: number, low: number, record: number | undefined): void {
    const { w } = this
    if (w[slot] === low && (record === undefined || w[slot + 2] === record)) this.clearSlot(slot)
  }

  /** To be called when mode or privilege has changed. */
  select(mode: Mode, user: boolean): void {
    this.state[S.modeKey >> 2] = mode.key
    this.update(user ? 1 : 0)
  }

  /** Forgets everything, or what user code (1) or supervisor code (0) put there. */
  flush(which: 0 | 1 | 'all'): void {
    const last = this.generation
    if (which !== 1) last[0]!++
    if (which !== 0) last[1]!++
    if (last[0]! >= GENERATIONS || last[1]! >= GENERATIONS) {
      this.clear()
      this.onWrap?.()
    }
    // Generated code changes the privilege by itself, and the tag with it.
    this.update((this.state[(S.modeTag >> 2) + 1]! & USER) === 0 ? 0 : 1)
  }

  private clear(): void {
    this.generation.fill(0)
    for (let i = 0; i < this.w.length; i += WORDS) this.clearSlot(i)
  }

  private clearSlot(at: number): void {
    this.w[at] = 0
    this.w[at + 1] = NO_TAG
    this.w[at + 2] = 0
  }

  /** There is an entry of the generation in use. */
  private isLive(at: number): boolean {
    const high = this.w[at + 1]!
    // Bits 48 to 63 without the copies of bit 47.
    const tag = (high >>> 16) ^ ((high & 0x8000) === 0 ? 0 : 0xffff)
    return (tag & 1) === 0 && tag >>> 7 === this.generation[(tag >>> 1) & 1]
  }

  private highOf(linear: number): number {
    return Math.floor(linear / 4294967296) ^ this.state[(S.modeTag >> 2) + 1]!
  }

  private update(user: 0 | 1): void {
    const { state, generation } = this
    const key = state[S.modeKey >> 2]!
    const tags = S.modeTags >> 2
    state[tags] = ((generation[0]! << 7) | (key << 2)) << 16
    state[tags + 1] = (((generation[1]! << 7) | (key << 2)) << 16) | USER
    state[S.modeTag >> 2] = 0
    state[(S.modeTag >> 2) + 1] = state[tags + user]!
  }
}

/**
 * The record for a linear address, and whether there is none. An address that is not canonical must be ruled out apart: it
 * could have the tag of another mode's entry.
 */
export function emitLookUp(
  e: Emit,
  base: number,
  jumpCache: number,
  linear: Val,
): { readonly unknown: Val; readonly record: () => Val } {
  const low = linear.to32()
  const at = e.temp(I32)
  const slot = local(I32, at)
  e.assign(at, low.mul(SPREAD).shrU(SHIFT).shl(4))
  const wanted = e.let(linear.xor(loading(I64, 'i64_load', k32(0), base + S.modeTag)))
  const tag = (): Val => loading(I64, 'i64_load', slot, jumpCache)
  e.unlikely(tag().ne(wanted), () => e.assign(at, slot.xor(JUMP.entryBytes)))
  return { unknown: tag().ne(wanted), record: () => loading(I32, 'i32_load', slot, jumpCache + 8) }
}

export const isNotCanonical = (linear: Val): Val => linear.shl(16).shrS(16).ne(linear)
