import { build, handlersOf } from '@godwit/hw'
import { deviceContract } from '@godwit/hw/contract'
import { manualTime } from '@godwit/hw/testing'
import { AddressSpace } from '@godwit/memory'
import { expect, test } from 'vitest'
import { fdc } from './fdc.ts'

deviceContract(fdc, {
  wires: ['irq'],
  storm(rng, model, bench) {
    const { io } = model
    const kind = rng.below(10)
    if (kind === 0) io.DOR.write!(rng.pick([0x0c, 0x1c, 0x00, 0x0d]), 0, 1)
    else if (kind === 1) io.MSR_DSR.write!(rng.pick([0, 1, 0x80, 0x40]), 0, 1)
    else if (kind < 6)
      io.FIFO.write!(rng.pick([0x08, 0x07, 0x0f, 0x0e, 0x10, 0x4a, 0x46, 0x03, 0x04, 0x13, 0x94, 0xff, 0, 1]), 0, 1)
    else bench.saw(rng.pick([io.FIFO, io.FIFO, io.MSR_DSR, io.DIR_CCR, io.DOR, io.TDR, io.SRB]).read!(0, 1))
  },
})

function controller() {
  const time = manualTime()
  const irqs: boolean[] = []
  const line = {
    level: false,
    set: (l: boolean) => irqs.push(l),
    raise: () => irqs.push(true),
    lower: () => irqs.push(false),
    restore: () => undefined,
  }
  const dev = build(fdc, { time, dma: new AddressSpace('dma'), wires: { irq: line } })
  dev.model.reset()
  irqs.length = 0
  const io = handlersOf(dev.model.io)
  const command = (...bytes: number[]): number[] => {
    for (const byte of bytes) io.write(5, 1, byte)
    const result: number[] = []
    while ((io.read(4, 1) & 0xd0) === 0xd0 && result.length < 20) result.push(io.read(5, 1))
    return result
  }
  return { time, dev, io, irqs, command }
}

test('leaving reset interrupts, and four sense interrupts name the drives', () => {
  const c = controller()
  c.io.write(2, 1, 0x00)
  c.io.write(2, 1, 0x0c)
  expect(c.irqs.at(-1)).toBe(true)
  expect([0, 1, 2, 3].map(() => c.command(0x08)[0])).toEqual([0xc0, 0xc1, 0xc2, 0xc3])
  expect(c.command(0x08)).toEqual([0x80])
})

test('version is 0x90, an unknown command 0x80', () => {
  const c = controller()
  expect(c.command(0x10)).toEqual([0x90])
  expect(c.command(0x1f)).toEqual([0x80])
  expect(c.io.read(4, 1)).toBe(0x80)
})

test('configure, specify and lock show in the register dump', () => {
  const c = controller()
  c.command(0x13, 0, 0x57, 9)
  c.command(0x03, 0xaf, 0x02)
  expect(c.command(0x94)).toEqual([0x10])
  const dump = c.command(0x0e)
  expect(dump).toHaveLength(10)
  expect([dump[4], dump[5], dump[7], dump[8], dump[9]]).toEqual([0x0a, 0x03, 0x80, 0x57, 9])
})

test('recalibrating ends at once with a seek interrupt at track 0', () => {
  const c = controller()
  c.command(0x07, 0)
  expect(c.irqs.at(-1)).toBe(true)
  expect(c.command(0x08)).toEqual([0x20, 0])
})

test('a read without a drive ends abnormally with seven result bytes', () => {
  const c = controller()
  const result = c.command(0x46, 0, 0, 0, 1, 2, 18, 0x1b, 0xff)
  expect(result).toHaveLength(7)
  expect(result[0]! & 0xc0).toBe(0x40)
})

test('reading an id takes 20 ms', () => {
  const c = controller()
  expect(c.command(0x4a, 0)).toEqual([])
  c.time.advance(20_000_000n)
  expect(c.command()).toHaveLength(7)
})

test('the disk-change bit is set where no disk was ever seen', () => {
  expect(controller().io.read(7, 1)).toBe(0x80)
})
