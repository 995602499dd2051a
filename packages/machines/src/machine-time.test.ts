import { expect, test } from 'vitest'
import { instructionTime, realTime } from './machine-time.ts'

const MS = 1_000_000n

/** A machine's time over a wall that stands still until it is moved; `ticks` are seen by the guest one a look. */
function setup(periodNs: bigint) {
  let wallNs = 0n
  const time = realTime({ monotonic: () => wallNs, epoch: () => wallNs }, () => undefined)
  let raised = false
  const seen: bigint[] = []
  const timer = time.virtual.timer(() => {
    raised = true
    timer.set(time.virtual.now() + periodNs)
  })
  timer.set(periodNs)
  time.start()
  time.run()
  return {
    time,
    seen,
    /** The host is away for a while; then it looks at the timers, and the guest runs. */
    pass: (ns: bigint): void => {
      wallNs += ns
      time.run()
      if (raised) seen.push(time.virtual.now())
      raised = false
    },
  }
}

test('Ticks that came due while the host was away are seen one by one.', () => {
  const { time, seen, pass } = setup(4n * MS)
  pass(41n * MS)
  expect(time.virtual.now()).toBeLessThan(9n * MS)
  for (let i = 0; i < 40; i++) pass(MS / 4n)
  expect(seen).toHaveLength(12)
  expect(time.virtual.now()).toBe(51n * MS)
})

test('Time never goes back, and is the wall when the host looks often.', () => {
  const { time, pass } = setup(4n * MS)
  let last = 0n
  for (let i = 1; i < 400; i++) {
    pass(i % 7 === 0 ? 13n * MS : MS / 2n)
    expect(time.virtual.now()).toBeGreaterThanOrEqual(last)
    last = time.virtual.now()
  }
  const before = time.virtual.now()
  for (let i = 0; i < 400; i++) pass(MS / 2n)
  expect(time.virtual.now()).toBe(57n * 13n * MS + 342n * (MS / 2n) + 200n * MS)
  expect(time.virtual.now() - before).toBeGreaterThan(199n * MS)
})

test('A process that was stopped for long goes on at the wall.', () => {
  const { time, pass } = setup(4n * MS)
  pass(1000n * MS)
  expect(time.virtual.now()).toBe(1000n * MS)
})

test('Nothing holds time back where no timer is set.', () => {
  let wallNs = 0n
  const time = realTime({ monotonic: () => wallNs, epoch: () => 0n }, () => undefined)
  time.start()
  time.run()
  wallNs = 200n * MS
  expect(time.virtual.now()).toBe(200n * MS)
})

test('A pause keeps what was reached.', () => {
  const { time, pass } = setup(4n * MS)
  pass(100n * MS)
  const at = time.virtual.now()
  time.stop()
  pass(100n * MS)
  expect(time.virtual.now()).toBe(at)
  time.set(7000n * MS)
  expect(time.virtual.now()).toBe(7000n * MS)
})

test('Time does not go back after a timer whose work took long.', () => {
  let wallNs = 0n
  const time = realTime({ monotonic: () => wallNs, epoch: () => 0n }, () => undefined)
  let told = 0n
  const slow = time.virtual.timer(() => {
    wallNs += 30n * MS
    told = time.virtual.now()
  })
  const other = time.virtual.timer(() => undefined)
  other.set(100n * MS)
  time.start()
  time.run()
  other.set(5n * MS)
  slow.set(MS)
  wallNs += MS
  time.run()
  expect(told).toBe(31n * MS)
  expect(time.virtual.now()).toBe(told)
})

test('Time as a number is time as a bigint, whatever was done to it.', () => {
  let wallNs = 5n
  let done = 0
  const real = realTime({ monotonic: () => wallNs, epoch: () => 0n }, () => undefined)
  const counted = instructionTime(() => done, { nsPerInstruction: 3n, epochNs: 0n, seed: 1 })
  real.virtual.timer(() => undefined).set(40n * MS)
  const steps = [
    () => real.start(),
    () => real.run(),
    () => real.stop(),
    () => counted.warp(70n * MS),
    () => [real, counted].forEach((time) => time.set(1n << 40n)),
    () => real.start(),
    () => [real, counted].forEach((time) => time.set(3n)),
    () => (wallNs += 1000n * MS),
    () => real.run(),
  ]
  for (const step of steps) {
    step()
    for (let i = 0; i < 3; i++) {
      for (const { virtual } of [real, counted]) expect(virtual.ns()).toBe(Number(virtual.now()))
      wallNs += 7n * MS
      done += 12_345
    }
  }
  counted.set((1n << 60n) + 1n)
  expect(counted.virtual.ns()).toBeNaN()
})

/** Time over a wall and a count of instructions, both moved by hand. */
function paced() {
  const at = { wallNs: 0, done: 0 }
  const wall = { monotonic: () => BigInt(at.wallNs), monotonicNs: () => at.wallNs, epoch: () => 0n }
  const time = realTime(
    wall,
    () => undefined,
    () => at.done,
  )
  time.start()
  time.run()
  return { at, time, ns: time.virtual.ns }
}

test('A guest that looks at the clock all the time sees no jump, and has soon come to the wall.', () => {
  const { at, ns } = paced()
  at.wallNs = 20_000_000
  let last = ns()
  for (let looks = 0; last < at.wallNs; looks++) {
    at.done += 10
    at.wallNs += 100
    const now = ns()
    expect(now - last).toBeGreaterThan(0)
    expect(now - last).toBeLessThanOrEqual(1100)
    expect(looks).toBeLessThan(25_000)
    last = now
  }
})

test('A guest that works sees no more time pass than its instructions take, and never more than the wall.', () => {
  const { at, ns } = paced()
  at.wallNs += 1_000_000
  at.done += 1000
  const slow = ns()
  expect(slow).toBeLessThan(13_000)
  at.wallNs += 1000
  at.done += 1_000_000
  expect(ns()).toBe(at.wallNs)
})

test('Time is never behind the wall by more than a moment, however slow the guest.', () => {
  const { at, ns } = paced()
  at.wallNs = 60e9
  at.done = 1
  expect(ns()).toBe(60e9 - 200e6)
})

test('A processor that rests has the time of the wall until it goes on.', () => {
  const { at, time, ns } = paced()
  at.done = 50
  time.rest()
  at.wallNs = 90e6
  expect(ns()).toBe(90e6)
  at.wallNs = 190e6
  expect(ns()).toBe(190e6)
  at.done = 60
  at.wallNs = 290e6
  expect(ns()).toBeLessThan(191e6)
})

test('Whoever runs the guest is told that time waits for the timers, and only then.', () => {
  const { at, time, ns } = paced()
  let calls = 0
  time.onLimit = () => calls++
  time.virtual.timer(() => undefined).set(1_000_000n)
  time.run()
  at.done = 1e9
  at.wallNs = 1_900_000
  ns()
  expect(calls).toBe(0)
  at.done = 2e9
  at.wallNs = 10_000_000
  expect(ns()).toBeLessThan(2_100_000)
  expect(calls).toBe(1)
})
