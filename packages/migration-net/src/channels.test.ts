import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Channel } from './channel.ts'
import { memoryChannels } from './channels/memory.ts'
import { channelPromises } from './contract/channel.ts'
import {
  connect,
  fileReader,
  fileWriter,
  listen,
  openAllOutgoing,
  openOutgoing,
  parseChannels,
  parseUri,
  type SocketAddress,
} from './node/index.ts'
import { memoryLink } from './testing/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'godwit-channel-'))
let count = 0

async function socketPair(address: SocketAddress): Promise<readonly [Channel, Channel]> {
  const listening = await listen(address)
  const [a, b] = await Promise.all([connect(listening.address), listening.accept()])
  return [a, b]
}

const kinds: Record<string, () => Promise<readonly [Channel, Channel]>> = {
  memory: () => Promise.resolve(memoryChannels()),
  'memory in small pieces': () => Promise.resolve(memoryChannels({ pieceBytes: 333, highWaterBytes: 1000 })),
  tcp: () => socketPair({ kind: 'tcp', host: '127.0.0.1', port: 0 }),
  unix: () => socketPair({ kind: 'unix', path: join(folder, `s${count++}`) }),
}

describe.each(Object.entries(kinds))('channel %s', (_, makePair) => {
  test.each(channelPromises.map((p) => [p.sentence, p] as const))('%s', async (_sentence, promise) => {
    await promise.check(makePair)
  })
})

test('A file holds what was sent, and gives it back.', async () => {
  const path = join(folder, 'file.mig')
  writeFileSync(path, 'older and longer than what follows')
  const out = await fileWriter(path)
  await out.send(Uint8Array.of(1, 2, 3))
  await out.send(Uint8Array.of(4))
  await out.close()
  expect([...readFileSync(path)]).toEqual([1, 2, 3, 4])
  const back = await fileReader(path, 1)
  expect([...(await back.receive())!]).toEqual([2, 3, 4])
  expect(await back.receive()).toBeUndefined()
  await back.close()
  expect([out.duplex, back.duplex]).toEqual([false, false])
})

test('A file that cannot be opened is named, with the reason.', async () => {
  await expect(fileReader(join(folder, 'none'))).rejects.toThrow(/cannot read .*none: No such file or directory/)
})

test('Connecting where nobody listens says so in the usual words.', async () => {
  const listening = await listen({ kind: 'tcp', host: '127.0.0.1', port: 0 })
  listening.close()
  const { port } = listening.address as { port: number }
  await expect(connect(listening.address)).rejects.toThrow(
    `Failed to connect to '127.0.0.1:${port}': Connection refused`,
  )
})

test('Listening on a port in use says so.', async () => {
  const first = await listen({ kind: 'tcp', host: '127.0.0.1', port: 0 })
  await expect(listen(first.address)).rejects.toThrow(/Failed to listen on '127.0.0.1:\d+': Address already in use/)
  first.close()
})

test.each([
  ['tcp:127.0.0.1:4444', { kind: 'tcp', host: '127.0.0.1', port: 4444 }],
  ['tcp:[::1]:4444', { kind: 'tcp', host: '::1', port: 4444 }],
  ['tcp:0:4444', { kind: 'tcp', host: '0', port: 4444 }],
  ['tcp::4444', { kind: 'tcp', host: '', port: 4444 }],
  ['unix:/run/x', { kind: 'unix', path: '/run/x' }],
  ['file:/a,offset=0x10', { kind: 'file', path: '/a', offset: 16 }],
  ['defer', { kind: 'defer' }],
])('The uri %s is understood.', (uri, address) => {
  expect(parseUri(uri)).toEqual(address)
})

test.each(['bad:x', 'tcp:host', 'tcp:host:99999', 'unix:', 'file:', ''])('The uri "%s" is refused.', (uri) => {
  expect(() => parseUri(uri)).toThrow()
})

test('The channels form of an address means the same as the uri.', async () => {
  const addr = { transport: 'socket', type: 'inet', host: '::1', port: '4444' }
  expect(parseChannels([{ 'channel-type': 'main', addr }])).toEqual(parseUri('tcp:[::1]:4444'))
  expect(() => parseChannels([])).toThrow(/exactly one/)
  await expect(openOutgoing({ kind: 'defer' })).rejects.toThrow(/no place/)
})

/** Where several connections of one migration come in. */
interface Link {
  connect(): Promise<Channel>
  accept(): Promise<Channel>
  /** Waits for no more. */
  close(): void
}

const socketLink = async (address: SocketAddress): Promise<Link> => {
  const listening = await listen(address, 3)
  return {
    connect: () => connect(listening.address),
    accept: () => listening.accept(),
    close: () => listening.close(),
  }
}

const links: Record<string, () => Promise<Link>> = {
  memory() {
    const link = memoryLink()
    return Promise.resolve({ ...link, connect: () => Promise.resolve(link.connect()), close: () => undefined })
  },
  tcp: () => socketLink({ kind: 'tcp', host: '127.0.0.1', port: 0 }),
  unix: () => socketLink({ kind: 'unix', path: join(folder, `l${count++}`) }),
}

test.each(Object.entries(links))(
  'Over %s several connections are accepted in the order in which they came.',
  async (_, make) => {
    const link = await make()
    const early = link.accept()
    const ours = [await link.connect(), await link.connect(), await link.connect()]
    const theirs = [await early, await link.accept(), await link.accept()]
    for (const [i, channel] of ours.entries()) await channel.send(Uint8Array.of(i))
    expect(await Promise.all(theirs.map(async (channel) => (await channel.receive())?.[0]))).toEqual([0, 1, 2])
    await Promise.all([...ours, ...theirs].map((channel) => channel.close()))
  },
)

test.each(['tcp', 'unix'])('Over %s nobody is let in who was not expected, nor waited for any more.', async (kind) => {
  const full = await links[kind]!()
  const all = [await full.connect(), await full.connect(), await full.connect()]
  for (let i = 0; i < 3; i++) all.push(await full.accept())
  await expect(full.accept()).rejects.toThrow('closed before a peer came')
  await expect(full.connect().then((channel) => channel.receive())).rejects.toThrow()
  await Promise.all(all.map((channel) => channel.close()))
  const given = await links[kind]!()
  const waiting = given.accept()
  given.close()
  await expect(waiting).rejects.toThrow('closed before a peer came')
})

test('The channels of a multifd migration are all opened where the main one is, or none.', async () => {
  const listening = await listen({ kind: 'tcp', host: '127.0.0.1', port: 0 }, 3)
  const { port } = listening.address as { port: number }
  const opened = await openAllOutgoing(parseUri(`tcp:127.0.0.1:${port}`), 2)
  expect(opened).toHaveLength(3)
  for (const channel of opened) channel.abort('over')
  await expect(openAllOutgoing(listening.address, 2)).rejects.toThrow(/Connection refused/)
  await expect(openAllOutgoing(parseUri('file:/tmp/x'), 2)).rejects.toThrow(/multi-channel/)
})
