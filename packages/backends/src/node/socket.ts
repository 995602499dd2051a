import { createConnection, createServer, type Server, type Socket } from 'node:net'
import type { Char } from '@godwit/hw'
import { InputQueue } from '../input-queue.ts'

const INPUT_HIGH_WATER = 4096
/** Output that may wait for a slow reader; more is dropped. */
const OUTPUT_LIMIT = 4 << 20

export type CharAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }

export interface SocketChar extends Char {
  /** Where it listens, with the real port; undefined when it connected. */
  readonly listening: CharAddress | undefined
  /** Resolves when the first peer is there. */
  readonly connected: Promise<void>
  /** Bytes of the guest that were dropped because nobody was there or reading. */
  readonly dropped: number
  close(): void
}

/** A serial line over a socket. A server takes one peer at a time, and another when that one has gone. */
export async function socketChar(address: CharAddress, server: boolean): Promise<SocketChar> {
  const line = new Line()
  if (!server) {
    line.attach(await connected(address))
    return line
  }
  await line.listen(address)
  return line
}

class Line implements SocketChar {
  onData: ((data: Uint8Array) => number) | undefined
  dropped = 0
  listening: CharAddress | undefined
  readonly connected: Promise<void>
  private readonly queue = new InputQueue()
  private socket: Socket | undefined
  private server: Server | undefined
  private arrived: () => void = () => undefined

  constructor() {
    this.connected = new Promise((resolve) => (this.arrived = resolve))
  }

  write(data: Uint8Array): void {
    const { socket } = this
    if (socket === undefined || socket.writableLength > OUTPUT_LIMIT) this.dropped += data.length
    else socket.write(data.slice())
  }

  ready(): void {
    this.queue.deliver(this)
    if (this.queue.length < INPUT_HIGH_WATER) this.socket?.resume()
  }

  attach(socket: Socket): void {
    this.socket = socket
    socket.setNoDelay(true)
    socket.on('data', (data: Uint8Array) => {
      this.queue.push(data)
      this.queue.deliver(this)
      if (this.queue.length >= INPUT_HIGH_WATER) socket.pause()
    })
    const gone = (): void => {
      if (this.socket === socket) this.socket = undefined
      socket.destroy()
    }
    socket.on('error', gone)
    socket.on('close', gone)
    this.arrived()
  }

  async listen(address: CharAddress): Promise<void> {
    const server = createServer((socket) => {
      if (this.socket === undefined) this.attach(socket)
      else socket.destroy()
    })
    this.server = server
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(
        address.kind === 'tcp' ? { host: address.host, port: address.port } : { path: address.path },
        resolve,
      )
    })
    server.unref()
    const at = server.address()
    this.listening =
      address.kind === 'tcp' && at !== null && typeof at === 'object' ? { ...address, port: at.port } : address
  }

  close(): void {
    this.server?.close()
    this.socket?.destroy()
    this.socket = undefined
  }
}

function connected(address: CharAddress): Promise<Socket> {
  const socket =
    address.kind === 'tcp'
      ? createConnection({ host: address.host, port: address.port })
      : createConnection({ path: address.path })
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.removeListener('error', reject)
      resolve(socket)
    })
  })
}
