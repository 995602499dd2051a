/**
 * Records by the head of their instruction. Everything in a record but displacement and immediate follows from prefixes,
 * opcode, ModRM and SIB, so an instruction is decoded once for each head, and copied ever after.
 */
import { displacementBytes, headLength, noteHead } from '../decode/head.ts'
import type { Flow, Insn } from '../decode/insn.ts'
import type { Mode } from './mode.ts'
import { isDirect, R } from './record.ts'

const PAGE = 4096
/** Places, a power of two; what they hold is forgotten when three in four are taken. */
const PLACES = 16_384
const MOST = (PLACES / 4) * 3
const SHIFT = Math.clz32(PLACES - 1)
/** Words of a place: two of key, the facts, and the record. */
const WORDS = 12
const FACTS = 2
const RECORD = 3

const FLOWS: readonly Flow[] = ['next', 'jump', 'cond', 'call', 'indirect', 'leave']

/** Names of instructions by the numbers that facts have. */
const names: string[] = []
const numbers = new Map<string, number>()

function numberOf(op: string): number {
  let number = numbers.get(op)
  if (number === undefined) numbers.set(op, (number = names.push(op) - 1))
  return number
}

/**
 * What decoding a block must know of an instruction, in one word: length 0 to 3, bytes of the head 4 to 6, of the
 * displacement 7 to 9, of the immediate 10 to 12, how it goes on 13 to 15, whether its block ends with it 16, whether it
 * can be linked to its target 17, and its name from 18 on.
 */
export function factsOf(insn: Insn, mode: Mode, ends: boolean): number {
  const linked = isDirect(insn) && (insn.codeSize === mode.code || insn.codeSize === 64)
  return (
    insn.length |
    (FLOWS.indexOf(insn.flow) << 13) |
    (ends || insn.flow !== 'next' ? 0x1_0000 : 0) |
    (linked ? 0x2_0000 : 0) |
    (numberOf(insn.op) << 18)
  )
}

export const lengthOf = (facts: number): number => facts & 15
export const flowOf = (facts: number): Flow => FLOWS[(facts >> 13) & 7]!
export const endsBlock = (facts: number): boolean => (facts & 0x1_0000) !== 0
export const hasLink = (facts: number): boolean => (facts & 0x2_0000) !== 0
export const nameOf = (facts: number): string => names[facts >>> 18]!

export class Templates {
  private readonly bytes: Uint8Array
  private readonly words: Int32Array
  private readonly places = new Int32Array(PLACES * WORDS)
  private taken = 0
  /** The key that keys() has made. */
  private low = 0
  private high = 0

  constructor(buffer: ArrayBufferLike) {
    this.bytes = new Uint8Array(buffer)
    this.words = new Int32Array(buffer)
  }

  /**
   * Writes the record of the instruction at an offset of a page to a host address, and gives its facts. 0: it has to be
   * decoded.
   */
  write(hostPage: number, offset: number, mode: Mode, record: number, index: number): number {
    const { bytes, words, places } = this
    if (mode.code === 16) return 0
    const at = hostPage * PAGE + offset
    const head = headLength(bytes, at, mode.code === 64)
    if (head === 0) return 0
    const place = this.find(at, head, mode)
    const facts = places[place + FACTS]!
    if (facts === 0 || offset + (facts & 15) > PAGE) return 0
    let from = at + head
    let disp = places[place + RECORD + 5]!
    const size = (facts >> 7) & 7
    if (size === 1) disp = (bytes[from]! << 24) >> 24
    else if (size === 4) disp = this.int32(from)
    from += size
    let imm = places[place + RECORD + 6]!
    switch ((facts >> 10) & 7) {
      case 1:
        imm = (bytes[from]! << 24) >> 24
        break
      case 2:
        imm = ((bytes[from]! | (bytes[from + 1]! << 8)) << 16) >> 16
        break
      case 4:
        imm = this.int32(from)
    }
    const w = record >>> 2
    words[w] = places[place + RECORD]! | (offset << 16)
    words[w + 1] = places[place + RECORD + 1]! | index
    words[w + 2] = places[place + RECORD + 2]!
    words[w + 3] = places[place + RECORD + 3]!
    words[w + 4] = places[place + RECORD + 4]!
    words[w + 5] = disp
    words[w + 6] = imm
    words[w + 7] = places[place + RECORD + 7]!
    return facts
  }

