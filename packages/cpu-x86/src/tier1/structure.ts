/**
 * Control flow as WebAssembly has it: strongly connected components become loops, what lies between them blocks that are
 * left forwards. A loop that is entered at several places begins with a switch on a label; it is closed at one of them.
 */
import { I32 } from '@godwit/wasm-encoder'
import type { Emit } from '../wasm/emit.ts'
import { k32 } from '../wasm/value.ts'
import { splitHeads, type SplitGraph } from './loop-heads.ts'
import { stronglyConnected } from './strongly-connected.ts'

export interface Graph {
  /** Successors by node. */
  readonly edges: readonly (readonly number[])[]
  readonly entries: readonly number[]
}

/** What a branch to a node does: an optional label to set, and the depth of what is branched to. */
interface Target {
  readonly depth: number
  readonly label?: { readonly local: number; readonly value: number }
}

interface Component {
  readonly nodes: readonly number[]
  readonly loop: boolean
  /** Nodes that are entered from outside. */
  readonly heads: readonly number[]
  /** Local with the number of the head to begin at, if there are several. */
  label: number
}

export class Structure {
  private readonly e: Emit
  private readonly graph: SplitGraph
  private readonly body: (node: number) => void
  /** Whose body is being emitted. */
  private current = -1
  private readonly targets = new Map<number, Target>()

  /** `body` emits a node's code, which ends on every path with go() or by leaving. */
  constructor(e: Emit, graph: Graph, body: (node: number) => void) {
    this.e = e
    this.graph = splitHeads(graph)
    this.body = (node) => {
      const head = this.graph.behind.get(node)
      this.current = node
      if (head === undefined) body(node)
      else this.go(head)
    }
  }

  /** Everything, entered at the entry whose index the local has (if there are several). */
  emit(entry: number): void {
    const nodes = reachable(this.graph)
    this.group(nodes, new Set(), this.graph.entries, entry)
  }

  /** Nodes that can come round again without leaving the region. */
  loops(): ReadonlySet<number> {
    const { graph } = this
    const parts = this.components(reachable(graph), new Set(), graph.entries)
    return new Set(parts.flatMap((part) => (part.loop ? part.nodes : [])))
  }

  /** Goes on with a node. */
  go(node: number): void {
    // The empty node before a head goes on to the head itself.
    const to = this.graph.behind.get(this.current) === node ? node : this.graph.leads(this.current, node)
    this.branch(to)
  }

  private branch(node: number): void {
    const target = this.targets.get(node)
    if (target === undefined) throw new Error(`no way to node ${node}`)
    if (target.label !== undefined) this.e.assign(target.label.local, k32(target.label.value))
    this.e.br(target)
  }

  /** Nodes without the edges that lead to `cut`, begun at one of `entries`. */
  private group(
    nodes: readonly number[],
    cut: ReadonlySet<number>,
    entries: readonly number[],
    entryLocal: number,
    loop?: { readonly depth: number; readonly label: number; readonly first: number },
  ): void {
    const { e } = this
    const { func } = e
    const parts = this.components(nodes, cut, entries)
    const outer = e.depth
    // One block for each part: its end is where the part begins.
    for (let k = parts.length - 1; k >= 0; k--) {
      func.block()
      e.depth++
      const part = parts[k]!
      if (part.heads.length > 1) part.label = func.local(I32)
      this.aim(part, e.depth)
    }
    this.dispatch(entries, entryLocal, (node) => this.branch(node))
    if (loop !== undefined) {
      const label = entries.length > 1 ? { label: { local: loop.label, value: entries.indexOf(loop.first) } } : {}
      this.targets.set(loop.first, { depth: loop.depth, ...label })
    }
    for (const part of parts) {
      func.end()
      e.depth--
      this.part(part, cut)
    }
    if (e.depth !== outer) throw new Error('unbalanced blocks')
  }

  private aim(part: Component, depth: number): void {
    part.heads.forEach((node, value) => {
      this.targets.set(node, part.heads.length > 1 ? { depth, label: { local: part.label, value } } : { depth })
    })
  }

  /** Goes on with the node whose index in `entries` the local has. `before`: what is done on the way there. */
  select(entries: readonly number[], index: number, before: (node: number) => void): void {
    this.dispatch(entries, index, (node) => {
      before(node)
      this.go(node)
    })
  }

  private dispatch(entries: readonly number[], index: number, on: (node: number) => void): void {
    const { e } = this
    const { func } = e
    if (entries.length === 1) {
      on(entries[0]!)
      return
    }
    for (let i = 0; i < entries.length; i++) {
      func.block()
      e.depth++
    }
    func.get(index).brTable(
      entries.slice(1).map((_, i) => i),
      entries.length - 1,
    )
    for (const entry of entries) {
      func.end()
      e.depth--
      on(entry)
    }
  }

  private part(part: Component, cut: ReadonlySet<number>): void {
    const { e } = this
    if (!part.loop) {
      const node = part.nodes[0]!
      if (!cut.has(node)) this.targets.delete(node)
      this.body(node)
      return
    }
    const first = this.first(part, cut)
    e.loop((start) => {
      const without = new Set([...cut, first])
      this.group(part.nodes, without, part.heads, part.label, { depth: start.depth, label: part.label, first })
    })
    this.targets.delete(first)
  }

  /** The head that a loop is closed at: the one farthest from itself, for those of inner loops are near. */
  private first({ nodes, heads }: Component, cut: ReadonlySet<number>): number {
    let best = heads[0]!
    if (heads.length === 1) return best
    const within = new Set(nodes)
    let farthest = -1
    for (const head of heads) {
      const away = this.round(head, within, cut)
      if (away > farthest) [best, farthest] = [head, away]
    }
    return best
  }

  /** Nodes on the shortest way from a node to itself. */
  private round(from: number, within: ReadonlySet<number>, cut: ReadonlySet<number>): number {
    const seen = new Map([[from, 0]])
    for (const [n, away] of seen)
      for (const s of this.graph.edges[n]!) {
        if (s === from) return away + 1
        if (within.has(s) && !cut.has(s) && !seen.has(s)) seen.set(s, away + 1)
      }
    return 0
  }

  /** Parts in topological order. */
  private components(nodes: readonly number[], cut: ReadonlySet<number>, entries: readonly number[]): Component[] {
    const within = new Set(nodes)
    const next = (n: number): number[] => this.graph.edges[n]!.filter((s) => within.has(s) && !cut.has(s))
    const found = stronglyConnected(nodes, entries, next)
    return found.map((part) => {
      const own = new Set(part)
      const first = part[0]!
      const loop = part.length > 1 || next(first).includes(first)
      if (!loop) return { nodes: part, loop, heads: part, label: -1 }
      const heads = part.filter((n) => entries.includes(n) || nodes.some((m) => !own.has(m) && next(m).includes(n)))
      return { nodes: part, loop, heads, label: -1 }
    })
  }
}

function reachable({ edges, entries }: Graph): number[] {
  const seen = new Set(entries)
  for (const n of seen) for (const s of edges[n]!) seen.add(s)
  return [...seen]
}
