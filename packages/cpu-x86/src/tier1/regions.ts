/**
 * The compiled regions: found by samples of where tier 0 is, compiled in batches, entered through the first records of
 * their blocks, and dropped with the blocks they were made from or when there are too many.
 */
import { Module, type Func } from '@godwit/wasm-encoder'
import type { Cpu } from '../cpu.ts'
import { TableCalls, importMemory, type Linked } from '../runtime-link.ts'
import { S } from '../state.ts'
import type { Meanings } from '../semantics/meaning.ts'
import type { Blocks } from '../tier0/blocks.ts'
import { NOWHERE, type CodeBlock } from '../tier0/code-block.ts'
import type { Handlers } from '../tier0/handlers.ts'
import type { JumpCache } from '../tier0/jump-cache.ts'
import type { Mode } from '../tier0/mode.ts'
import { R } from '../tier0/record.ts'
import { emitRegion } from './emit.ts'
import { LiveModules } from './live-modules.ts'
import { KnownBlocks, type Known } from './known.ts'
import { listing, type Annotated, type Mark, type RegionListing } from './listing.ts'
import { choose, isFlat, usable, type Code, type Limits, type Placed } from './choose.ts'
import { COUNTERS_BYTES } from './counts.ts'
import { ENTRY, NO_PLACE } from './entry-record.ts'
import { regionOf, type Region } from './region.ts'

/** off: never; on: what samples show to be hot; always: every block when it is first looked up (for tests). */
export type Tier1Mode = 'off' | 'on' | 'always'

export interface Tier1Options {
  readonly cpu: Cpu
  readonly blocks: Blocks
  readonly handlers: Handlers
  readonly linked: Linked
  readonly semantics: Meanings
  readonly mode: 'on' | 'always'
  /** Entries and instructions of each region are counted; then listings can be had. */
  readonly counted: boolean
  readonly jumps: JumpCache
  /** Host page behind a linear page, as far as that is known without looking; else -1. */
  hostPage(page: number): number
  /** The same for code that will run unasked, or -1: what its fetch would leave in the page tables is there. */
  settled(page: number): number
}

/** Regions there can be at once. */
const MAX_REGIONS = 16384
/** WebAssembly bytes of all regions: more than that, and those that were not entered lately go. */
const MAX_BYTES = 24 << 20
const LIMITS: Record<'on' | 'always', Limits> = {
  on: { blocks: 64, instructions: 400, idle: 0.5 },
  always: { blocks: 12, instructions: 100, idle: 1 },
}
/** Instructions of tier 0 between samples: a prime, so that no loop keeps step with it. */
export const SAMPLE = 4093
/** Executions of an instruction that pay for compiling it, as far as samples tell. */
const EXECUTIONS = 3000
/** Executions of a block's instructions, as far as samples tell, that make it busy. */
const BUSY = 1500
/** Samples of one block before its surroundings are looked at. */
const FIRST_LOOK = 5
/** Part of the samples that are missing after which there is another look: more code may have become known. */
const WAIT = 0.7
const BATCH = 16
const PAGE = 4096
/** Samples after which a batch is compiled although it is not full. */
const PATIENCE = 16

interface Entry {
  readonly block: CodeBlock
  /** What its first record had where the handler, the entry's number and its place are now. */
  readonly handler: number
  readonly words: readonly [number: number, low: number, high: number]
}

interface Compiled {
  readonly slot: number
  readonly id: number
  /** Its blocks, and their linear pages, counted from the root's. */
  readonly pages: Placed
  /** Host pages by linear page. */
  readonly hosts: ReadonlyMap<number, number>
  readonly entries: Entry[]
  readonly bytes: number
  readonly annotated: Annotated | undefined
}

export interface Tier1Stats {
  compiled: number
  dropped: number
  modules: number
  instructions: number
  bytes: number
  emitMs: number
  compileMs: number
}

export class Regions {
  readonly stats: Tier1Stats = {
    compiled: 0,
    dropped: 0,
    modules: 0,
    instructions: 0,
    bytes: 0,
    emitMs: 0,
    compileMs: 0,
  }
  private readonly o: Tier1Options
  /** Host address of a byte for each region. */
  private readonly used: number
  /** Host address of COUNTERS_BYTES for each region, or 0. */
  private readonly counters: number
  private readonly view: DataView
  private readonly known = new KnownBlocks<Compiled>()
  private readonly live = new Set<Compiled>()
  private readonly bySlot = new Map<number, Compiled>()
  private readonly freeSlots: number[] = []
  private readonly freeIds: number[] = []
  /** Counts of regions that are no more. */
  private readonly gone = { entries: 0, executed: 0 }
  private nextId = 0
  private queue: { readonly block: CodeBlock; readonly page: number }[] = []
  private waited = 0
  private readonly modules = new LiveModules()

