/**
 * Tier 0's handlers. The hot ones are the cases of one big switch inside `run`, a loop over records; the others are
 * compiled when a block first needs them and reached through a table.
 */
import { Func, I32, I64, Module } from '@godwit/wasm-encoder'
import { decode } from '../decode/decode.ts'
import type { Insn } from '../decode/insn.ts'
import { Flags, flagsInState } from '../flags.ts'
import { Imports, TableCalls, importMemory, type Linked } from '../runtime-link.ts'
import type { Cpu } from '../cpu.ts'
import type { Meaning, Meanings } from '../semantics/meaning.ts'
import { EXC, EXIT, S } from '../state.ts'
import { Emit } from '../wasm/emit.ts'
import { k32, local, type Val } from '../wasm/value.ts'
import { remaining, spend, type Account } from './budget.ts'
import { emitLookUp, isNotCanonical } from './jump-cache.ts'
import { MODES, type Mode } from './mode.ts'
import { FIXED_HANDLERS, HANDLER, R } from './record.ts'
import { fusable, Sequences } from './sequences.ts'
import { Facets, formName, KeyMap, valueKey } from './tracked.ts'
import { exitIfHeld, RecordUnit, type Frame } from './unit.ts'

/** What a cold handler returns instead of a record. */
export const COLD = { exit: 0, jump: 1 } as const
/** Handlers are numbered by 16 bits. */
const MAX_HANDLERS = 60_000
const TABLE_STEP = 1024
/** Handlers of a mode that are made one by one before it is taken for the guest's. */
const FEW = 16

export interface HotSample {
  readonly mode: Mode
  /** One instruction, or a few that run after one another and are worth one handler. */
  readonly insns: readonly Insn[]
}

export interface HandlersOptions {
  readonly cpu: Cpu
  readonly linked: Linked
  readonly semantics: Meanings
  readonly hot: readonly HotSample[]
  /** Instructions to be made together once a few of their mode were asked for. */
  readonly cold: (mode: Mode) => readonly Insn[]
  /** To count executions: host address of one i64 for each record, and of the first record. */
  readonly counters?: { readonly at: number; readonly records: number }
  /** Host address of the jump cache. */
  readonly jumpCache: number
  /** S.untilSample counts. */
  readonly sampled: boolean
}

interface Made {
  readonly index: number
  readonly name: string
}

export class Handlers {
  /** By index. */
  readonly names: string[] = ['@dead', '@forward', '@next']
  readonly hotCount: number
  /** The last index() follows from values in the instruction too. */
  baked = false
  private readonly byKey = new KeyMap<Made | Map<string, Made>>()
  private readonly byName = new Map<string, Made>()
  /** Which runs of handlers have one of their own. None in profiles, which ask what ran. */
  readonly sequences = new Sequences()
  private readonly o: HandlersOptions
  private readonly table: WebAssembly.Table
  private readonly hotSequences: { insns: readonly Insn[]; mode: Mode; index: number }[] = []
  private queue: { readonly index: number; readonly func: Func }[] = []
  private calls: TableCalls
  /** By mode: handlers made, until the cold list was. */
  private readonly asked = new Map<Mode, number>()
  /** Runs from a record on, until S.exit says why not. */
  readonly run: (record: number) => void

  constructor(options: HandlersOptions) {
    this.o = options
    this.table = new WebAssembly.Table({ element: 'anyfunc', initial: TABLE_STEP })
    const imports = new Imports(options.linked.functions)
    const module = new Module()
    importMemory(module, options.cpu)
    module.importTable('e', 't', 0)
    const type = module.type([I32], [I32])
    const func = this.emitRun(imports, type)
    this.hotCount = this.names.length
    imports.declare(module)
    module.add(func, 'run')
    this.run = this.instantiate(module).exports['run'] as (record: number) => void
    this.calls = new TableCalls(options.linked)
    this.makeLastResort()
    if (options.counters === undefined) this.learnSequences()
  }

  /** Handler of an instruction; compile() must be called before it runs. */
  index(insn: Insn, mode: Mode): number {
    const known = this.byKey.get(insn, mode)
    this.baked = known instanceof Map
    if (known instanceof Map) {
      const value = valueKey(insn)
      let made = known.get(value)
      if (made === undefined) known.set(value, (made = this.make([insn], mode, new Facets())))
      return made.index
    }
    if (known !== undefined) return known.index
    const facets = new Facets()
    const made = this.make([insn], mode, facets)
    this.baked = facets.baked
    this.byKey.set(insn, mode, facets.baked ? new Map([[valueKey(insn), made]]) : made)
    return made.index
  }

