import { PAGE_SIZE } from '@godwit/memory'
import { StreamWriter, saveBytes, readWhole, type VMState } from '@godwit/vmstate'
import { describe, expect, test } from 'vitest'
import type { Channel } from '../channel.ts'
import type { MemoryChannelOptions } from '../channels/memory.ts'
import { IncomingMigration, type IncomingResult } from '../destination.ts'
import { defaultParameters } from '../parameters.ts'
import { OutgoingMigration } from '../source.ts'
import { FakeMachine, FakePace, memoryLink } from '../testing/index.ts'
import { HEADER_BYTES, initialPacket, putHeader, readHeader } from './packet.ts'

interface Dialect {
  readonly multifdFlushAfterEachSection: boolean
  readonly zeroPageDetection: 'legacy' | 'multifd'
}

/** As the machine versions have them. */
const DIALECTS: Record<string, Dialect> = {
  'up to 8.0': { multifdFlushAfterEachSection: true, zeroPageDetection: 'legacy' },
  '8.1 and 8.2': { multifdFlushAfterEachSection: false, zeroPageDetection: 'legacy' },
  'from 9.0': { multifdFlushAfterEachSection: false, zeroPageDetection: 'multifd' },
}

const machineOf = (dialect: Dialect, ramBytes = 2 << 20): FakeMachine & Dialect =>
  Object.assign(new FakeMachine({ ramBytes }), dialect)

function busyMachine(dialect: Dialect): FakeMachine & Dialect {
  const machine = machineOf(dialect)
  for (let page = 0; page < 300; page++) machine.poke(page, page + 1)
  machine.tables.write(0, Uint8Array.of(1, 2, 3))
  // pages change between rounds, and some become zeroes again
  machine.slice = (m) => {
    const tick = Number(m.clock.ticks)
    for (let i = 0; i < 5; i++) m.poke((tick * 7 + i) % 300, tick)
    m.ram.fill(((tick * 3) % 300) * PAGE_SIZE, PAGE_SIZE, 0)
  }
  machine.start()
  return machine
}

/** Remembers what was sent. */
class Tapped implements Channel {
  readonly name: string
  readonly duplex = true
  readonly sent: Uint8Array[] = []
  private readonly inner: Channel
  /** Called with the number of bytes before; may break the channel. */
  onSend: ((before: number) => void) | undefined

  constructor(inner: Channel) {
    this.inner = inner
    this.name = inner.name
  }

  get bytes(): Uint8Array {
    return Uint8Array.from(this.sent.flatMap((piece) => [...piece]))
  }

  send(bytes: Uint8Array): Promise<void> {
    this.onSend?.(this.sent.reduce((sum, piece) => sum + piece.length, 0))
    this.sent.push(bytes.slice())
    return this.inner.send(bytes)
  }

  receive = (): Promise<Uint8Array | undefined> => this.inner.receive()
  close = (): Promise<void> => this.inner.close()
  abort = (reason: string): void => this.inner.abort(reason)
}

interface Setup {
  readonly dialect?: Dialect
  readonly sent?: number
  readonly expected?: number
  readonly channel?: MemoryChannelOptions
  readonly uuid?: { readonly source: Uint8Array; readonly target: Uint8Array }
}

async function pair({ dialect = DIALECTS['from 9.0']!, sent = 2, expected = sent, channel, uuid }: Setup = {}) {
  const source = busyMachine(dialect)
  const target = machineOf(dialect)
  const link = memoryLink(channel)
  const main = new Tapped(link.connect())
  const channels = Array.from({ length: sent }, () => new Tapped(link.connect()))
  const pace = new FakePace()
  pace.onTurn = () => source.step()
  const outgoing = new OutgoingMigration({
    ...{ machine: source, channel: main, pace },
    multifd: { channels, ...(uuid === undefined ? {} : { uuid: uuid.source }) },
  })
  const incoming = new IncomingMigration({
    ...{ machine: target, channel: await link.accept(), autostart: true, pace },
    multifd: { channels: expected, accept: () => link.accept(), ...(uuid === undefined ? {} : { uuid: uuid.target }) },
  })
  return { source, target, main, channels, pace, outgoing, incoming }
}

