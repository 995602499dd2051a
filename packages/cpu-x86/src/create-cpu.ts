/** A processor as a board builds it. */
import { wire, type InterruptSource, type IrqLine, type LocalApic, type Time } from '@godwit/hw'
import type { AddressSpace, HostMemory, RamBlock } from '@godwit/memory'
import type { CpuState } from './cpu-state.ts'
import type { Cpu } from './cpu.ts'
import { disassemble } from './decode/disassemble.ts'
import { Engine, type StopReason } from './engine/engine.ts'
import { EXIT, PENDING, S } from './state.ts'
import type { CpuModel } from './models.ts'
import type { RuntimeFunctions } from './runtime.ts'
import type { Meanings } from './semantics/meaning.ts'
import { INTEGER_FUNCTIONS, SEMANTICS } from './semantics/index.ts'
import { SYSTEM_FUNCTIONS } from './system/index.ts'
import { FPU_FUNCTIONS } from './fpu/index.ts'
import type { Tier1Mode, Tier1Stats } from './tier1/regions.ts'
import type { RegionListing } from './tier1/listing.ts'
import type { KeptCode } from './tier0/code-list.ts'
import { coldSamples, hotSamples } from './tier0/hot-samples.ts'

export interface CpuOptions {
  readonly host: HostMemory
  /** Guest physical memory and ports. Their onChange is taken over, calling what was there. */
  readonly memory: AddressSpace
  readonly ports: AddressSpace
  readonly time: Time
  readonly model: CpuModel
  /** Asked for a vector first, then the PIC. */
  readonly apic?: LocalApic
  readonly pic?: InterruptSource
  /** Every block that the guest can execute from or write to, so that changes by others are seen. */
  readonly ramBlocks: readonly RamBlock[]
  /** Room for decoded instructions, 32 bytes each. Default 24 MiB. */
  readonly recordBytes?: number
  /** Ticks of the time stamp counter a second of guest time, unless the model has a rate. Default 10^9. */
  readonly tscHz?: number
  /** Count executions of every block: see profile(). A third slower; takes a quarter of recordBytes more. */
  readonly profile?: boolean
  /** Compile hot code: 'on' what is hot, 'always' everything when it first runs (for tests). Default 'on'. */
  readonly tier1?: Tier1Mode
  /** Count how often compiled code is entered and what it executes, for stats() and compiled(). Some per cent slower. */
  readonly tier1Counters?: boolean
  /** What an instruction means, and what meanings call. Default: everything there is. */
  readonly semantics?: Meanings
  readonly functions?: RuntimeFunctions
  /** Keeps what is emitted at every start alike, so that only the first emits it. Default: emitted at every start. */
  readonly kept?: KeptCode
}

/** Bytes of host memory that a processor takes besides RAM. */
export const cpuHostBytes = (recordBytes = DEFAULT_RECORD_BYTES): number => 1.25 * recordBytes + 0x20_0000

const DEFAULT_RECORD_BYTES = 24 << 20
const DEFAULT_TIER1: Tier1Mode = 'on'

export interface RunResult {
  /** budget: the instructions are done; halted: HLT, nothing to take; shutdown: triple fault; stopped: requestStop(). */
  readonly reason: StopReason
  readonly executed: number
}

export interface ProcessorStats {
  readonly instructions: number
  readonly exits: Readonly<Record<string, number>>
  readonly exceptions: Readonly<Record<number, number>>
  readonly interrupts: number
  readonly tlbMisses: number
  readonly tlbFlushes: number
  readonly blocksDecoded: number
  readonly blocksDropped: number
  readonly handlers: number
  /** Of compiled regions; undefined if there are none. */
  readonly tier1: (Readonly<Tier1Stats> & { readonly entries?: number; readonly executed?: number }) | undefined
  /** Instructions that are not there, by name. */
  readonly missing: Readonly<Record<string, number>>
}

/** How often a block ran, and what it is. The same may come more than once. */
export interface ProfiledBlock {
  readonly count: number
  /** Key of its mode, as tier0/hot.ts has it. */
  readonly mode: number
  /** Linear address of its first instruction where it was first met; 64-bit ones are sign-extended. */
  readonly rip: number
  /** Handler's name, bytes in hex, the instruction as text, and whether it may stand before or at the end of a fused sequence. */
  readonly insns: readonly {
    readonly name: string
    readonly code: string
    readonly text: string
    readonly leads: boolean
    readonly lasts: boolean
  }[]
}

