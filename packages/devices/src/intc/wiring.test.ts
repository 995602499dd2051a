/** The interrupt chips of a PC on one bench: what one restores after loading, the next must take over. */
import { build, fanOut, wire, type Device, type IrqLine } from '@godwit/hw'
import { manualTime } from '@godwit/hw/testing'
import { AddressSpace } from '@godwit/memory'
import { loadBytes, saveBytes, type VMState } from '@godwit/vmstate'
import { expect, test } from 'vitest'
import { mc146818 } from '../rtc/mc146818.ts'
import { hpet } from '../timer/hpet.ts'
import { i8254 } from '../timer/i8254.ts'
import { apic } from './apic.ts'
import { apicBus } from './apic-bus.ts'
import { i8259, i8259Pair } from './i8259.ts'
import { ioapic } from './ioapic.ts'

function pc() {
  const time = manualTime(0n)
  const dma = new AddressSpace('dma')
  const edges: boolean[] = []
  const intr = wire((level) => edges.push(level))
  const cpu = build(apic, { time, dma, wires: { intr } })
  const first = build(i8259, { time, dma, wires: { int: cpu.model.inputs.lint0 } })
  const second = build(i8259, {
    time,
    dma,
    props: { master: false, elcr_mask: 0xde },
    wires: { int: first.model.inputs['ir2']! },
  })
  const io = build(ioapic, { time, dma })
  const isa = (irq: number): IrqLine =>
    fanOut([(irq < 8 ? first : second).model.inputs[`ir${irq & 7}`]!, io.model.inputs[`pin${irq === 0 ? 2 : irq}`]!])
  const block = build(hpet, { time, dma, wires: { irq0: isa(0), irq8: isa(8) } })
  const pit = build(i8254, { time, dma, wires: { out0: block.model.inputs.pit } })
  const rtc = build(mc146818, { time, dma, wires: { irq: block.model.inputs.rtc } })
  const bus = apicBus()
  bus.join(cpu.model.self)
  bus.joinIoapic(io.model)
  io.model.links.bus = cpu.model.links.bus = bus
  const pair = i8259Pair(first.model, second.model)
  io.model.links.pic = cpu.model.links.pic = pair
  const all = [cpu, first, second, io, block, pit, rtc] as unknown as Device<object>[]
  for (const d of all) d.model.reset()
  for (const [i, chip] of [first, second].entries()) {
    chip.model.io.command.write!(0x11, 0, 1)
    for (const word of [0x20 + 8 * i, i === 0 ? 4 : 2, 1]) chip.model.io.data.write!(word, 0, 1)
  }
  pit.model.io.control.write!(0x34, 0, 1)
  pit.model.io.counters.write!(0x9c, 0, 1)
  pit.model.io.counters.write!(0x2e, 0, 1)
  return { time, edges, intr, cpu, first, second, io, pit, rtc, all }
}

function takeInterrupts(machine: ReturnType<typeof pc>, ns: bigint): string[] {
  const taken: string[] = []
  for (let t = 0n; t < ns; t += 100_000n) {
    machine.time.advance(100_000n)
    if (!machine.intr.level) continue
    taken.push(`${machine.time.virtual.now()} ${machine.cpu.model.cpu.acknowledge()}`)
    for (const chip of [machine.second, machine.first]) chip.model.io.command.write!(0x20, 0, 1)
    machine.cpu.model.io.page.write!(0, 0xb0, 4)
  }
  return taken
}

test('the timer reaches the processor through the 8259A pair and LINT0', () => {
  const vectors = takeInterrupts(pc(), 100_000_000n).map((line) => line.split(' ')[1])
  expect(new Set(vectors)).toEqual(new Set(['32']))
  expect(vectors.length).toBe(9)
})

test('the timer reaches the processor through input 2 of the I/O APIC', () => {
  const machine = pc()
  machine.first.model.io.data.write!(0xff, 0, 1)
  machine.cpu.model.io.page.write!(0x1ff, 0xf0, 4)
  machine.io.model.io.page.write!(0x14, 0, 4)
  machine.io.model.io.page.write!(0x31, 0x10, 4)
  const vectors = takeInterrupts(machine, 100_000_000n).map((line) => line.split(' ')[1])
  expect(new Set(vectors)).toEqual(new Set(['49']))
  expect(vectors.length).toBe(9)
})

for (const order of ['first to last', 'last to first']) {
  test(`loaded ${order} at any moment, the chips go on together`, () => {
    const machine = pc()
    machine.rtc.model.io.index.write!(0x0b, 0, 1)
    machine.rtc.model.io.data.write!(0x42, 0, 1)
    for (let moment = 0; moment < 40; moment++) {
      machine.time.advance(1_234_567n)
      if (moment % 3 === 0) takeInterrupts(machine, 1_000_000n)
      if (moment % 5 === 0) {
        machine.rtc.model.io.index.write!(0x0c, 0, 1)
        machine.rtc.model.io.data.read!(0, 1)
      }
      const copy = pc()
      const saved = machine.all.map((d) => {
        d.model.beforeSave?.()
        return saveBytes(d.vmstate as VMState<object>, d.state)
      })
      copy.edges.length = 0
      copy.time.set(machine.time.virtual.now())
      const indices = copy.all.map((_, i) => i)
      if (order === 'last to first') indices.reverse()
      for (const i of indices) {
        const d = copy.all[i]!
        loadBytes(d.vmstate as VMState<object>, d.state, saved[i]!)
        d.model.afterLoad?.((d.vmstate as VMState<object>).version)
      }
      expect([moment, copy.intr.level, copy.edges]).toEqual([moment, machine.intr.level, []])
      const inputs = (m: ReturnType<typeof pc>): boolean[] =>
        [m.first, m.second, m.io].flatMap((d) => Object.values(d.model.inputs).map((line) => line.level))
      expect([moment, ...inputs(copy)]).toEqual([moment, ...inputs(machine)])
      expect(takeInterrupts(copy, 30_000_000n)).toEqual(takeInterrupts(machine, 30_000_000n))
    }
  })
}
