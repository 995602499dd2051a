import { deviceContract } from '@godwit/hw/contract'
import { build } from '@godwit/hw'
import { manualTime } from '@godwit/hw/testing'
import { AddressSpace } from '@godwit/memory'
import { loadBytes, type VMState } from '@godwit/vmstate'
import { expect, test } from 'vitest'
import { ioapic, type IoapicState } from './ioapic.ts'

deviceContract(ioapic, {
  storm(rng, model, bench) {
    const { page } = model.io
    if (rng.chance(0.1)) {
      model.eoi(rng.below(4) + 0x30)
      return
    }
    page.write!(rng.chance(0.1) ? rng.value(1) : 0x10 + rng.below(48), 0, 4)
    if (rng.chance(0.3)) bench.saw(page.read!(0x10, 4))
    else page.write!(rng.pick([0x30, 0x8031, 0x8032, 0x10030, rng.value(4)]), 0x10, 4)
  },
  connect(model, bench) {
    model.links.bus = {
      deliver: (dest, destMode, mode, vector, trigger) => bench.saw([dest, destMode, mode, vector, trigger].join(' ')),
    }
  },
})

function chip(version = 0x20) {
  const { model, state } = build(ioapic, { time: manualTime(), dma: new AddressSpace('dma'), props: { version } })
  const sent: number[][] = []
  model.links.bus = { deliver: (...message) => sent.push(message) }
  const write = (index: number, value: number): void => {
    model.io.page.write!(index, 0x00, 4)
    model.io.page.write!(value, 0x10, 4)
  }
  const read = (index: number): number => {
    model.io.page.write!(index, 0x00, 4)
    return model.io.page.read!(0x10, 4)
  }
  const set = (pin: number, level: boolean): void => model.inputs[`pin${pin}`]!.set(level)
  return { model, state, sent, write, read, set }
}

test('the version register says 24 inputs', () => {
  expect(chip().read(1)).toBe(0x0017_0020)
  expect(chip(0x11).read(1)).toBe(0x0017_0011)
})

test('an edge goes out once, to the destination of its entry', () => {
  const { sent, write, set } = chip()
  write(0x10 + 2 * 4, 0x0000_0834)
  write(0x11 + 2 * 4, 0x0300_0000)
  set(4, true)
  expect(sent).toEqual([[3, 1, 0, 0x34, 0]])
  set(4, false)
  set(4, true)
  expect(sent.length).toBe(2)
})

test('an edge at a masked input is lost, a level is not', () => {
  const { sent, write, set } = chip()
  set(5, true)
  write(0x10 + 2 * 5, 0x35)
  expect(sent).toEqual([])
  write(0x10 + 2 * 6, 0x1_8036)
  set(6, true)
  write(0x10 + 2 * 6, 0x8036)
  expect(sent).toEqual([[0, 0, 0, 0x36, 1]])
})

test('a level is sent again only after its EOI, and only if it is still up', () => {
  const { model, sent, write, read, set } = chip()
  write(0x10 + 2 * 9, 0x8039)
  set(9, true)
  set(9, false)
  set(9, true)
  expect(sent.length).toBe(1)
  expect(read(0x10 + 2 * 9)).toBe(0xc039)
  model.eoi(0x38)
  expect(sent.length).toBe(1)
  model.eoi(0x39)
  expect(sent.length).toBe(2)
  set(9, false)
  model.eoi(0x39)
  expect(sent.length).toBe(2)
  expect(read(0x10 + 2 * 9)).toBe(0x8039)
})

test('the guest cannot write the remote IRR and the delivery status', () => {
  const { write, read } = chip()
  write(0x10, 0xffff_ffff)
  expect(read(0x10)).toBe(0xffff_afff)
})

test('the EOI register exists in version 0x20 only', () => {
  for (const [version, count] of [
    [0x20, 2],
    [0x11, 1],
  ] as const) {
    const { model, sent, write, set } = chip(version)
    write(0x10 + 2 * 9, 0x8039)
    set(9, true)
    model.io.page.write!(0x39, 0x40, 4)
    expect(sent.length).toBe(count)
  }
})

test('an entry in ExtINT mode asks the PIC pair for the vector', () => {
  const { model, sent, write, set } = chip()
  model.links.pic = { acknowledge: () => 0x68 }
  write(0x10, 0x700)
  set(0, true)
  expect(sent).toEqual([[0, 0, 7, 0x68, 0]])
})

test('a stream of version 1 has no requests', () => {
  const { state } = chip()
  state.irr = 5
  loadBytes(ioapic.vmstate as VMState<IoapicState>, state, new Uint8Array(2 + 24 * 8), 1)
  expect(state.irr).toBe(0)
})