describe.each(Object.entries(DIALECTS))('Machine versions %s', (_, dialect) => {
  test.each([
    [1, {}],
    [2, {}],
    [2, { pieceBytes: 777, highWaterBytes: 3000 }],
    [5, { highWaterBytes: 20_000 }],
  ] as const)('%d channels bring the guest whole, page for page (%o).', async (sent, channel) => {
    const p = await pair({ dialect, sent, channel })
    const [out, taken] = await Promise.all([p.outgoing.run(), p.incoming.run()])
    expect(out).toEqual({ outcome: 'completed' })
    expect(taken).toMatchObject({ outcome: 'completed', running: true, warnings: [] })
    expect(p.target.print()).toBe(p.source.print())
    expect(p.source.clock.ticks).toBeGreaterThan(0n)
    const { figures } = p.outgoing
    expect(figures.multifdBytes).toBe(p.channels.reduce((sum, c) => sum + c.bytes.length, 0))
    expect(figures.transferredBytes).toBe(figures.multifdBytes + p.main.bytes.length)
    expect(p.incoming.figures).toMatchObject({ normalPages: figures.normalPages, zeroPages: figures.zeroPages })
  })

  test('The main channel bears what that dialect has on it, and no page.', async () => {
    const p = await pair({ dialect })
    await Promise.all([p.outgoing.run(), p.incoming.run()])
    const kinds = readWhole(p.main.bytes).map((item) => item.kind)
    expect(kinds).not.toContain('ramPage')
    expect(kinds.includes('ramZero')).toBe(dialect.zeroPageDetection === 'legacy')
    expect(kinds.includes('ramFlush')).toBe(!dialect.multifdFlushAfterEachSection)
    const count = (kind: string): number => kinds.filter((k) => k === kind).length
    const syncs = packetsOf(p.channels[0]!.bytes).filter((head) => head.sync).length
    expect(syncs).toBe(dialect.multifdFlushAfterEachSection ? count('ramEos') : count('ramFlush'))
    const zeroes = p.channels.flatMap((c) => packetsOf(c.bytes)).some((h) => h.offsets.length > h.normal)
    expect(zeroes).toBe(dialect.zeroPageDetection === 'multifd')
  })
})

/** The packets behind a channel's first. */
function packetsOf(bytes: Uint8Array) {
  const heads = []
  for (let at = 64; at < bytes.length;) {
    const head = readHeader(bytes.subarray(at, at + HEADER_BYTES))
    heads.push(head)
    at += HEADER_BYTES + head.normal * PAGE_SIZE
  }
  return heads
}

test('Pages of zeroes are sent like all others if nobody is to look for them.', async () => {
  const p = await pair()
  p.outgoing.parameters.zeroPageDetection = 'none'
  await Promise.all([p.outgoing.run(), p.incoming.run()])
  expect(p.outgoing.figures.zeroPages).toBe(0)
  expect(p.target.print()).toBe(p.source.print())
})

const uuid = (byte: number): Uint8Array => new Uint8Array(16).fill(byte)

test('Machines with the same UUID know each other, others do not, and the source goes on.', async () => {
  const same = await pair({ uuid: { source: uuid(7), target: uuid(7) } })
  const [out] = await Promise.all([same.outgoing.run(), same.incoming.run()])
  expect(out.outcome).toBe('completed')
  const other = await pair({ uuid: { source: uuid(7), target: uuid(8) } })
  const [sent, taken] = await Promise.all([other.outgoing.run(), other.incoming.run()])
  expect(taken).toMatchObject({ outcome: 'failed', error: { code: 'multifd', phase: 'preamble' } })
  expect(taken.outcome === 'failed' && taken.error.message).toMatch(/UUID: expected (08){16}, came (07){16}/)
  expect(sent.outcome).toBe('failed')
  expect(other.source.running).toBe(true)
})

test('A destination that expects more channels says how many came, and the source goes on.', async () => {
  const p = await pair({ sent: 2, expected: 3 })
  const ends = Promise.all([p.outgoing.run(), p.incoming.run()])
  await settle(() => p.outgoing.phase !== 'setup' || p.outgoing.over)
  p.pace.advance(40_000)
  const [sent, taken] = await ends
  expect(taken.outcome === 'failed' && taken.error.message).toMatch(
    /channels: expected a main channel and 3 for pages, came a main channel and 2 for pages in 30000 ms/,
  )
  expect(taken).toMatchObject({ error: { code: 'multifd' } })
  expect(sent.outcome).toBe('failed')
  expect(p.source.running).toBe(true)
})

