/** A region as one WebAssembly function: (record entered by) -> record that tier 0 goes on with, or COLD.jump. */
import { Func, I32, I64, V128, type ValueType } from '@godwit/wasm-encoder'
import { Flags, flagsInState, type FlagHome, type Pending } from '../flags.ts'
import { S } from '../state.ts'
import { COLD } from '../tier0/handlers.ts'
import { emitLookUp, isNotCanonical } from '../tier0/jump-cache.ts'
import type { Mode } from '../tier0/mode.ts'
import { R } from '../tier0/record.ts'
import { Emit, type Callee } from '../wasm/emit.ts'
import { k32, k64, local, select, type Val } from '../wasm/value.ts'
import { compilable } from './compilable.ts'
import { emitCounts } from './counts.ts'
import type { EmitOptions } from './emit-options.ts'
import { LazyFlags, bound } from './lazy-flags.ts'
import type { Mark } from './listing.ts'
import { ENTRY, emitConfirm } from './entry-record.ts'
import { callCounted } from './functions.ts'
import { flagsLiveIn } from './liveness.ts'
import { graphOf, successorsOf, type Region, type RegionBlock } from './region.ts'
import { Structure } from './structure.ts'
import { NO_PAGE, type PageCache } from './page-cache.ts'
import { RegionUnit, type Ground } from './unit.ts'
import { x87Emitter, type X87Emitter } from './x87-emit.ts'

/** Of one region: each takes two locals for the whole of it. */
const PAGE_CACHES = 6
/** Leave some flags as they are. */
const ROTATES = new Set(['rol', 'ror', 'rcl', 'rcr', 'bt', 'bts', 'btr', 'btc', 'clc', 'stc', 'cmc'])

export function emitRegion(region: Region, mode: Mode, options: EmitOptions): Func {
  return new RegionEmitter(region, mode, options).whole()
}

class RegionEmitter implements Ground {
  readonly e: Emit
  readonly base: number
  readonly mode: Mode
  private readonly o: EmitOptions
  private readonly func: Func
  private readonly region: Region
  private readonly structure: Structure
  private readonly liveIn: boolean[]
  /** Predecessors inside the region by node; entries have one more. */
  private readonly ways: number[]
  private readonly inherited = new Map<number, Pending>()
  private readonly lazy: LazyFlags
  private flags: Flags
  private readonly x87: X87Emitter | undefined
  private readonly home: { readonly res: number; readonly cv: number; readonly aux: number }
  private readonly regs = new Map<number, number>()
  private readonly written = new Set<number>()
  private readonly caches = new Map<string, PageCache>()
  private looping: ReadonlySet<number> = new Set()
  private readonly ret: number
  private readonly budget: number
  private readonly granted: number
  /** Where tier 0 goes on. */
  private readonly rip: number
  private readonly pageLocal: number
  private readonly tlbLocal: number
  /** Depths of the ways out: with flags at rest in their locals, with what they follow from in those of `lazy`, and so to an address. */
  private outResting = 0
  private outLazy = 0
  private outJump = 0
  private flagsRead = false
  private flagsWritten = false
  private severalPages = false
  private confirms = false
  private readonly marks: Mark[] = []
  /** The node that goes on at any entry, or -1. */
  private readonly dispatch: number
  private node = 0
  private at = 0

  constructor(region: Region, mode: Mode, options: EmitOptions) {
    this.region = region
    this.mode = mode
    this.o = options
    this.base = options.base
    this.func = new Func([I32], [I32])
    const { func } = this
    this.e = new Emit(func)
    this.ret = func.local(I32)
    this.budget = func.local(I32)
    this.granted = func.local(I32)
    this.rip = func.local(I64)
    this.pageLocal = func.local(I64)
    this.tlbLocal = func.local(I32)
    this.home = { res: func.local(I64), cv: func.local(I64), aux: func.local(I32) }
    const turns = region.blocks.some((b) => b.insns.some(({ op }) => ROTATES.has(op)))
    this.lazy = new LazyFlags(func, this.e, this.newHome(), this.base, () => options.func('flag_words'), turns)
    this.flags = this.newFlags()
    this.x87 = x87Emitter(this, region, options.fpuControl, (offset) => this.ripAt(offset))
    this.liveIn = flagsLiveIn(region)
    const { edges, entries, dispatch } = graphOf(region)
    this.dispatch = dispatch
    this.ways = region.blocks.map((b) => (b.entry && dispatch < 0 ? 1 : 0))
    for (const to of edges) for (const s of to) if (s !== dispatch) this.ways[s]! += 1
    if (dispatch >= 0) for (const n of region.entries) this.ways[n]! += 1
    this.structure = new Structure(this.e, { edges, entries }, (n) => this.body(n))
    this.looping = this.structure.loops()
    const { e } = this
    e.block((end) => {
      e.block((rest) => {
        this.outResting = rest.depth
        e.block((lazy) => {
          this.outLazy = lazy.depth
          e.block((jump) => {
            this.outJump = jump.depth
            this.structure.emit(this.ret)
            func.op('unreachable')
          })
          e.store('i64_store', k32(0), local(I64, this.rip), this.base + S.rip)
          e.assign(this.ret, k32(COLD.jump))
        })
        this.lazy.store(!this.flagsWritten, () => e.br(end))
      })
      if (!this.flagsWritten) return
      const { res, cv, aux } = this.home
      flagsInState(e, this.base).set(local(I64, res), local(I64, cv), local(I32, aux))
    })
  }

