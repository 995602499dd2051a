import { expect, test } from 'vitest'
import { memoryChannels } from './channels/memory.ts'
import { IncomingMigration } from './destination.ts'
import { defaultParameters } from './parameters.ts'
import { OutgoingMigration } from './source.ts'
import { FakeMachine, FakePace } from './testing/index.ts'

async function move(from: string, to: string) {
  const [a, b] = memoryChannels()
  const pace = new FakePace()
  const parameters = { ...defaultParameters(), idleTimeoutMs: 0 }
  const source = new FakeMachine({ machineType: from })
  const target = new FakeMachine({ machineType: to })
  const [, taken] = await Promise.all([
    new OutgoingMigration({ machine: source, channel: a, pace }).run(),
    new IncomingMigration({ machine: target, channel: b, autostart: true, pace, parameters }).run(),
  ])
  return taken
}

// QEMU compares the beginning of the name alone, and loads a stream of 4.0 into 4.0.1.
test.each([
  ['pc-q35-4.0', 'pc-q35-4.0.1'],
  ['pc-q35-4.0.1', 'pc-q35-4.0'],
  ['pc-q35-4.0.1', 'pc-q35-4.1'],
  ['pc-i440fx-noble', 'pc-i440fx-noble-v2'],
  ['pc-i440fx-1', 'pc-i440fx-11.1'],
])('a stream of %s is refused by %s: the whole name counts', async (from, to) => {
  const taken = await move(from, to)
  expect(taken.outcome).toBe('failed')
  expect(taken.outcome === 'failed' && taken.error.message).toContain(`machine type is ${from}, ours is ${to}`)
})

test('and is taken by its own', async () => {
  expect((await move('pc-q35-4.0.1', 'pc-q35-4.0.1')).outcome).toBe('completed')
})
