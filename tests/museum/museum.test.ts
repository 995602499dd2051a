/** Streams of every release load into the machines of today, and are saved again as they were. */
import { describe, expect, test } from 'vitest'
import { openRoom, rooms } from './archive.ts'
import { emptyMachine, pieces, placeOf } from './pieces.ts'
import { load, saved } from './streams.ts'

/** Where two streams first differ, for the message. */
function firstDifference(a: Uint8Array, b: Uint8Array): number {
  const n = Math.min(a.length, b.length)
  for (let i = 0; i < n; i++) if (a[i] !== b[i]) return i
  return a.length === b.length ? -1 : n
}

test('There is a room, and the newest has every machine version, device set and moment', () => {
  const newest = rooms().at(-1)
  expect(newest, 'pnpm museum records one').toBeDefined()
  const shown = [...openRoom(newest!).keys()]
  const missing = pieces().filter((p) => !shown.includes(p.name))
  expect(
    missing.map((p) => p.name),
    'pnpm museum records what a release lacks',
  ).toEqual([])
})

describe.each(rooms())('room %s', (release) => {
  const streams = [...openRoom(release)]
  test.each(streams)('%s loads, and is saved again byte for byte', async (name, bytes) => {
    const machine = emptyMachine(...placeOf(name))
    await load(machine, bytes)
    machine.runState = 'paused'
    expect(firstDifference(await saved(machine), bytes)).toBe(-1)
  })
})

test('A busy piece differs from the idle one in most of its devices', () => {
  const streams = openRoom(rooms().at(-1)!)
  const [idle, busy] = ['idle', 'busy'].map((m) => streams.get(`pc-i440fx-10.0-base-${m}`)!)
  let different = 0
  for (let i = 0; i < Math.min(idle!.length, busy!.length); i++) if (idle![i] !== busy![i]) different++
  expect(different).toBeGreaterThan(300)
})
