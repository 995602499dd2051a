import { expect, test } from 'vitest'
import { TOLERANCE_MS, timeOf, type Stamp } from '../../scripts/lab/clocks.mjs'

const BOOT = 1_700_000_000_000

/** A guest that prints every half second and stands still for `stopped` ms after its fourth line. */
function guest(stopped: number, lostToo = 0): Stamp[] {
  return Array.from({ length: 8 }, (_, i) => {
    const uptime = 5 + i / 2
    const at = BOOT + uptime * 1000 + 3 + (i >= 4 ? stopped + lostToo : 0)
    return { uptime, date: Math.floor(BOOT / 1000 + uptime + 0.25), at }
  })
}
const legs = (stopped: number) => [
  { from: 0, stopped: 0 },
  { from: 4, stopped },
]

test('a guest whose clock stood still while it moved has its time right', () => {
  expect(timeOf(guest(230), legs(230), { clock: 'tsc' })).toEqual({ lost: [230], faults: [] })
})

test('a guest that lost more than it stood still for is found, unless its clock counts interrupts', () => {
  const stamps = guest(230, TOLERANCE_MS + 200)
  expect(timeOf(stamps, legs(230), { clock: 'hpet' }).faults).toEqual([
    `move 1: the guest's clock lost ${TOLERANCE_MS + 430} ms and stood still for 230 ms`,
  ])
  expect(timeOf(stamps, legs(230), { clock: 'refined-jiffies' }).faults).toEqual([])
})

test('a guest whose clock jumped ahead is found', () => {
  expect(timeOf(guest(230, -TOLERANCE_MS - 200), legs(230), { clock: 'tsc' }).faults).toHaveLength(1)
})

test('a late line says nothing about the clock', () => {
  const stamps = guest(230).map((s, i) => (i % 4 === 1 ? { ...s, at: s.at + 3000 } : s))
  expect(timeOf(stamps, legs(230), { clock: 'tsc' }).faults).toEqual([])
})

test('a date that jumps away from the uptime is found', () => {
  const stamps = guest(230).map((s, i) => (i < 4 ? s : { ...s, date: s.date + 3 }))
  expect(timeOf(stamps, legs(230), { clock: 'tsc' }).faults[0]).toMatch(/date and its uptime went apart/)
})

test('an RTC that is not at our time is found', () => {
  const asked = BOOT + 10_000
  const said = (seconds: number) => ({ clock: 'tsc', rtc: { seconds, asked, told: asked + 200 } })
  expect(timeOf(guest(0), legs(0), said(BOOT / 1000 + 10)).faults).toEqual([])
  expect(timeOf(guest(0), legs(0), said(BOOT / 1000 + 7)).faults).toHaveLength(1)
  expect(timeOf(guest(0), legs(0), said(BOOT / 1000 + 13)).faults).toHaveLength(1)
})