test('A destination that expects fewer channels refuses the number that is too large.', async () => {
  const p = await pair({ sent: 3, expected: 2 })
  const ends = Promise.all([p.outgoing.run(), p.incoming.run()])
  await settle(() => p.incoming.status === 'failed' || p.incoming.status === 'active')
  p.pace.advance(400_000)
  await settle(() => p.outgoing.over)
  const [sent] = await ends
  expect(sent.outcome).toBe('failed')
  expect(p.source.running).toBe(true)
  expect(p.target.running).toBe(false)
})

async function settle(done: () => boolean, turns = 3000): Promise<void> {
  for (let i = 0; i < turns && !done(); i++) await new Promise((resolve) => setImmediate(resolve))
}

const CUTS = [0, 1, 70, 2000, 50_000, 200_000]
describe.each(CUTS)('After %d bytes', (offset) => {
  test.each([0, 1])('channel %d is cut: both ends say so, and the source goes on.', async (id) => {
    const p = await pair()
    const cut = p.channels[id]!
    cut.onSend = (before) => before >= offset && cut.abort('the cable was cut')
    const [sent, taken] = await Promise.all([p.outgoing.run(), p.incoming.run()])
    expect(taken.outcome).toBe('failed')
    expect(sent.outcome).toBe('failed')
    expect(sent.outcome === 'failed' && sent.error).toMatchObject({ code: 'channel', role: 'source' })
    expect([p.source.running, p.target.running]).toEqual([true, false])
  })
})

test.each([0, 1, 60, 120])('The main channel is cut after %d bytes: the source goes on.', async (offset) => {
  const p = await pair()
  p.main.onSend = (before) => before >= offset && p.main.abort('the cable was cut')
  const [sent, taken] = await Promise.all([p.outgoing.run(), p.incoming.run()])
  expect([sent.outcome, taken.outcome]).toEqual(['failed', 'failed'])
  expect([p.source.running, p.target.running]).toEqual([true, false])
})

/** A sender made by hand. Main channel and two for pages, all bytes at once. */
interface HandMade {
  readonly main?: (w: StreamWriter, machine: FakeMachine) => void
  readonly channels?: readonly (readonly Uint8Array[])[]
  /** Channels end instead of staying open. */
  readonly ends?: boolean
  /** Channels say who they are, and the rest when all of the main channel has been there for a while. */
  readonly late?: boolean
  readonly dialect?: Dialect
}

const NO_UUID = new Uint8Array(16)
const hello = (id: number): Uint8Array => initialPacket({ uuid: NO_UUID, id })
const header = (head: Partial<Parameters<typeof putHeader>[1]> = {}, data = 0): Uint8Array => {
  const bytes = new Uint8Array(HEADER_BYTES + data)
  putHeader(bytes, { sync: false, block: 'pc.ram', normal: 0, offsets: [], ...head }, 0)
  return bytes
}
const sync = (): Uint8Array => header({ sync: true, block: '' })
const patched = (bytes: Uint8Array, at: number, ...values: number[]): Uint8Array => {
  bytes.set(values, at)
  return bytes
}

const RAM = { sectionId: 2, idstr: 'ram', instance: 0, version: 4 }

function plainMain(w: StreamWriter, machine: FakeMachine): void {
  w.header()
  w.configuration({ machine: machine.machineType })
  w.sectionStart('start', RAM)
  w.ramBlockList(machine.ramBlocks.map((b) => ({ name: b.name, length: b.usedSize })))
  w.ramFlush()
  w.ramEos()
  w.sectionEnd()
  w.sectionStart('end', RAM)
  w.ramFlush()
  w.ramEos()
  w.sectionEnd()
  machine.sections.forEach((s, i) => {
    const { idstr, instance, version, vmstate, state } = s
    s.beforeSave?.()
    const bytes = saveBytes(vmstate as VMState<object>, state, version)
    w.device({ sectionId: 3 + i, idstr, instance, version }, bytes)
  })
  w.eof()
}

