/** A processor with 16 MiB of RAM and nothing else, for tests and benchmarks. */
import { AddressSpace, HostMemory, RamBlock, type IoHandlers } from '@godwit/memory'
import { DrivenClock, type InterruptSource } from '@godwit/hw'
import { createCpu, cpuHostBytes, type CpuOptions, type Processor } from '../create-cpu.ts'
import { CR0, CR4, EFER } from '../cpu-state.ts'
import { cpuModel } from '../models.ts'
import { S } from '../state.ts'

export const RAM_BYTES = 16 << 20
export const DEVICE_AT = 0xf000_0000

export interface Bench {
  readonly processor: Processor
  readonly ram: RamBlock
  readonly memory: AddressSpace
  /** Little-endian value in RAM. */
  peek(address: number, size?: 1 | 2 | 4): number
  /** Low 32 bits of a register, unsigned. */
  reg(n: number): number
}

export interface BenchOptions {
  /** Bytes as hex, blanks allowed. */
  readonly code: string
  readonly bits: 16 | 32 | 64
  readonly at?: number
  readonly device?: IoHandlers
  readonly pic?: InterruptSource
  readonly cpu?: Partial<CpuOptions>
}

export const bytesOf = (hex: string): Uint8Array =>
  Uint8Array.from(hex.replaceAll(/\s/g, '').match(/../g) ?? [], (h) => parseInt(h, 16))

/** Real mode with flat data, protected mode, or long mode with the first 4 GiB mapped by themselves in 2 MiB pages. */
export function bench(options: BenchOptions): Bench {
  const { bits, at = 0x7c00 } = options
  const host = new HostMemory({ sizeBytes: cpuHostBytes(4 << 20) + RAM_BYTES + 0x10_0000 })
  const ram = new RamBlock(host, 'ram', RAM_BYTES)
  const memory = new AddressSpace('memory')
  const ports = new AddressSpace('ports')
  memory.add({ kind: 'ram', name: 'ram', base: 0, size: RAM_BYTES, block: ram })
  if (options.device !== undefined)
    memory.add({ kind: 'io', name: 'device', base: DEVICE_AT, size: 0x1000, io: options.device })
  let now = 0n
  const processor = createCpu({
    host,
    memory,
    ports,
    time: {
      virtual: new DrivenClock(() => now++),
      host: new DrivenClock(() => now++),
      random: (bytes) => bytes.fill(0),
    },
    model: cpuModel('qemu64'),
    ramBlocks: [ram],
    recordBytes: 4 << 20,
    ...(options.pic === undefined ? {} : { pic: options.pic }),
    ...options.cpu,
  })
  ram.write(at, bytesOf(options.code))
  start(processor, ram, bits, at)
  const view = new DataView(host.memory.buffer, ram.offset)
  return {
    processor,
    ram,
    memory,
    peek: (address, size = 4) =>
      size === 1 ? view.getUint8(address) : size === 2 ? view.getUint16(address, true) : view.getUint32(address, true),
    reg: (n) => processor.state.gprLow(n) >>> 0,
  }
}

/** Where start() puts the tables of long mode. */
export const TABLES = 0x10_0000

function start(processor: Processor, ram: RamBlock, bits: 16 | 32 | 64, at: number): void {
  const { state } = processor
  if (bits === 16) {
    state.setSegment(1, 0, 0, 0xffff, 0x9b00)
  } else {
    state.setWord(S.cr0, CR0.PE | 0x10)
    state.setSegment(1, 8, 0, 0xffff_ffff, bits === 64 ? 0xa0_9b00 : 0xc0_9b00)
    for (const i of [0, 2, 3, 4, 5]) state.setSegment(i, 16, 0, 0xffff_ffff, 0xc0_9300)
  }
  if (bits === 64) {
    const entry = (offset: number, value: number): void =>
      ram.write(TABLES + offset, Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24))
    entry(0, TABLES + 0x1000 + 7)
    for (let i = 0; i < 4; i++) entry(0x1000 + 8 * i, TABLES + 0x2000 + 0x1000 * i + 7)
    for (let i = 0; i < 2048; i++) entry(0x2000 + 8 * i, (i * 0x20_0000 + 0x87) >>> 0)
    state.setNum(S.cr3, TABLES)
    state.setWord(S.cr4, CR4.PAE)
    state.setWord(S.efer, EFER.LME | EFER.LMA)
    state.setWord(S.cr0, CR0.PE | CR0.PG | 0x10)
  }
  state.rip = at
  state.rsp = 0x7000
  processor.afterLoad()
}
