import { expect, test } from 'vitest'
import { DrivenClock } from './clock.ts'
import { manualTime } from './testing/index.ts'

function driven() {
  let now = 0n
  const clock = new DrivenClock(() => now)
  const fired: string[] = []
  const timer = (name: string) => clock.timer(() => fired.push(`${name} at ${now}`))
  const run = (to: bigint): void => {
    now = to
    clock.run()
  }
  return { clock, fired, timer, run }
}

test('what is due fires in the order of expiry, then of setting, and once', () => {
  const { fired, timer, run } = driven()
  const [a, b, c] = [timer('a'), timer('b'), timer('c')]
  c.set(20n)
  b.set(10n)
  a.set(20n)
  run(9n)
  expect(fired).toEqual([])
  run(30n)
  run(40n)
  expect(fired).toEqual(['b at 30', 'c at 30', 'a at 30'])
})

test('a timer that is set again forgets its first moment; one that is cancelled never fires', () => {
  const { fired, timer, run } = driven()
  const [a, b] = [timer('a'), timer('b')]
  a.set(10n)
  a.set(50n)
  b.set(10n)
  b.cancel()
  expect([a.expires, b.expires]).toEqual([50n, null])
  run(20n)
  expect(fired).toEqual([])
  run(50n)
  expect([fired, a.expires]).toEqual([['a at 50'], null])
})

test('a timer may set itself again while it fires, and fires again at once if that is due', () => {
  const { clock, run } = driven()
  const fired: bigint[] = []
  const timer = clock.timer(() => {
    fired.push(BigInt(fired.length))
    if (fired.length < 4) timer.set(BigInt(fired.length) * 10n)
  })
  timer.set(0n)
  run(25n)
  expect([fired.length, timer.expires]).toEqual([3, 30n])
})

test('the deadline is the earliest of all, and whoever waits for it is told when it may have moved', () => {
  const { clock, timer } = driven()
  let told = 0
  clock.onDeadline = () => told++
  const [a, b] = [timer('a'), timer('b')]
  expect(clock.deadline).toBeNull()
  a.set(20n)
  b.set(10n)
  expect(clock.deadline).toBe(10n)
  b.cancel()
  b.cancel()
  expect([clock.deadline, told]).toEqual([20n, 3])
})

test('manual time stops at each timer on its way, so that a timer sees the moment it was set for', () => {
  const time = manualTime(100n)
  const seen: bigint[] = []
  const timer = time.virtual.timer(() => {
    seen.push(time.virtual.now())
    if (seen.length < 3) timer.set(time.virtual.now() + 7n)
  })
  timer.set(110n)
  time.advance(20n)
  expect([seen, time.virtual.now()]).toEqual([[110n, 117n], 120n])
})

test('the host clock of manual time is ahead by its epoch, and its timers fire at their moments too', () => {
  const time = manualTime(0n, 1_000n)
  const seen: bigint[] = []
  time.host.timer(() => seen.push(time.virtual.now())).set(1_005n)
  time.advance(10n)
  expect([seen, time.host.now()]).toEqual([[5n], 1_010n])
})