  constructor(options: Tier1Options) {
    this.o = options
    const { host } = options.cpu
    this.view = new DataView(host.memory.buffer)
    this.used = host.allocate(MAX_REGIONS)
    this.counters = options.counted ? host.allocate(MAX_REGIONS * COUNTERS_BYTES) : 0
    options.jumps.onWrap = () => {
      for (const { entries } of this.live) for (const { block } of entries) this.setPlace(block, NO_PLACE, 0)
    }
  }

  /** Tier 0 has run a block. */
  sample(hostPage: number, offset: number, mode: Mode, page: number): void {
    if (this.queue.length > 0 && ++this.waited >= PATIENCE) this.compile()
    const block = this.o.blocks.block(hostPage, offset, mode)
    if (block === undefined || !usable(block)) return
    const known = this.known.of(block)
    if (known.entered !== undefined || known.wanted || this.modules.full) return
    known.samples++
    if (known.prospect === undefined ? known.samples < FIRST_LOOK : --known.prospect.wanting > 0) return
    if (!this.worthwhile(block, page)) return
    this.want(block, known, page)
    if (this.queue.length >= BATCH) this.compile()
  }

  /** Compiles a block at once, if it is not. */
  force(hostPage: number, offset: number, mode: Mode, page: number): void {
    const block = this.o.blocks.block(hostPage, offset, mode)
    if (block === undefined || !usable(block)) return
    const known = this.known.of(block)
    if (known.entered !== undefined || known.samples > 0 || this.modules.full) return
    known.samples = 1
    this.want(block, known, page)
    this.compile()
  }

  /** A block is no more. */
  drop(block: CodeBlock): void {
    const known = this.known.get(block)
    if (known === undefined) return
    for (const region of [...known.regions]) this.remove(region)
    known.samples = known.spent = 0
    known.prospect = undefined
    known.wanted = false
  }

  /**
   * The runtime function of a region that is entered by a record: its pages are where it expects them, for as long as the place
   * is the same (1), or the region is no more (0).
   */
  confirm(record: number): number {
    const region = this.bySlot.get(this.view.getUint16(record + R.handler, true))!
    const entry = region.entries.find(({ block }) => block.record === record)!
    const { state } = this.o.cpu
    const root = state.num(S.codePage) / PAGE - region.pages.get(entry.block)!
    for (const [page, host] of region.hosts) {
      if (!this.inUser && this.o.settled(root + page) === host) continue
      this.remove(region)
      for (const b of region.pages.keys()) this.known.of(b).moves = true
      return 0
    }
    for (const { block } of region.entries) {
      const page = root + region.pages.get(block)!
      const linear = block.mode.code === 64 ? page * PAGE : (page * PAGE) >>> 0
      const high = Math.floor(linear / 4294967296)
      this.setPlace(block, linear ^ state.low(S.modeTag), high ^ state.low(S.modeTag + 4))
    }
    return 1
  }

  /** All code is gone, and the room of its records. */
  clear(): void {
    for (const region of [...this.live]) this.remove(region)
    this.known.clear()
    this.queue = []
  }

  /** Entries and instructions since the start, if they are counted. */
  counts(): { entries: number; executed: number } | undefined {
    if (this.counters === 0) return undefined
    const sum = { ...this.gone }
    for (const { id } of this.live) {
      const { entries, executed } = this.countsOf(id)
      sum.entries += entries
      sum.executed += executed
    }
    return sum
  }

  /** The regions there are, those that executed most first; empty unless they are counted. */
  listings(): RegionListing[] {
    return [...this.live]
      .flatMap(({ id, annotated }) => (annotated === undefined ? [] : [listing(annotated, this.countsOf(id))]))
      .sort((a, b) => b.executed - a.executed)
  }

  private countsOf(id: number): { entries: number; executed: number } {
    const at = this.counters + COUNTERS_BYTES * id
    return { entries: Number(this.view.getBigInt64(at, true)), executed: Number(this.view.getBigInt64(at + 8, true)) }
  }

  private want(block: CodeBlock, known: Known<Compiled>, page: number): void {
    known.wanted = true
    this.queue.push({ block, page })
  }

