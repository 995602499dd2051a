/**
 * Entries into the middle of a loop cost it a switch at its head and everything that its values could be known by. So a loop
 * keeps those where control comes to it in the region anyway; for others there are regions of their own, when tier 0 is
 * seen there.
 */
import { stronglyConnected } from './strongly-connected.ts'

/** @param fixed entries that stay whatever that costs @returns the entries that are left */
export function pruneEntries(
  edges: readonly (readonly number[])[],
  entries: ReadonlySet<number>,
  fixed: ReadonlySet<number>,
  root: number,
): Set<number> {
  const all = edges.map((_, n) => n)
  const left = new Set(entries)
  for (const part of stronglyConnected(all, [root], (n) => edges[n]!)) {
    if (part.length === 1) continue
    const loop = new Set(part)
    const heads = new Set(all.filter((n) => !loop.has(n)).flatMap((n) => edges[n]!.filter((s) => loop.has(s))))
    if (loop.has(root)) heads.add(root)
    for (const n of part) if (fixed.has(n)) heads.add(n)
    const own = part.filter((n) => entries.has(n))
    if (heads.size === 0) heads.add(Math.min(...own))
    for (const n of own) if (!heads.has(n)) left.delete(n)
  }
  return left
}
