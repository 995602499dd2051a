import type { Processor } from '@godwit/cpu-x86'
import { expect, test } from 'vitest'
import type { HostLoop } from './host-loop.ts'
import { realTime } from './machine-time.ts'
import { RunLoop } from './run-loop.ts'

/** A host whose time passes only while the processor runs or the loop sleeps. */
function setup() {
  let ms = 0
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
      return { reason: 'budget', executed: 1000 }
    },
    requestStop: () => undefined,
  }
  const wall = { monotonic: () => BigInt(Math.round(ms * 1e6)), epoch: () => 0n }
  const loop = new RunLoop(
    processor as unknown as Processor,
    realTime(wall, () => undefined),
    host,
    () => undefined,
  )
  /** Lets the host do the next thing that waits; returns how long it took. */
  const step = (): number => {
    const next = waiting.shift()!
    ms = Math.max(ms, next.at)
    const before = ms
    next.then()
    return ms - before
  }
  return { loop, step, log }
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