  private codeAround(root: CodeBlock, linear: number): Code {
    const { blocks } = this.o
    const { mode, hostPage } = root
    const hosts = new Map([[0, hostPage]])
    let last = 0
    let lastHost = hostPage
    const hostOf = (page: number): number => {
      if (page === last) return lastHost
      last = page
      const host = hosts.get(page)
      if (host !== undefined) return (lastHost = host)
      hosts.set(page, (lastHost = this.o.hostPage(linear + page)))
      return lastHost
    }
    return {
      at: (page, offset) => {
        const host = hostOf(page)
        return host < 0 ? undefined : blocks.block(host, offset, mode)
      },
      hotOf: (page) => (hostOf(page) < 0 ? [] : this.known.hotOf(hostOf(page), mode)),
      hot: (block) => this.known.hot(block),
      busy: (block) => (this.known.get(block)?.samples ?? 0) * SAMPLE >= block.length * BUSY,
      flat: isFlat(mode),
      lastTarget: (block, page) => {
        const to = blocks.lastTarget(block)
        return to === 0 ? NOWHERE : (to - (linear + page) * PAGE) | 0
      },
      decode: (block) => blocks.insnsOf(block),
    }
  }

  /** What would become a region has run so often that compiling it costs less than it has cost already. */
  private worthwhile(root: CodeBlock, linear: number): boolean {
    let samples = 0
    let instructions = 0
    const chosen = choose(root, this.codeAround(root, linear), LIMITS.on)
    for (const block of chosen.keys()) {
      const known = this.known.get(block)
      if (known !== undefined) samples += known.samples - known.spent
      instructions += block.length
    }
    const missing = (instructions * EXECUTIONS) / SAMPLE - samples
    if (missing <= 0) return true
    const prospect = { wanting: Math.ceil(missing * WAIT) }
    for (const block of chosen.keys()) this.known.of(block).prospect = prospect
    return false
  }

  private compile(): void {
    const { cpu, linked, handlers } = this.o
    const started = performance.now()
    const roots = this.queue
    this.queue = []
    this.waited = 0
    const calls = new TableCalls(linked)
    const made: { readonly func: Func; readonly region: Compiled }[] = []
    try {
      for (const { block: root, page } of roots) {
        const known = this.known.of(root)
        known.wanted = false
        if (!root.live || known.entered !== undefined) continue
        const one = this.make(root, page, calls)
        if (one !== undefined) made.push(one)
      }
    } catch (error) {
      for (const { region } of made) this.remove(region)
      throw error
    }
    handlers.compile()
    if (made.length === 0) return
    const module = new Module()
    importMemory(module, cpu)
    calls.declare(module)
    made.forEach(({ func }, i) => module.add(func, String(i)))
    const bytes = module.bytes()
    const emitted = performance.now()
    const code = new WebAssembly.Module(bytes)
    this.modules.note(code)
    const { exports } = new WebAssembly.Instance(code, { e: { m: cpu.host.memory, f: linked.table } })
    made.forEach(({ region }, i) => {
      if (this.live.has(region)) handlers.install(region.slot, exports[String(i)]!)
    })
    const { stats } = this
    stats.modules++
    stats.emitMs += emitted - started
    stats.compileMs += performance.now() - emitted
    if (stats.bytes > MAX_BYTES) this.sweep()
  }

  private make(root: CodeBlock, linear: number, calls: TableCalls): { func: Func; region: Compiled } | undefined {
    const { cpu, linked, semantics, handlers } = this.o
    const { mode } = root
    const code = this.codeAround(root, linear)
    const chosen = choose(root, code, LIMITS[this.o.mode])
    const slot = this.freeSlots.pop() ?? handlers.reserve('@region')
    const id = this.freeIds.pop() ?? this.nextId++
    if (slot < 0 || id >= MAX_REGIONS || chosen.size === 0) {
      if (slot >= 0) this.freeSlots.push(slot)
      this.freeIds.push(id)
      return undefined
    }
    const inside = new Set<Compiled>()
    for (const block of chosen.keys())
      for (const region of this.known.get(block)?.regions ?? [])
        if ([...region.pages.keys()].every((b) => chosen.has(b))) inside.add(region)
    const former = [...inside].flatMap(({ entries }) => entries.map(({ block }) => block))
    const roots = new Set([root, ...former])
    for (const block of chosen.keys()) if (code.hot(block)) roots.add(block)
    const graph = regionOf(chosen, code, roots, new Set(former))
    // Kernels stay where they are; who runs beside whom in user pages changes all the time.
    const steady = !this.inUser && ![...chosen.keys()].some((block) => this.known.get(block)?.moves)
    // A region whose ways in become this one's has done its service.
    const entered = new Set(graph.entries.map((n) => graph.blocks[n]!.block))
    for (const region of inside) if (region.entries.every(({ block }) => entered.has(block))) this.remove(region)
    const copies = this.copies(graph)
    const marks: Mark[] | undefined = this.counters === 0 ? undefined : []
    let func: Func
    try {
      func = emitRegion(graph, mode, {
        base: cpu.base,
        semantics,
        func: (name) => calls.func(name),
        inWasm: (name) => linked.functions[name]?.kind === 'wasm',
        used: this.used + id,
        slot,
        jumpCache: this.o.jumps.at,
        steady,
        counters: this.counters === 0 ? 0 : this.counters + COUNTERS_BYTES * id,
        ...(marks === undefined ? {} : { marks }),
        fpuControl: this.view.getUint32(cpu.base + S.fpuControl, true),
        record: (b, i) => (i === 0 ? (copies.get(b.block) ?? b.block.record) : b.block.record + i * R.bytes),
      })
    } catch (error) {
      // A meaning that cannot be emitted for these operands: tier 0 knows what to do about it.
      if (!(error instanceof Error)) throw error
      cpu.missing(`tier 1: ${error.message}`)
      this.known.of(root).prospect = { wanting: Infinity }
      this.freeSlots.push(slot)
      this.freeIds.push(id)
      return undefined
    }
    const annotated =
      marks === undefined ? undefined : { graph, pageAt: linear * PAGE, code: func.view().slice(), marks }
    const hosts = new Map([...chosen].map(([block, page]) => [page, block.hostPage]))
    const region: Compiled = { slot, id, pages: chosen, hosts, entries: [], bytes: func.length, annotated }
    this.live.add(region)
    this.bySlot.set(slot, region)
    for (const block of chosen.keys()) {
      const known = this.known.of(block)
      known.spent = known.samples
      known.regions.add(region)
    }
    graph.entries.forEach((node, number) => this.enter(graph.blocks[node]!.block, number, region))
    const { stats } = this
    stats.compiled++
    stats.instructions += graph.instructions
    stats.bytes += func.length
    return { func, region }
  }

