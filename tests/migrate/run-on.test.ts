/** A state that is saved and loaded goes on as if nothing had happened: compared by digest, at many moments. */
import { expect, test } from 'vitest'
import { loadBytes, saveBytes, type VMState } from '../../packages/vmstate/src/index.ts'
import type { Machine } from '../../packages/machines/src/index.ts'
import { guestsThere, linuxOptions, watched, type Kernel } from '../support/guests.ts'

const POINTS = 50

/** Copies RAM and every section into a fresh machine, by way of the bytes that would cross the wire. */
function cloned(from: Machine, fresh: Machine): Machine {
  fresh.ramBlocks.forEach((block, i) => block.write(0, from.ramBlocks[i]!.bytes))
  const saved = from.sections.map((s) => {
    s.beforeSave?.()
    return saveBytes(s.vmstate as VMState<object>, s.state).slice()
  })
  fresh.sections.forEach((s, i) => loadBytes(s.vmstate as VMState<object>, s.state, saved[i]!, s.version))
  for (const s of fresh.sections) s.afterLoad?.(s.version)
  return fresh
}

/** Random numbers that are the same on each run. */
function seeded(seed: number): () => number {
  let n = seed
  return () => {
    n = (Math.imul(n, 1664525) + 1013904223) >>> 0
    return n / 2 ** 32
  }
}

test.skipIf(!guestsThere).each<[Kernel, number]>([
  ['cloud-amd64', 1_300_000_000],
  ['686', 600_000_000],
])(
  'a %s guest saved and loaded into fresh machines at 50 random points ends in the same digest',
  (kernel, instructions) => {
    const options = linuxOptions(kernel, 'check', { time: {} })
    const straight = watched(options).machine
    expect(straight.runFor(instructions)).toBe(instructions)

    const random = seeded(kernel.length)
    const points = Array.from({ length: POINTS }, () => Math.floor(random() * instructions)).sort((a, b) => a - b)
    let machine = watched(options).machine
    let done = 0
    for (const point of points) {
      machine.runFor(point - done)
      done = point
      const next = cloned(machine, watched(options).machine)
      expect(next.digest(), `just loaded, at ${point}`).toBe(machine.digest())
      machine = next
    }
    machine.runFor(instructions - done)
    expect(machine.digest()).toBe(straight.digest())
  },
  600_000,
)

test.skipIf(!guestsThere)('equal inputs end in equal states', () => {
  const run = (): string => {
    const { machine } = watched(linuxOptions('cloud-amd64', 'check', { time: {} }))
    machine.runFor(50_000_000)
    return machine.digest()
  }
  expect(run()).toBe(run())
})
