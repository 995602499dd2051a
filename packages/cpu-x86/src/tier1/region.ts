/** A region's blocks and how control goes between them: a loop, a function and what it calls, in one page or several. */
import type { Insn } from '../decode/insn.ts'
import type { CodeBlock } from '../tier0/code-block.ts'
import { isComputed } from '../tier0/record.ts'
import { lookUp, type Code, type Placed } from './choose.ts'
import { compilable } from './compilable.ts'
import type { Graph } from './structure.ts'
import { pruneEntries } from './entries.ts'

export interface RegionBlock {
  readonly block: CodeBlock
  /** Linear page, counted from that of the region's root. */
  readonly page: number
  readonly insns: readonly Insn[]
  /** Offset of each instruction in the page. */
  readonly offsets: readonly number[]
  /** Nodes that the block's last instruction can go to inside the region: the target, then what follows. */
  readonly target: number
  readonly next: number
  /** Nodes that a return may go to, or that a computed jump or call has gone to. */
  likely: readonly number[]
  /** Its last instruction may go to any of the region's entries. */
  dispatches: boolean
  /** Has a record that tier 0 may enter by. */
  entry: boolean
}

export interface Region {
  readonly blocks: readonly RegionBlock[]
  /** Indices of blocks. */
  readonly entries: readonly number[]
  readonly instructions: number
}

/**
 * @param roots blocks to be entered by, the one it was made for first
 * @param former those that regions which this one contains are entered by: a dispatch must find them here
 */
export function regionOf(
  chosen: Placed,
  code: Code,
  roots: ReadonlySet<CodeBlock>,
  former: ReadonlySet<CodeBlock>,
): Region {
  const order = [...chosen].sort(([a, p], [b, q]) => p - q || a.start - b.start)
  const index = new Map(order.map(([block], i) => [block, i]))
  const node = (page: number, offset: number): number => {
    const to = lookUp(code, page, offset)
    return to !== undefined && chosen.get(to.block) === to.page ? index.get(to.block)! : -1
  }
  let instructions = 0
  const result: RegionBlock[] = order.map(([block, page]) => {
    const insns = code.decode(block)
    instructions += insns.length
    const offsets: number[] = []
    let at = block.start
    for (const insn of insns) {
      offsets.push(at)
      at += insn.length
    }
    const target = node(page, block.target)
    const last = node(page, code.lastTarget(block, page))
    return {
      block,
      page,
      insns,
      offsets,
      target,
      next: node(page, block.next),
      likely: last < 0 ? [] : [last],
      dispatches: false,
      entry: false,
    }
  })
  addReturns(result)
  markEntries(result, roots)
  if (code.flat) addDispatches(result)
  const [root] = roots
  prune(result, former, root === undefined ? 0 : index.get(root)!)
  return { blocks: result, entries: result.flatMap((b, i) => (b.entry ? [i] : [])), instructions }
}

function prune(blocks: readonly RegionBlock[], former: ReadonlySet<CodeBlock>, root: number): void {
  const marked = blocks.flatMap((b, n) => (b.entry ? [n] : []))
  const sought = marked.filter((n) => blocks[n]!.block.sought || former.has(blocks[n]!.block))
  const fixed = new Set(blocks.some((b) => b.dispatches) ? sought : [])
  const left = pruneEntries([...edgesOf(blocks), sought], new Set(marked), fixed, root)
  blocks.forEach((b, n) => (b.entry = left.has(n)))
}

/** Most places that one return is expected to go to. */
const RETURNS = 4

/** Returns that a call inside the region leads to may go back to behind it. */
function addReturns(blocks: readonly RegionBlock[]): void {
  const sites = new Map<number, number[]>()
  for (const b of blocks) {
    const callees = b.block.last === 'call_indirect' ? b.likely : b.block.flow === 'call' ? [b.target] : []
    for (const callee of callees) {
      if (callee < 0 || b.next < 0) continue
      const list = sites.get(callee)
      if (list === undefined) sites.set(callee, [b.next])
      else list.push(b.next)
    }
  }
  for (const [callee, behind] of sites) {
    const seen = new Set([callee])
    for (const n of seen) {
      const b = blocks[n]!
      if (b.block.last === 'ret') b.likely = [...new Set([...b.likely, ...behind])].slice(0, RETURNS)
      if (b.block.last === 'jmp_indirect') for (const to of b.likely) seen.add(to)
      const { flow } = b.block
      if (b.next >= 0 && flow !== 'jump') seen.add(b.next)
      if (b.target >= 0 && flow !== 'call') seen.add(b.target)
    }
  }
}

function addDispatches(blocks: readonly RegionBlock[]): void {
  if (!blocks.some((b) => isComputed(b.block.last)) || !blocks.some((b) => b.block.sought)) return
  const calls = blocks.some((b) => b.block.last === 'call_indirect' && b.next >= 0)
  for (const b of blocks) {
    b.dispatches = isComputed(b.block.last) || (calls && b.block.last === 'ret')
    if (b.block.sought) b.entry = true
  }
}

function markEntries(blocks: readonly RegionBlock[], roots: ReadonlySet<CodeBlock>): void {
  const reached = new Set<number>()
  const enter = (n: number): void => {
    if (n >= 0) blocks[n]!.entry = true
  }
  blocks.forEach((b, i) => {
    const { flow } = b.block
    for (const s of successorsOf(b)) {
      reached.add(s)
      // Where a loop closes, and where a call leads.
      if (s <= i || flow === 'call') enter(s)
    }
    if (flow === 'call' || flow === 'indirect' || !compilable(b.insns.at(-1)!)) enter(b.next)
    if (roots.has(b.block)) b.entry = true
  })
  blocks.forEach((b, i) => {
    if (!reached.has(i)) b.entry = true
  })
}

/** Some of its jumps go by the jump cache to any of its entries. */
export const hasDispatch = ({ blocks }: Region): boolean => blocks.some((b) => b.dispatches)

/** Nodes that control can go to from a block inside the region. */
export function successorsOf(b: RegionBlock): number[] {
  const to = [...b.likely]
  if (b.target >= 0) to.push(b.target)
  const { flow } = b.block
  const on = flow === 'next' || flow === 'cond' || flow === 'leave'
  if (on && compilable(b.insns.at(-1)!) && b.next >= 0 && b.next !== b.target) to.push(b.next)
  return to
}

/** Successors by node. Where a jump dispatches, it may lead to the node behind the blocks. */
const edgesOf = (blocks: readonly RegionBlock[]): number[][] =>
  blocks.map((b) => (b.dispatches ? [...successorsOf(b), blocks.length] : successorsOf(b)))

/** Nodes are blocks; the one behind them, if there is a dispatch, goes on at any entry, and is the only one. */
export function graphOf(region: Region): Graph & { readonly dispatch: number } {
  const { blocks, entries } = region
  const edges = edgesOf(blocks)
  if (!hasDispatch(region)) return { edges, entries, dispatch: -1 }
  return { edges: [...edges, [...entries]], entries: [blocks.length], dispatch: blocks.length }
}