  /** Makes handlers asked for since the last time ready to run. */
  compile(): void {
    if (this.queue.length === 0) return
    for (const [mode, count] of this.asked) {
      if (count < FEW) continue
      this.asked.set(mode, -Infinity)
      for (const insn of this.o.cold(mode)) this.index(insn, mode)
    }
    const module = new Module()
    importMemory(module, this.o.cpu)
    this.calls.declare(module)
    for (const { index, func } of this.queue) module.add(func, String(index))
    const { exports } = this.instantiate(module)
    for (const { index } of this.queue) {
      if (index >= this.table.length) this.table.grow(Math.max(TABLE_STEP, index + 1 - this.table.length))
      this.table.set(index, exports[String(index)])
    }
    this.queue = []
    this.calls = new TableCalls(this.o.linked)
  }

  /** A number for a function that stands in for handlers, or -1 if there are no more. */
  reserve(name: string): number {
    return this.names.length >= MAX_HANDLERS ? -1 : this.names.push(name) - 1
  }

  /** Puts a function there, or takes it away. */
  install(index: number, f: WebAssembly.ExportValue | null): void {
    if (index >= this.table.length) this.table.grow(Math.max(TABLE_STEP, index + 1 - this.table.length))
    this.table.set(index, f)
  }

  private makeLastResort(): void {
    const func = new Func([I32], [I32])
    this.emitUndefined(func, NO_INSTRUCTION, MODES[0]!, new Facets())
    this.byName.set(LAST_RESORT, { index: this.names.push(LAST_RESORT) - 1, name: LAST_RESORT })
    this.queue.push({ index: this.names.length - 1, func })
  }

  private emitUndefined(func: Func, insn: Insn, mode: Mode, facets: Facets): void {
    const frame = this.coldFrame(func)
    undefinedOpcode(new RecordUnit(frame, this.flags(frame), insn, mode, facets, local(I32, 0), 0))
    func.op('unreachable')
  }

  private instantiate(module: Module): WebAssembly.Instance {
    return new WebAssembly.Instance(new WebAssembly.Module(module.bytes()), {
      e: { m: this.o.cpu.host.memory, t: this.table, f: this.o.linked.table },
      r: this.o.linked.callables,
    })
  }

  private meaning(op: string): Meaning {
    return this.o.semantics[op] ?? undefinedOpcode
  }

  /** A cold handler, or a known one that is the same. */
  private make(insns: readonly Insn[], mode: Mode, facets: Facets): Made {
    const func = this.coldFunction(insns, mode, facets)
    const name = nameOf(insns, mode, facets)
    const same = this.byName.get(name)
    if (same !== undefined) return same
    // No guest has that many; one that tries finds them missing.
    if (this.names.length >= MAX_HANDLERS) return this.byName.get(LAST_RESORT)!
    const made = { index: this.names.push(name) - 1, name }
    this.byName.set(name, made)
    this.queue.push({ index: made.index, func })
    this.asked.set(mode, (this.asked.get(mode) ?? 0) + 1)
    return made
  }

  /** A meaning that cannot be emitted for these operands is missing, not a reason to stop the machine. */
  private coldFunction(insns: readonly Insn[], mode: Mode, facets: Facets): Func {
    try {
      const func = new Func([I32], [I32])
      this.body(this.coldFrame(func), local(I32, 0), insns, mode, facets)
      return func
    } catch (error) {
      if (!(error instanceof Error)) throw error
      const func = new Func([I32], [I32])
      const insn = insns[0]!
      this.o.cpu.missing(`${insn.op}: ${error.message}`)
      facets.note('missing', 1)
      this.emitUndefined(func, insn, mode, facets)
      return func
    }
  }

  /** Instructions with the same handlers as a hot sequence's are that sequence. */
  private learnSequences(): void {
    for (const { insns, mode, index } of this.hotSequences)
      this.sequences.add(
        insns.map((insn) => this.index(insn, mode)),
        index,
      )
  }

