/**
 * Entries into the middle of a loop cost it a switch at its head and everything that its values could be known by. So a loop
 * keeps those where control comes to it in the region anyway; for others there are regions of their own, when tier 0 is
 * seen there.
 */
import { stronglyConnected } from './strongly-connected.ts'

export interface Node {
  entry: boolean
  /** Must stay an entry. */
  readonly fixed: boolean
}

export function pruneEntries(nodes: readonly Node[], edges: readonly (readonly number[])[], root: number): void {
  const all = nodes.map((_, n) => n)
  for (const part of stronglyConnected(all, [root], (n) => edges[n]!)) {
    if (part.length === 1) continue
    const loop = new Set(part)
    const heads = new Set(all.filter((n) => !loop.has(n)).flatMap((n) => edges[n]!.filter((s) => loop.has(s))))
    if (loop.has(root)) heads.add(root)
    for (const n of part) if (nodes[n]!.fixed && nodes[n]!.entry) heads.add(n)
    const entries = part.filter((n) => nodes[n]!.entry)
    if (heads.size === 0) heads.add(Math.min(...entries))
    for (const n of entries) if (!heads.has(n)) nodes[n]!.entry = false
  }
}
