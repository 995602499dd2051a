import { deviceContract } from '@godwit/hw/contract'
import { DrivenClock, build, wire } from '@godwit/hw'
import { manualTime } from '@godwit/hw/testing'
import { AddressSpace } from '@godwit/memory'
import { saveBytes, type VMState } from '@godwit/vmstate'
import { expect, test } from 'vitest'
import { apicBus, type ApicBus } from './apic-bus.ts'
import { apic } from './apic.ts'
import type { ApicState } from './apic-state.ts'

deviceContract(apic, {
  wires: ['intr', 'nmi', 'smi', 'init'],
  storm(rng, model, bench) {
    const { page } = model.io
    const kind = rng.below(10)
    if (kind < 2) bench.saw(model.cpu.acknowledge())
    else if (kind === 2) model.self.receive(rng.below(8), rng.value(1), rng.below(2))
    else if (kind === 3) model.cpu.writeTpr(rng.below(16))
    else {
      const index = rng.pick([
        2, 8, 0xb, 0xd, 0xe, 0xf, 0x28, 0x30, 0x30, 0x31, 0x32, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3e,
      ])
      if (rng.chance(0.3)) bench.saw(page.read!(index << 4, 4))
      else if (index === 0x38) page.write!(1000 + rng.below(1_000_000), 0x380, 4)
      else if (index === 0xf) page.write!(0x1ff, 0xf0, 4)
      else if (index === 0x32) page.write!(rng.pick([0x31, 0x20041, 0x20051, 0x10000]), 0x320, 4)
      else if (index >= 0x35 && index <= 0x37)
        page.write!(rng.pick([0x700, 0x61, 0x8062, 0x400, 0x10700]), index << 4, 4)
      else page.write!(rng.value(4), index << 4, 4)
    }
  },
})

function processors(count: number) {
  const time = manualTime(1_000_000n)
  const bus = apicBus()
  const all = Array.from({ length: count }, (_, id) => {
    const log: string[] = []
    const wires = Object.fromEntries(
      apic.wires.map((name) => [name, wire((level) => log.push(`${name} ${level ? 'up' : 'down'}`))]),
    )
    const { model, state } = build(apic, { time, dma: new AddressSpace('dma'), props: { id, bsp: id === 0 }, wires })
    model.links.bus = bus
    bus.join(model.self)
    model.reset()
    const write = (register: number, value: number): void => model.io.page.write!(value >>> 0, register, 4)
    const read = (register: number): number => model.io.page.read!(register, 4)
    write(0xf0, 0x1ff)
    log.length = 0
    return { model, state, log, write, read, intr: () => wires['intr']!.level }
  })
  return { time, bus, all, cpu: all[0]! }
}

const raise = (bus: ApicBus, vector: number, trigger = 0): void => bus.deliver(0, 0, 0, vector, trigger)

test('the highest vector is delivered first, and a class in service holds back its own and lower ones', () => {
  const { bus, cpu } = processors(1)
  raise(bus, 0x31)
  raise(bus, 0x52)
  expect(cpu.model.cpu.acknowledge()).toBe(0x52)
  expect(cpu.intr()).toBe(false)
  raise(bus, 0x5f)
  expect(cpu.intr()).toBe(false)
  raise(bus, 0x61)
  expect(cpu.model.cpu.acknowledge()).toBe(0x61)
  cpu.write(0xb0, 0)
  cpu.write(0xb0, 0)
  expect(cpu.model.cpu.acknowledge()).toBe(0x5f)
})

test('the task priority holds back its class and lower ones, and CR8 is its upper half', () => {
  const { bus, cpu } = processors(1)
  cpu.model.cpu.writeTpr(4)
  expect(cpu.read(0x80)).toBe(0x40)
  raise(bus, 0x4f)
  expect(cpu.intr()).toBe(false)
  cpu.write(0x80, 0x35)
  expect(cpu.model.cpu.readTpr()).toBe(3)
  expect(cpu.read(0xa0)).toBe(0x35)
  expect(cpu.intr()).toBe(true)
})

