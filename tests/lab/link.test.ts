import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { spoilerOf, type Tracker } from '../../scripts/lab/borders.mjs'
import { openLink, type Spoil } from '../../scripts/lab/link.mjs'

let folder = ''
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'godwit-link-'))))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Sends pieces through a link; what arrives at the other end until it closes, and whether our end was closed too. */
async function through(pieces: Buffer[], spoil?: Spoil): Promise<{ came: Buffer; kept: Buffer; closed: boolean }> {
  const [front, back] = [join(folder, 'f'), join(folder, 'b')]
  const came: Buffer[] = []
  let gone: () => void = () => undefined
  const arrived = new Promise<void>((resolve) => (gone = resolve))
  const server = createServer((socket: Socket) => {
    socket.on('data', (bytes) => void came.push(bytes))
    socket.on('end', gone)
  }).listen(back)
  const link = await openLink(front, back, { keep: true, ...(spoil === undefined ? {} : { spoil }) })
  const socket = connect(front)
  let closed = false
  socket.on('error', () => undefined)
  const shut = new Promise<void>((resolve) =>
    socket.on('close', () => {
      closed = true
      resolve()
    }),
  )
  for (const piece of pieces) {
    if (!closed) socket.write(piece)
    await new Promise((r) => setTimeout(r, 20))
  }
  if (!closed) socket.end()
  await arrived
  await shut
  const kept = link.forward()[0]!
  link.close()
  server.close()
  return { came: Buffer.concat(came), kept, closed }
}

/** A tracker of streams whose only part "end" begins behind the first hundred bytes. */
function hundred(): Tracker {
  let seen = 0
  const borders = new Map<string, number>()
  return {
    borders,
    get offset() {
      return Math.min(seen, 100)
    },
    feed(bytes) {
      seen += bytes.length
      if (seen > 103) borders.set('end', 100)
    },
  }
}

const pieces = [0, 1, 2, 3].map((n) => Buffer.alloc(51, n + 1))
const whole = Buffer.concat(pieces)

test('a link without faults hands everything on and keeps it', async () => {
  const { came, kept } = await through(pieces)
  expect(came.equals(whole)).toBe(true)
  expect(kept.equals(whole)).toBe(true)
})

test('a cut link hands on what lies before the cut and nothing more', async () => {
  const spoiler = spoilerOf({ fault: 'cut', at: 60 }, hundred())
  const { came } = await through(pieces, spoiler.spoil)
  expect(came.equals(whole.subarray(0, 60))).toBe(true)
  expect(spoiler.done).toBe(true)
})

test('a cut where a part begins holds back the part although its first bytes came before it was known', async () => {
  const { came } = await through(pieces, spoilerOf({ fault: 'cut', border: 'end' }, hundred()).spoil)
  expect(came.equals(whole.subarray(0, 100))).toBe(true)
})

test('a turned byte is the only difference', async () => {
  const { came } = await through(pieces, spoilerOf({ fault: 'flip', at: 70 }, hundred()).spoil)
  const expected = Buffer.from(whole)
  expected[70]! ^= 0xff
  expect(came.equals(expected)).toBe(true)
})
