import { build, handlersOf } from '@godwit/hw'
import { deviceContract } from '@godwit/hw/contract'
import { manualTime } from '@godwit/hw/testing'
import { AddressSpace } from '@godwit/memory'
import { expect, test } from 'vitest'
import { i8257 } from './i8257.ts'

for (const dshift of [0, 1]) {
  deviceContract(i8257, {
    props: { dshift },
    io: (model) => [model.io, model.pages, model.highPages],
    // Request bits do not travel; only the status register shows them.
    lazy: ['status'],
    storm(rng, model, bench) {
      const r = rng.pick(Object.entries({ ...model.io, ...model.pages, ...model.highPages }))
      if (r[0] === 'STATUS_COMMAND') r[1].write!(rng.below(256), 0, 1)
      else if (rng.chance(0.5)) bench.saw(r[1].read?.(0, 1) ?? 0)
      else r[1].write?.(rng.below(256), 0, 1)
    },
  })
}

function controller(dshift: number) {
  const dev = build(i8257, { time: manualTime(), dma: new AddressSpace('dma'), props: { dshift } })
  return { dev, io: handlersOf(dev.model.io), pages: handlersOf(dev.model.pages) }
}

test('an address goes in and comes out low byte first, and the flip-flop can be cleared', () => {
  const { io } = controller(0)
  io.write(0xc, 1, 0)
  io.write(4, 1, 0x34)
  io.write(4, 1, 0x12)
  expect([io.read(4, 1), io.read(4, 1)]).toEqual([0x34, 0x12])
  io.write(4, 1, 0x00)
  io.write(0xc, 1, 0)
  expect(io.read(4, 1)).toBe(0x34)
})

test('the second controller has its registers at every other port', () => {
  const { io, dev } = controller(1)
  io.write(2 * 0xb, 1, 0xc0)
  expect(dev.state.regs[0]!.mode).toBe(0xc0)
  io.write(2 * 0xf, 1, 0x05)
  expect(io.read(2 * 0x9, 1)).toBe(0x05)
})

test('a master clear masks all channels', () => {
  const { io } = controller(0)
  io.write(0xe, 1, 0)
  expect(io.read(0x9, 1)).toBe(0)
  io.write(0xd, 1, 0)
  expect(io.read(0x9, 1)).toBe(0xff)
  io.write(0xa, 1, 0x02)
  expect(io.read(0x9, 1)).toBe(0xfb)
})

test('the page of channel 2 is at offset 1, that of channel 0 at 7', () => {
  const { pages, dev } = controller(0)
  pages.write(1, 1, 0x12)
  pages.write(7, 1, 0x34)
  expect([dev.state.regs[2]!.page, dev.state.regs[0]!.page]).toEqual([0x12, 0x34])
})
