/**
 * Blocks by address and mode, as numbers in one array: a guest has a hundred thousand of them, and as objects they would be
 * most of what the garbage collector has to copy.
 */
import type { Mode } from './mode.ts'

/** Words of a block. */
export const B = {
  /** Host address of its first byte; -1: another one has taken its place. */
  at: 0,
  /** Key of its mode, and LIVE, SOUGHT and LISTED. */
  flags: 1,
  /** Its first record; 0: it has not been decoded, but a link waits for it. */
  record: 2,
  /** Records there is room for, and records in use. */
  capacity: 3,
  records: 4,
  /** Instructions; one less than records if a `next` ends the block. */
  length: 5,
  /** Where it ends in its page. */
  end: 6,
  /** Host page of the rest of an instruction that crosses the page's end, or -1, and where that ends. */
  second: 7,
  secondEnd: 8,
  /** See factsOf(): of its last instruction. */
  facts: 9,
  /** The next block of its stretch. */
  sibling: 10,
  /** Two blocks that its last instruction goes to and that have not been decoded: the next, and its target. */
  wants: 11,
  /** Whoever else waits for those: a block, plus 1 where it is the target. */
  others: 13,
  /** The first that waits for this one. */
  waiting: 15,
  words: 16,
} as const

export const LIVE = 32
export const SOUGHT = 64
/** It is in the list of its stretch. */
export const LISTED = 128
const MODE = 31

const FIRST = 4096

export class BlockTable {
  /** The words of all blocks: a block is the index of its first. Replaced when it grows. */
  words = new Int32Array(FIRST * B.words)
  /** Room for twice the blocks. */
  private places = new Int32Array(FIRST * 2)
  private shift = Math.clz32(FIRST * 2 - 1)
  private top: number = B.words

  /** 0: there is none. */
  find(at: number, mode: Mode): number {
    return this.places[this.place(at, mode.key)]!
  }

  /** The block at an address. It is made, not decoded, if there is none. */
  at(at: number, mode: Mode): number {
    let place = this.place(at, mode.key)
    const known = this.places[place]!
    if (known !== 0) return known
    if (this.top === this.words.length) {
      this.grow()
      place = this.place(at, mode.key)
    }
    return (this.places[place] = this.make(at, mode.key))
  }

  /** A new block in the place of an old one. */
  replace(old: number): number {
    if (this.top === this.words.length) this.grow()
    const { words } = this
    const at = words[old]!
    const mode = words[old + B.flags]! & MODE
    const place = this.place(at, mode)
    words[old] = -1
    return (this.places[place] = this.make(at, mode))
  }

  clear(): void {
    this.words = new Int32Array(FIRST * B.words)
    this.places = new Int32Array(FIRST * 2)
    this.shift = Math.clz32(FIRST * 2 - 1)
    this.top = B.words
  }

  /** `way`: 0 for the next, 1 for the target of a block. */
  wait(block: number, way: number, wanted: number): void {
    const { words } = this
    words[block + B.wants + way] = wanted
    words[block + B.others + way] = words[wanted + B.waiting]!
    words[wanted + B.waiting] = block + way
  }

  /** It waits for nothing any more. */
  forget(block: number): void {
    const { words } = this
    for (let way = 0; way < 2; way++) {
      const wanted = words[block + B.wants + way]!
      if (wanted === 0) continue
      let at = wanted + B.waiting
      while (words[at] !== block + way) at = othersOf(words[at]!)
      words[at] = words[block + B.others + way]!
      words[block + B.wants + way] = 0
    }
  }

  /** Takes the first that waits for a block: see B.others; 0: nobody does. */
  take(wanted: number): number {
    const { words } = this
    const first = words[wanted + B.waiting]!
    if (first === 0) return 0
    words[wanted + B.waiting] = words[othersOf(first)]!
    words[(first & -B.words) + B.wants + (first & 1)] = 0
    return first
  }

  private make(at: number, mode: number): number {
    const { words } = this
    const block = this.top
    this.top += B.words
    words[block] = at
    words[block + B.flags] = mode
    words[block + B.second] = -1
    return block
  }

  private place(at: number, mode: number): number {
    const { words, places } = this
    const last = places.length - 1
    let place = Math.imul(at ^ (mode << 26), 0x9e37_79b1) >>> this.shift
    for (;;) {
      const block = places[place]!
      if (block === 0 || (words[block] === at && (words[block + B.flags]! & MODE) === mode)) return place
      place = (place + 1) & last
    }
  }

  private grow(): void {
    const { words } = this
    this.words = new Int32Array(words.length * 2)
    this.words.set(words)
    this.places = new Int32Array(this.places.length * 2)
    this.shift--
    for (let block = B.words; block < this.top; block += B.words)
      if (words[block] !== -1) this.places[this.place(words[block]!, words[block + B.flags]! & MODE)] = block
  }
}

const othersOf = (waiter: number): number => (waiter & -B.words) + B.others + (waiter & 1)