async function receiveByHand(made: HandMade): Promise<{ result: IncomingResult; target: FakeMachine }> {
  const dialect = made.dialect ?? DIALECTS['from 9.0']!
  const w = new StreamWriter()
  const model = machineOf(dialect, 1 << 20)
  ;(made.main ?? plainMain)(w, model)
  const link = memoryLink({ highWaterBytes: Infinity })
  const main = link.connect()
  await main.send(w.take())
  await main.close()
  const rest = (made.channels ?? []).map((pieces) => ({ channel: link.connect(), pieces: [...pieces] }))
  if (made.late === true) for (const { channel, pieces } of rest) await channel.send(pieces.shift()!)
  const sendRest = async (): Promise<void> => {
    for (const { channel, pieces } of rest) {
      for (const piece of pieces) {
        if (made.late === true) await settle(() => false, 5)
        await channel.send(piece)
      }
      if (made.ends !== false) await channel.close()
    }
  }
  if (made.late !== true) await sendRest()
  const target = Object.assign(machineOf(dialect, 1 << 20), { suppressVmdesc: true })
  const patience = made.late === true ? {} : { peerTimeoutMs: 50, idleTimeoutMs: 200 }
  const parameters = { ...defaultParameters(), ...patience }
  const incoming = new IncomingMigration({
    ...{ machine: target, channel: await link.accept(), autostart: true, parameters },
    multifd: { channels: 2, accept: () => link.accept() },
  })
  const [result] = await Promise.all([incoming.run(), made.late === true ? sendRest() : undefined])
  return { result, target }
}

test('A sender made by hand, with the habits of releases before 9.0, is taken: stale sizes, and SYNC on pages.', async () => {
  const page = header({ sync: true, normal: 1, offsets: [5 * PAGE_SIZE] }, PAGE_SIZE).fill(0xab, HEADER_BYTES)
  const stale = patched(sync(), 20, 0, 0, 0x30, 0)
  const { result, target } = await receiveByHand({
    channels: [
      [hello(1), sync(), page],
      [hello(0), sync(), stale],
    ],
  })
  expect(result).toMatchObject({ outcome: 'completed', running: true })
  expect(target.ram.bytes[5 * PAGE_SIZE]).toBe(0xab)
  expect(target.ram.bytes[6 * PAGE_SIZE - 1]).toBe(0xab)
})

const pageOf = (n: number, fill: number, withSync: boolean): Uint8Array =>
  header({ sync: withSync, normal: 1, offsets: [n * PAGE_SIZE] }, PAGE_SIZE).fill(fill, HEADER_BYTES)

/** Every EOS of memory is a border; zero pages come in between. */
function oldMain(w: StreamWriter, machine: FakeMachine): void {
  w.header()
  w.configuration({ machine: machine.machineType })
  w.sectionStart('start', RAM)
  w.ramBlockList(machine.ramBlocks.map((b) => ({ name: b.name, length: b.usedSize })))
  w.ramEos()
  w.sectionEnd()
  for (const page of [5, 6, undefined]) {
    w.sectionStart(page === undefined ? 'end' : 'part', RAM)
    if (page !== undefined) w.ramZero({ block: 'pc.ram', pageOffset: page * PAGE_SIZE })
    w.ramEos()
    w.sectionEnd()
  }
  machine.sections.forEach((s, i) => {
    const { idstr, instance, version, vmstate, state } = s
    s.beforeSave?.()
    w.device({ sectionId: 3 + i, idstr, instance, version }, saveBytes(vmstate as VMState<object>, state, version))
  })
  w.eof()
}

test.each([
  ['before the main channel', false],
  ['long behind it', true],
])('A page of 5.2 is what its last round made it, though the channels come %s.', async (_, late) => {
  const { result, target } = await receiveByHand({
    ...{ main: oldMain, dialect: DIALECTS['up to 8.0']!, late },
    channels: [
      // a SYNC that rides on pages leaves an empty packet behind
      [hello(0), sync(), pageOf(6, 0x11, true), header(), sync(), pageOf(7, 0x33, false), sync()],
      [hello(1), sync(), sync(), pageOf(5, 0x22, true), header({ block: '' }), pageOf(8, 0x44, true)],
    ],
  })
  expect(result).toMatchObject({ outcome: 'completed', running: true })
  // zero on the main channel in the first round, data in the second; the other way round; data in the last
  expect([5, 6, 7, 8].map((page) => target.ram.bytes[(page + 1) * PAGE_SIZE - 1])).toEqual([0x22, 0, 0x33, 0x44])
})