  private body(frame: Frame, record: Val, insns: readonly Insn[], mode: Mode, facets: Facets): void {
    const { e } = frame
    const flags = this.flags(frame)
    insns.forEach((insn, n) => {
      const unit = new RecordUnit(frame, flags, insn, mode, facets, record, n * R.bytes)
      this.meaning(insn.op)(unit)
      if (n === insns.length - 1 && !unit.done) {
        flags.flush()
        if (insn.flow === 'next') {
          frame.goto(record.add(insns.length * R.bytes))
        } else {
          unit.setField(S.rip, unit.next())
          unit.left()
        }
      }
      e.release(flags.live())
    })
    e.release()
    e.func.op('unreachable')
  }

  private flags({ e, base }: Frame): Flags {
    return new Flags(e, flagsInState(e, base))
  }

  private coldFrame(func: Func, calls = this.calls): Frame {
    const e = new Emit(func)
    const { base } = this.o.cpu
    return {
      e,
      base,
      sampled: this.o.sampled,
      runtime: this.o.linked.functions,
      func: (name) => calls.func(name),
      tlb: () => e.load(I32, 'i32_load', k32(0), base + S.tlb),
      goto: (record) => {
        record.emit(func)
        func.ret()
      },
      jump: (rip) => {
        e.store('i64_store', k32(0), rip, base + S.rip)
        func.i32(COLD.jump).ret()
      },
      resume: () => {
        func.i32(COLD.jump).ret()
      },
      exit: () => {
        func.i32(COLD.exit).ret()
      },
      fault: () => {
        func.i32(COLD.exit).ret()
      },
    }
  }

  private emitRun(imports: Imports, coldType: number): Func {
    const { base } = this.o.cpu
    const func = new Func([I32], [])
    const e = new Emit(func)
    const record = local(I32, 0)
    const rip = local(I64, func.local(I64))
    const ripLocal = 1
    const result = func.local(I32)
    const tlbLocal = func.local(I32)
    const tlb = local(I32, tlbLocal)
    e.assign(tlbLocal, e.load(I32, 'i32_load', k32(0), base + S.tlb))
    e.release()
    const outer = e.depth
    let loop = 0
    let tail = 0
    let fault = 0
    const resume = (): void => {
      e.assign(tlbLocal, e.load(I32, 'i32_load', k32(0), base + S.tlb))
      e.assign(ripLocal, e.load(I64, 'i64_load', k32(0), base + S.rip))
    }
    const frame: Frame = {
      e,
      base,
      sampled: this.o.sampled,
      runtime: this.o.linked.functions,
      func: (name) => imports.func(name),
      tlb: () => tlb,
      goto: (next) => {
        e.assign(0, next)
        e.br({ depth: loop })
      },
      jump: (target) => {
        e.assign(ripLocal, target)
        e.br({ depth: tail })
      },
      resume: () => {
        resume()
        e.br({ depth: tail })
      },
      exit: () => {
        func.ret()
      },
      fault: () => {
        e.br({ depth: fault })
      },
    }
    const bodies = this.hotBodies(frame, record)
    e.loop(() => {
      loop = e.depth
      e.block(() => {
        tail = e.depth
        e.block(() => {
          fault = e.depth
          for (let i = 0; i <= bodies.length; i++) {
            func.block()
            e.depth++
          }
          this.emitCount(e, record)
          func.get(0).mem('i32_load16_u', R.handler)
          func.brTable(
            bodies.map((_, i) => i),
            bodies.length,
          )
          for (const body of bodies) {
            func.end()
            e.depth--
            body()
          }
          func.end()
          e.depth--
          func.get(0).get(0).mem('i32_load16_u', R.handler).callIndirect(coldType).set(result)
          e.if(local(I32, result).gtU(COLD.jump), () => frame.goto(local(I32, result)))
          // It may have been a system instruction.
          e.if(local(I32, result), () => frame.resume())
          e.release()
        })
        emitFault(frame)
        resume()
        e.release()
      })
      emitJump(frame, this.o.jumpCache, rip, record, loop)
    })
    if (e.depth !== outer) throw new Error('unbalanced blocks')
    return func
  }

