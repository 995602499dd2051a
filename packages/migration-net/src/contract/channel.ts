import type { Channel } from '../channel.ts'

/** One promise a channel makes, and how to see whether it keeps it. */
export interface ChannelPromise {
  readonly sentence: string
  /** Throws if the promise is broken. */
  check(makePair: () => Promise<readonly [Channel, Channel]>): Promise<void>
}

/** What every duplex channel owes; call `check` of each in a test of its own. */
export const channelPromises: readonly ChannelPromise[] = [
  {
    sentence: 'Bytes arrive in order and unchanged, whatever the pieces.',
    async check(makePair) {
      const [a, b] = await makePair()
      const sizes = [1, 2, 3, 1000, 70_000, 5, 300_000]
      const sent: number[] = []
      const sending = (async () => {
        for (const size of sizes) {
          const bytes = Uint8Array.from({ length: size }, (_, i) => (sent.length + i) & 0xff)
          for (const byte of bytes) sent.push(byte)
          await a.send(bytes)
        }
        void a.close()
      })()
      const came = await readAll(b)
      await sending
      expectSame(came.length, sent.length, 'bytes that arrived')
      for (let i = 0; i < sent.length; i++) if (came[i] !== sent[i]) throw new Error(`byte ${i} differs`)
      await b.close()
    },
  },
  {
    sentence: 'Both directions work at once.',
    async check(makePair) {
      const [a, b] = await makePair()
      await Promise.all([a.send(Uint8Array.of(1)), b.send(Uint8Array.of(2))])
      const [fromB, fromA] = await Promise.all([a.receive(), b.receive()])
      expectSame(fromA?.[0], 1, 'byte from a')
      expectSame(fromB?.[0], 2, 'byte from b')
      await Promise.all([a.close(), b.close()])
    },
  },
  {
    sentence: 'A sender waits while the receiver does not read.',
    async check(makePair) {
      const [a, b] = await makePair()
      let sent = 0
      let over = false
      const sending = (async () => {
        for (let i = 0; i < 256; i++) {
          await a.send(new Uint8Array(1 << 18))
          sent++
        }
        over = true
        void a.close()
      })()
      for (let i = 0; i < 200; i++) await new Promise((resolve) => setTimeout(resolve, 0))
      if (over) throw new Error(`all ${sent} pieces were taken though nobody reads`)
      expectSame((await readAll(b)).length, 256 << 18, 'bytes that arrived')
      await sending
      await b.close()
    },
  },
  {
    sentence: 'A peer that closes in order ends the reading with undefined, after its last bytes.',
    async check(makePair) {
      const [a, b] = await makePair()
      await a.send(Uint8Array.of(9))
      void a.close()
      expectSame((await b.receive())?.[0], 9, 'last byte')
      expectSame(await b.receive(), undefined, 'end')
      await b.close()
    },
  },
  {
    sentence: 'After close nothing can be sent, and close may be called again.',
    async check(makePair) {
      const [a, b] = await makePair()
      const closed = a.close()
      await expectRejection(a.send(Uint8Array.of(1)), 'send after close')
      void b.close()
      await Promise.all([closed, a.close()])
    },
  },
  {
    sentence: 'An abort ends a pending receive on our side with an error.',
    async check(makePair) {
      const [a, b] = await makePair()
      const pending = a.receive()
      a.abort('enough')
      await expectRejection(pending, 'pending receive')
      await b.close()
    },
  },
  {
    sentence: 'An abort is noticed by the peer: its receive ends, and its sending fails in the end.',
    async check(makePair) {
      const [a, b] = await makePair()
      const pending = b.receive().then(
        () => undefined,
        () => undefined,
      )
      a.abort('enough')
      await pending
      await expectRejection(
        (async () => {
          for (let i = 0; i < 1000; i++) await b.send(new Uint8Array(1 << 16))
        })(),
        'sending to a peer that broke off',
      )
      await b.close()
    },
  },
  {
    sentence: 'Sending to a peer that has gone fails in the end.',
    async check(makePair) {
      const [a, b] = await makePair()
      b.abort('gone')
      await expectRejection(
        (async () => {
          for (let i = 0; i < 1000; i++) await a.send(new Uint8Array(1 << 16))
        })(),
        'sending',
      )
      await a.close()
    },
  },
]

async function readAll(channel: Channel): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  for (let bytes = await channel.receive(); bytes !== undefined; bytes = await channel.receive()) {
    if (bytes.length === 0) throw new Error('received no bytes at all')
    parts.push(bytes)
    length += bytes.length
  }
  const all = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

function expectSame(came: unknown, expected: unknown, what: string): void {
  if (came !== expected) throw new Error(`${what}: expected ${String(expected)}, came ${String(came)}`)
}

async function expectRejection(promise: Promise<unknown>, what: string): Promise<void> {
  let kept = true
  try {
    await promise
    kept = false
  } catch {
    // as promised
  }
  if (!kept) throw new Error(`${what} did not fail`)
}
