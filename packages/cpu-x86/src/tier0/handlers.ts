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
import { EXC, S } from '../state.ts'
import { Emit } from '../wasm/emit.ts'
import { k32, local, type Val } from '../wasm/value.ts'
import { decodeList, encodeList, type CodeList, type KeptCode } from './code-list.ts'
import { emitFault, emitJump, fixedBodies } from './loop-parts.ts'
import { MODES, type Mode } from './mode.ts'
import { R } from './record.ts'
import { fusable, Sequences } from './sequences.ts'
import { Facets, formName, KeyMap, valueKey } from './tracked.ts'
import { RecordUnit, type Frame } from './unit.ts'

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

interface ColdSample {
  readonly mode: Mode
  readonly insn: Insn
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
  /** Where to find what was emitted for the same handlers at an earlier start. */
  readonly kept?: KeptCode | undefined
}

interface Made {
  readonly index: number
  readonly name: string
}

interface Numbered {
  readonly index: number
  readonly func: Func
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
  private queue: Numbered[] = []
  private calls: TableCalls
  /** Handlers that could not be emitted. */
  private failed = 0
  /** By mode: handlers made, until the cold list was. */
  private readonly asked = new Map<Mode, number>()
  /** Runs from a record on, until S.exit says why not. */
  readonly run: (record: number) => void

  constructor(options: HandlersOptions) {
    this.o = options
    this.table = new WebAssembly.Table({ element: 'anyfunc', initial: TABLE_STEP })
    const run = this.listed('run', () => this.emitRun())
    const first = this.names.length
    for (const name of run.names) this.byName.set(name, { index: this.names.push(name) - 1, name })
    this.hotCount = this.names.length
    this.run = this.instantiate(run.code).exports['run'] as (record: number) => void
    this.calls = new TableCalls(options.linked)
    this.makeLastResort()
    if (options.counters !== undefined) return
    const hot = run.numbers.map((sample, i) => ({ ...options.hot[sample]!, index: first + i }))
    this.learnSequences(hot.filter(({ insns }) => insns.length > 1))
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
    const { exports } = this.instantiate(this.moduleOf(this.queue, this.calls))
    for (const { index } of this.queue) this.install(index, exports[String(index)]!)
    this.queue = []
    this.calls = new TableCalls(this.o.linked)
    for (const [mode, count] of this.asked) {
      if (count < FEW) continue
      this.asked.set(mode, -Infinity)
      const samples = this.o.cold(mode).map((insn) => ({ insn, mode }))
      this.makeAll(`cold-${mode.key}`, samples)
    }
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
    this.emitUndefined(func, NO_INSTRUCTION, MODES[0]!, new Facets(), this.calls)
    this.byName.set(LAST_RESORT, { index: this.names.push(LAST_RESORT) - 1, name: LAST_RESORT })
    this.queue.push({ index: this.names.length - 1, func })
  }

  private emitUndefined(func: Func, insn: Insn, mode: Mode, facets: Facets, calls: TableCalls): void {
    const frame = this.coldFrame(func, calls)
    undefinedOpcode(new RecordUnit(frame, this.flags(frame), insn, mode, facets, local(I32, 0), 0))
    func.op('unreachable')
  }

  private moduleOf(funcs: Iterable<Numbered>, calls: TableCalls): Uint8Array<ArrayBuffer> {
    const module = new Module()
    importMemory(module, this.o.cpu)
    calls.declare(module)
    for (const { index, func } of funcs) module.add(func, String(index))
    return module.bytes()
  }

  private instantiate(code: Uint8Array<ArrayBuffer>): WebAssembly.Instance {
    return new WebAssembly.Instance(new WebAssembly.Module(code), {
      e: { m: this.o.cpu.host.memory, t: this.table, f: this.o.linked.table },
      r: this.o.linked.callables,
    })
  }

  private meaning(op: string): Meaning {
    return this.o.semantics[op] ?? undefinedOpcode
  }

  /** A cold handler, or a known one that is the same. */
  private make(insns: readonly Insn[], mode: Mode, facets: Facets): Made {
    const func = this.coldFunction(insns, mode, facets, this.calls)
    const before = this.names.length
    const made = this.named(nameOf(insns, mode, facets))
    if (this.names.length === before) return made
    this.queue.push({ index: made.index, func })
    this.asked.set(mode, (this.asked.get(mode) ?? 0) + 1)
    return made
  }

  /** The handler of a name, which may be new. */
  private named(name: string): Made {
    const same = this.byName.get(name)
    if (same !== undefined) return same
    // No guest has that many; one that tries finds them missing.
    if (this.names.length >= MAX_HANDLERS) return this.byName.get(LAST_RESORT)!
    const made = { index: this.names.push(name) - 1, name }
    this.byName.set(name, made)
    return made
  }

