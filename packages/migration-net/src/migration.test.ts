import { PAGE_SIZE } from '@godwit/memory'
import { StreamReader, readWhole, inspectStream } from '@godwit/vmstate'
import { expect, test } from 'vitest'
import type { Channel } from './channel.ts'
import { memoryChannels } from './channels/memory.ts'
import { IncomingMigration } from './destination.ts'
import { defaultParameters } from './parameters.ts'
import type { SourcePhase } from './protocol.ts'
import { BACK, LAST_PING, SOURCE_PHASES, backMessage } from './protocol.ts'
import { OutgoingMigration } from './source.ts'
import { FakeMachine, FakePace, type FakeOptions } from './testing/index.ts'
import { busyMachine, pair, streamOf } from './testing/pair.ts'

test('A guest that runs and dirties memory arrives with everything it had, and only there it runs.', async () => {
  const p = pair()
  const [sent, taken] = await Promise.all([p.outgoing.run(), p.incoming.run()])
  expect(sent).toEqual({ outcome: 'completed' })
  expect(taken).toEqual({ outcome: 'completed', running: true, warnings: [] })
  expect(p.target.print()).toBe(p.source.print())
  expect(p.source.clock.ticks).toBeGreaterThan(0n)
  expect([p.source.running, p.source.runState]).toEqual([false, 'postmigrate'])
  expect([p.target.running, p.target.runState]).toEqual([true, 'running'])
  expect(p.statuses).toEqual(['setup', 'active', 'device', 'completed'])
  expect(p.target.log).toEqual(['load chip 0 v3', 'load chip 1 v3', 'resume'])
  expect(p.source.ram.dirty.enabled).toBe(false)
})

test('Every boundary in the stream may fall between two received pieces.', async () => {
  const p = pair({ channel: { pieceBytes: 7, highWaterBytes: 4096 } })
  const [sent] = await Promise.all([p.outgoing.run(), p.incoming.run()])
  expect(sent.outcome).toBe('completed')
  expect(p.target.print()).toBe(p.source.print())
})

test('A paused guest arrives paused.', async () => {
  const p = pair()
  p.source.pause()
  p.source.runState = 'paused'
  const [, taken] = await Promise.all([p.outgoing.run(), p.incoming.run()])
  expect(taken).toMatchObject({ outcome: 'completed', running: false })
  expect([p.target.running, p.target.runState]).toEqual([false, 'paused'])
})

test('Without autostart a running guest waits at the destination.', async () => {
  const p = pair({ in: { autostart: false } })
  await Promise.all([p.outgoing.run(), p.incoming.run()])
  expect([p.target.running, p.target.runState]).toEqual([false, 'paused'])
})

test('Without a return path the source completes by itself.', async () => {
  const p = pair({ out: { returnPath: false } })
  const [sent, taken] = await Promise.all([p.outgoing.run(), p.incoming.run()])
  expect([sent.outcome, taken.outcome]).toEqual(['completed', 'completed'])
})

test('The source dirties no longer than needed: rounds go on until the rest fits the downtime.', async () => {
  const source = busyMachine({ ramBytes: 4 << 20 })
  let hot = 200
  source.slice = (m) => {
    for (let page = 0; page < hot; page++) m.poke(page, Number(m.clock.ticks))
    if (m.clock.ticks > 40n) hot = 2
  }
  for (let page = 0; page < 1024; page++) source.poke(page, page)
  const p = pair({
    source,
    target: new FakeMachine({ ramBytes: 4 << 20 }),
    out: { parameters: { ...defaultParameters(), maxBandwidth: 0, downtimeLimitMs: 2.5, peerTimeoutMs: 0 } },
  })
  p.pace.turnMs = 10
  const [sent] = await Promise.all([p.outgoing.run(), p.incoming.run()])
  expect(sent.outcome).toBe('completed')
  expect(source.clock.ticks).toBeGreaterThan(40n)
  expect(p.outgoing.figures.dirtySyncs).toBeGreaterThan(3)
  expect(p.target.print()).toBe(source.print())
})

