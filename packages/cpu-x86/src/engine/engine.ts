/** The run loop: hands over to generated code, takes events between instructions, and counts exactly. */
import type { InterruptSource, LocalApic, Time } from '@godwit/hw'
import type { AddressSpace, HostMemory } from '@godwit/memory'
import { absentOps } from '../absent.ts'
import { GuestFault, type Cpu } from '../cpu.ts'
import { CpuState, FLAG } from '../cpu-state.ts'
import { decodeAt } from '../decode/decode.ts'
import type { CodeSize, Fetch } from '../decode/insn.ts'
import type { CpuModel } from '../models.ts'
import { ts, type RuntimeFunctions } from '../runtime.ts'
import { I32 } from '@godwit/wasm-encoder'
import { link } from '../runtime-link.ts'
import { EXC, EXIT, PENDING, S } from '../state.ts'
import { initialise, interrupt, nonMaskable, raise, singleStep, startUp, type Outcome } from '../system/exceptions.ts'
import { withFast } from '../system/fast.ts'
import { linearOf } from '../system/linear.ts'
import { enterSmm } from '../system/smm.ts'
import { ArenaFull, Blocks } from '../tier0/blocks.ts'
import { Handlers } from '../tier0/handlers.ts'
import { JUMP, JumpCache } from '../tier0/jump-cache.ts'
import { modeOf, type Mode } from '../tier0/mode.ts'
import { R } from '../tier0/record.ts'
import { CodePages } from './code-pages.ts'
import type { EngineOptions } from './engine-options.ts'
import { hasFlatSegments } from './flat.ts'
import { FpuGates } from './fpu-gates.ts'
import { SoftTlb } from './soft-tlb.ts'
import { compilable } from '../tier1/compilable.ts'
import { REGION_FUNCTIONS } from '../tier1/functions.ts'
import { Regions, SAMPLE } from '../tier1/regions.ts'
import { Profile } from './profile.ts'
import { Stats } from './stats.ts'
import { TimeStamp } from './time-stamp.ts'
import { UserCode } from './user-code.ts'
import { watch } from './watch.ts'

const PAGE = 4096
/** Instructions generated code runs before it comes back: V8 replaces code only when a function is entered anew. */
const SLICE = 500_000

export type StopReason = 'budget' | 'halted' | 'shutdown' | 'stopped'

export class Engine implements Cpu {
  readonly host: HostMemory
  readonly base: number
  readonly state: CpuState
  readonly memory: AddressSpace
  readonly ports: AddressSpace
  readonly time: Time
  readonly apic: LocalApic | undefined
  readonly model: CpuModel
  readonly handlers: Handlers
  readonly blocks: Blocks
  readonly tlb: SoftTlb
  readonly stats = new Stats()
  /** Counts executions of blocks, if asked to. */
  readonly profile: Profile | undefined
  /** Compiled code, if there is to be any. */
  readonly regions: Regions | undefined
  private readonly compileAll: boolean
  /** Vector of the last start-up message. */
  sipiVector = 0
  private readonly pic: InterruptSource | undefined
  private readonly w: Int32Array
  private readonly view: DataView
  private readonly jumps: JumpCache
  private readonly absent: ReadonlySet<string>
  private readonly timeStamp: TimeStamp
  /** Instructions done before generated code was last entered. */
  private counted = 0
  /** What S.budget began with, and what attend() took from it. */
  private granted = 0
  private stolen = 0
  private inside = false
  private stopping = false
  private mode: Mode = modeOf(16, 16, false)
  private readonly fpu: FpuGates
  private readonly code: CodePages = new CodePages(this)
  private readonly userCode: UserCode
  private readonly linked: ReturnType<typeof link>
  /** Instructions of the block that locate() found. */
  private lastLength = 1

