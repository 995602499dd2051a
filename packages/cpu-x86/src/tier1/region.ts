/** Which blocks become one region: what is connected inside a page, nearest first. */
import type { Insn } from '../decode/insn.ts'
import type { CodeBlock } from '../tier0/blocks.ts'

export interface RegionBlock {
  readonly block: CodeBlock
  readonly insns: readonly Insn[]
  /** Offset of each instruction in the page. */
  readonly offsets: readonly number[]
  /** Nodes that the block's last instruction can go to inside the region: the target, then what follows. */
  target: number
  next: number
  /** Has a record that tier 0 may enter by. */
  entry: boolean
}

export interface Region {
  readonly blocks: readonly RegionBlock[]
  /** Indices of blocks. */
  readonly entries: readonly number[]
  readonly instructions: number
}

export interface Limits {
  readonly blocks: number
  readonly instructions: number
}

/** What a region is made from: the page's blocks of one mode, by offset. */
export interface PageBlocks {
  at(offset: number): CodeBlock | undefined
  all(): Iterable<CodeBlock>
  decode(block: CodeBlock): Insn[]
}

/** Blocks reached from a root, forwards before backwards. */
export function choose(root: CodeBlock, page: PageBlocks, limits: Limits): CodeBlock[] {
  const chosen = new Set<CodeBlock>()
  let instructions = 0
  const take = (block: CodeBlock | undefined): boolean => {
    if (block === undefined || chosen.has(block) || !usable(block)) return false
    if (chosen.size >= limits.blocks || instructions + block.length > limits.instructions) return false
    chosen.add(block)
    instructions += block.length
    return true
  }
  if (!take(root)) return []
  const before = new Map<CodeBlock, CodeBlock[]>()
  for (const block of page.all()) {
    for (const offset of [block.flow === 'call' ? -1 : block.target, block.next]) {
      const to = offset < 0 ? undefined : page.at(offset)
      if (to === undefined) continue
      const list = before.get(to)
      if (list === undefined) before.set(to, [block])
      else list.push(block)
    }
  }
  let ahead: CodeBlock[] = [root]
  // Forwards as far as it goes, then one step back, and forwards again from there.
  while (ahead.length > 0) {
    for (const block of ahead) {
      for (const offset of [block.next, block.target]) {
        const to = offset < 0 ? undefined : page.at(offset)
        if (take(to)) ahead.push(to!)
      }
    }
    ahead = []
    for (const block of [...chosen]) for (const from of before.get(block) ?? []) if (take(from)) ahead.push(from)
  }
  return [...chosen]
}

/** Lies in one page, and is there. */
const usable = (block: CodeBlock): boolean => block.live && block.second < 0 && block.length > 0

export function regionOf(blocks: readonly CodeBlock[], page: PageBlocks, roots: ReadonlySet<CodeBlock>): Region {
  const order = [...blocks].sort((a, b) => a.start - b.start)
  const index = new Map(order.map((block, i) => [block, i]))
  const node = (offset: number): number => {
    const to = offset < 0 ? undefined : page.at(offset)
    return to === undefined ? -1 : (index.get(to) ?? -1)
  }
  let instructions = 0
  const result: RegionBlock[] = order.map((block) => {
    const insns = page.decode(block)
    instructions += insns.length
    const offsets: number[] = []
    let at = block.start
    for (const insn of insns) {
      offsets.push(at)
      at += insn.length
    }
    return { block, insns, offsets, target: node(block.target), next: node(block.next), entry: false }
  })
  const reached = new Set<number>()
  const enter = (n: number): void => {
    if (n >= 0) result[n]!.entry = true
  }
  result.forEach((b, i) => {
    const successors = successorsOf(b)
    for (const s of successors) {
      // Where a loop closes, and where a call leads.
      if (s <= i || b.block.flow === 'call') enter(s)
      else reached.add(s)
    }
    if (b.block.flow === 'call' || b.block.flow === 'indirect' || b.block.flow === 'leave') enter(b.next)
    if (roots.has(b.block)) b.entry = true
  })
  result.forEach((b, i) => {
    if (!reached.has(i)) b.entry = true
  })
  return { blocks: result, entries: result.flatMap((b, i) => (b.entry ? [i] : [])), instructions }
}

/** Nodes that control can go to from a block inside the region. */
export function successorsOf(b: RegionBlock): number[] {
  const to: number[] = []
  if (b.block.flow !== 'next' && b.target >= 0) to.push(b.target)
  if ((b.block.flow === 'next' || b.block.flow === 'cond') && b.next >= 0 && b.next !== b.target) to.push(b.next)
  return to
}
