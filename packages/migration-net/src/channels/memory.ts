import { ChannelError, type Channel } from '../channel.ts'

export interface MemoryChannelOptions {
  /** Bytes that may lie unread before `send` waits. */
  readonly highWaterBytes?: number
  /** Largest piece that `receive` returns, so that readers meet every boundary. */
  readonly pieceBytes?: number
}

/** Two ends in one process: what is sent at one is received at the other. The first implementation, and the tests'. */
export function memoryChannels(options: MemoryChannelOptions = {}): [Channel, Channel] {
  const a = new End('memory:a', options)
  const b = new End('memory:b', options)
  a.peer = b
  b.peer = a
  return [a, b]
}

class End implements Channel {
  readonly name: string
  readonly duplex = true
  peer: End | undefined
  private readonly highWater: number
  private readonly piece: number
  /** What the peer has sent and we have not received. */
  private inbox: Uint8Array[] = []
  private inboxBytes = 0
  private ended = false
  private closed = false
  private broken: string | undefined
  private waitingReader: (() => void) | undefined
  private waitingWriters: (() => void)[] = []

  constructor(name: string, options: MemoryChannelOptions) {
    this.name = name
    this.highWater = options.highWaterBytes ?? 1 << 20
    this.piece = options.pieceBytes ?? Number.MAX_SAFE_INTEGER
  }

  async send(bytes: Uint8Array): Promise<void> {
    const peer = this.peer!
    if (this.broken !== undefined) throw new ChannelError(this.name, this.broken)
    if (this.closed) throw new ChannelError(this.name, 'sent after close')
    if (peer.closed) throw new ChannelError(this.name, 'the peer has closed')
    if (bytes.length === 0) return
    peer.inbox.push(bytes)
    peer.inboxBytes += bytes.length
    peer.wakeReader()
    while (peer.inboxBytes >= peer.highWater && !peer.closed && this.broken === undefined) {
      await new Promise<void>((wake) => peer.waitingWriters.push(wake))
    }
    if (this.broken !== undefined) throw new ChannelError(this.name, this.broken)
    if (peer.closed && peer.inboxBytes >= peer.highWater) throw new ChannelError(this.name, 'the peer has closed')
  }

  async receive(): Promise<Uint8Array | undefined> {
    if (this.waitingReader !== undefined) throw new ChannelError(this.name, 'received twice at a time')
    for (;;) {
      const first = this.inbox[0]
      if (first !== undefined) {
        const bytes = first.subarray(0, this.piece)
        if (bytes.length === first.length) this.inbox.shift()
        else this.inbox[0] = first.subarray(bytes.length)
        this.inboxBytes -= bytes.length
        this.wakeWriters()
        return bytes
      }
      if (this.broken !== undefined) throw new ChannelError(this.name, this.broken)
      if (this.ended) return undefined
      if (this.closed) throw new ChannelError(this.name, 'received after close')
      await new Promise<void>((wake) => (this.waitingReader = wake))
    }
  }

  close(): Promise<void> {
    if (!this.closed) {
      this.closed = true
      this.peer!.ended = true
      this.peer!.wakeReader()
      this.wakeReader()
      this.wakeWriters()
    }
    return Promise.resolve()
  }

  abort(reason: string): void {
    this.breakOff(reason)
    this.peer!.breakOff(`the peer broke off: ${reason}`)
  }

  private breakOff(reason: string): void {
    if (this.closed) return
    this.broken ??= reason
    this.wakeReader()
    this.wakeWriters()
    this.peer!.wakeWriters()
  }

  private wakeReader(): void {
    const wake = this.waitingReader
    this.waitingReader = undefined
    wake?.()
  }

  private wakeWriters(): void {
    const waiting = this.waitingWriters
    this.waitingWriters = []
    for (const wake of waiting) wake()
  }
}
