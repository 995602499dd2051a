import { StreamReader, readWhole } from '@godwit/vmstate'
import { expect, test } from 'vitest'
import { memoryChannels } from './channels/memory.ts'
import { IncomingMigration } from './destination.ts'
import { defaultParameters } from './parameters.ts'
import { FakeMachine } from './testing/index.ts'
import { busyMachine, pair, streamOf } from './testing/pair.ts'

test('pause-before-switchover waits with the guest paused until it is told to go on.', async () => {
  const p = pair({ out: { pauseBeforeSwitchover: true } })
  const ends = Promise.all([p.outgoing.run(), p.incoming.run()])
  expect(p.outgoing.continue()).toBe(false)
  while (p.outgoing.status !== 'pre-switchover') await new Promise((resolve) => setImmediate(resolve))
  expect(p.source.running).toBe(false)
  expect(p.outgoing.continue()).toBe(true)
  expect((await ends)[0].outcome).toBe('completed')
  expect(p.statuses).toEqual(['setup', 'active', 'pre-switchover', 'device', 'completed'])
})

test('A source that is cancelled while it waits before the switch-over resumes.', async () => {
  const p = pair({ out: { pauseBeforeSwitchover: true } })
  const ends = Promise.all([p.outgoing.run(), p.incoming.run()])
  while (p.outgoing.status !== 'pre-switchover') await new Promise((resolve) => setImmediate(resolve))
  p.outgoing.cancel()
  expect((await ends)[0].outcome).toBe('cancelled')
  expect(p.source.running).toBe(true)
})

test('A guest that was stopped while it waited before the switch-over stays stopped after a cancel.', async () => {
  const p = pair({ out: { pauseBeforeSwitchover: true } })
  const ends = Promise.all([p.outgoing.run(), p.incoming.run()])
  while (p.outgoing.status !== 'pre-switchover') await new Promise((resolve) => setImmediate(resolve))
  p.outgoing.stayPaused()
  p.outgoing.cancel()
  await ends
  expect([p.source.running, p.source.runState]).toEqual([false, 'paused'])
})

test('A destination answers on the return path what QEMU 11.1 answers: PONG to each PING, SHUT 0 at the end.', async () => {
  const [a, b] = memoryChannels({ highWaterBytes: Infinity })
  const source = busyMachine()
  const w = await streamOf(source)
  const reader = new StreamReader({ decode: () => undefined })
  reader.feed(w.slice())
  reader.next()
  reader.next()
  const opening = Uint8Array.of(8, 0, 1, 0, 0, 8, 0, 2, 0, 4, 0, 0, 0, 1)
  await a.send(Uint8Array.from([...w.slice(0, reader.offset), ...opening, ...w.slice(reader.offset)]))
  const result = await new IncomingMigration({ machine: new FakeMachine(), channel: b, autostart: true }).run()
  expect(result.outcome).toBe('completed')
  let said: number[] = []
  for (let bytes = await a.receive(); bytes !== undefined; bytes = await a.receive()) said = [...said, ...bytes]
  expect(said).toEqual([0, 2, 0, 4, 0, 0, 0, 1, 0, 1, 0, 4, 0, 0, 0, 0])
})

test('While the source waits before the switch-over its pings keep the destination patient.', async () => {
  const p = pair({
    out: { pauseBeforeSwitchover: true },
    in: { parameters: { ...defaultParameters(), idleTimeoutMs: 25_000 } },
  })
  const ends = Promise.all([p.outgoing.run(), p.incoming.run()])
  while (p.outgoing.status !== 'pre-switchover') await new Promise((resolve) => setImmediate(resolve))
  for (let s = 0; s < 100; s += 5) {
    p.pace.advance(5000)
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(p.outgoing.status).toBe('pre-switchover')
  p.outgoing.continue()
  expect((await ends).map((end) => end.outcome)).toEqual(['completed', 'completed'])
})

test('Behind SWITCHOVER_START comes the end of RAM and no further part, however much is left.', async () => {
  const source = busyMachine({ ramBytes: 4 << 20, sendSwitchoverStart: true })
  const pause = source.pause.bind(source)
  source.pause = () => {
    for (let page = 0; page < 1000; page++) source.poke(page, page + 1)
    pause()
  }
  const kinds = readWhole(await streamOf(source)).map((item) =>
    item.kind === 'sectionStart' ? item.type : item.kind === 'command' ? item.command : item.kind,
  )
  const after = kinds.slice(kinds.indexOf('SWITCHOVER_START'))
  expect(after).not.toContain('part')
  expect(after.filter((kind) => kind === 'ramPage').length).toBeGreaterThan(990)
})

test('The guest stands back while the channel takes memory, but not while a limit or a slow channel is waited for.', async () => {
  const p = pair({ out: { parameters: { ...defaultParameters(), maxBandwidth: 1 << 20, downtimeLimitMs: 0 } } })
  p.source.slice = () => undefined
  const shares: number[] = []
  Object.defineProperty(p.source, 'hostShare', { set: (share: number) => void shares.push(share) })
  const send = p.a.send.bind(p.a)
  p.a.send = async (bytes) => {
    if (p.outgoing.phase === 'rounds' && shares.at(-1) !== 0) {
      p.pace.advance(99)
      expect(shares.at(-1)).toBe(0.8)
      p.pace.advance(1)
      expect(shares.at(-1)).toBe(0)
    }
    await send(bytes)
  }
  const ends = Promise.all([p.outgoing.run(), p.incoming.run()])
  while (!p.outgoing.over) {
    await new Promise((resolve) => setImmediate(resolve))
    p.pace.skip()
  }
  expect((await ends)[0].outcome).toBe('completed')
  expect(shares).toContain(0.8)
  expect(shares.at(-1)).toBe(0)
})

test('A guest that shuts down just before it is stopped for the hand-over is not set going again.', async () => {
  const source = busyMachine({ chips: 2 })
  const pause = source.pause.bind(source)
  // the news of a guest on another thread comes with the answer to "stop"
  source.pause = () => {
    pause()
    source.runState = 'shutdown'
  }
  const p = pair({ source })
  const [sent, taken] = await Promise.all([p.outgoing.run(), p.incoming.run()])
  expect([sent.outcome, taken.outcome]).toEqual(['cancelled', 'failed'])
  expect([source.running, source.runState, p.target.running]).toEqual([false, 'shutdown', false])
})