  constructor(o: EngineOptions) {
    this.host = o.host
    this.base = o.host.allocate(S.end)
    this.state = new CpuState(o.host, this.base)
    this.memory = o.memory
    this.ports = o.ports
    this.time = o.time
    this.apic = o.apic
    this.pic = o.pic
    this.model = o.model
    this.timeStamp = new TimeStamp(o.time.virtual, this.state, BigInt(o.tscHz))
    const { buffer } = o.host.memory
    this.w = new Int32Array(buffer, this.base, S.end >> 2)
    this.view = new DataView(buffer)
    this.setWord(S.a20Mask, -1)
    this.setWord(S.untilSample, SAMPLE)
    this.fpu = new FpuGates(buffer, this.base)
    this.absent = absentOps(o.model)
    this.tlb = new SoftTlb(this, o.host.allocate(SoftTlb.sizeBytes), () => this.blocks)
    this.jumps = new JumpCache(buffer, o.host.allocate(JUMP.entries * JUMP.entryBytes), this.base)
    this.userCode = new UserCode(this.jumps, linearOf(this).walker)
    const functions: RuntimeFunctions = {
      ...withFast(o.functions, { supervisor: this.tlb.half(false), user: this.tlb.half(true) }),
      slow: ts([I32, I32, I32, I32], [I32], () => (a, b, c, d) => this.tlb.slow(a, b, c, d)),
      commit: ts([I32], [], () => (slot) => this.tlb.commit(slot)),
      ...(o.tier1 === 'off' ? {} : REGION_FUNCTIONS),
      confirm: ts([I32], [I32], () => (at) => this.regions!.confirm(at)),
      fill_page: ts([I32, I32, I32, I32], [I32], () => (a, b, c, d) => this.tlb.plain(a, b, c, d)),
    }
    const records = o.host.allocate(o.recordBytes)
    this.profile = o.profile ? new Profile(o.host, records, o.recordBytes, () => this.state.rip) : undefined
    this.linked = link(this, functions)
    this.handlers = new Handlers({
      cpu: this,
      linked: this.linked,
      ...{ semantics: o.semantics, hot: o.hot(), cold: o.cold },
      jumpCache: this.jumps.at,
      sampled: o.tier1 === 'on',
      kept: o.kept,
      ...(this.profile === undefined ? {} : { counters: this.profile }),
    })
    this.blocks = new Blocks({
      buffer,
      start: records,
      end: records + o.recordBytes,
      handlers: this.handlers,
      decode: (at, end, beyond, mode) => decodeAt(o.host.bytes, at, end, beyond, mode.code, this.absent),
      ends: (insn) => !compilable(insn),
      host: (page) => this.hostPage(page),
      byte: (page, offset) => this.fetchByte(page * PAGE + offset),
      onCode: (page) => this.tlb.protect(page),
      onDrop: (block) => this.regions?.drop(block),
      onFull: () => {
        this.regions?.clear()
        this.jumps.flush('all')
        this.userCode.clear()
      },
      ...(this.profile === undefined ? {} : { onBlock: this.profile.note }),
    })
    this.compileAll = o.tier1 === 'always'
    if (o.tier1 !== 'off' && this.profile === undefined)
      this.regions = new Regions({
        cpu: this,
        blocks: this.blocks,
        handlers: this.handlers,
        linked: this.linked,
        semantics: o.semantics,
        mode: o.tier1,
        jumps: this.jumps,
        counted: o.tier1Counters,
        hostPage: (page) => this.code.peek(this.wrapped(page), this.user),
        settled: (page) => this.code.settled(this.wrapped(page), this.user),
      })
    linearOf(this).shortcut = this.tlb
    watch(o.ramBlocks, {
      memory: o.memory,
      blocks: this.blocks,
      onCollect: () => this.tlb.dropWrites(),
      onMap: () => {
        this.flushTlb(false)
        this.attend()
      },
    })
  }

  // -- what TypeScript that runs for the guest may ask ---------------------------------------------------------

  instructions(): number {
    if (!this.inside) return this.counted
    return this.counted + this.granted - this.word(S.budget) - this.stolen + this.indexOf(this.word(S.exitRecord))
  }

  readTsc(): bigint {
    return this.timeStamp.read()
  }

