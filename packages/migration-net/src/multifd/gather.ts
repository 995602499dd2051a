/** The channels of one migration as they come in, in any order: one main channel and the numbered ones. */
import type { Channel } from '../channel.ts'
import { ChannelError } from '../channel.ts'
import { TimeIsUp, within, type Pace } from '../pace.ts'
import { INITIAL_BYTES, MULTIFD_MAGIC, MultifdFault, readInitial } from './packet.ts'

export interface MultifdReceiving {
  /** How many channels beside the main one. */
  readonly channels: number
  /** The next channel that comes; the first was given as the migration's `channel`. */
  accept(): Promise<Channel>
  /** The machine's UUID, which the source's must be. Default zeroes. */
  readonly uuid?: Uint8Array
}

export interface Gathered {
  readonly main: Channel
  /** By their number. */
  readonly channels: readonly Channel[]
}

/** Waits until all are there. Rejects with MultifdFault, ChannelError or TimeIsUp; closes what came in that case. */
export async function gather(
  first: Channel,
  receiving: MultifdReceiving,
  pace: Pace,
  timeoutMs: number,
): Promise<Gathered> {
  const came: Channel[] = []
  const known = new Known(receiving)
  try {
    const all = async (): Promise<void> => {
      const identified: Promise<void>[] = []
      let broken: (thrown: unknown) => void = () => undefined
      const failure = new Promise<never>((_, reject) => (broken = reject))
      failure.catch(() => undefined)
      // a channel may say who it is long after later ones have come
      for (let n = 0; n <= receiving.channels; n++) {
        const channel = n === 0 ? first : await Promise.race([receiving.accept(), failure])
        came.push(channel)
        const work = known.identify(channel)
        work.catch(broken)
        identified.push(work)
      }
      await Promise.all(identified)
    }
    await within(pace, timeoutMs, all())
    return known.gathered()
  } catch (thrown) {
    for (const channel of came) void channel.close()
    if (thrown instanceof TimeIsUp)
      throw new MultifdFault('channels', known.expected, `${known.found} in ${timeoutMs} ms`)
    throw thrown
  }
}

class Known {
  private readonly receiving: MultifdReceiving
  private main: Channel | undefined
  private readonly channels = new Map<number, Channel>()

  constructor(receiving: MultifdReceiving) {
    this.receiving = receiving
  }

  get expected(): string {
    return `a main channel and ${this.receiving.channels} for pages`
  }

  get found(): string {
    return `${this.main === undefined ? 'no' : 'a'} main channel and ${this.channels.size} for pages`
  }

  async identify(channel: Channel): Promise<void> {
    const start = await readAtLeast(channel, 4)
    if (new DataView(start.buffer, start.byteOffset).getUint32(0) !== MULTIFD_MAGIC) {
      if (this.main !== undefined) throw new MultifdFault('channels', this.expected, 'a second main channel')
      this.main = new Prefixed(channel, start)
      return
    }
    const bytes = await readAtLeast(channel, INITIAL_BYTES, start)
    const { uuid, id } = readInitial(bytes)
    const own = this.receiving.uuid ?? new Uint8Array(16)
    if (!own.every((byte, i) => byte === uuid[i])) {
      throw new MultifdFault(`channel ${id}'s machine UUID`, hexOf(own), hexOf(uuid))
    }
    if (id >= this.receiving.channels) {
      throw new MultifdFault("a channel's number", `below ${this.receiving.channels}`, String(id))
    }
    if (this.channels.has(id)) throw new MultifdFault("a channel's number", 'each once', `${id} again`)
    this.channels.set(id, new Prefixed(channel, bytes.subarray(INITIAL_BYTES)))
  }

  gathered(): Gathered {
    if (this.main === undefined || this.channels.size < this.receiving.channels) {
      throw new MultifdFault('channels', this.expected, this.found)
    }
    return { main: this.main, channels: Array.from(this.channels.keys(), (_, id) => this.channels.get(id)!) }
  }
}

async function readAtLeast(
  channel: Channel,
  length: number,
  start: Uint8Array = new Uint8Array(0),
): Promise<Uint8Array> {
  let bytes = start
  while (bytes.length < length) {
    const more = await channel.receive()
    if (more === undefined) throw new ChannelError(channel.name, 'closed before it said what it is')
    const both = new Uint8Array(bytes.length + more.length)
    both.set(bytes)
    both.set(more, bytes.length)
    bytes = both
  }
  return bytes
}

/** A channel of which the first bytes were read already. */
class Prefixed implements Channel {
  readonly name: string
  readonly duplex: boolean
  private readonly inner: Channel
  private first: Uint8Array | undefined

  constructor(inner: Channel, first: Uint8Array) {
    this.name = inner.name
    this.duplex = inner.duplex
    this.inner = inner
    this.first = first.length === 0 ? undefined : first
  }

  send(bytes: Uint8Array): Promise<void> {
    return this.inner.send(bytes)
  }

  receive(): Promise<Uint8Array | undefined> {
    const { first } = this
    if (first === undefined) return this.inner.receive()
    this.first = undefined
    return Promise.resolve(first)
  }

  close(): Promise<void> {
    return this.inner.close()
  }

  abort(reason: string): void {
    this.inner.abort(reason)
  }
}

const hexOf = (bytes: Uint8Array): string => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('')