test('the end of a level-triggered interrupt is told to the I/O APICs, of an edge-triggered one not', () => {
  const { bus, cpu } = processors(1)
  const ended: number[] = []
  bus.joinIoapic({ eoi: (vector) => ended.push(vector) })
  for (const trigger of [0, 1]) {
    raise(bus, 0x40 + trigger, trigger)
    cpu.model.cpu.acknowledge()
    cpu.write(0xb0, 0)
  }
  expect(ended).toEqual([0x41])
})

test('a one-shot timer fires once, a count and one bus clock after it was set', () => {
  const { time, cpu } = processors(1)
  cpu.write(0x320, 0x40)
  cpu.write(0x3e0, 0x3) // divide by 16
  cpu.write(0x380, 1000)
  time.advance(500n * 16n)
  expect(cpu.read(0x390)).toBe(500)
  time.advance(501n * 16n - 1n)
  expect(cpu.intr()).toBe(false)
  time.advance(1n)
  expect(cpu.model.cpu.acknowledge()).toBe(0x40)
  cpu.write(0xb0, 0)
  time.advance(1_000_000_000n)
  expect(cpu.intr()).toBe(false)
  expect(cpu.read(0x390)).toBe(0)
})

test('a one-shot timer of a few ns fires though the clock goes on while it is set', () => {
  let ns = 0n
  const clock = new DrivenClock(() => (ns += 1000n))
  const { model } = build(apic, {
    time: { ...manualTime(0n), virtual: clock },
    dma: new AddressSpace('dma'),
    props: { id: 0, bsp: true },
    wires: Object.fromEntries(apic.wires.map((name) => [name, wire(() => undefined)])),
  })
  model.reset()
  const write = (register: number, value: number): void => model.io.page.write!(value, register, 4)
  write(0xf0, 0x1ff)
  write(0x320, 0x41)
  write(0x380, 62)
  clock.run()
  expect(model.cpu.acknowledge()).toBe(0x41)
})

test('a periodic timer fires once a period until it is masked', () => {
  const { time, cpu } = processors(1)
  cpu.write(0x3e0, 0xb) // divide by 1
  cpu.write(0x320, 0x20040)
  cpu.write(0x380, 9999)
  let taken = 0
  for (let i = 0; i < 1000; i++) {
    time.advance(1000n)
    if (!cpu.intr()) continue
    cpu.model.cpu.acknowledge()
    cpu.write(0xb0, 0)
    taken++
  }
  expect(taken).toBe(100)
  cpu.write(0x320, 0x30040)
  time.advance(1_000_000n)
  expect(cpu.intr()).toBe(false)
})

test('a periodic timer of the shortest count does not hold up the host', () => {
  const { time, cpu } = processors(1)
  cpu.write(0x3e0, 0xb)
  cpu.write(0x320, 0x20040)
  cpu.write(0x380, 1)
  time.advance(10_000_000n)
  expect(cpu.model.cpu.acknowledge()).toBe(0x40)
})

test('every divide configuration divides by its power of two', () => {
  const { cpu } = processors(1)
  const shifts = [0, 1, 2, 3, 8, 9, 10, 11].map((code) => {
    cpu.write(0x3e0, code)
    return cpu.state.count_shift
  })
  expect(shifts).toEqual([1, 2, 3, 4, 5, 6, 7, 0])
})

test('the PIC pair reaches the processor through LINT0 in ExtINT mode, and not when that is masked', () => {
  const { cpu } = processors(1)
  cpu.model.links.pic = { acknowledge: () => 0x08 }
  cpu.model.inputs.lint0.raise()
  expect(cpu.intr()).toBe(true)
  expect(cpu.model.cpu.acknowledge()).toBe(0x08)
  cpu.write(0x350, 0x1_0700)
  expect(cpu.intr()).toBe(false)
  cpu.write(0x350, 0x700)
  expect(cpu.intr()).toBe(true)
})

test('an interrupt of its own comes before one of the PIC pair', () => {
  const { bus, cpu } = processors(1)
  cpu.model.links.pic = { acknowledge: () => 0x08 }
  cpu.model.inputs.lint0.raise()
  raise(bus, 0x30)
  expect(cpu.model.cpu.acknowledge()).toBe(0x30)
  expect(cpu.model.cpu.acknowledge()).toBe(0x08)
})

