import { deviceContract } from '@godwit/hw/contract'
import { build, wire } from '@godwit/hw'
import { manualTime } from '@godwit/hw/testing'
import { AddressSpace } from '@godwit/memory'
import { expect, test } from 'vitest'
import { mc146818 } from './mc146818.ts'

for (const lost_tick_policy of ['discard', 'slew'] as const) {
  deviceContract(mc146818, {
    props: { lost_tick_policy },
    wires: ['irq'],
    storm(rng, model, bench) {
      const { index, data } = model.io
      if (rng.chance(0.2)) {
        bench.time.advance(1n + BigInt(rng.below(400_000_000)))
        return
      }
      const at = rng.chance(0.5) ? rng.pick([0x0a, 0x0b, 0x0c]) : rng.chance(0.9) ? rng.below(0x33) : rng.below(256)
      index.write!(at, 0, 1)
      if (rng.chance(0.5)) bench.saw(data.read!(0, 1))
      else if (at === 0x0a) data.write!(rng.pick([0x26, 0x2a, 0x20, 0x66, 0x76, rng.value(1)]), 0, 1)
      else if (at === 0x0b) data.write!(rng.pick([0x02, 0x42, 0x72, 0x12, 0x82, rng.value(1)]), 0, 1)
      else data.write!(rng.chance(0.5) ? rng.below(0x60) : rng.value(1), 0, 1)
    },
  })
}

const SECOND = 1_000_000_000n
/** 2026-11-22 07:00:00 UTC */
const START = 1_795_330_800n

function rtc(props = {}) {
  const time = manualTime(0n, START * SECOND)
  const edges: bigint[] = []
  const irq = wire((level) => {
    if (level) edges.push(time.virtual.now())
  })
  const device = build(mc146818, { time, dma: new AddressSpace('dma'), wires: { irq }, props })
  device.model.reset()
  const { index, data } = device.model.io
  const write = (at: number, value: number): void => {
    index.write!(at, 0, 1)
    data.write!(value, 0, 1)
  }
  const read = (at: number): number => {
    index.write!(at, 0, 1)
    return data.read!(0, 1)
  }
  const clock = (): string => [0x32, 9, 8, 7, 4, 2, 0].map((at) => read(at).toString(16).padStart(2, '0')).join(' ')
  return { time, edges, irq, device, write, read, clock }
}

test('the clock shows host time in BCD, with the century in byte 0x32', () => {
  const { clock, read, time } = rtc()
  expect(clock()).toBe('20 26 11 22 07 00 00')
  expect(read(6)).toBe(1) // Sunday
  expect(read(0x37)).toBe(0x20)
  time.advance(86_399n * SECOND)
  expect(clock()).toBe('20 26 11 23 06 59 59')
})

test('a time the guest sets goes on from there', () => {
  const { clock, write, time } = rtc()
  write(0x0b, 0x82)
  for (const [at, value] of [
    [0x32, 0x19],
    [9, 0x99],
    [8, 0x12],
    [7, 0x31],
    [4, 0x23],
    [2, 0x59],
    [0, 0x58],
  ] as const) {
    write(at, value)
  }
  time.advance(10n * SECOND)
  expect(clock()).toBe('19 99 12 31 23 59 58')
  write(0x0b, 0x02)
  time.advance(2n * SECOND)
  expect(clock()).toBe('20 00 01 01 00 00 00')
})

test('the binary and the 12-hour format are what register B says', () => {
  const { write, read, time } = rtc()
  write(0x0b, 0x06)
  expect([read(9), read(4)]).toEqual([26, 7])
  time.advance(6n * 3600n * SECOND)
  expect(read(4)).toBe(13)
  write(0x0b, 0x00)
  expect(read(4)).toBe(0x81)
})

test('the periodic interrupt comes 1024 times a second at rate 6', () => {
  const { time, edges, write, read } = rtc()
  write(0x0b, 0x42)
  for (let i = 0; i < 4000; i++) {
    time.advance(SECOND / 4000n)
    read(0x0c)
  }
  time.advance(1n) // a tick is rounded up
  expect(edges.length).toBe(1024)
})

test('the interrupt stays up until register C is read, which clears it', () => {
  const { time, irq, write, read } = rtc()
  write(0x0b, 0x42)
  time.advance(5_000_000n)
  expect(irq.level).toBe(true)
  expect(read(0x0c)).toBe(0xc0)
  expect(irq.level).toBe(false)
  expect(read(0x0c)).toBe(0)
})

test('the update-ended interrupt comes at the end of each second', () => {
  const { time, edges, write, read } = rtc()
  write(0x0b, 0x12)
  for (let i = 0; i < 3; i++) {
    time.advance(SECOND)
    expect(read(0x0c) & 0x90).toBe(0x90)
  }
  expect(edges).toEqual([SECOND, 2n * SECOND, 3n * SECOND])
})

test('the alarm comes at its time, and each minute when hours and minutes match all', () => {
  const { time, edges, write, read } = rtc()
  write(5, 0xc0)
  write(3, 0xff)
  write(1, 0x30)
  write(0x0b, 0x22)
  time.advance(31n * SECOND)
  expect(read(0x0c) & 0xa0).toBe(0xa0)
  time.advance(60n * SECOND)
  expect(edges).toEqual([30n * SECOND, 90n * SECOND])
  write(3, 0x10)
  write(5, 0x09)
  read(0x0c)
  time.advance(3n * 3600n * SECOND)
  expect(edges.slice(2)).toEqual([(2n * 3600n + 10n * 60n + 30n) * SECOND])
})

test('UIP is up for the last 244 us of a second', () => {
  const { time, read } = rtc()
  time.advance(SECOND - 250_000n)
  expect(read(0x0a) & 0x80).toBe(0)
  time.advance(10_000n)
  expect(read(0x0a) & 0x80).toBe(0x80)
  time.advance(240_000n)
  expect(read(0x0a) & 0x80).toBe(0)
})

test('half a second after the divider leaves its reset the first second is over', () => {
  const { time, edges, write } = rtc()
  write(0x0b, 0x12)
  write(0x0a, 0x76)
  time.advance((SECOND * 7n) / 3n)
  const from = time.virtual.now()
  write(0x0a, 0x26)
  edges.length = 0
  time.advance(SECOND)
  expect(edges).toEqual([from + SECOND / 2n])
})

test('ticks that the guest was too slow to take are lost, or under slew come after it reads', () => {
  const taken = (lost_tick_policy: 'discard' | 'slew'): number => {
    const { time, write, read } = rtc({ lost_tick_policy })
    write(0x0b, 0x42)
    time.advance(SECOND / 100n) // 10 ticks
    let count = 0
    while ((read(0x0c) & 0x40) !== 0) count++
    return count
  }
  expect([taken('discard'), taken('slew')]).toEqual([1, 10])
})

test('bytes of CMOS memory stay as the board and the guest leave them', () => {
  const { device, write, read } = rtc()
  device.model.setCmos(0x10, 0x40)
  write(0x7f, 0x5a)
  expect([read(0x10), device.model.getCmos(0x7f)]).toEqual([0x40, 0x5a])
  device.model.reset()
  expect([read(0x10), read(0x7f), read(0x0d)]).toEqual([0x40, 0x5a, 0x80])
})
