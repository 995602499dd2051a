import { expect, test } from 'vitest'
import * as vmstate from '../../packages/vmstate/src/index.ts'
import { arrivals, lastOf, type Arrival } from '../../scripts/lab/wire.mjs'

const PAGE = 4096
const RAM = { sectionId: 2, idstr: 'ram', instance: 0, version: 4 }

/** A main channel whose parts of memory each bear zero pages, or with `data` those pages as they are. */
function mainOf(parts: readonly (readonly number[])[], data?: number): Buffer {
  const w = new vmstate.StreamWriter()
  w.header()
  w.configuration({ machine: 'pc-i440fx-5.2' })
  w.sectionStart('start', RAM)
  w.ramBlockList([{ name: 'pc.ram', length: 64 * PAGE }])
  w.ramEos()
  w.sectionEnd()
  parts.forEach((pages, i) => {
    w.sectionStart(i < parts.length - 1 ? 'part' : 'end', RAM)
    for (const page of pages) {
      const place = { block: 'pc.ram', pageOffset: page * PAGE }
      if (data === undefined) w.ramZero(place)
      else w.ramPage(place, new Uint8Array(PAGE).fill(data + i))
    }
    w.ramEos()
    w.sectionEnd()
  })
  w.eof()
  return Buffer.from(w.take())
}

/** A packet of one page, or of none. */
function packet(number: number, sync: boolean, page?: { readonly at: number; readonly fill: number }): Buffer {
  const head = Buffer.alloc(1344)
  head.writeUInt32BE(0x11223344, 0)
  head.writeUInt32BE(1, 4)
  head.writeUInt32BE(sync ? 1 : 0, 8)
  head.writeUInt32BE(page === undefined ? 0 : 1, 16)
  head.writeBigUInt64BE(BigInt(number), 24)
  if (page === undefined) return head
  head.write('pc.ram', 64)
  head.writeBigUInt64BE(BigInt(page.at * PAGE), 320)
  return Buffer.concat([head, Buffer.alloc(PAGE, page.fill)])
}

function channel(id: number, ...packets: Buffer[]): Buffer {
  const hello = Buffer.alloc(64)
  hello.writeUInt32BE(0x11223344, 0)
  hello[24] = id
  return Buffer.concat([hello, ...packets])
}

const told = (history: readonly Arrival[] | undefined): string[] =>
  (history ?? []).map(({ round, by, page }) => `${by} ${round}: ${page[0]}`)

test('A page is what the last round made it, on whatever channel that was.', () => {
  const { blocks, rounds } = arrivals(vmstate, [
    mainOf([[5], [6], []]),
    channel(1, packet(0, true), packet(2, true, { at: 6, fill: 0x11 }), packet(3, true), packet(5, true)),
    channel(
      0,
      packet(1, true),
      packet(4, true),
      packet(6, false, { at: 5, fill: 0x22 }),
      packet(7, true),
      packet(8, true),
    ),
  ])
  expect(rounds).toBe(4)
  const pages = blocks.get('pc.ram')
  expect(told(pages?.get(5 * PAGE))).toEqual(['main 1: 0', 'multifd/0 2: 34'])
  expect(told(pages?.get(6 * PAGE))).toEqual(['main 2: 0', 'multifd/1 1: 17'])
  const lasts = [5, 6].map((page) => lastOf(pages?.get(page * PAGE) ?? []))
  expect(lasts.map(({ page, torn }) => [page[0], torn])).toEqual([
    [0x22, false],
    [0, false],
  ])
})

test('Two contents in one round are told, for nobody can say which is the later.', () => {
  const page = { at: 5, fill: 0x11 }
  const { blocks } = arrivals(vmstate, [mainOf([[5]]), channel(0, packet(0, true), packet(1, true, page))])
  expect(lastOf(blocks.get('pc.ram')?.get(5 * PAGE) ?? []).torn).toBe(true)
})

test('On one channel the order of the stream decides.', () => {
  const { blocks } = arrivals(vmstate, [mainOf([[5, 5], [5]], 0x31)])
  const { page, torn } = lastOf(blocks.get('pc.ram')?.get(5 * PAGE) ?? [])
  expect([page[0], torn]).toEqual([0x32, false])
})

test('A page that nobody sent is zero.', () => {
  expect(lastOf([]).page.every((byte) => byte === 0)).toBe(true)
})