test('The bandwidth limit holds over the whole of the rounds.', async () => {
  const source = busyMachine({ ramBytes: 4 << 20 })
  for (let page = 0; page < 1024; page++) source.poke(page, page + 1)
  source.slice = () => undefined
  const maxBandwidth = 2 << 20
  const p = pair({
    source,
    target: new FakeMachine({ ramBytes: 4 << 20 }),
    out: { parameters: { ...defaultParameters(), maxBandwidth, downtimeLimitMs: 0, peerTimeoutMs: 0 } },
  })
  p.pace.turnMs = 0
  let over = false
  const ends = Promise.all([p.outgoing.run(), p.incoming.run()]).finally(() => (over = true))
  while (!over) {
    await new Promise((resolve) => setImmediate(resolve))
    p.pace.skip()
  }
  expect((await ends)[0].outcome).toBe('completed')
  const seconds = p.pace.ms / 1000
  expect(p.outgoing.figures.precopyBytes).toBeGreaterThan(4 << 20)
  expect(p.outgoing.figures.precopyBytes / seconds).toBeLessThanOrEqual(maxBandwidth * 1.1)
  expect(p.outgoing.figures.precopyBytes / seconds).toBeGreaterThan(maxBandwidth * 0.8)
})

test('The figures add up: each page of each block once, zero pages as such.', async () => {
  const source = busyMachine()
  source.pause()
  const p = pair({ source, target: new FakeMachine() })
  await Promise.all([p.outgoing.run(), p.incoming.run()])
  const { figures } = p.outgoing
  expect(figures.totalBytes).toBe((1 << 20) + 3 * PAGE_SIZE)
  expect(figures.normalPages).toBe(41)
  expect(figures.normalPages + figures.zeroPages).toBe(figures.totalBytes / PAGE_SIZE)
  expect(figures.precopyBytes + figures.downtimeBytes).toBe(figures.transferredBytes)
  expect(p.incoming.figures.transferredBytes).toBe(figures.transferredBytes)
  expect(p.outgoing.query()).toMatchObject({
    status: 'completed',
    ram: { remaining: 0, normal: 41, 'page-size': 4096, transferred: figures.transferredBytes },
  })
})

/** Records what the source sends; the other end is read and thrown away. */
test('The stream is well formed and described to the last byte.', async () => {
  const machine = busyMachine({ chips: 2, sendSwitchoverStart: true })
  const report = inspectStream(await streamOf(machine))
  expect(report.described).toBe(true)
  expect(report.configuration.machine).toBe('pc-fake-1.0')
  const kinds = report.elements.map((e) => (e.kind === 'command' ? e.command : e.kind))
  expect(kinds.slice(0, 2)).toEqual(['ram', 'ram'])
  expect(kinds).toContain('SWITCHOVER_START')
})

test('SWITCHOVER_START is left out, and so is the description, when the machine says so.', async () => {
  const items = readItems(await streamOf(busyMachine({ suppressVmdesc: true })))
  expect(items).not.toContain('command')
  expect(items.at(-1)).toBe('eof')
})

function readItems(bytes: Uint8Array): string[] {
  return readWhole(bytes).map((i) => i.kind)
}

async function feed(target: FakeMachine, bytes: Uint8Array, duplex = true) {
  const [a, b] = memoryChannels({ highWaterBytes: Infinity })
  await a.send(bytes)
  await a.close()
  const channel: Channel = {
    name: 'test',
    duplex,
    send: (data) => b.send(data),
    receive: () => b.receive(),
    close: () => b.close(),
    abort: (reason) => b.abort(reason),
  }
  return new IncomingMigration({ machine: target, channel, autostart: true }).run()
}

test('A stream torn before its end starts nothing: the machine is as it was, or spoiled, wherever it is torn.', async () => {
  const machine = new FakeMachine({ ramBytes: 1 << 16, chips: 2, suppressVmdesc: true })
  machine.poke(1, 5)
  machine.chips[0]!.counter = 7
  machine.chips[1]!.extra = 9
  const whole = await streamOf(machine)
  const untouched = new FakeMachine({ ramBytes: 1 << 16, chips: 2, suppressVmdesc: true })
  let spoiled = 0
  for (let length = 0; length < whole.length; length++) {
    const target = new FakeMachine({ ramBytes: 1 << 16, chips: 2, suppressVmdesc: true })
    const result = await feed(target, whole.slice(0, length))
    expect(result.outcome).toBe('failed')
    expect(target.running).toBe(false)
    if (target.spoiled === undefined) expect(target.print()).toBe(untouched.print())
    else if (result.outcome === 'failed') expect(target.spoiled).toBe(result.error.message)
    spoiled += target.spoiled === undefined ? 0 : 1
    const again = target.spoiled === undefined ? undefined : await feed(target, whole)
    if (again !== undefined) expect(again.outcome === 'failed' && again.error.code).toBe('refused')
  }
  const list = readWhole(whole).find((item) => item.kind === 'ramEos')!.offset
  expect(spoiled).toBe(whole.length - list)
  expect((await feed(untouched, whole)).outcome).toBe('completed')
  expect(untouched.print()).toBe(machine.print())
})