const good = [hello(1), sync(), sync()]
const withPacket = (...packets: Uint8Array[]): readonly (readonly Uint8Array[])[] => [
  [hello(0), sync(), ...packets, sync()],
  good,
]

test.each<[string, readonly (readonly Uint8Array[])[], string, RegExp]>([
  ['no channel', [], 'multifd', /came a main channel and 0 for pages in 50 ms/],
  ['one channel', [good], 'multifd', /expected a main channel and 2 for pages, came a main channel and 1/],
  ['the same number twice', [good, good], 'multifd', /a channel's number: expected each once, came 1 again/],
  ['a number too high', [good, [hello(2)]], 'multifd', /a channel's number: expected below 2, came 2/],
  ['another version', [good, [patched(hello(0), 7, 9)]], 'multifd', /initial packet's version: expected 1, came 9/],
  ['a second main channel', [good, [Uint8Array.of(1, 2, 3, 4)]], 'multifd', /came a second main channel/],
  ['a channel that ends at once', [good, [hello(0).subarray(0, 20)]], 'channel', /closed before it said what it is/],
  ['a bad magic', withPacket(patched(header(), 0, 1)), 'multifd', /multifd\/0: a packet's magic: expected 0x11223344/],
  ['a bad version', withPacket(patched(header(), 7, 2)), 'multifd', /a packet's version: expected 1, came 2/],
  ['compression', withPacket(patched(header(), 11, 4)), 'multifd', /compression: expected none, came zstd/],
  ['device state', withPacket(patched(header(), 11, 0x40)), 'multifd', /expected pages, came the state of a device/],
  ['unknown flags', withPacket(patched(header(), 11, 0x80)), 'multifd', /flags: expected 0 or 1, came 0x80/],
  ['too many pages', withPacket(patched(header(), 19, 129)), 'multifd', /at most 128, came 129 and 0 of zeroes/],
  ['a false size', withPacket(patched(header(), 19, 1)), 'multifd', /expected 4096 bytes for 1 pages, came 0/],
  ['an unknown block', withPacket(header({ block: 'x', offsets: [0] })), 'multifd', /announced block, came "x"/],
  ['an endless name', withPacket(header({ offsets: [0] }).fill(65, 64, 320)), 'multifd', /expected a name that ends/],
  [
    'a page behind the end',
    withPacket(header({ offsets: [1 << 20] })),
    'multifd',
    /pc\.ram: .* below 0x100000, came 0x100000/,
  ],
  ['a crooked page', withPacket(header({ offsets: [5] })), 'multifd', /offset of a page below 0x100000, came 0x5/],
  ['pages before the list', [[hello(0), header({ offsets: [0] }), sync(), sync()], good], 'multifd', /announced block/],
  ['a packet cut off', [[hello(0), sync(), header().subarray(0, 900)], good], 'torn', /multifd\/0: .* inside a packet/],
  ['a SYNC too few', [[hello(0), sync()], good], 'channel', /multifd\/0: the source closed it before its last sync/],
])('A source with %s is refused by name, and nothing starts.', async (_, channels, code, message) => {
  const { result, target } = await receiveByHand({ channels })
  expect(result).toMatchObject({ outcome: 'failed', error: { code, role: 'destination' } })
  expect(result.outcome === 'failed' && result.error.message).toMatch(message)
  expect(target.running).toBe(false)
})

test('A source that stalls is given up, not waited for.', async () => {
  const silent = await receiveByHand({ channels: [[hello(0), sync()], good], ends: false })
  expect(silent.result).toMatchObject({ outcome: 'failed', error: { code: 'timeout' } })
  expect(silent.result.outcome === 'failed' && silent.result.error.message).toMatch(
    /silent: nothing happened for 200 ms/,
  )
})
