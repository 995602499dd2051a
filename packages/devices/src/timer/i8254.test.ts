import { deviceContract } from '@godwit/hw/contract'
import { build, wire } from '@godwit/hw'
import { manualTime } from '@godwit/hw/testing'
import { AddressSpace } from '@godwit/memory'
import { loadBytes, saveBytes } from '@godwit/vmstate'
import { expect, test } from 'vitest'
import { i8254 } from './i8254.ts'

deviceContract(i8254, {
  wires: ['out0'],
  storm(rng, model, bench) {
    const { counters, control } = model.io
    const kind = rng.below(10)
    if (kind < 4) bench.saw(counters.read!(rng.below(3), 1))
    else if (kind === 4) {
      model.setGate2(rng.chance(0.5))
      bench.saw(Number(model.out2()))
    } else if (kind === 5) control.write!(0xc0 | rng.below(64), 0, 1)
    else if (kind === 6) control.write!(rng.below(3) << 6, 0, 1)
    else {
      // a control word and the count that belongs to it
      const index = rng.below(3)
      const access = rng.below(3) + 1
      control.write!((index << 6) | (access << 4) | (rng.below(8) << 1), 0, 1)
      if (access !== 2) counters.write!(access === 1 ? 20 + rng.below(200) : rng.value(1), index, 1)
      if (access !== 1) counters.write!(1 + rng.below(200), index, 1)
    }
  },
})

function pit() {
  const time = manualTime(0n)
  const edges: [bigint, boolean][] = []
  const device = build(i8254, {
    time,
    dma: new AddressSpace('dma'),
    wires: { out0: wire((level) => edges.push([time.virtual.now(), level])) },
  })
  device.model.reset()
  edges.length = 0
  const { counters, control } = device.model.io
  const program = (index: number, mode: number, count: number): void => {
    control.write!((index << 6) | 0x30 | (mode << 1), 0, 1)
    counters.write!(count & 0xff, index, 1)
    counters.write!(count >> 8, index, 1)
  }
  const latched = (index: number): number => {
    control.write!(index << 6, 0, 1)
    return counters.read!(index, 1) | (counters.read!(index, 1) << 8)
  }
  return { time, edges, device, counters, control, program, latched }
}

test('mode 2 raises the output once a period', () => {
  const { time, edges, program } = pit()
  program(0, 2, 11932) // 100 Hz
  time.advance(1_000_000_000n)
  expect(edges.filter(([, level]) => level).length).toBe(99)
  // one tick low, the rest of the period high
  const [fall, rise] = edges.filter(([at]) => at > 20_000_000n) as [[bigint, boolean], [bigint, boolean]]
  expect([fall[1], rise[1]]).toEqual([false, true])
  expect(rise[0] - fall[0]).toBeLessThanOrEqual(839n)
})

test('mode 3 is up for half of the period', () => {
  const { time, edges, program } = pit()
  program(0, 3, 11932)
  time.advance(100_000_000n)
  const [a, b, c] = edges as [[bigint, boolean], [bigint, boolean], [bigint, boolean]]
  expect([a[1], b[1], c[1]]).toEqual([false, true, false])
  expect(Number(b[0] - a[0]) / Number(c[0] - a[0])).toBeCloseTo(0.5, 3)
})

test('mode 0 raises the output once, when the count is over', () => {
  const { time, edges, program } = pit()
  program(0, 0, 1193)
  time.advance(1_000_000_000n)
  expect(edges.filter(([, level]) => level).map(([at]) => at)).toEqual([999848n])
})

test('mode 4 strobes for one tick and then rests', () => {
  const { time, edges, program } = pit()
  program(0, 4, 1000)
  time.advance(1_000_000_000n)
  expect(edges.map(([, level]) => level).slice(-2)).toEqual([true, false])
  expect(edges.at(-1)![0]).toBeLessThan(900_000n)
})

test('a counter runs down at 1.193182 MHz and reads low byte first', () => {
  const { time, program, counters, latched } = pit()
  program(0, 2, 0)
  time.advance(10_000_000n) // 11931 ticks
  expect(counters.read!(0, 1) | (counters.read!(0, 1) << 8)).toBe(0x10000 - 11931)
  expect(latched(0)).toBe(0x10000 - 11931)
})

test('a latched count stays until it is read', () => {
  const { time, program, control, counters } = pit()
  program(2, 0, 0xffff)
  control.write!(0x80, 0, 1)
  time.advance(1_000_000n)
  expect(counters.read!(2, 1) | (counters.read!(2, 1) << 8)).toBe(0xffff)
})

test('read-back gives the status byte: output, access, mode', () => {
  const { program, control, counters } = pit()
  program(1, 3, 100)
  control.write!(0xe4, 0, 1)
  expect(counters.read!(1, 1)).toBe(0x80 | 0x30 | (3 << 1))
})

test('a rising gate starts counter 2 anew', () => {
  const { time, device, program, latched } = pit()
  program(2, 3, 0x8000)
  device.model.setGate2(false)
  time.advance(1_000_000n)
  device.model.setGate2(true)
  expect(latched(2)).toBe(0x8000)
})

test('while the HPET has the interrupt the output is down and nothing is due', () => {
  const { time, edges, device, program } = pit()
  program(0, 2, 11932)
  time.advance(15_000_000n)
  device.model.inputs.disable.raise()
  edges.length = 0
  time.advance(100_000_000n)
  expect(edges).toEqual([])
  expect(time.virtual.deadline).toBe(null)
  device.model.inputs.disable.lower()
  time.advance(100_000_000n)
  expect(edges.length).toBeGreaterThan(10)
})

test('a transition is due at the nanosecond QEMU saved for it', () => {
  // 55 periods of 65536 ticks, of a stream whose firmware had left the counter in mode 2
  const { time, device, program } = pit()
  program(0, 2, 0)
  time.advance(55n * 54_925_401n - 200_000n)
  expect(device.state.next_transition_time).toBe(3_020_897_063n)
  expect(device.state.out).toBe(true)
})

test('a stream of version 2 has no word for the HPET', () => {
  const { state, vmstate } = pit().device
  if (vmstate === 'stateless') throw new Error('it has a state')
  const bytes = saveBytes(vmstate, state)
  state.irq_disabled = 1
  loadBytes(vmstate, state, bytes.slice(4), 2)
  expect(state.irq_disabled).toBe(0)
})

test('a stream with a count of zero is refused', () => {
  const { state, vmstate } = pit().device
  if (vmstate === 'stateless') throw new Error('it has a state')
  const bytes = saveBytes(vmstate, state)
  bytes.fill(0, 4, 8)
  expect(() => loadBytes(vmstate, state, bytes)).toThrow('count 1 to 65536, came 0')
})
