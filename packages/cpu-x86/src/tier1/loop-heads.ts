/**
 * Two loops of which one lies in the other often begin with the same block. In WebAssembly they had better be two: what only
 * the outer one changes then stays put in the inner. So the block gets another before it, empty, for the outer loop.
 */
import type { Graph } from './structure.ts'

export interface SplitGraph extends Graph {
  /** By empty node: the node behind it. */
  readonly behind: ReadonlyMap<number, number>
  /** Where an edge leads now: to the empty node before its target, or to its target. */
  readonly leads: (from: number, to: number) => number
}

export function splitHeads({ edges, entries }: Graph): SplitGraph {
  const split = edges.map((to) => [...to])
  const behind = new Map<number, number>()
  const before = new Map<number, { readonly empty: number; readonly inner: ReadonlySet<number> }>()
  const sources = backEdges(edges, entries)
  for (const [head, from] of sources) {
    if (from.length < 2) continue
    const inner = smallest(edges, entries, head, from)
    if (inner === undefined) continue
    const empty = split.push([head]) - 1
    behind.set(empty, head)
    before.set(head, { empty, inner })
    edges.forEach((to, n) => {
      if (!inner.has(n)) split[n] = split[n]!.map((s) => (s === head && to.includes(head) ? empty : s))
    })
  }
  const leads = (from: number, to: number): number => {
    const found = before.get(to)
    return found === undefined || found.inner.has(from) ? to : found.empty
  }
  return { edges: split, entries: entries.map((n) => before.get(n)?.empty ?? n), behind, leads }
}

/** Sources of edges that close loops, by target. */
function backEdges(edges: readonly (readonly number[])[], entries: readonly number[]): Map<number, number[]> {
  const found = new Map<number, number[]>()
  const seen = new Set<number>()
  const open = new Set<number>()
  const visit = (n: number): void => {
    seen.add(n)
    open.add(n)
    for (const s of edges[n]!) {
      if (open.has(s)) {
        const list = found.get(s)
        if (list === undefined) found.set(s, [n])
        else list.push(n)
      } else if (!seen.has(s)) visit(s)
    }
    open.delete(n)
  }
  for (const n of entries) if (!seen.has(n)) visit(n)
  return found
}

/** The smallest loop of a head that is entered there only and is not the whole. */
function smallest(
  edges: readonly (readonly number[])[],
  entries: readonly number[],
  head: number,
  sources: readonly number[],
): ReadonlySet<number> | undefined {
  const into = new Map<number, number[]>()
  edges.forEach((to, n) => {
    for (const s of to) into.set(s, [...(into.get(s) ?? []), n])
  })
  const loopOf = (source: number): Set<number> => {
    const loop = new Set([head, source])
    for (const n of loop) if (n !== head) for (const p of into.get(n) ?? []) loop.add(p)
    return loop
  }
  const loops = sources.map(loopOf).sort((a, b) => a.size - b.size)
  const inner = loops[0]!
  if (loops.every((loop) => loop.size === inner.size)) return undefined
  return entries.some((n) => n !== head && inner.has(n)) ? undefined : inner
}