  writeTsc(value: bigint): void {
    this.timeStamp.write(value)
  }

  storeTsc(at: number): void {
    this.timeStamp.store(at)
  }

  machineTsc(): bigint {
    return this.timeStamp.machine()
  }

  setMachineTsc(value: bigint, rateHz?: bigint): void {
    this.timeStamp.setMachine(value, rateHz)
  }

  flushTlb(keepGlobal: boolean): void {
    this.tlb.flush(keepGlobal)
    this.stats.flushes++
    // After a change of address space the kernel's code stays where it is, and often the user's as well.
    if (this.code.flush(keepGlobal)) this.flushJumps()
    else if (!this.userCode.moved()) this.jumps.flush(1)
  }

  private flushJumps(): void {
    this.jumps.flush('all')
    this.userCode.forget()
  }

  flushTlbPage(linear: number): void {
    if (!this.tlb.flushPage(linear)) this.stats.flushes++
    const page = Math.floor(linear / PAGE)
    this.userCode.dropLoose()
    if (this.code.mayKnow(page, true)) {
      this.code.dropUser(page)
      this.userCode.dropPage(page)
    }
    if (!this.code.mayKnow(page, false)) return
    this.code.flush(false)
    this.flushJumps()
  }

  modeChanged(): void {
    const { state, w } = this
    this.fpu.update()
    const code: CodeSize = state.codeSize
    const flat = code === 64 || hasFlatSegments(w)
    this.mode = modeOf(code, state.stackSize, flat)
    w[S.tlb >> 2] = this.tlb.half(this.user)
    w[S.codeMask >> 2] = -1
    w[(S.codeMask >> 2) + 1] = code === 64 ? -1 : 0
    state.setNum(S.codeBase, code === 64 ? 0 : state.segBase(1))
    w[S.bounded >> 2] = flat ? 0 : 1
    this.jumps.select(this.mode, this.user)
  }

  attend(): void {
    const left = this.word(S.budget)
    if (!this.inside || left < 0) return
    this.stolen += left + 1
    this.setWord(S.budget, -1)
  }

  missing(name: string): void {
    this.stats.missing.set(name, (this.stats.missing.get(name) ?? 0) + 1)
  }

  // -- the board's side -------------------------------------------------------------------------------------------

  setPending(bit: number, on: boolean): void {
    const was = this.word(S.pending)
    this.setWord(S.pending, on ? was | bit : was & ~bit)
    if (on) this.attend()
  }

  setA20(on: boolean): void {
    const mask = on ? -1 : ~0x10_0000
    if (this.word(S.a20Mask) === mask) return
    this.setWord(S.a20Mask, mask)
    this.flushTlb(false)
    this.attend()
  }

  requestStop(): void {
    this.stopping = true
    this.attend()
  }

  /** After the state was set from outside: recomputes what follows from it and forgets translations. */
  refresh(): void {
    this.flushTlb(false)
    this.fpu.forget()
    this.modeChanged()
  }

  /** At least `max` instructions, up to the end of a block more; exactly `max` if asked. */
  run(max: number, exact: boolean): StopReason {
    const start = this.counted
    this.stopping = false
    for (;;) {
      if (this.stopping) return 'stopped'
      if (this.word(S.pending) !== 0 && this.takeEvent() === 'shutdown') return 'shutdown'
      if (this.word(S.halted) !== 0) return 'halted'
      const left = max - (this.counted - start)
      if (left <= 0) return 'budget'
      if (this.advance(left, exact) === 'shutdown') return 'shutdown'
    }
  }

