import { deviceContract } from '@godwit/hw/contract'
import { build, wire } from '@godwit/hw'
import { manualTime } from '@godwit/hw/testing'
import { AddressSpace } from '@godwit/memory'
import { saveBytes } from '@godwit/vmstate'
import { expect, test } from 'vitest'
import { i8259, i8259Pair } from './i8259.ts'

deviceContract(i8259, { wires: ['int'], io: (model) => [model.io, model.elcr] })

function pair() {
  const time = manualTime()
  const dma = new AddressSpace('dma')
  let int = false
  const first = build(i8259, { time, dma, wires: { int: wire((level) => (int = level)) } })
  const second = build(i8259, {
    time,
    dma,
    props: { master: false, elcr_mask: 0xde },
    wires: { int: first.model.inputs['ir2']! },
  })
  const chips = [first.model, second.model] as const
  for (const [i, chip] of chips.entries()) {
    chip.reset()
    chip.io.command.write!(0x11, 0, 1)
    chip.io.data.write!(0x20 + 8 * i, 0, 1)
    chip.io.data.write!(i === 0 ? 4 : 2, 0, 1)
    chip.io.data.write!(1, 0, 1)
  }
  const set = (irq: number, level: boolean): void => chips[irq >> 3]!.inputs[`ir${irq & 7}`]!.set(level)
  const eoi = (chip: 0 | 1): void => chips[chip].io.command.write!(0x20, 0, 1)
  return { first: first.model, second: second.model, pair: i8259Pair(...chips), set, eoi, int: () => int }
}

test('a request of the second chip is acknowledged with the second chip’s vector, through input 2', () => {
  const { pair: p, set, int } = pair()
  set(12, true)
  expect(int()).toBe(true)
  expect(p.acknowledge()).toBe(0x2c)
  expect(int()).toBe(false)
})

test('a higher request interrupts a lower one, and not the other way round', () => {
  const { pair: p, set, int, eoi } = pair()
  set(4, true)
  expect(p.acknowledge()).toBe(0x24)
  set(6, true)
  expect(int()).toBe(false)
  set(1, true)
  expect(int()).toBe(true)
  expect(p.acknowledge()).toBe(0x21)
  eoi(0)
  eoi(0)
  expect(p.acknowledge()).toBe(0x26)
})

test('an edge-triggered request stays after its line fell, a level-triggered one goes with it', () => {
  const { first, pair: p, set, int } = pair()
  set(3, true)
  set(3, false)
  expect(p.acknowledge()).toBe(0x23)
  first.io.command.write!(0x20, 0, 1)
  first.elcr.elcr.write!(0xff, 0, 1)
  expect(first.elcr.elcr.read!(0, 1)).toBe(0xf8)
  set(5, true)
  expect(int()).toBe(true)
  set(5, false)
  expect(int()).toBe(false)
  expect(p.acknowledge()).toBe(0x27)
})

test('a level-triggered line that is still up asks again after EOI', () => {
  const { second, pair: p, set, int, eoi } = pair()
  second.elcr.elcr.write!(0x08, 0, 1)
  set(11, true)
  expect(p.acknowledge()).toBe(0x2b)
  eoi(1)
  eoi(0)
  expect(int()).toBe(true)
})

test('a masked request waits until it is unmasked', () => {
  const { first, set, int } = pair()
  first.io.data.write!(0xff, 0, 1)
  set(0, true)
  expect(int()).toBe(false)
  first.io.data.write!(0xfe, 0, 1)
  expect(int()).toBe(true)
  expect(first.io.data.read!(0, 1)).toBe(0xfe)
})

test('in automatic EOI mode nothing stays in service', () => {
  const { first, pair: p, set } = pair()
  first.io.command.write!(0x11, 0, 1)
  for (const word of [0x20, 4, 3]) first.io.data.write!(word, 0, 1)
  set(1, true)
  expect(p.acknowledge()).toBe(0x21)
  first.io.command.write!(0x0b, 0, 1)
  expect(first.io.command.read!(0, 1)).toBe(0)
})

test('rotation on EOI makes the input that was served the lowest', () => {
  const { first, pair: p, set } = pair()
  set(3, true)
  expect(p.acknowledge()).toBe(0x23)
  first.io.command.write!(0xa0, 0, 1)
  set(3, false)
  set(3, true)
  set(7, true)
  expect(p.acknowledge()).toBe(0x27)
})

test('a poll acknowledges and names the request', () => {
  const { first, set, int } = pair()
  set(6, true)
  first.io.command.write!(0x0c, 0, 1)
  expect(first.io.command.read!(0, 1)).toBe(0x86)
  expect(int()).toBe(false)
})

test('special mask mode lets lower requests through while a masked one is in service', () => {
  const { first, pair: p, set, int } = pair()
  set(1, true)
  expect(p.acknowledge()).toBe(0x21)
  set(5, true)
  expect(int()).toBe(false)
  first.io.data.write!(0x02, 0, 1)
  first.io.command.write!(0x68, 0, 1)
  expect(p.acknowledge()).toBe(0x25)
})

test('the level-triggered mode of ICW1 is in the stream only when it is set', () => {
  const { state, vmstate, model } = build(i8259, { time: manualTime(), dma: new AddressSpace('dma') })
  if (vmstate === 'stateless') throw new Error('it has a state')
  expect(saveBytes(vmstate, state).length).toBe(16)
  model.io.command.write!(0x19, 0, 1)
  expect(saveBytes(vmstate, state).length).toBe(16 + 1 + 1 + 'i8259/ltim'.length + 4 + 1)
})
