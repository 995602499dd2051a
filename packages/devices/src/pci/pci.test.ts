import { build, handlersOf, type IrqLine } from '@godwit/hw'
import { deviceContract } from '@godwit/hw/contract'
import type { Rng } from '@godwit/hw/contract'
import { manualTime } from '@godwit/hw/testing'
import { AddressSpace, HostMemory, RamBlock } from '@godwit/memory'
import { loadBytes, saveBytes, VMStateError } from '@godwit/vmstate'
import { expect, test } from 'vitest'
import { piix3Ide } from '../ide/piix3-ide.ts'
import { i440fx } from './i440fx.ts'
import { pamRange, shadowMappings } from './pam.ts'
import { devfn, pciBus } from './pci-bus.ts'
import { PciFunction } from './pci-function.ts'
import { pciHost } from './pci-host.ts'
import { addCapability, pciState } from './pci-state.ts'
import { piix3 } from './piix3.ts'

const time = manualTime()
const dma = new AddressSpace('dma')

interface WithPci {
  readonly pci: PciFunction
}
interface Saw {
  saw(value: number): void
}

/** A guest that reads and writes configuration space. */
function configStorm(rng: Rng, model: WithPci, bench: Saw): void {
  const size = rng.pick([1, 2, 4] as const)
  const at = rng.below(256 / size) * size
  if (rng.chance(0.4)) bench.saw(model.pci.readConfig(at, size))
  else model.pci.writeConfig(at, rng.value(size), size)
}

deviceContract(pciHost)
deviceContract(pciBus)
deviceContract(i440fx, { storm: (rng, model, bench) => configStorm(rng, model, bench) })
deviceContract(piix3, {
  wires: ['isa0', 'isa11', 'reset'],
  storm(rng, model, bench) {
    const kind = rng.below(6)
    if (kind === 0) model.io.RC.write!(rng.pick([0, 2, 4, 6]), 0, 1)
    else if (kind === 1) bench.saw(model.io.RC.read!(0, 1))
    else if (kind < 4) model.pci.writeConfig(0x60 + rng.below(4), rng.pick([0x80, 0x0b, 0x0a, 0x00]), 1)
    else configStorm(rng, model, bench)
  },
})

function pc() {
  const ports = new AddressSpace('ports')
  const memory = new AddressSpace('memory')
  const isa = new Map<string, IrqLine>()
  const bridge = build(piix3, { time, dma })
  const bus = build(pciBus, { time, dma, wires: bridge.model.inputs })
  bus.model.connect(ports, memory)
  const host = build(pciHost, { time, dma })
  host.model.connect(bus.model)
  const mch = build(i440fx, { time, dma })
  bus.model.plug(devfn(0), mch.model.pci)
  bus.model.plug(devfn(1), bridge.model.pci)
  const io = handlersOf(host.model.io)
  const address = (fn: number, at: number): void => io.write(0, 4, (0x8000_0000 | (fn << 8) | (at & 0xfc)) >>> 0)
  return {
    ports,
    memory,
    isa,
    bridge,
    bus,
    host,
    mch,
    read(fn: number, at: number, size: 1 | 2 | 4): number {
      address(fn, at)
      return io.read(4 + (at & 3), size)
    },
    write(fn: number, at: number, value: number, size: 1 | 2 | 4): void {
      address(fn, at)
      io.write(4 + (at & 3), size, value)
    },
    io,
  }
}

const card = (options: { interruptPin?: number } = {}) => ({
  vendor: 0x1234,
  device: 0x5678,
  classCode: 0x02_00_00,
  interruptPin: options.interruptPin ?? 1,
  bars: [
    { index: 0, kind: 'io', sizeBytes: 16 },
    { index: 1, kind: 'memory', sizeBytes: 4096 },
  ] as const,
})

function plugCard(at: number, machine: ReturnType<typeof pc>): PciFunction {
  const io = { read: () => 0xabcd, write: () => undefined }
  const makeup = card()
  const fn = new PciFunction(pciState(makeup), {
    bars: [
      { ...makeup.bars[0], region: { kind: 'io', name: 'card-io', base: 0, size: 16, io } },
      { ...makeup.bars[1], region: { kind: 'io', name: 'card-mem', base: 0, size: 4096, io } },
    ],
  })
  machine.bus.model.plug(at, fn)
  return fn
}

test('a function is found by its number, and nobody reads as all ones', () => {
  const m = pc()
  expect(m.read(devfn(0), 0, 4)).toBe(0x12378086)
  expect(m.read(devfn(1), 2, 2)).toBe(0x7000)
  expect(m.read(devfn(1), 0x0e, 1)).toBe(0x80)
  expect(m.read(devfn(2), 0, 4)).toBe(0xffff_ffff)
})