  /** What emits the cases of the switch, in the order of their indices. */
  private hotBodies(frame: Frame, record: Val): (() => void)[] {
    const bodies = fixedBodies(frame, record)
    for (const { insns, mode } of this.o.hot) {
      const facets = new Facets()
      const probe = new TableCalls(this.o.linked)
      this.body(this.coldFrame(new Func([I32], [I32]), probe), local(I32, 0), insns, mode, facets)
      if (facets.baked || !fusable(insns)) continue
      const name = nameOf(insns, mode, facets)
      if (this.byName.has(name)) continue
      const index = this.names.push(name) - 1
      this.byName.set(name, { index, name })
      if (insns.length > 1) this.hotSequences.push({ insns, mode, index })
      bodies.push(() => this.body(frame, record, insns, mode, new Facets()))
    }
    return bodies
  }

  private emitCount(e: Emit, record: Val): void {
    const { counters } = this.o
    if (counters === undefined) return
    const at = e.let(record.sub(counters.records).shrU(2))
    e.store('i64_store', at, e.load(I64, 'i64_load', at, counters.at).add(1), counters.at)
    e.release()
  }
}

function nameOf(insns: readonly Insn[], mode: Mode, facets: Facets): string {
  const forms = insns.map((i) => formName(i, mode)).join('+')
  const key = facets.key
  return key === '' ? forms : `${forms}@${key}`
}

const LAST_RESORT = '@undefined'
const NO_INSTRUCTION = decode(() => 0x90, 32)
const undefinedOpcode: Meaning = (u) => u.raise(EXC.UD, -1)

/** Cases 0 to 2. */
function fixedBodies(frame: Frame, record: Val): (() => void)[] {
  const { e, base } = frame
  const store = (offset: number, value: Val): void => e.store('i32_store', k32(0), value, base + offset)
  const bodies: (() => void)[] = []
  bodies[HANDLER.dead] = () => {
    store(S.exitRecord, record)
    store(S.exit, k32(EXIT.dead))
    frame.exit()
  }
  bodies[HANDLER.forward] = () => {
    frame.goto(e.load(I32, 'i32_load', record, R.link))
    e.release()
  }
  bodies[HANDLER.next] = () => {
    const index = e.load(I32, 'i32_load16_u', record, R.index)
    const left = spend(frame, index)
    const link = e.load(I32, 'i32_load', record, R.link)
    e.unlikely(link.isZero().or(left.ltS(0)), () => {
      const page = e.load(I64, 'i64_load', k32(0), base + S.codePage)
      const mask = e.load(I64, 'i64_load', k32(0), base + S.codeMask)
      frame.jump(page.add(e.load(I64, 'i64_load16_u', record, R.offset)).and(mask))
    })
    frame.goto(link)
    e.release()
  }
  if (bodies.length !== FIXED_HANDLERS) throw new Error('fixed handlers are not what records count on')
  return bodies
}

/** Generated code has left: goes on, at S.rip, if it was an exception that is delivered right here. */
function emitFault(frame: Frame): void {
  const { e, base } = frame
  const exit = (): void => frame.exit()
  e.if(e.load(I32, 'i32_load', k32(0), base + S.exit).ne(EXIT.fault), exit)
  e.if(e.call(frame.func('deliver_fault'), [], I32).isZero(), exit)
  exitIfHeld(e, base, exit)
}

/** Goes on at `rip` by the jump cache, or leaves. */
function emitJump(account: Account, jumpCache: number, rip: Val, record: Val, loop: number): void {
  const { e, base } = account
  const { func } = e
  const load64 = (offset: number): Val => e.load(I64, 'i64_load', k32(0), base + offset)
  const leave = (exit: number): void => {
    e.store('i64_store', k32(0), rip, base + S.rip)
    e.store('i32_store', k32(0), k32(exit), base + S.exit)
    func.ret()
  }
  e.unlikely(remaining(account).ltS(0), () => {
    e.store('i32_store', k32(0), record, base + S.exitRecord)
    leave(EXIT.budget)
  })
  const linear = e.let(rip.add(load64(S.codeBase)).and(load64(S.codeMask)))
  const next = emitLookUp(e, base, jumpCache, linear)
  e.unlikely(next.unknown.or(isNotCanonical(linear)), () => leave(EXIT.jump))
  e.store('i64_store', k32(0), rip.sub(linear.and(0xfff)), base + S.codePage)
  // An instruction runs after STI without the run loop: that was the one to let pass.
  e.store('i32_store', k32(0), k32(0), base + S.shadow)
  e.assign(0, next.record())
  e.release()
  e.br({ depth: loop })
}