  /** Learns from an instruction that was decoded where write() knew nothing, and from its record. Its handler serves all of its form. */
  learn(hostPage: number, offset: number, mode: Mode, record: number, insn: Insn, facts: number): void {
    if (mode.code === 16 || insn.op === 'ud') return
    const { bytes, words } = this
    const long = mode.code === 64
    const at = hostPage * PAGE + offset
    const modrm = noteHead(bytes, at, long)
    const head = headLength(bytes, at, long)
    if (head === 0) return
    const disp = modrm < 0 ? 0 : displacementBytes(bytes[modrm]!, bytes[modrm + 1]!)
    const rest = insn.length - head - disp
    if (!follows(insn, disp, rest, (from, size) => this.signed(at + from, size), head)) return
    if (this.taken >= MOST) {
      this.places.fill(0)
      this.taken = 0
    }
    const place = this.find(at, head, mode)
    if (this.places[place + FACTS] !== 0) return
    this.taken++
    const direct = isDirect(insn)
    const to = this.places
    to[place] = this.low
    to[place + 1] = this.high
    to[place + FACTS] = facts | (head << 4) | ((direct ? rest : disp) << 7) | ((direct ? 0 : rest) << 10)
    const w = record >>> 2
    for (let i = 0; i < R.bytes >> 2; i++) to[place + RECORD + i] = words[w + i]!
    to[place + RECORD]! &= 0xffff
    to[place + RECORD + 1]! &= ~0xffff
  }

  /** The place of a head, or an empty one, where its key belongs. */
  private find(at: number, head: number, mode: Mode): number {
    const { bytes, places } = this
    let low = bytes[at]!
    let high = mode.key << 24
    if (head > 1) low |= bytes[at + 1]! << 8
    if (head > 2) low |= bytes[at + 2]! << 16
    if (head > 3) low |= bytes[at + 3]! << 24
    if (head > 4) high |= bytes[at + 4]!
    if (head > 5) high |= bytes[at + 5]! << 8
    if (head > 6) high |= bytes[at + 6]! << 16
    this.low = low
    this.high = high
    let place = Math.imul(low ^ Math.imul(high, 0x85eb_ca6b), 0x9e37_79b1) >>> SHIFT
    for (;;) {
      const p = place * WORDS
      if (places[p + FACTS] === 0 || (places[p] === low && places[p + 1] === high)) return p
      place = (place + 1) & (PLACES - 1)
    }
  }

  private int32(at: number): number {
    const { bytes } = this
    return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
  }

  private signed(at: number, size: number): number {
    if (size === 4) return this.int32(at)
    const { bytes } = this
    return size === 1 ? (bytes[at]! << 24) >> 24 : ((bytes[at]! | (bytes[at + 1]! << 8)) << 16) >> 16
  }
}

/** All that differs among instructions with this head is a displacement and one immediate, or a target, as they stand in the code. */
function follows(
  insn: Insn,
  disp: number,
  rest: number,
  valueAt: (from: number, size: number) => number,
  head: number,
): boolean {
  if (rest !== 0 && rest !== 1 && rest !== 2 && rest !== 4) return false
  const memory = insn.operands.find((o) => o.kind === 'mem')
  if (disp > 0 && memory?.dispLow !== valueAt(head, disp)) return false
  if (disp === 0 && memory !== undefined && memory.dispLow !== 0) return false
  if (memory !== undefined && memory.dispHigh !== memory.dispLow >> 31) return false
  if (isDirect(insn))
    return disp === 0 && (rest === 1 || rest === 4) && insn.operands.length === 0 && insn.target === valueAt(head, rest)
  if (rest === 0) return true
  const immediates = insn.operands.filter((o) => o.kind === 'imm')
  const value = valueAt(head + disp, rest)
  return immediates.length === 1 && immediates[0]!.low === value && immediates[0]!.high === value >> 31
}
