/** Which blocks become one region: those that are reached from its root, the ways that were seen running first. */
import type { Insn } from '../decode/insn.ts'
import { NOWHERE, type CodeBlock } from '../tier0/code-block.ts'
import { isComputed } from '../tier0/record.ts'
import type { Mode } from '../tier0/mode.ts'

const PAGE = 4096

export interface Limits {
  readonly blocks: number
  readonly instructions: number
  /** Part of both beyond which only busy blocks are taken: what runs now and then is compiled again too often. */
  readonly idle: number
}

/** What a region is made from: blocks of one mode by linear page, counted from the root's, and offset. */
export interface Code {
  at(page: number, offset: number): CodeBlock | undefined
  /** Blocks of a page that were seen running. */
  hotOf(page: number): readonly CodeBlock[]
  /** Was seen running. */
  hot(block: CodeBlock): boolean
  /** Was seen running often, for its length. */
  busy(block: CodeBlock): boolean
  /** Where its computed jump or call went last, counted from its page; NOWHERE if that is not known. */
  lastTarget(block: CodeBlock, page: number): number
  /** Code is where its linear address says, so that other pages can be told. */
  readonly flat: boolean
  decode(block: CodeBlock): Insn[]
}

export interface Place {
  readonly block: CodeBlock
  readonly page: number
}

interface Way extends Place {
  /** Blocks before it that were not seen running. */
  readonly doubt: number
}

export type Placed = ReadonlyMap<CodeBlock, number>

/** How far a way may go through code that was not seen running before it stands behind all others. */
const DOUBTS = 4

/** Code is where its linear address says. */
export const isFlat = (mode: Mode): boolean => mode.code === 64 || (mode.code === 32 && mode.flat)

/** Is there, and lies in one page, or in two that can be told. */
export const usable = (block: CodeBlock): boolean =>
  block.live && block.length > 0 && (block.second < 0 || isFlat(block.mode))

/** Blocks reached from a root, with their pages. */
export function choose(root: CodeBlock, code: Code, limits: Limits): Placed {
  const choice = new Choice(code, limits)
  choice.spread(root, 0)
  choice.addComputed()
  choice.addWaysIn()
  return choice.chosen
}

class Choice {
  readonly chosen = new Map<CodeBlock, number>()
  private readonly code: Code
  private readonly limits: Limits
  private readonly waiting: Way[][] = Array.from({ length: DOUBTS }, () => [])
  /** Of each list of ways, those that were taken. */
  private readonly taken = new Int32Array(DOUBTS)
  private instructions = 0

  constructor(code: Code, limits: Limits) {
    this.code = code
    this.limits = limits
  }

  spread(block: CodeBlock, page: number): void {
    if (!this.take(block, page, 0)) return
    for (let way = this.next(); way !== undefined; way = this.next()) this.take(way.block, way.page, way.doubt)
  }

  /** Where computed jumps may lead: what was looked up, here and next door. */
  addComputed(): void {
    const { code, chosen } = this
    const near = new Set<number>()
    const reach = code.flat ? 1 : 0
    for (const [block, page] of chosen) {
      if (!isComputed(block.last)) continue
      for (let p = page - reach; p <= page + reach; p++) {
        if (near.has(p)) continue
        near.add(p)
        for (const to of code.hotOf(p)) if (to.sought) this.spread(to, p)
      }
    }
  }

  /** What leads into the chosen blocks from the same page. */
  addWaysIn(): void {
    for (const block of this.code.hotOf(0))
      if (block.flow !== 'call' && !this.chosen.has(block) && (this.leadsIn(block.next) || this.leadsIn(block.target)))
        this.spread(block, 0)
  }

  private leadsIn(offset: number): boolean {
    const to = lookUp(this.code, 0, offset)
    return to !== undefined && this.chosen.has(to.block)
  }

  private take(block: CodeBlock, page: number, doubt: number): boolean {
    const { chosen, limits, code } = this
    if (chosen.has(block) || !usable(block)) return false
    const part = code.busy(block) ? 1 : limits.idle
    if (chosen.size >= limits.blocks * part) return false
    if (this.instructions + block.length > limits.instructions * part) return false
    chosen.set(block, page)
    this.instructions += block.length
    const more = Math.min(doubt + 1, DOUBTS - 1)
    this.reach(page, block.next, more, false)
    const away = block.target < 0 || block.target >= PAGE
    this.reach(page, block.target, more, block.flow === 'call' && away)
    if (isComputed(block.last)) this.reach(page, code.lastTarget(block, page), more, true)
    return true
  }

  private reach(page: number, offset: number, doubt: number, call: boolean): void {
    const to = lookUp(this.code, page, offset)
    if (to === undefined || this.chosen.has(to.block)) return
    const hot = this.code.hot(to.block)
    if (hot || !call) this.waiting[hot ? 0 : doubt]!.push({ block: to.block, page: to.page, doubt: hot ? 0 : doubt })
  }

  private next(): Way | undefined {
    const { waiting, taken } = this
    for (let d = 0; d < DOUBTS; d++) {
      const ways = waiting[d]!
      if (taken[d]! < ways.length) return ways[taken[d]!++]
    }
    return undefined
  }
}

/** The block at an offset counted from a page. */
export function lookUp(code: Code, page: number, offset: number): Place | undefined {
  if (offset === NOWHERE) return undefined
  const away = Math.floor(offset / PAGE)
  if (away !== 0 && !code.flat) return undefined
  const block = code.at(page + away, offset - away * PAGE)
  return block === undefined ? undefined : { block, page: page + away }
}