test.each<[string, FakeOptions, RegExp]>([
  [
    'another machine type',
    { machineType: 'pc-fake-2.0', chips: 2 },
    /machine type is pc-fake-1.0, ours is pc-fake-2.0/,
  ],
  ['a block of another size', { ramBytes: 1 << 16, chips: 2 }, /pc.ram: 1048576 bytes at the source, 65536 here/],
  [
    'a section too many',
    { chips: 1 },
    /chip\/1: this machine has no section chip\/1; it has timer\/0, chip\/0, globalstate\/0/,
  ],
])('A destination with %s refuses; the source learns why it failed and goes on.', async (_, options, message) => {
  const p = pair({ target: new FakeMachine(options) })
  const [sent, taken] = await Promise.all([p.outgoing.run(), p.incoming.run()])
  expect(taken.outcome === 'failed' && taken.error.message).toMatch(message)
  expect(sent.outcome).toBe('failed')
  expect(p.source.running).toBe(true)
  expect(p.source.runState).toBe('running')
  expect(p.target.running).toBe(false)
})

test('A destination that refuses the last section answers SHUT 1, and the source resumes.', async () => {
  const source = busyMachine({ chips: 2 })
  source.chips[1]!.counter = 0xbad
  const p = pair({ source })
  const [sent, taken] = await Promise.all([p.outgoing.run(), p.incoming.run()])
  expect(taken.outcome === 'failed' && taken.error.message).toMatch(/chip\/1.*not bad/)
  expect(sent.outcome === 'failed' && sent.error.code).toBe('refused')
  expect(p.source.running).toBe(true)
  expect(p.target.spoiled).toMatch(/chip\/1.*not bad/)
})

test('A guest with devices that the machine lacks is refused with the list of them.', async () => {
  const source = new FakeMachine({ chips: 4 })
  const untouched = new FakeMachine({ chips: 2 }).print()
  const bytes = await streamOf(source)
  const target = new FakeMachine({ chips: 2 })
  const result = await feed(target, bytes)
  expect(result.outcome === 'failed' && result.error.message).toContain(
    'this machine has no sections chip/2, chip/3; it has timer/0, chip/0, chip/1, globalstate/0',
  )
  expect(result.outcome === 'failed' && result.error.offset).toBe(
    readWhole(bytes).find((item) => item.kind === 'device' && item.instance === 2)!.offset,
  )
  expect(target.spoiled).toBeDefined()
  const small = new FakeMachine({ chips: 2 })
  ;(small as { ramBlocks: unknown }).ramBlocks = [small.ram]
  const refused = await feed(small, bytes, false)
  expect(refused.outcome === 'failed' && refused.error.message).toMatch(
    /no RAM block \/rom@etc\/tables, no sections chip\/2, chip\/3; it has/,
  )
  expect(small.spoiled).toBeUndefined()
  expect(small.print()).toBe(untouched)
})

/** Breaks the channel when the source enters a phase. */
function breakIn(phase: SourcePhase, how: (p: ReturnType<typeof pair>) => void) {
  const holder: { p?: ReturnType<typeof pair> } = {}
  const wrap = (end: Channel): Channel => ({
    ...end,
    duplex: true,
    receive: () => end.receive(),
    close: () => end.close(),
    abort: (reason) => end.abort(reason),
    async send(bytes) {
      if (holder.p?.outgoing.phase === phase) how(holder.p)
      await end.send(bytes)
    },
  })
  return (holder.p = pair({ wrap }))
}

const breakable = SOURCE_PHASES.filter((phase) => phase !== 'pause' && phase !== 'confirm')

test.each(breakable)('A channel that dies in phase %s never leaves two guests running.', async (phase) => {
  const p = breakIn(phase, ({ a, b }) => {
    a.abort('the cable was cut')
    b.abort('the cable was cut')
  })
  const [sent, taken] = await Promise.all([p.outgoing.run(), p.incoming.run()])
  expect(taken.outcome).toBe('failed')
  expect(p.target.running).toBe(false)
  if (sent.outcome === 'completed') throw new Error('completed over a dead channel')
  expect(sent.error).toMatchObject({ role: 'source', phase })
  if (phase === 'handOver') {
    expect(sent.outcome).toBe('unknown')
    expect([p.source.running, p.source.runState]).toEqual([false, 'paused'])
  } else {
    expect(sent.outcome).toBe('failed')
    expect([p.source.running, p.source.runState]).toEqual([true, 'running'])
  }
})

