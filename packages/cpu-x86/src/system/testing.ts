/** A processor without an engine, over RAM that tests fill by hand. */
import { AddressSpace, HostMemory, RamBlock } from '@godwit/memory'
import { CpuState } from '../cpu-state.ts'
import type { Cpu } from '../cpu.ts'
import { GuestFault } from '../cpu.ts'
import { cpuModel } from '../models.ts'
import { S } from '../state.ts'
import { systemOf, type System } from './system.ts'

export interface Bench {
  readonly cpu: Cpu
  readonly state: CpuState
  readonly sys: System
  readonly ram: RamBlock
  readonly counts: { modes: number; flushes: number; attends: number; missing: string[] }
  /** 32-bit words at a physical address. */
  put(at: number, ...words: number[]): void
  get(at: number): number
  get16(at: number): number
}

export function bench(model = 'qemu64', ramBytes = 1 << 20): Bench {
  const host = new HostMemory({ sizeBytes: ramBytes + (1 << 17) })
  const base = host.allocate(S.end)
  const ram = new RamBlock(host, 'pc.ram', ramBytes)
  const memory = new AddressSpace('memory')
  memory.add({ kind: 'ram', name: 'ram', base: 0, size: ramBytes, block: ram })
  const ports = new AddressSpace('ports')
  const state = new CpuState(host, base)
  const counts = { modes: 0, flushes: 0, attends: 0, missing: [] as string[] }
  const cpu: Cpu = {
    host,
    base,
    state,
    memory,
    ports,
    time: { virtual: undefined, host: undefined, random: () => undefined } as unknown as Cpu['time'],
    apic: undefined,
    model: cpuModel(model),
    instructions: () => 0,
    readTsc: () => 0x1234_5678_9abcn,
    writeTsc: () => undefined,
    storeTsc: (at) => state.setBig(at, 0x1234_5678_9abcn),
    machineTsc: () => 0x1234_5678_9abcn,
    setMachineTsc: () => undefined,
    flushTlb: () => {
      counts.flushes++
    },
    flushTlbPage: () => undefined,
    modeChanged: () => {
      counts.modes++
    },
    attend: () => {
      counts.attends++
    },
    missing: (name) => {
      counts.missing.push(name)
    },
  }
  state.reset(cpu.model.signature)
  return {
    cpu,
    state,
    sys: systemOf(cpu),
    ram,
    counts,
    put: (at, ...words) => words.forEach((w, i) => memory.write(at + 4 * i, 4, w >>> 0)),
    get: (at) => memory.read(at, 4),
    get16: (at) => memory.read(at, 2),
  }
}

/** The exception that a call raises: [vector, error code], or undefined. */
export function faultOf(run: () => void): readonly [number, number | undefined] | undefined {
  try {
    run()
  } catch (thrown) {
    if (thrown instanceof GuestFault) return [thrown.vector, thrown.errorCode]
    throw thrown
  }
  return undefined
}

export interface DescriptorOptions {
  readonly base?: number
  readonly limit?: number
  /** Type and S: 0x1a code readable, 0x12 data writable, 0x09 TSS ... */
  readonly kind: number
  readonly dpl?: number
  readonly absent?: boolean
  readonly big?: boolean
  readonly long?: boolean
}

/** The two words of a descriptor. Limits above 1 MiB are in pages. */
export function descriptorWords(o: DescriptorOptions): [number, number] {
  const { base = 0, limit = 0xffff_ffff, dpl = 0 } = o
  const pages = limit > 0xf_ffff
  const l = pages ? limit >>> 12 : limit
  const low = ((base << 16) | (l & 0xffff)) >>> 0
  const bits =
    (o.kind << 8) |
    (dpl << 13) |
    (o.absent === true ? 0 : 0x8000) |
    (pages ? 0x80_0000 : 0) |
    (o.big === false || o.long === true ? 0 : 0x40_0000) |
    (o.long === true ? 0x20_0000 : 0)
  return [low, ((base & 0xff00_0000) | ((base >>> 16) & 0xff) | (l & 0xf_0000) | bits) >>> 0]
}

/** A gate of the IDT or a call gate. */
export const gateWords = (selector: number, offset: number, kind: number, dpl = 0): [number, number] => [
  ((selector << 16) | (offset & 0xffff)) >>> 0,
  ((offset & 0xffff_0000) | 0x8000 | (dpl << 13) | (kind << 8)) >>> 0,
]

export const SEL = {
  code0: 0x08,
  data0: 0x10,
  code3: 0x1b,
  data3: 0x23,
  tss: 0x28,
  code64: 0x38,
  code64user: 0x43,
} as const
export const GDT = 0x1000
export const IDT = 0x2000
export const TSS = 0x3000

/** Flat 32-bit protected mode: GDT, IDT and a TSS with a stack for ring 0 at 0x8000. */
export function protectedBench(model = 'qemu64'): Bench {
  const b = bench(model)
  const { state } = b
  const rows: DescriptorOptions[] = [
    { kind: 0x1a },
    { kind: 0x12 },
    { kind: 0x1a, dpl: 3 },
    { kind: 0x12, dpl: 3 },
    { kind: 0x09, base: TSS, limit: 0x67, big: false },
  ]
  rows.forEach((row, i) => b.put(GDT + 8 * (i + 1), ...descriptorWords(row)))
  b.put(GDT + 0x38, ...descriptorWords({ kind: 0x1a, long: true }))
  b.put(GDT + 0x40, ...descriptorWords({ kind: 0x1a, long: true, dpl: 3 }))
  state.setNum(S.gdtBase, GDT)
  state.setWord(S.gdtLimit, 0xff)
  state.setNum(S.idtBase, IDT)
  state.setWord(S.idtLimit, 0x7ff)
  state.setWord(S.cr0, 0x11)
  b.put(TSS + 4, 0x8000, SEL.data0)
  state.setSegment(7, SEL.tss, TSS, 0x67, 0x8b00)
  ring(b, 0)
  state.rsp = 0x7000
  state.rip = 0x1_0000
  return b
}

/** CS, SS and the data segments of a ring. */
export function ring(b: Bench, cpl: 0 | 3): void {
  const dpl = cpl << 13
  b.state.setSegment(1, cpl === 0 ? SEL.code0 : SEL.code3, 0, 0xffff_ffff, 0x00cf_9b00 | dpl)
  for (const i of [0, 2, 3]) {
    b.state.setSegment(i, cpl === 0 ? SEL.data0 : SEL.data3, 0, 0xffff_ffff, 0x00cf_9300 | dpl)
  }
  for (const i of [4, 5]) b.state.setSegment(i, 0, 0, 0, 0)
  b.state.cpl = cpl
}

/** Long mode with identity-mapped low 2 MiB: tables at 0x10000. */
export function longBench(): Bench {
  const b = protectedBench()
  const { state } = b
  b.put(0x1_0000, 0x1_1000 | 7, 0)
  b.put(0x1_1000, 0x1_2000 | 7, 0)
  b.put(0x1_2000, 0x87, 0)
  state.setNum(S.cr3, 0x1_0000)
  state.setWord(S.cr4, 0x20)
  state.setWord(S.efer, 0x501)
  state.setWord(S.cr0, 0x8000_0011 | 0)
  state.setSegment(1, SEL.code64, 0, 0xffff_ffff, 0x00af_9b00)
  return b
}
