/**
 * Strongly connected components in topological order, begun at `first`. Tarjan (1972); recursive, as regions are small.
 *
 * @param next successors of a node among those wanted
 */
export function stronglyConnected(
  nodes: readonly number[],
  first: readonly number[],
  next: (node: number) => readonly number[],
): number[][] {
  const index = new Map<number, number>()
  const low = new Map<number, number>()
  const stack: number[] = []
  const onStack = new Set<number>()
  const found: number[][] = []
  const visit = (n: number): void => {
    index.set(n, index.size)
    low.set(n, index.get(n)!)
    stack.push(n)
    onStack.add(n)
    for (const s of next(n)) {
      if (!index.has(s)) {
        visit(s)
        low.set(n, Math.min(low.get(n)!, low.get(s)!))
      } else if (onStack.has(s)) low.set(n, Math.min(low.get(n)!, index.get(s)!))
    }
    if (low.get(n) !== index.get(n)) return
    const part: number[] = []
    for (;;) {
      const m = stack.pop()!
      onStack.delete(m)
      part.push(m)
      if (m === n) break
    }
    found.push(part)
  }
  for (const n of [...first].reverse()) if (!index.has(n)) visit(n)
  for (const n of nodes) if (!index.has(n)) visit(n)
  return found.reverse()
}