test('CONFADD takes only double words and answers nothing while its top bit is 0', () => {
  const m = pc()
  m.io.write(0, 4, 0x8000_0000)
  m.io.write(3, 1, 0x01)
  expect(m.io.read(0, 4)).toBe(0x8000_0000)
  m.io.write(0, 4, 0)
  expect(m.io.read(4, 4)).toBe(0xffff_ffff)
})

test('a base address register answers the size of its region, and the region appears when it is enabled', () => {
  const m = pc()
  plugCard(devfn(3), m)
  m.write(devfn(3), 0x10, 0xffff_ffff, 4)
  expect(m.read(devfn(3), 0x10, 4)).toBe(0xffff_fff1)
  m.write(devfn(3), 0x14, 0xffff_ffff, 4)
  expect(m.read(devfn(3), 0x14, 4)).toBe(0xffff_f000)
  m.write(devfn(3), 0x10, 0xc000, 4)
  m.write(devfn(3), 0x14, 0xfebd_0000, 4)
  expect(m.ports.read(0xc000, 2)).toBe(0xffff)
  m.write(devfn(3), 4, 0x03, 1)
  expect(m.ports.read(0xc000, 2)).toBe(0xabcd)
  expect(m.memory.read(0xfebd_0ffe, 2)).toBe(0xabcd)
  expect(m.memory.read(0xfebd_1000, 2)).toBe(0xffff)
  m.write(devfn(3), 4, 0x00, 1)
  expect(m.memory.read(0xfebd_0000, 2)).toBe(0xffff)
})

test('INTA# of slot 3 is PIRQC, which the bridge brings to the ISA interrupt in its register', () => {
  const m = pc()
  const levels: Record<string, boolean> = {}
  const line = (name: string): IrqLine => ({
    level: false,
    set: (l) => (levels[name] = l),
    raise: () => (levels[name] = true),
    lower: () => (levels[name] = false),
    restore: (l) => (levels[name] = l),
  })
  const bridge = build(piix3, { time, dma, wires: { isa11: line('isa11'), isa10: line('isa10') } })
  const bus = build(pciBus, { time, dma, wires: bridge.model.inputs })
  bus.model.connect(m.ports, m.memory)
  const fn = plugCard(devfn(3), { ...m, bus })
  bridge.model.pci.writeConfig(0x62, 11, 1)
  fn.interrupt.raise()
  expect(bus.state.irq_count).toEqual(Int32Array.of(0, 0, 1, 0))
  expect(levels.isa11).toBe(true)
  expect(fn.readConfig(6, 2) & 8).toBe(8)
  bridge.model.pci.writeConfig(0x62, 10, 1)
  expect([levels.isa11, levels.isa10]).toEqual([false, true])
  fn.writeConfig(4, 0x400, 2)
  expect(bus.state.irq_count[2]).toBe(0)
  expect(levels.isa10).toBe(false)
  fn.writeConfig(4, 0, 2)
  expect(levels.isa10).toBe(true)
  fn.reset()
  expect(levels.isa10).toBe(false)
})

test('a shared wire stays up until the last function lets go', () => {
  const m = pc()
  const a = plugCard(devfn(3), m)
  const b = plugCard(devfn(7), m)
  a.interrupt.raise()
  b.interrupt.raise()
  a.interrupt.lower()
  expect(m.bridge.model.inputs.pirqc.level).toBe(true)
  b.interrupt.lower()
  expect(m.bridge.model.inputs.pirqc.level).toBe(false)
})

test('a stream of another device is refused, one of another base address taken', () => {
  const a = build(i440fx, { time, dma })
  const bytes = saveBytes(i440fx.vmstate as never, a.state as never)
  const other = bytes.slice()
  other[4 + 2]! ^= 1 // device id
  const b = build(i440fx, { time, dma })
  expect(() => loadBytes(i440fx.vmstate as never, b.state as never, other)).toThrow(VMStateError)
  bytes[4 + 0x72] = 0x0a
  loadBytes(i440fx.vmstate as never, b.state as never, bytes)
  expect(b.state.parent_obj.config[0x72]).toBe(0x0a)
})

test('capabilities form a list, and their bytes are read-only', () => {
  const s = pciState(card())
  addCapability(s, 0x05, 0x40, 10)
  addCapability(s, 0x11, 0x50, 12)
  const fn = new PciFunction(s)
  expect([fn.readConfig(0x34, 1), fn.readConfig(0x50, 2), fn.readConfig(0x40, 2)]).toEqual([0x50, 0x4011, 0x0005])
  fn.writeConfig(0x42, 0xffff, 2)
  expect(fn.readConfig(0x42, 2)).toBe(0)
})