  private advance(left: number, exact: boolean): Outcome {
    const trap = (this.word(S.eflags) & FLAG.TF) !== 0
    try {
      if (this.word(S.shadow) !== 0 || trap) {
        this.setWord(S.shadow, 0)
        // So that the next time STI finds its successor without the run loop.
        if (!trap) this.locate(true)
        return this.step(trap)
      }
      const record = this.locate(exact || this.compileAll)
      if (exact) {
        const safe = left - this.blocks.longest
        if (safe > 0) return this.enter(record, Math.min(safe, SLICE))
        return this.lastLength <= left ? this.enter(record, 1) : this.step(false)
      }
      return this.enter(record, Math.min(left, SLICE))
    } catch (thrown) {
      if (thrown instanceof GuestFault) return this.deliver(thrown.vector, thrown.errorCode)
      if (!(thrown instanceof ArenaFull)) throw thrown
      this.blocks.clear()
      return 'running'
    }
  }

  /** Runs generated code for at least n instructions and deals with why it left. */
  private enter(record: number, n: number): Outcome {
    const { w } = this
    this.granted = n - 1
    this.stolen = 0
    w[S.budget >> 2] = n - 1
    this.inside = true
    this.handlers.run(record)
    this.inside = false
    this.counted += this.granted - w[S.budget >> 2]! - this.stolen
    const exit = w[S.exit >> 2]!
    this.stats.exits[exit]!++
    if (w[S.untilSample >> 2]! < 0) this.sample()
    if (exit !== EXIT.fault && exit !== EXIT.dead) return 'running'
    return this.interrupted(exit)
  }

  /** Tier 0 has run for a while, and the block of exitRecord last. */
  private sample(): void {
    this.setWord(S.untilSample, SAMPLE)
    const last = this.word(S.exitRecord) >>> 0
    // No record has been noted yet.
    if (last === 0) return
    const linear = this.state.num(S.codePage) + this.state.num(S.codeBase)
    const page = this.wrapped(Math.floor(linear / PAGE))
    const hostPage = this.code.peek(page, this.user)
    const offset = this.view.getUint16(last - this.indexOf(last) * R.bytes + R.offset, true)
    if (hostPage >= 0) this.regions?.sample(hostPage, offset, this.mode, page)
  }

  /** Generated code left in the middle of a block: the instruction of exitRecord has not been done. */
  private interrupted(exit: number): Outcome {
    const record = this.word(S.exitRecord) >>> 0
    this.counted += this.indexOf(record)
    const rip = this.state.num(S.codePage) + this.view.getUint16(record + R.offset, true)
    this.state.rip = this.mode.code === 64 ? rip : rip >>> 0
    if (exit === EXIT.dead) {
      if (this.indexOf(record) === 0) this.revive(record)
      return 'running'
    }
    const vector = this.word(S.vector)
    const name = vector === EXC.UD ? this.blocks.undefinedNames.get(record) : undefined
    if (name !== undefined) this.missing(name)
    return this.deliver(vector, this.word(S.hasErrorCode) !== 0 ? this.word(S.errorCode) : undefined)
  }

  /** Whoever is linked to a dropped record finds what stands there now. */
  private revive(old: number): void {
    const record = this.locate(true)
    if (record !== old && this.blocks.isDead(old)) this.blocks.forward(old, record)
  }

  private deliver(vector: number, errorCode: number | undefined): Outcome {
    this.stats.exceptions[vector & 31]!++
    this.setWord(S.shadow, 0)
    // An instruction that faults counts: a guest whose handlers fault for ever still uses up its budget.
    this.counted++
    return raise(this, vector, errorCode)
  }

  /** One instruction. */
  private step(trap: boolean): Outcome {
    const { state } = this
    const rip = state.rip
    const linear = this.codeLinear(rip)
    const fetch: Fetch = (i) => this.fetchByte(linear + i)
    const offset = linear - Math.floor(linear / PAGE) * PAGE
    const record = this.blocks.single(fetch, offset, this.mode)
    state.setNum(S.codePage, rip - offset)
    const exceptions = this.stats.exits[EXIT.fault]
    const outcome = this.enter(record, 1)
    if (!trap || outcome === 'shutdown' || exceptions !== this.stats.exits[EXIT.fault]) return outcome
    return (this.word(S.eflags) & FLAG.TF) !== 0 ? singleStep(this) : outcome
  }