  /** The function with what comes before and after the body: only now is known which registers it uses. */
  whole(): Func {
    const whole = new Func([I32], [I32])
    whole.locals.push(...this.func.locals)
    this.prologue(whole)
    const from = whole.length
    whole.raw(this.func.view())
    for (const [offset, likely] of this.func.hints) whole.hints.push([offset + from, likely])
    this.o.marks?.push(...this.marks.map((mark) => ({ ...mark, offset: mark.offset + from })))
    this.epilogue(whole)
    return whole
  }

  // -- Ground ---------------------------------------------------------------------------------------------------

  gpr(number: number, write: boolean): number {
    return this.register(number, I64, write)
  }

  xmm(number: number, write: boolean): number {
    return this.register(16 + number, V128, write)
  }

  page(): Val {
    return local(I64, this.pageLocal)
  }

  tlb(): Val {
    return local(I32, this.tlbLocal)
  }

  runtime(name: string): Callee {
    return this.o.func(name)
  }

  inWasm(name: string): boolean {
    return this.o.inWasm(name)
  }

  pageCache(key: string): PageCache | undefined {
    if (!this.looping.has(this.node)) return undefined
    let cache = this.caches.get(key)
    if (cache === undefined) {
      if (this.caches.size >= PAGE_CACHES) return undefined
      cache = { page: this.func.local(I64), addend: this.func.local(I32) }
      this.caches.set(key, cache)
    }
    return cache
  }

  bail(): void {
    this.leave(this.o.record(this.region.blocks[this.node]!, this.at))
  }

  branch(taken: Val): void {
    const b = this.block()
    const yes = taken.type === I32 ? taken : taken.ne(0)
    const target = (): Val => this.targetRip(b)
    const next = (): Val => this.nextRip(b)
    const early = this.x87 !== undefined
    if (early) this.charge(b, () => select(yes, target(), next()))
    else this.count(b)
    this.hand(b)
    // The condition has one reader, so that the host compares and jumps at once; who leaves anyway need not look at the budget.
    const way = (node: number, rip: () => Val): void => {
      if (node >= 0 && !early) this.stopIfSpent(rip)
      this.edge(node, rip)
    }
    this.e.if(yes, () => way(b.target, target))
    way(b.next, next)
  }

  jump(): void {
    const b = this.block()
    this.goto(b, b.target, () => this.targetRip(b))
  }

  jumpTo(rip: Val): void {
    const b = this.block()
    const to = this.e.let(rip)
    if (b.likely.length === 0 && !b.dispatches) {
      this.count(b)
      this.exit(to)
      return
    }
    this.charge(b, () => to)
    this.hand(b)
    for (const node of b.likely) {
      const site = this.region.blocks[node]!
      const there = this.ripAt((site.page - b.page) * 4096 + site.block.start)
      this.e.if(to.eq(there), () => this.edge(node, () => to))
    }
    if (!b.dispatches) {
      this.exit(to)
      return
    }
    this.x87?.settle()
    this.seek(to)
  }

  goOn(): void {
    const b = this.block()
    const next = (): Val => this.nextRip(b)
    this.charge(b, next)
    this.hand(b)
    // An instruction runs after STI without the run loop: that was the one to let pass.
    this.e.store('i32_store', k32(0), k32(0), this.base + S.shadow)
    this.edge(b.next, next)
  }

  ask(name: string, args: readonly Val[]): Val {
    const now = { budget: this.budget, record: this.o.record(this.block(), this.at) }
    return callCounted(this.e, this.base, now, this.o.func(name), args)
  }

  attend(): void {
    this.e.store('i32_store', k32(0), local(I32, this.budget), this.base + S.budget)
    this.e.call(this.o.func('attend'), [])
    this.e.assign(this.budget, this.e.load(I32, 'i32_load', k32(0), this.base + S.budget))
  }

  // -- blocks ---------------------------------------------------------------------------------------------------

