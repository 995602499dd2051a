import {
  IncomingMigration,
  OutgoingMigration,
  hostPace,
  memoryChannels,
  type OutgoingOptions,
} from '@godwit/migration-net'
import { expect, test } from 'vitest'
import { SCRIBBLE, onItsOwn, onThisThread, until } from './testing.ts'

/** Moves a guest that never stops writing, and compares both machines before the guest goes on. */
async function move(from: typeof onItsOwn, to: typeof onItsOwn, how: Partial<OutgoingOptions> = {}) {
  const [source, target] = await Promise.all([from(SCRIBBLE), to(SCRIBBLE, { incoming: true })])
  const ram = source.ramBlocks.find((b) => b.name === 'pc.ram')!
  source.start()
  await until(() => ram.bytes[0x1_0000] !== 0)
  const [here, there] = memoryChannels()
  let passes = 0
  // every round finds pages that the guest has written meanwhile
  const turn = (): Promise<void> => until(() => !source.running || ram.dirty.dirtyPages > 0)
  const outgoing = new OutgoingMigration({
    machine: source,
    channel: here,
    // a guest that always dirties all its pages: it is stopped in the end, after some rounds
    parameters: { ...parameters, downtimeLimitMs: 0 },
    onPass: () => {
      if (++passes === 8) outgoing.parameters.downtimeLimitMs = 10_000
    },
    pace: { ...hostPace, turn },
    ...how,
  })
  const incoming = new IncomingMigration({ machine: target, channel: there, autostart: false, parameters })
  const results = await Promise.all([outgoing.run(), incoming.run()])
  return { source, target, results, passes }
}

const parameters = { downtimeLimitMs: 0, maxBandwidth: 0, peerTimeoutMs: 60_000, idleTimeoutMs: 60_000 }

test.each([
  ['away from its thread', onItsOwn, onThisThread, {}],
  ['to another thread', onThisThread, onItsOwn, {}],
  ['from thread to thread', onItsOwn, onItsOwn, {}],
  ['from thread to thread as deltas', onItsOwn, onItsOwn, { xbzrleCacheBytes: 8 << 20 }],
] as const)(
  'A guest that writes without end moves %s: every byte and every register is there.',
  async (_, from, to, how) => {
    const { source, target, results, passes } = await move(from, to, how)
    expect(results.map((r) => r.outcome)).toEqual(['completed', 'completed'])
    expect(passes).toBeGreaterThan(8)
    expect(source.runState).toBe('postmigrate')
    expect(target.digest()).toBe(source.digest())
    const ram = target.ramBlocks.find((b) => b.name === 'pc.ram')!
    const before = ram.bytes.slice(0x1_0000, 0x9_0000)
    target.start()
    await until(() => Buffer.compare(before, ram.bytes.subarray(0x1_0000, 0x9_0000)) !== 0)
    target.stop()
    await Promise.all([source.close?.(), target.close?.()])
  },
)
