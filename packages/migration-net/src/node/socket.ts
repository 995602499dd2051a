import { createConnection, createServer, type ListenOptions, type Server, type Socket } from 'node:net'
import { ChannelError, type Channel } from '../channel.ts'

/** How long a closed channel waits for the peer to close too, before it lets go. */
const LINGER_MS = 2000

/** A connected socket as a channel. */
export class SocketChannel implements Channel {
  readonly name: string
  readonly duplex = true
  private readonly socket: Socket
  private failure: Error | undefined
  private ended = false
  private closing: Promise<void> | undefined
  private wake: (() => void) | undefined

  constructor(socket: Socket, name: string) {
    this.socket = socket
    this.name = name
    socket.setNoDelay(true)
    socket.on('readable', () => this.stir())
    socket.on('end', () => {
      this.ended = true
      this.stir()
    })
    socket.on('error', (error) => {
      this.failure ??= error
      this.stir()
    })
    socket.on('close', () => {
      this.ended = true
      this.stir()
    })
  }

  send(bytes: Uint8Array): Promise<void> {
    if (this.closing !== undefined) return Promise.reject(new ChannelError(this.name, 'sent after close'))
    if (this.failure !== undefined) return Promise.reject(this.broken())
    return new Promise((resolve, reject) => {
      this.socket.write(bytes, (error) => {
        if (error === null || error === undefined) return resolve()
        this.failure ??= error
        reject(this.broken())
      })
    })
  }

  async receive(): Promise<Uint8Array | undefined> {
    if (this.wake !== undefined) throw new ChannelError(this.name, 'received twice at a time')
    for (;;) {
      const bytes = this.closing === undefined ? (this.socket.read() as Buffer | null) : null
      if (bytes !== null) return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      if (this.failure !== undefined) throw this.broken()
      if (this.closing !== undefined) throw new ChannelError(this.name, 'received after close')
      if (this.ended) return undefined
      await new Promise<void>((wake) => (this.wake = wake))
    }
  }

  /** Sends what is left, then reads the peer's rest away: closing with unread bytes would destroy what we said last. */
  close(): Promise<void> {
    this.closing ??= new Promise((resolve) => {
      const { socket } = this
      if (socket.destroyed) return resolve()
      const limit = setTimeout(() => socket.destroy(), LINGER_MS)
      socket.once('close', () => {
        clearTimeout(limit)
        resolve()
      })
      socket.removeAllListeners('readable')
      socket.end()
      socket.resume()
      this.stir()
    })
    return this.closing
  }

  abort(reason: string): void {
    if (this.closing !== undefined) return
    this.failure ??= new Error(reason)
    // a TCP peer shall see a reset; other sockets have none
    if (this.socket.remotePort === undefined) this.socket.destroy()
    else this.socket.resetAndDestroy()
    this.stir()
  }

  private broken(): ChannelError {
    return new ChannelError(this.name, this.failure === undefined ? 'closed' : spell(this.failure), this.failure)
  }

  private stir(): void {
    const wake = this.wake
    this.wake = undefined
    wake?.()
  }
}

export type SocketAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }

export function printSocket(address: SocketAddress): string {
  return address.kind === 'tcp' ? `tcp:${address.host}:${address.port}` : `unix:${address.path}`
}

/** Connects; the error says where to and why not, in QEMU's words. */
export function connect(address: SocketAddress): Promise<SocketChannel> {
  const socket =
    address.kind === 'tcp'
      ? createConnection({ host: address.host || '127.0.0.1', port: address.port })
      : createConnection({ path: address.path })
  return new Promise((resolve, reject) => {
    const place = address.kind === 'tcp' ? `${address.host}:${address.port}` : address.path
    const fail = (error: NodeJS.ErrnoException): void =>
      reject(new ChannelError(printSocket(address), `Failed to connect to '${place}': ${spell(error)}`, error))
    socket.once('error', fail)
    socket.once('connect', () => {
      socket.removeListener('error', fail)
      resolve(new SocketChannel(socket, printSocket(address)))
    })
  })
}

/** A socket that waits for a peer, or for several connections of one. */
export interface Listening {
  /** Where it listens; the port is the real one if 0 was asked for. */
  readonly address: SocketAddress
  /** The next connection; listening ends with the last one that was asked for. One call for each. */
  accept(): Promise<SocketChannel>
  close(): void
}

/** @param connections how many will come: one, and one for each channel of multifd */
export async function listen(address: SocketAddress, connections = 1): Promise<Listening> {
  const server = createServer({ allowHalfOpen: true })
  const options: ListenOptions =
    address.kind === 'tcp' ? { host: address.host || '0.0.0.0', port: address.port } : { path: address.path }
  await new Promise<void>((resolve, reject) => {
    const place = address.kind === 'tcp' ? `${address.host}:${address.port}` : address.path
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(new ChannelError(printSocket(address), `Failed to listen on '${place}': ${spell(error)}`, error))
    })
    server.listen(options, resolve)
  })
  const bound = boundAddress(server, address)
  const places = Array.from({ length: connections }, place)
  // what nobody waits for may fail unheard
  for (const { promise } of places) promise.catch(() => undefined)
  let come = 0
  let given = 0
  server.on('connection', (socket: Socket) => {
    const next = places[come++]
    if (come >= connections) server.close()
    if (next === undefined) return void socket.destroy()
    next.resolve(new SocketChannel(socket, `${printSocket(bound)} (incoming)`))
  })
  const closed = new ChannelError(printSocket(bound), 'closed before a peer came')
  // the server is closed when its connections are, which is too late for whoever waits for one more
  const close = (): void => {
    server.close()
    for (const place of places.slice(come)) place.reject(closed)
  }
  return {
    address: bound,
    accept: () => places[given++]?.promise ?? Promise.reject(closed),
    close,
  }
}

interface Expected {
  readonly promise: Promise<SocketChannel>
  readonly resolve: (channel: SocketChannel) => void
  readonly reject: (error: Error) => void
}

function place(): Expected {
  let settle!: Omit<Expected, 'promise'>
  const promise = new Promise<SocketChannel>((resolve, reject) => (settle = { resolve, reject }))
  return { promise, ...settle }
}

function boundAddress(server: Server, wanted: SocketAddress): SocketAddress {
  const at = server.address()
  if (wanted.kind === 'tcp' && at !== null && typeof at === 'object') {
    return { kind: 'tcp', host: wanted.host || '127.0.0.1', port: at.port }
  }
  return wanted
}

const SPELLED: Record<string, string> = {
  ECONNREFUSED: 'Connection refused',
  EADDRINUSE: 'Address already in use',
  EACCES: 'Permission denied',
  ENOENT: 'No such file or directory',
  ENOTFOUND: 'Name or service not known',
  EHOSTUNREACH: 'No route to host',
  ENETUNREACH: 'Network is unreachable',
  ETIMEDOUT: 'Connection timed out',
  EADDRNOTAVAIL: 'Cannot assign requested address',
  EISDIR: 'Is a directory',
  ENOSPC: 'No space left on device',
  EPIPE: 'Broken pipe',
  ECONNRESET: 'Connection reset by peer',
}

/** An operating system's error as it is usually spelled. */
export function spell(error: NodeJS.ErrnoException): string {
  return SPELLED[error.code ?? ''] ?? error.message
}
