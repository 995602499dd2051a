import { deviceContract } from '@godwit/hw/contract'
import { build, wire } from '@godwit/hw'
import { manualTime } from '@godwit/hw/testing'
import { AddressSpace } from '@godwit/memory'
import { loadBytes, saveBytes, type VMState } from '@godwit/vmstate'
import { expect, test } from 'vitest'
import { hpet, type HpetState } from './hpet.ts'

deviceContract(hpet, {
  props: { 'hpet-intcap': 0xff0104 },
  wires: ['irq0', 'irq8', 'irq2', 'pitDisable'],
  storm(rng, model, bench) {
    const { block } = model.io
    const t = 0x100 + 0x20 * rng.below(3)
    const kind = rng.below(10)
    if (kind < 3) bench.saw(block.read!(rng.pick([0, 4, 0x10, 0x20, 0xf0, 0xf4, t, t + 4, t + 8, t + 12]), 4))
    else if (kind === 3) block.write!(rng.chance(0.8) ? rng.pick([1, 3]) : rng.below(4), 0x10, 4)
    else if (kind === 4) block.write!(rng.below(8), 0x20, 4)
    else if (kind === 5) block.write!(rng.value(4), rng.pick([0xf0, 0xf4]), 4)
    else if (kind < 8)
      block.write!(rng.pick([0x004, 0x00c, 0x04c, 0x10c, 0x104, 0x106, 0x006, 0x404, 0, rng.value(4)]), t, 4)
    else block.write!(rng.chance(0.8) ? 50 + rng.below(100_000) : rng.value(4), t + rng.pick([8, 8, 12]), 4)
  },
})

const T0 = 0x100
const T1 = 0x120
const T2 = 0x140

function block(props = {}) {
  const time = manualTime(0n)
  const log: string[] = []
  const names = ['pitDisable', 'irq0', 'irq2', 'irq8', 'irq16'] as const
  const wires = Object.fromEntries(
    names.map((name) => [name, wire((level) => log.push(`${time.virtual.now()} ${name} ${level ? 'up' : 'down'}`))]),
  )
  const device = build(hpet, { time, dma: new AddressSpace('dma'), wires, props })
  device.model.reset()
  const write = (at: number, value: number): void => device.model.io.block.write!(value >>> 0, at, 4)
  const read = (at: number): number => device.model.io.block.read!(at, 4)
  const vmstate = device.vmstate as VMState<HpetState>
  return { time, log, device, write, read, vmstate, state: device.state }
}

test('the capabilities say three timers, 64 bits, legacy routing and a period of 10 ns', () => {
  const { read } = block()
  expect([read(0), read(4)]).toEqual([0x8086_a201, 10_000_000])
  expect([read(T0), read(T0 + 4)]).toEqual([0x30, 0x4])
})

test('the counter runs only while the block is enabled, and can be written only while it is not', () => {
  const { time, read, write } = block()
  write(0xf0, 500)
  time.advance(1000n)
  expect(read(0xf0)).toBe(500)
  write(0x10, 1)
  write(0xf0, 0)
  time.advance(1000n)
  expect(read(0xf0)).toBe(600)
  write(0x10, 0)
  time.advance(1000n)
  expect(read(0xf0)).toBe(600)
})

test('a one-shot comparator fires once, at its match', () => {
  const { time, log, write } = block()
  write(0x10, 1)
  write(T0, 0x0404) // input 2, interrupts
  write(T0 + 8, 100)
  write(T0 + 12, 0)
  time.advance(1_000_000n)
  expect(log).toEqual(['1000 irq2 up', '1000 irq2 down'])
})

test('a periodic comparator fires each period from the value that was set', () => {
  const { time, log, write } = block()
  write(T0, 0x054c) // input 2, 32 bits, periodic, set value, interrupts
  write(T0 + 8, 300)
  write(T0 + 8, 200)
  write(0x10, 1)
  time.advance(10_000n)
  expect(log.filter((line) => line.endsWith('up'))).toEqual(['3000', '5000', '7000', '9000'].map((t) => `${t} irq2 up`))
})

test('a 32-bit one-shot comparator fires when the counter wraps as well', () => {
  const { time, log, write } = block()
  write(0xf0, 0xffff_ff00)
  write(T0, 0x0504)
  write(T0 + 8, 100)
  write(T0 + 12, 0)
  write(0x10, 1)
  time.advance(1_000_000n)
  expect(log.filter((line) => line.endsWith('up'))).toEqual(['2560 irq2 up', '3560 irq2 up'])
})

test('a level stays up until its status bit is written', () => {
  const { time, log, read, write } = block({ 'hpet-intcap': 0xff0104 })
  write(T2, 0x2006) // input 16, level
  write(T2 + 8, 100)
  write(T2 + 12, 0)
  write(0x10, 1)
  time.advance(10_000n)
  expect(read(0x20)).toBe(4)
  expect(log).toEqual(['1000 irq16 up'])
  write(0x20, 4)
  expect(read(0x20)).toBe(0)
  expect(log.at(-1)).toBe('10000 irq16 down')
})

test('in legacy mode comparators 0 and 1 drive interrupts 0 and 8, and the old sources do not', () => {
  const { time, log, device, write } = block()
  device.model.inputs.rtc.raise()
  write(T0, 0x04)
  write(T0 + 8, 100)
  write(T0 + 12, 0)
  write(T1, 0x04)
  write(T1 + 8, 200)
  write(T1 + 12, 0)
  write(0x10, 3)
  device.model.inputs.pit.raise()
  time.advance(10_000n)
  write(0x10, 0)
  expect(log).toEqual([
    '0 irq8 up',
    '0 pitDisable up',
    '0 irq8 down',
    '1000 irq0 up',
    '1000 irq0 down',
    '2000 irq8 up',
    '2000 irq8 down',
    '10000 irq0 up',
    '10000 irq8 up',
    '10000 pitDisable down',
  ])
})

test('the offset is in the stream while the block is enabled, unless the machine is older', () => {
  const length = (props: object): number => {
    const { device, write, vmstate, state } = block(props)
    write(0x10, 1)
    device.model.beforeSave()
    return saveBytes(vmstate, state).length
  }
  expect(length({ 'hpet-offset-saved': false })).toBe(25 + 3 * 42)
  expect(length({})).toBe(25 + 3 * 42 + 1 + 1 + 'hpet/offset'.length + 4 + 8)
})

test('without the offset the counter goes on from the value that came', () => {
  const { time, device, write, vmstate, state } = block({ 'hpet-offset-saved': false })
  write(0xf0, 777)
  write(0x10, 1)
  time.advance(1000n)
  device.model.beforeSave()
  const other = block()
  other.time.set(5_000_000n)
  loadBytes(vmstate, other.state, saveBytes(vmstate, state))
  other.device.model.afterLoad()
  other.time.advance(1000n)
  expect(other.read(0xf0)).toBe(777 + 200)
})

test('a stream with another number of timers is refused', () => {
  const { vmstate, state, device } = block({ timers: 4 })
  device.model.beforeSave()
  expect(() => loadBytes(vmstate, block().state, saveBytes(vmstate, state))).toThrow(/timer/)
})