  private body(node: number): void {
    if (node === this.dispatch) {
      this.structure.select(this.region.entries, this.ret, (to) => this.x87?.scatter(to))
      return
    }
    this.node = node
    const b = this.block()
    this.x87?.begin(node)
    this.flags = this.newFlags()
    this.flags.pending = this.inherited.get(node)
    if (this.meets(node)) this.flags.pending = this.lazy.deferred
    for (let i = 0; i < b.insns.length; i++) {
      const insn = b.insns[i]!
      this.at = i
      if (this.o.marks !== undefined) this.marks.push({ offset: this.func.length, node, index: i })
      const meaning = this.o.semantics[insn.op]
      if (meaning === undefined || !compilable(insn)) {
        this.bail()
        this.e.release()
        return
      }
      const unit = new RegionUnit(this, this.flags, b.insns, i, b.offsets[i]!)
      if (this.x87 === undefined) meaning(unit)
      else this.x87.translate(unit, b.offsets[i]!, () => meaning(unit))
      if (unit.done) {
        this.e.release()
        return
      }
      this.e.release(this.flags.live())
    }
    this.goto(b, b.next, () => this.nextRip(b))
    this.e.release()
  }

  private block(): RegionBlock {
    return this.region.blocks[this.node]!
  }

  /** Ends a block that has one way on. */
  private goto(b: RegionBlock, node: number, rip: () => Val): void {
    if (node < 0) this.count(b)
    else this.charge(b, rip)
    this.hand(b)
    this.edge(node, rip)
  }

  /** Counts a block's instructions; returns to the run loop if they used up the budget. */
  private charge(b: RegionBlock, rip: () => Val): void {
    this.count(b)
    this.stopIfSpent(rip)
  }

  private stopIfSpent(rip: () => Val): void {
    this.e.unlikely(local(I32, this.budget).ltS(0), () => this.exit(rip()))
  }

  private count(b: RegionBlock): void {
    this.e.assign(this.budget, local(I32, this.budget).sub(b.insns.length))
  }

  /** Pending flags get locals of their own if a successor goes on with them. */
  private hand(b: RegionBlock): void {
    const { pending } = this.flags
    if (pending === undefined) return
    const heirs = successorsOf(b).filter((s) => this.ways[s] === 1 && this.liveIn[s]!)
    if (heirs.length === 0) return
    if (pending.kind === 'deferred') {
      for (const s of heirs) this.inherited.set(s, pending)
      return
    }
    const kept = bound(pending, (value) => this.keep(value))
    for (const s of heirs) this.inherited.set(s, kept)
  }

  private keep(value: Val): Val {
    if (value.isConst) return value
    const index = this.func.local(value.type)
    this.e.assign(index, value)
    return local(value.type, index)
  }

  private edge(node: number, rip: () => Val): void {
    if (node < 0) {
      this.exit(rip())
      return
    }
    this.x87?.settle()
    const to = this.region.blocks[node]!
    const pages = to.page - this.block().page
    if (to.block.second >= 0 || (pages !== 0 && !this.o.steady)) this.cross(to, this.e.let(rip()))
    else if (pages !== 0) {
      this.e.assign(this.pageLocal, this.ripAt(pages * 4096))
      this.severalPages = this.confirms = true
    }
    if (this.meets(node)) this.lazy.arrive(this.flags)
    this.x87?.go(node)
    this.structure.go(node)
  }

  /** Into another page or to where two meet, if the jump cache says that what the region expects is there. */
  private cross(to: RegionBlock, rip: Val): void {
    const { e } = this
    const { record, unknown } = emitLookUp(e, this.base, this.o.jumpCache, rip)
    e.unlikely(unknown.or(record().ne(to.block.record)), () => this.exit(rip))
    e.assign(this.pageLocal, rip.sub(to.block.start))
    this.severalPages = true
  }

  /** To an address that the jump cache may know as one of this region's entries. */
  private seek(rip: Val): void {
    const { e } = this
    const found = emitLookUp(e, this.base, this.o.jumpCache, rip)
    const record = e.let(found.record())
    let other = found.unknown.or(e.load(I32, 'i32_load16_u', record, R.handler).ne(this.o.slot))
    if (this.mode.code === 64) other = other.or(isNotCanonical(rip))
    e.unlikely(other, () => this.exit(rip))
    const page = e.let(rip.and(-4096))
    if ((this.confirms ||= this.o.steady)) {
      const place = page.xor(e.load(I64, 'i64_load', k32(0), this.base + S.modeTag))
      e.unlikely(e.load(I64, 'i64_load', record, ENTRY.place).ne(place), () => this.exit(rip))
    }
    e.assign(this.ret, e.load(I32, 'i32_load', record, ENTRY.number))
    e.assign(this.pageLocal, page)
    this.severalPages = true
    this.lazy.arrive(this.flags)
    this.x87?.gather()
    this.structure.go(this.dispatch)
  }