export interface Processor {
  readonly cpu: Cpu
  readonly state: CpuState
  /** Level of the interrupt controllers' output. */
  readonly intr: IrqLine
  /** Edges. */
  readonly nmi: IrqLine
  readonly smi: IrqLine
  readonly init: IrqLine
  /** Address line 20: high lets it through. */
  readonly a20: IrqLine
  /** Start-up message of another local APIC. */
  sipi(vector: number): void
  /**
   * Executes at least `max` instructions, ending with a block; with `exact` neither more nor fewer, unless something
   * else stops it. Never throws for what a guest does.
   */
  run(max: number, exact?: boolean): RunResult
  /** Instructions since it was made. */
  readonly instructions: number
  requestStop(): void
  reset(): void
  beforeSave(): void
  /** After the state was loaded or changed from outside. */
  afterLoad(): void
  stats(): ProcessorStats
  /** Blocks by how often they ran, most often first; empty unless `profile` was asked for. */
  profile(): ProfiledBlock[]
  /** Compiled regions beside the guest's code, those that executed most first; empty unless `tier1Counters` was asked for. */
  compiled(): RegionListing[]
}

export function createCpu(options: CpuOptions): Processor {
  const engine = new Engine({
    ...options,
    apic: options.apic,
    pic: options.pic,
    recordBytes: options.recordBytes ?? DEFAULT_RECORD_BYTES,
    tscHz: options.model.tscHz ?? options.tscHz ?? 1_000_000_000,
    profile: options.profile ?? false,
    tier1: options.tier1 ?? DEFAULT_TIER1,
    tier1Counters: options.tier1Counters ?? false,
    semantics: options.semantics ?? SEMANTICS,
    kept: options.semantics === undefined && options.functions === undefined ? options.kept : undefined,
    functions: options.functions ?? { ...INTEGER_FUNCTIONS, ...SYSTEM_FUNCTIONS, ...FPU_FUNCTIONS },
    hot: hotSamples,
    cold: coldSamples,
  })
  engine.state.tscKhz = BigInt(Math.round((options.model.tscHz ?? 0) / 1000))
  // Pending events are part of the processor's own state: a wire that is restored changes nothing.
  const edge = (bit: number): IrqLine =>
    wire((level) => {
      if (level) engine.setPending(bit, true)
    })
  const a20 = wire((level) => engine.setA20(level))
  a20.restore(true)
  const showIntr = (level: boolean): void => engine.setPending(PENDING.intr, level)
  const intr = wire(showIntr, showIntr)
  const reset = (): void => {
    engine.state.reset(engine.model.signature, engine.model.machineCheck)
    showIntr(intr.level)
    engine.refresh()
  }
  reset()
  return {
    cpu: engine,
    state: engine.state,
    intr,
    nmi: edge(PENDING.nmi),
    smi: edge(PENDING.smi),
    init: edge(PENDING.init),
    a20,
    sipi(vector) {
      engine.sipiVector = vector & 0xff
      engine.setPending(PENDING.sipi, true)
    },
    run(max, exact = false) {
      const before = engine.instructions()
      const reason = engine.run(max, exact)
      return { reason, executed: engine.instructions() - before }
    },
    get instructions() {
      return engine.instructions()
    },
    requestStop: () => engine.requestStop(),
    reset,
    beforeSave: () => undefined,
    afterLoad() {
      a20.restore(engine.state.low(S.a20Mask) === -1)
      engine.refresh()
    },
    stats: () => statsOf(engine),
    profile: () => profileOf(engine),
    compiled: () => engine.regions?.listings() ?? [],
  }
}

function statsOf(engine: Engine): ProcessorStats {
  const { stats, blocks, tlb, handlers } = engine
  return {
    instructions: engine.instructions(),
    exits: Object.fromEntries(Object.entries(EXIT).map(([name, n]) => [name, stats.exits[n]!])),
    exceptions: Object.fromEntries(
      [...stats.exceptions]
        .map((n, v) => [v, n + engine.state.word(S.exceptions + 4 * v)] as const)
        .filter(([, n]) => n > 0),
    ),
    interrupts: stats.interrupts,
    tlbMisses: tlb.misses,
    tlbFlushes: stats.flushes,
    blocksDecoded: blocks.decoded,
    blocksDropped: blocks.dropped,
    handlers: handlers.names.length,
    tier1: engine.regions === undefined ? undefined : { ...engine.regions.stats, ...engine.regions.counts() },
    missing: Object.fromEntries(stats.missing),
  }
}

function profileOf(engine: Engine): ProfiledBlock[] {
  const { names } = engine.handlers
  const blocks = engine.profile?.blocks() ?? []
  return blocks.map(({ count, mode, rip, insns }) => {
    let at = rip
    return {
      count,
      mode,
      rip,
      insns: insns.map(({ handler, insn, code, leads, lasts }) => {
        const text = disassemble(insn, at)
        at += insn.length
        return { name: names[handler]!, code, text, leads, lasts }
      }),
    }
  })
}
