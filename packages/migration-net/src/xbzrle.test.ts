import { PAGE_SIZE } from '@godwit/memory'
import { StreamWriter, applyXbzrle, readWhole } from '@godwit/vmstate'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { memoryChannels } from './channels/memory.ts'
import { IncomingMigration } from './destination.ts'
import { OutgoingMigration } from './source.ts'
import { FakeMachine, FakePace } from './testing/index.ts'
import { XbzrlePages, encodeXbzrle } from './xbzrle.ts'

const page = (fill: (i: number) => number): Uint8Array => Uint8Array.from({ length: PAGE_SIZE }, (_, i) => fill(i))

test('What was encoded turns the old page into the new one, whatever changed.', () => {
  const change = fc.tuple(fc.nat(PAGE_SIZE - 1), fc.nat(300), fc.nat(255))
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
      const old = page((i) => (i * 7) & 0xff)
      const now = old.slice()
      for (const [at, length, value] of changes) now.fill(value, at, at + length)
      const out = new Uint8Array(PAGE_SIZE)
      const length = encodeXbzrle(old, now, out)
      fc.pre(length >= 0)
      const result = old.slice()
      applyXbzrle(result, out.subarray(0, length))
      expect(result).toEqual(now)
    }),
  )
})

test.each<[string, number[], number[], number[]]>([
  ['a byte at the beginning', [1, 2, 3], [9, 2, 3], [0, 1, 9]],
  ['a byte at the end', [1, 2, 3], [1, 2, 9], [2, 1, 9]],
  ['two runs', [1, 2, 3, 4], [9, 2, 9, 9], [0, 1, 9, 1, 2, 9, 9]],
  ['nothing', [1, 2, 3], [1, 2, 3], []],
])('The bytes are those of QEMU for a change of %s.', (_, old, now, expected) => {
  const out = new Uint8Array(100)
  const length = encodeXbzrle(Uint8Array.from(old), Uint8Array.from(now), out)
  expect([...out.subarray(0, length)]).toEqual(expected)
})

test('A count of 128 and more takes two bytes; a page that changed throughout does not fit.', () => {
  const old = page(() => 0)
  const out = new Uint8Array(PAGE_SIZE)
  const length = encodeXbzrle(
    old,
    page((i) => (i === 300 ? 5 : 0)),
    out,
  )
  expect([...out.subarray(0, length)]).toEqual([0xac, 0x02, 1, 5])
  expect(
    encodeXbzrle(
      old,
      page(() => 1),
      out,
    ),
  ).toBe(-1)
})

test('A guest that changes a byte here and there sends deltas after its first rounds, and arrives whole.', async () => {
  const source = new FakeMachine({ ramBytes: 8 << 20 })
  for (let n = 0; n < 2048; n++) source.ram.fill(n * PAGE_SIZE, PAGE_SIZE, (n % 255) + 1)
  source.slice = (m) => {
    const tick = Number(m.clock.ticks)
    // some pages grow into noise, some become zeroes
    for (let i = 0; i < 600; i++) m.ram.write(i * PAGE_SIZE + ((tick * 5) % PAGE_SIZE), Uint8Array.of(tick))
    if (tick % 4 === 0) m.ram.fill((tick % 600) * PAGE_SIZE, PAGE_SIZE, 0)
    if (tick > 60) m.slice = () => undefined
  }
  source.start()
  const target = new FakeMachine({ ramBytes: 8 << 20 })
  const [plain, b] = memoryChannels()
  const sent: Uint8Array[] = []
  const send = plain.send.bind(plain)
  plain.send = (bytes) => {
    sent.push(bytes.slice())
    return send(bytes)
  }
  const pace = new FakePace()
  pace.onTurn = () => source.step()
  const parameters = { maxBandwidth: 0, downtimeLimitMs: 0.5, peerTimeoutMs: 0, idleTimeoutMs: 0 }
  const outgoing = new OutgoingMigration({
    ...{ machine: source, channel: plain, pace, parameters },
    xbzrleCacheBytes: 500 * PAGE_SIZE,
  })
  const incoming = new IncomingMigration({ machine: target, channel: b, autostart: false, pace, parameters })
  const [out, taken] = await Promise.all([outgoing.run(), incoming.run()])
  expect([out.outcome, taken.outcome]).toEqual(['completed', 'completed'])
  expect(target.print()).toBe(source.print())
  const kinds = readWhole(Uint8Array.from(Buffer.concat(sent))).map((item) => item.kind)
  const deltas = kinds.filter((kind) => kind === 'ramXbzrle').length
  expect(deltas).toBeGreaterThan(1000)
  const cache = outgoing.query()['xbzrle-cache']
  expect(cache).toMatchObject({ pages: deltas, 'cache-size': 500 * PAGE_SIZE, overflow: 0 })
  expect(outgoing.figures.normalPages).toBe(kinds.filter((kind) => kind === 'ramPage').length)
})

test('A page that a guest on another thread changes for a moment while it is sent arrives as it is in the end.', () => {
  const live = page((i) => i & 0xff)
  const there = new Uint8Array(PAGE_SIZE)
  /** While a record is written the guest goes on. */
  class SlowWriter extends StreamWriter {
    override ramPage(_: unknown, data: Uint8Array): void {
      live[7]! ^= 1
      there.set(data)
      live[7]! ^= 1
    }

    override ramXbzrle(_: unknown, data: Uint8Array): void {
      applyXbzrle(there, data)
    }
  }
  const pages = new XbzrlePages(new SlowWriter(), 16 * PAGE_SIZE)
  for (let round = 0; round < 4; round++) {
    pages.nextRound()
    pages.page('pc.ram', 0, live)
  }
  expect(there).toEqual(live)
})