  /** To an address that tier 0 looks up. The budget was charged. */
  private exit(rip: Val): void {
    this.x87?.leave()
    this.e.assign(this.rip, rip)
    this.lazy.arrive(this.flags)
    this.e.br({ depth: this.outJump })
  }

  private leave(record: number): void {
    this.x87?.leave()
    this.e.assign(this.ret, k32(record))
    if (this.flags.pending === undefined) this.e.br({ depth: this.outResting })
    else {
      this.lazy.arrive(this.flags)
      this.e.br({ depth: this.outLazy })
    }
  }

  /** Ways meet at a node that needs the flags. */
  private meets(node: number): boolean {
    return this.liveIn[node]! && this.ways[node] !== 1
  }

  private targetRip(b: RegionBlock): Val {
    const last = b.insns.length - 1
    const insn = b.insns[last]!
    const next = this.ripAt(b.offsets[last]! + insn.length)
    return next.add(k64(insn.target)).zext(insn.codeSize)
  }

  private nextRip(b: RegionBlock): Val {
    const last = b.insns.length - 1
    return this.ripAt(b.offsets[last]! + b.insns[last]!.length)
  }

  private ripAt(offset: number): Val {
    return this.page()
      .add(k64(offset))
      .zext(this.mode.code === 64 ? 64 : 32)
  }

  private newFlags(): Flags {
    const flags = new Flags(this.e, this.newHome(), true)
    flags.either = (condition, then) => this.lazy.either(flags, condition, then)
    return flags
  }

  private newHome(): FlagHome {
    const { e, home } = this
    const read = (type: ValueType, index: number): Val => {
      this.flagsRead = true
      return e.let(local(type, index))
    }
    return {
      res: () => read(I64, home.res),
      cv: () => read(I64, home.cv),
      aux: () => read(I32, home.aux),
      set: (res, cv, aux) => {
        this.flagsWritten = true
        e.assign(home.res, res)
        e.assign(home.cv, cv)
        e.assign(home.aux, aux)
      },
    }
  }

  // -- the function around ----------------------------------------------------------------------------------------

  private register(key: number, type: ValueType, write: boolean): number {
    if (write) this.written.add(key)
    let index = this.regs.get(key)
    if (index === undefined) this.regs.set(key, (index = this.func.local(type)))
    return index
  }

  private prologue(func: Func): void {
    const { base } = this
    const load = (index: number, op: 'i32_load' | 'i64_load' | 'v128_load', offset: number): void => {
      func
        .i32(0)
        .mem(op, base + offset)
        .set(index)
    }
    if (this.confirms) emitConfirm(func, base, this.o.func('confirm'))
    func.i32(0).i32(1).mem('i32_store8', this.o.used)
    load(this.budget, 'i32_load', S.budget)
    load(this.pageLocal, 'i64_load', S.codePage)
    load(this.tlbLocal, 'i32_load', S.tlb)
    if (this.flagsRead || this.flagsWritten) {
      load(this.home.res, 'i64_load', S.flagRes)
      load(this.home.cv, 'i64_load', S.flagCv)
      load(this.home.aux, 'i32_load', S.flagAux)
    }
    for (const [key, index] of this.regs)
      if (key < 16) load(index, 'i64_load', S.gpr + 8 * key)
      else load(index, 'v128_load', S.xmm + 16 * (key - 16))
    for (const { page } of this.caches.values()) func.i64(NO_PAGE.low, NO_PAGE.high).set(page)
    if (this.o.counters !== 0) func.get(this.budget).set(this.granted)
    this.x87?.prologue(func)
    if (this.region.entries.length > 1) func.get(0).mem('i32_load', ENTRY.number).set(this.ret)
  }

  private epilogue(func: Func): void {
    const { base } = this
    const store = (index: number, op: 'i32_store' | 'i64_store' | 'v128_store', offset: number): void => {
      func
        .i32(0)
        .get(index)
        .mem(op, base + offset)
    }
    store(this.budget, 'i32_store', S.budget)
    if (this.o.counters !== 0) emitCounts(func, this.o.counters, this.granted, this.budget)
    if (this.severalPages) store(this.pageLocal, 'i64_store', S.codePage)
    for (const [key, index] of this.regs) {
      if (!this.written.has(key)) continue
      if (key < 16) store(index, 'i64_store', S.gpr + 8 * key)
      else store(index, 'v128_store', S.xmm + 16 * (key - 16))
    }
    this.x87?.locals.leave(func)
    func.get(this.ret)
  }
}