test('PAM shows RAM for reading and writing, RAM for reading, or what the bus has', () => {
  const host = new HostMemory({ sizeBytes: 4 << 20 })
  const ram = new RamBlock(host, 'pc.ram', 1 << 20)
  const rom = new RamBlock(host, 'pc.bios', 0x40000)
  rom.bytes.fill(0x42)
  const memory = new AddressSpace('memory')
  memory.add({ kind: 'rom', name: 'bios', base: 0xc0000, size: 0x40000, priority: 1, block: rom })
  const m = build(i440fx, { time, dma })
  m.model.connect(shadowMappings({ memory, ram }))
  const { pci } = m.model
  memory.write(0xf1234, 1, 0x11)
  expect(memory.read(0xf1234, 1)).toBe(0x42)
  pci.writeConfig(0x59, 0x30, 1)
  expect(memory.read(0xf1234, 1)).toBe(0)
  memory.write(0xf1234, 1, 0x11)
  expect(memory.read(0xf1234, 1)).toBe(0x11)
  pci.writeConfig(0x59, 0x10, 1)
  memory.write(0xf1234, 1, 0x22)
  expect(memory.read(0xf1234, 1)).toBe(0x11)
  pci.writeConfig(0x5a, 0x30, 1) // 0xc4000
  expect([memory.read(0xc3fff, 1), memory.read(0xc4000, 1), memory.read(0xc8000, 1)]).toEqual([0x42, 0, 0x42])
  m.model.reset()
  expect(memory.read(0xf1234, 1)).toBe(0x42)
})

test('the thirteen segments of PAM cover 0xc0000 to 0xfffff once', () => {
  const ranges = Array.from({ length: 13 }, (_, n) => pamRange(n)).sort((a, b) => a.base - b.base)
  let at = 0xc0000
  for (const { base, size } of ranges) {
    expect(base).toBe(at)
    at += size
  }
  expect(at).toBe(0x100000)
})

test('SMRAM shows RAM at 0xa0000 to everybody while it is open', () => {
  const host = new HostMemory({ sizeBytes: 2 << 20 })
  const ram = new RamBlock(host, 'pc.ram', 1 << 20)
  ram.bytes[0xa0000] = 7
  const memory = new AddressSpace('memory')
  const enabled: boolean[] = []
  const m = build(i440fx, { time, dma })
  m.model.connect(shadowMappings({ memory, ram, smramEnabled: (on) => enabled.push(on) }))
  expect(memory.read(0xa0000, 1)).toBe(0xff)
  m.model.pci.writeConfig(0x72, 0x4a, 1)
  expect(memory.read(0xa0000, 1)).toBe(7)
  m.model.pci.writeConfig(0x72, 0x0a, 1)
  expect(memory.read(0xa0000, 1)).toBe(0xff)
  expect(enabled.at(-1)).toBe(true)
})

test('the reset control register resets by a one in bit 2 and keeps bit 1', () => {
  let resets = 0
  const line: IrqLine = {
    level: false,
    set: () => undefined,
    raise: () => resets++,
    lower: () => undefined,
    restore: () => undefined,
  }
  const bridge = build(piix3, { time, dma, wires: { reset: line } })
  bridge.model.io.RC.write!(0x02, 0, 1)
  expect(bridge.model.io.RC.read!(0, 1)).toBe(0x02)
  bridge.model.io.RC.write!(0x06, 0, 1)
  expect(resets).toBe(1)
})

deviceContract(piix3Ide, {
  io: (model) => [model.primary, model.primaryControl, model.secondary, model.secondaryControl],
  lazy: ['bmdma'],
})

test('an empty IDE channel reads 0 in every register, also after a selection and a reset', () => {
  const ide = build(piix3Ide, { time, dma })
  const io = handlersOf(ide.model.primary)
  const control = handlersOf(ide.model.primaryControl)
  io.write(6, 1, 0xb0)
  io.write(2, 1, 0x55)
  expect([1, 2, 3, 4, 5, 6, 7].map((at) => io.read(at, 1))).toEqual([0, 0, 0, 0, 0, 0, 0])
  io.write(7, 1, 0xec)
  control.write(0, 1, 0x04)
  control.write(0, 1, 0x00)
  expect([io.read(7, 1), control.read(0, 1)]).toEqual([0, 0])
  expect(ide.state['bus[0].ifs'][0]!.select).toBe(0xb0)
})

test('a word written to the data port does not reach the register beside it', () => {
  const ide = build(piix3Ide, { time, dma })
  handlersOf(ide.model.primary).write(0, 2, 0xffff)
  expect(ide.state['bus[0].ifs'][0]!.feature).toBe(0)
})

test('the bus master registers appear where BAR 4 says', () => {
  const m = pc()
  const ide = build(piix3Ide, { time, dma })
  m.bus.model.plug(devfn(1, 1), ide.model.pci)
  m.write(devfn(1, 1), 0x20, 0xc001, 4)
  m.write(devfn(1, 1), 4, 1, 1)
  m.ports.write(0xc004, 4, 0x1234_5677)
  expect(m.ports.read(0xc004, 4)).toBe(0x1234_5674)
  m.ports.write(0xc00a, 1, 0x60)
  expect([m.ports.read(0xc002, 1), m.ports.read(0xc00a, 1)]).toEqual([0, 0x60])
})