  private fetchByte(linear: number): number {
    const at = this.mode.code === 64 ? linear : linear >>> 0
    return this.memory.read(linearOf(this).translate(at, 'execute', this.user), 1)
  }

  /** Linear address of code, checked against CS. */
  private codeLinear(rip: number): number {
    if (this.mode.code === 64) {
      if (rip >= 0x8000_0000_0000 || rip < -0x8000_0000_0000) throw new GuestFault(EXC.GP, 0)
      return rip
    }
    if (rip > this.state.segLimit(1)) throw new GuestFault(EXC.GP, 0)
    return (rip + this.state.num(S.codeBase)) >>> 0
  }

  /** The record for RIP, decoding its block if need be, entered in the jump cache. */
  private locate(exact = false): number {
    const { state, blocks, mode } = this
    const rip = state.rip
    const linear = this.codeLinear(rip)
    if (!exact) {
      const known = this.jumps.get(linear)
      if (known !== 0) {
        state.setNum(S.codePage, rip - (linear & (PAGE - 1)))
        return known
      }
    }
    const page = Math.floor(linear / PAGE)
    const offset = linear & (PAGE - 1)
    state.setNum(S.codePage, rip - offset)
    const hostPage = this.hostPage(page)
    if (hostPage < 0) {
      this.lastLength = 1
      const fetch: Fetch = (i) => this.fetchByte(linear + i)
      return blocks.single(fetch, offset, mode)
    }
    const sought = this.word(S.exit) === EXIT.jump
    const known = blocks.find(hostPage, offset, mode, page, sought)
    const block = known === 0 ? blocks.decode(hostPage, offset, mode, page, sought) : known
    const record = blocks.recordOf(block)
    this.lastLength = blocks.lengthOf(block)
    this.jumps.set(linear, record)
    if (this.user) this.userCode.note(linear, record, this.code.physical(page), mode, blocks.crosses(block))
    if (this.compileAll) this.regions?.force(hostPage, offset, mode, page)
    return record
  }

  private hostPage(page: number): number {
    return this.code.host(this.wrapped(page), this.user)
  }

  /** Linear addresses have 32 bits outside 64-bit code. */
  private wrapped(page: number): number {
    return this.mode.code === 64 ? page : page & 0xf_ffff
  }

  /** An event that the pending bits ask for, if it can be taken now. */
  private takeEvent(): Outcome {
    const { state } = this
    const pending = this.word(S.pending)
    if ((pending & PENDING.init) !== 0) {
      this.setPending(PENDING.init, false)
      initialise(this)
      return 'running'
    }
    if ((pending & PENDING.sipi) !== 0) {
      this.setPending(PENDING.sipi, false)
      startUp(this, this.sipiVector)
      return 'running'
    }
    if ((pending & PENDING.smi) !== 0 && !state.inSmm) {
      this.setPending(PENDING.smi, false)
      enterSmm(this)
      return 'running'
    }
    if (this.word(S.shadow) !== 0) return 'running'
    if ((pending & PENDING.nmi) !== 0 && !state.nmiBlocked) {
      this.setPending(PENDING.nmi, false)
      return nonMaskable(this)
    }
    if ((pending & PENDING.intr) !== 0 && (state.systemFlags & FLAG.IF) !== 0) {
      const vector = this.acknowledge()
      if (vector >= 0) {
        this.stats.interrupts++
        return interrupt(this, vector, this.linked.callables['deliver']!)
      }
    }
    return 'running'
  }

  private acknowledge(): number {
    const vector = this.apic?.acknowledge() ?? -1
    return vector >= 0 ? vector : (this.pic?.acknowledge() ?? -1)
  }

  private indexOf(record: number): number {
    return this.view.getUint16((record >>> 0) + R.index, true)
  }

  /** Generated code changes the privilege by itself while the mode stays. */
  private get user(): boolean {
    return this.w[S.cpl >> 2] === 3
  }

  private word(offset: number): number {
    return this.w[offset >> 2]!
  }

  private setWord(offset: number, value: number): void {
    this.w[offset >> 2] = value
  }
}
