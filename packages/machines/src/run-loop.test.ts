import type { Processor } from '@godwit/cpu-x86'
import { expect, test } from 'vitest'
import type { HostLoop } from './host-loop.ts'
import { realTime, type MachineTime } from './machine-time.ts'
import { RunLoop } from './run-loop.ts'

/** A host whose time passes only while the processor runs or the loop sleeps. */
function setup(during?: (time: MachineTime, pass: (ms: number) => void) => void) {
  let ms = 0
  let stops = 0
  const waiting: { at: number; then: () => void }[] = []
  const log: string[] = []
  const host: HostLoop = {
    now: () => ms,
    yield: (then) => void waiting.push({ at: ms, then }),
    sleep(rest, then) {
      log.push(`sleeps ${rest.toFixed(1)}`)
      waiting.push({ at: ms + rest, then })
      return () => undefined
    },
  }
  const processor = {
    run: () => {
      ms += 0.5
      during?.(time, (more) => (ms += more))
      return { reason: 'budget', executed: 1000 }
    },
    requestStop: () => void stops++,
  }
  const wall = { monotonic: () => BigInt(Math.round(ms * 1e6)), epoch: () => 0n }
  const time = realTime(wall, () => undefined)
  const loop = new RunLoop(processor as unknown as Processor, time, host, () => undefined)
  /** Lets the host do the next thing that waits; returns how long it took. */
  const step = (): number => {
    const next = waiting.shift()!
    ms = Math.max(ms, next.at)
    const before = ms
    next.then()
    return ms - before
  }
  return { loop, step, log, stops: () => stops }
}

test('A guest has the thread for 8 ms at a time, and others only get in between.', () => {
  const { loop, step, log } = setup()
  loop.start()
  expect([step(), step(), step()]).toEqual([8, 8, 8])
  expect(log).toEqual([])
})

test('While others want their share its turns are short, and the thread sleeps for that share.', () => {
  const { loop, step, log } = setup()
  loop.hostShare = 0.75
  loop.start()
  expect([step(), step()]).toEqual([2, 2])
  expect(log).toEqual(['sleeps 6.0', 'sleeps 6.0', 'sleeps 6.0'])
  loop.hostShare = 0
  expect([step(), step()]).toEqual([8, 8])
  expect(log).toHaveLength(3)
})

test('A guest for which time stands still is stopped, so that timers that are due can fire.', () => {
  let slices = 0
  let fired = 0
  const { loop, step, stops } = setup((time, pass) => {
    if (slices++ === 0) time.virtual.timer(() => fired++).set(time.virtual.now() + 1_000_000n)
    if (slices === 2) pass(100)
    time.virtual.now()
    expect([stops() > 0, fired]).toEqual([slices > 1, slices > 2 ? 1 : 0])
  })
  loop.start()
  step()
  step()
  expect(slices).toBeGreaterThan(2)
})