test('LINT1 in NMI mode pulses the NMI wire', () => {
  const { cpu } = processors(1)
  cpu.write(0x360, 0x400)
  cpu.model.inputs.lint1.raise()
  expect(cpu.log).toEqual(['nmi up', 'nmi down'])
})

test('logical destinations match bits in the flat model, cluster and bits in the cluster model', () => {
  const { bus, all } = processors(3)
  all.forEach((one, i) => one.write(0xd0, (1 << i) << 24))
  bus.deliver(0b101, 1, 0, 0x40, 0)
  expect(all.map((one) => one.intr())).toEqual([true, false, true])
  all.forEach((one, i) => {
    one.write(0xe0, 0x0fff_ffff)
    one.write(0xd0, (0x20 | (1 << i)) << 24)
  })
  bus.deliver(0x22, 1, 0, 0x50, 0)
  bus.deliver(0x12, 1, 0, 0x60, 0)
  expect(all.map((one) => one.model.cpu.acknowledge())).toEqual([0x40, 0x50, 0x40])
})

test('a lowest-priority message goes to one processor', () => {
  const { bus, all } = processors(3)
  bus.deliver(0xff, 0, 1, 0x40, 0)
  expect(all.filter((one) => one.intr()).length).toBe(1)
})

test('a message-signalled interrupt carries destination in the address and vector in the data', () => {
  const { bus, all } = processors(2)
  bus.msi(0xfee0_1000, 0x0045)
  expect(all.map((one) => one.model.cpu.acknowledge())).toEqual([-1, 0x45])
})

test('INIT and start-up messages wake a processor that waits, once', () => {
  const { all } = processors(2)
  const [boot, other] = [all[0]!, all[1]!]
  boot.write(0x310, 1 << 24)
  boot.write(0x300, 0xc500)
  boot.write(0x300, 0x8500)
  boot.write(0x300, 0x069a)
  boot.write(0x300, 0x069b)
  expect(other.log).toEqual(['init up', 'init down', 'sipi up', 'sipi down'])
  expect(other.model.sipiVector()).toBe(0x9a)
  expect(other.model.waitsForSipi()).toBe(false)
})

test('shorthands reach self, all, and all but self', () => {
  const { all } = processors(2)
  const seen = [1, 2, 3].map((shorthand) => {
    all[0]!.write(0x300, (shorthand << 18) | 0x4040)
    return all.map((one) => {
      const vector = one.model.cpu.acknowledge()
      one.write(0xb0, 0)
      return vector
    })
  })
  expect(seen).toEqual([
    [0x40, -1],
    [0x40, 0x40],
    [-1, 0x40],
  ])
})

test('an illegal register sets its bit in the error status and interrupts', () => {
  const { cpu } = processors(1)
  cpu.write(0x370, 0x4f)
  cpu.read(0x40)
  expect(cpu.read(0x280)).toBe(0x80)
  expect(cpu.model.cpu.acknowledge()).toBe(0x4f)
  cpu.write(0x280, 0)
  expect(cpu.read(0x280)).toBe(0)
})

test('a guest that moves or disables the page is told to the board', () => {
  const { cpu } = processors(1)
  const moves: [number, boolean][] = []
  cpu.model.links.onBase = (address, enabled) => moves.push([address, enabled])
  expect(cpu.model.cpu.readBase()).toBe(0xfee0_0900n)
  cpu.model.cpu.writeBase(0xfed8_0900n)
  cpu.model.cpu.writeBase(0xfee0_0100n)
  expect(moves).toEqual([
    [0xfed8_0000, true],
    [0xfee0_0000, false],
  ])
})

test('the stream of a processor that waits for its start-up message has the subsection', () => {
  const vmstate = apic.vmstate as VMState<ApicState>
  const { all } = processors(2)
  expect(all.map((one) => saveBytes(vmstate, one.state).length)).toEqual([181, 181 + 2 + 'apic_sipi'.length + 4 + 8])
})