test.each(breakable.filter((phase) => phase !== 'handOver'))(
  'A cancel in phase %s resumes the source.',
  async (phase) => {
    const p = breakIn(phase, ({ outgoing }) => outgoing.cancel())
    const [sent] = await Promise.all([p.outgoing.run(), p.incoming.run()])
    expect(sent.outcome).toBe('cancelled')
    expect(p.source.running).toBe(true)
    expect(p.target.running).toBe(false)
    expect(p.statuses.slice(-2)).toEqual(['cancelling', 'cancelled'])
  },
)

test('A cancel that comes after the last byte changes nothing.', async () => {
  const p = breakIn('handOver', ({ outgoing }) => outgoing.cancel())
  const [sent] = await Promise.all([p.outgoing.run(), p.incoming.run()])
  expect(sent.outcome).toBe('completed')
  expect([p.source.running, p.target.running]).toEqual([false, true])
})

test('A destination whose word cannot be sent does not start its guest, and the source stays paused.', async () => {
  const p = pair()
  const { incoming, source, target } = p
  const send = p.b.send.bind(p.b)
  p.b.send = async (bytes) => {
    if (bytes[1] === 1) p.b.abort('the cable was cut')
    await send(bytes)
  }
  const [sent, taken] = await Promise.all([p.outgoing.run(), incoming.run()])
  expect(taken.outcome).toBe('failed')
  expect(sent.outcome).toBe('unknown')
  expect([source.running, target.running]).toEqual([false, false])
})

test('A destination that falls silent before it has echoed the last ping cannot start: the source goes on.', async () => {
  const source = busyMachine()
  const [a, b] = memoryChannels({ highWaterBytes: Infinity })
  const pace = new FakePace()
  const parameters = { ...defaultParameters(), peerTimeoutMs: 5000 }
  const outgoing = new OutgoingMigration({ machine: source, channel: a, pace, parameters })
  const running = outgoing.run()
  while (outgoing.phase !== 'devices') await new Promise((resolve) => setImmediate(resolve))
  await new Promise((resolve) => setImmediate(resolve))
  expect(source.running).toBe(false)
  pace.skip()
  expect(await running).toMatchObject({ outcome: 'failed', error: { code: 'timeout', phase: 'devices' } })
  expect(source.running).toBe(true)
  await b.close()
})

test('A silent destination times out; the source stays paused because nobody knows.', async () => {
  const source = busyMachine()
  const [a, b] = memoryChannels({ highWaterBytes: Infinity })
  const pace = new FakePace()
  const parameters = { ...defaultParameters(), peerTimeoutMs: 5000 }
  const outgoing = new OutgoingMigration({ machine: source, channel: a, pace, parameters })
  let over = false
  const running = outgoing.run().finally(() => (over = true))
  const phase = (): string => outgoing.phase
  while (phase() !== 'devices') await new Promise((resolve) => setImmediate(resolve))
  await b.send(backMessage(BACK.PONG, LAST_PING))
  while (phase() !== 'confirm') await new Promise((resolve) => setImmediate(resolve))
  expect(over).toBe(false)
  pace.skip()
  const sent = await running
  expect(sent).toMatchObject({ outcome: 'unknown', error: { code: 'outcome-unknown' } })
  expect(source.running).toBe(false)
  await b.close()
})

test('A device that cannot be saved is named, and the source resumes.', async () => {
  const source = busyMachine({ chips: 2 })
  source.chips[1]!.counter = -1
  const p = pair({ source })
  const [sent] = await Promise.all([p.outgoing.run(), p.incoming.run()])
  expect(sent.outcome === 'failed' && sent.error.message).toMatch(/source, phase devices, chip\/1: .*counter/)
  expect(source.running).toBe(true)
})

test('After a failure the same guest can be sent again.', async () => {
  const p = breakIn('devices', ({ a }) => a.abort('the cable was cut'))
  await Promise.all([p.outgoing.run(), p.incoming.run()])
  const again = pair({ source: p.source })
  const [sent] = await Promise.all([again.outgoing.run(), again.incoming.run()])
  expect(sent.outcome).toBe('completed')
  expect(again.target.print()).toBe(p.source.print())
})

test('A destination refuses postcopy by name.', async () => {
  const whole = await streamOf(busyMachine())
  const reader = new StreamReader({ decode: () => undefined })
  reader.feed(whole.slice())
  reader.next()
  reader.next()
  const advise = Uint8Array.of(8, 0, 3, 0, 0)
  const edited = Uint8Array.from([...whole.slice(0, reader.offset), ...advise, ...whole.slice(reader.offset)])
  const result = await feed(new FakeMachine(), edited)
  expect(result.outcome === 'failed' && result.error.message).toMatch(/postcopy \(POSTCOPY_ADVISE\)/)
})