  /** First instructions by themselves, of blocks whose first records will call the region. */
  private copies(graph: Region): Map<CodeBlock, number> {
    const { blocks } = this.o
    const copies = new Map<CodeBlock, number>()
    for (const n of graph.entries) {
      const { block } = graph.blocks[n]!
      const known = this.known.of(block)
      if (known.copy === 0) known.copy = blocks.reserve(2)
      blocks.copyFirst(block, known.copy)
      copies.set(block, known.copy)
    }
    return copies
  }

  private enter(block: CodeBlock, number: number, region: Compiled): void {
    const known = this.known.of(block)
    if (known.entered !== undefined) return
    const { view } = this
    const at = block.record
    const word = (offset: number): number => view.getInt32(at + offset, true)
    region.entries.push({
      block,
      handler: view.getUint16(at + R.handler, true),
      words: [word(ENTRY.number), word(ENTRY.place), word(ENTRY.place + 4)],
    })
    view.setUint16(at + R.handler, region.slot, true)
    view.setInt32(at + ENTRY.number, number, true)
    this.setPlace(block, NO_PLACE, 0)
    known.entered = region
  }

  private get inUser(): boolean {
    return this.o.cpu.state.low(S.cpl) === 3
  }

  private setPlace(block: CodeBlock, low: number, high: number): void {
    this.view.setInt32(block.record + ENTRY.place, low, true)
    this.view.setInt32(block.record + ENTRY.place + 4, high, true)
  }

  private remove(region: Compiled): void {
    if (!this.live.delete(region)) return
    this.bySlot.delete(region.slot)
    const { view } = this
    for (const { block, handler, words } of region.entries) {
      view.setUint16(block.record + R.handler, handler, true)
      view.setInt32(block.record + ENTRY.number, words[0], true)
      this.setPlace(block, words[1], words[2])
      const known = this.known.get(block)
      if (known !== undefined) {
        known.entered = undefined
        known.samples = known.spent = 0
      }
    }
    for (const block of region.pages.keys()) this.known.get(block)?.regions.delete(region)
    this.o.handlers.install(region.slot, null)
    if (this.counters !== 0) this.forgetCounts(region.id)
    this.freeSlots.push(region.slot)
    this.freeIds.push(region.id)
    this.stats.dropped++
    this.stats.bytes -= region.bytes
  }

  private forgetCounts(id: number): void {
    const { entries, executed } = this.countsOf(id)
    this.gone.entries += entries
    this.gone.executed += executed
    const at = this.counters + COUNTERS_BYTES * id
    this.view.setBigInt64(at, 0n, true)
    this.view.setBigInt64(at + 8, 0n, true)
  }

  /** Drops regions that were not entered since the last time. */
  private sweep(): void {
    const bytes = new Uint8Array(this.o.cpu.host.memory.buffer, this.used, MAX_REGIONS)
    for (const region of [...this.live]) {
      if (bytes[region.id] === 0) this.remove(region)
      else bytes[region.id] = 0
    }
    // All were in use: then it is all or nothing.
    if (this.stats.bytes > MAX_BYTES) for (const region of [...this.live]) this.remove(region)
  }
}