  /** Handlers of a list of instructions, ready to run. */
  private makeAll(name: string, samples: readonly ColdSample[]): void {
    const list = this.listed(name, () => this.emitAll(samples))
    const fresh: [index: number, name: string][] = []
    samples.forEach(({ insn, mode }, i) => {
      const known = this.byKey.get(insn, mode)
      const number = list.numbers[i]!
      const baked = (number & 1) !== 0
      const value = baked ? valueKey(insn) : ''
      if (known instanceof Map ? known.has(value) : known !== undefined) return
      const before = this.names.length
      const made = this.named(list.names[number >> 1]!)
      if (this.names.length > before) {
        fresh.push([made.index, String(number >> 1)])
        this.asked.set(mode, (this.asked.get(mode) ?? 0) + 1)
      }
      if (known instanceof Map) known.set(value, made)
      else this.byKey.set(insn, mode, baked ? new Map([[value, made]]) : made)
    })
    const { exports } = this.instantiate(list.code)
    for (const [index, number] of fresh) this.install(index, exports[number]!)
  }

  /** Numbers are those of names, twice, and 1 more for handlers that bake values. */
  private emitAll(samples: readonly ColdSample[]): CodeList {
    const calls = new TableCalls(this.o.linked)
    const known = new KeyMap<number>()
    const numbers: number[] = []
    const byName = new Map<string, Numbered>()
    for (const { insn, mode } of samples) {
      let number = known.get(insn, mode)
      if (number === undefined) {
        const facets = new Facets()
        const func = this.coldFunction([insn], mode, facets, calls)
        const name = nameOf([insn], mode, facets)
        let made = byName.get(name)
        if (made === undefined) byName.set(name, (made = { index: byName.size, func }))
        number = made.index * 2
        if (facets.baked) number++
        else known.set(insn, mode, number)
      }
      numbers.push(number)
    }
    return { names: [...byName.keys()], numbers, code: this.moduleOf(byName.values(), calls) }
  }

  /** What was kept under a name, or else is emitted now. Counters are for one run only. */
  private listed(name: string, emit: () => CodeList): CodeList {
    const { kept, counters } = this.o
    if (kept === undefined || counters !== undefined) return emit()
    const found = kept.read(name, this.key)
    if (found !== undefined) return decodeList(found)
    const before = this.failed
    const list = emit()
    if (this.failed === before) kept.write(name, this.key, encodeList(list))
    return list
  }

  /** Whatever emitted code depends on besides the program. */
  private get key(): string {
    const { cpu, linked, jumpCache, sampled } = this.o
    const { memory, shared } = cpu.host
    return [cpu.base, jumpCache, sampled, memory.buffer.byteLength, shared, ...linked.slots.keys()].join()
  }

  /** A meaning that cannot be emitted for these operands is missing, not a reason to stop the machine. */
  private coldFunction(insns: readonly Insn[], mode: Mode, facets: Facets, calls: TableCalls): Func {
    try {
      const func = new Func([I32], [I32])
      this.body(this.coldFrame(func, calls), local(I32, 0), insns, mode, facets)
      return func
    } catch (error) {
      if (!(error instanceof Error)) throw error
      const func = new Func([I32], [I32])
      const insn = insns[0]!
      this.failed++
      this.o.cpu.missing(`${insn.op}: ${error.message}`)
      facets.note('missing', 1)
      this.emitUndefined(func, insn, mode, facets, calls)
      return func
    }
  }

  /** Instructions with the same handlers as a hot sequence's are that sequence. */
  private learnSequences(hot: readonly (HotSample & { readonly index: number })[]): void {
    this.makeAll(
      'parts',
      hot.flatMap(({ insns, mode }) => insns.map((insn) => ({ insn, mode }))),
    )
    for (const { insns, mode, index } of hot)
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

  private coldFrame(func: Func, calls: TableCalls): Frame {
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

  /** The switch. Numbers are those of the samples that names are of. */
  private emitRun(): CodeList {
    const { base } = this.o.cpu
    const imports = new Imports(this.o.linked.functions)
    const module = new Module()
    importMemory(module, this.o.cpu)
    module.importTable('e', 't', 0)
    const coldType = module.type([I32], [I32])
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
    const { bodies, names, numbers } = this.hotBodies(frame, record)
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
    imports.declare(module)
    module.add(func, 'run')
    return { names, numbers, code: module.bytes() }
  }

  /** What emits the cases of the switch, in the order of their indices. */
  private hotBodies(frame: Frame, record: Val) {
    const bodies = fixedBodies(frame, record)
    const names: string[] = []
    const numbers: number[] = []
    this.o.hot.forEach(({ insns, mode }, sample) => {
      const facets = new Facets()
      const probe = new TableCalls(this.o.linked)
      this.body(this.coldFrame(new Func([I32], [I32]), probe), local(I32, 0), insns, mode, facets)
      if (facets.baked || !fusable(insns)) return
      const name = nameOf(insns, mode, facets)
      if (names.includes(name)) return
      names.push(name)
      numbers.push(sample)
      bodies.push(() => this.body(frame, record, insns, mode, new Facets()))
    })
    return { bodies, names, numbers }
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
