import { HostMemory, PAGE_SIZE, RamBlock } from '@godwit/memory'
import { buffer, inside, u32, u64, type Subsection, type VMState } from '@godwit/vmstate'
import type { Migratable, MigratableSection } from '../migratable.ts'

interface ClockState {
  ticks: bigint
}
interface ChipState {
  counter: number
  data: Uint8Array
  extra: number
}
interface GlobalState {
  size: number
  runstate: Uint8Array
}

const clockState: VMState<ClockState> = {
  name: 'timer',
  version: 2,
  minVersion: 1,
  life: { born: '1.0' },
  fields: { ticks: u64 },
}
const more: Subsection<ChipState> = { name: 'chip/more', version: 1, born: '1.0', needed: (s) => s.extra !== 0 }
const chipState: VMState<ChipState> = {
  name: 'chip',
  version: 3,
  minVersion: 2,
  life: { born: '1.0' },
  fields: { counter: u32, data: buffer(16), extra: inside(more, u32) },
  preLoad: (s) => void (s.extra = 0),
  postLoad(s) {
    if (s.counter === 0xbad) throw new Error('a counter that is not bad')
  },
}
const globalState: VMState<GlobalState> = {
  name: 'globalstate',
  version: 1,
  minVersion: 1,
  life: { born: '1.0' },
  fields: { size: u32, runstate: buffer(100) },
}

export interface FakeOptions {
  readonly machineType?: string
  readonly ramBytes?: number
  /** Sections besides timer, chip and globalstate. */
  readonly chips?: number
  readonly sendSwitchoverStart?: boolean
  readonly suppressVmdesc?: boolean
}

/** A machine without a processor: its guest is `slice`, which writes to RAM while the machine runs. */
export class FakeMachine implements Migratable {
  readonly machineType: string
  readonly ramBlocks: readonly RamBlock[]
  readonly sections: readonly MigratableSection[]
  readonly sendSwitchoverStart: boolean
  readonly suppressVmdesc: boolean
  readonly ram: RamBlock
  readonly tables: RamBlock
  readonly clock: ClockState = { ticks: 0n }
  readonly chips: ChipState[]
  /** What happened, in order. */
  readonly log: string[] = []
  running = false
  runState = 'prelaunch'
  carriedRunState: string | undefined
  spoiled: string | undefined
  /** What the guest does in a slice. */
  slice: (machine: FakeMachine) => void = () => undefined

  constructor(options: FakeOptions = {}) {
    this.machineType = options.machineType ?? 'pc-fake-1.0'
    this.sendSwitchoverStart = options.sendSwitchoverStart ?? false
    this.suppressVmdesc = options.suppressVmdesc ?? false
    const ramBytes = options.ramBytes ?? 1 << 20
    const host = new HostMemory({ sizeBytes: ramBytes + (1 << 18) })
    this.ram = new RamBlock(host, 'pc.ram', ramBytes)
    this.tables = new RamBlock(host, '/rom@etc/tables', 2 * PAGE_SIZE, 8 * PAGE_SIZE)
    this.ramBlocks = [this.ram, this.tables]
    this.chips = Array.from({ length: options.chips ?? 1 }, () => ({
      counter: 0,
      data: new Uint8Array(16),
      extra: 0,
    }))
    const global: GlobalState = { size: 1, runstate: new Uint8Array(100) }
    this.sections = [
      { idstr: 'timer', instance: 0, version: 2, vmstate: clockState, state: this.clock },
      ...this.chips.map((state, instance) => ({
        idstr: 'chip',
        instance,
        version: 3,
        vmstate: chipState,
        state,
        beforeSave: () => void this.log.push(`save chip ${instance}`),
        afterLoad: (version: number) => void this.log.push(`load chip ${instance} v${version}`),
      })),
      {
        idstr: 'globalstate',
        instance: 0,
        version: 1,
        vmstate: globalState,
        state: global,
        beforeSave: () => {
          const text = new TextEncoder().encode(this.carriedRunState ?? 'running')
          global.runstate.fill(0)
          global.runstate.set(text)
          global.size = text.length + 1
        },
        afterLoad: () => {
          this.carriedRunState = new TextDecoder().decode(global.runstate.subarray(0, global.size - 1))
        },
      },
    ]
  }

  start(): void {
    this.runState = 'running'
    this.resume()
  }

  pause(): void {
    if (!this.running) return
    this.running = false
    this.log.push('pause')
  }

  resume(): void {
    this.running = true
    this.log.push('resume')
  }

  spoil(reason: string): void {
    this.spoiled = reason
  }

  step(): void {
    if (!this.running) return
    this.clock.ticks++
    this.slice(this)
  }

  /** Writes a word to a page as the guest does. */
  poke(page: number, value: number): void {
    this.ram.write(page * PAGE_SIZE, Uint8Array.of(value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, 1))
  }

  /** RAM and state as text, to compare two machines. */
  print(): string {
    const pages: string[] = []
    for (let page = 0; page * PAGE_SIZE < this.ram.usedSize; page++) {
      const bytes = this.ram.bytes.subarray(page * PAGE_SIZE, (page + 1) * PAGE_SIZE)
      let sum = 0
      for (let i = 0; i < bytes.length; i++) sum = (Math.imul(sum, 31) + bytes[i]!) | 0
      if (sum !== 0) pages.push(`${page}:${sum}`)
    }
    const chips = this.chips.map((c) => `${c.counter},${c.data.join('.')},${c.extra}`)
    return [this.clock.ticks, this.tables.usedSize, this.tables.bytes.slice(0, 8), ...chips, ...pages].join('\n')
  }
}
