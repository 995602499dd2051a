/** Where clients of the monitor come in. */
import { createConnection, createServer, type Socket } from 'node:net'
import type { Control } from '../control.ts'
import type { SocketPlace } from '../places.ts'
import type { Facts } from './commands.ts'
import { QmpSession } from './session.ts'

export interface QmpServer {
  /** Where it listens, with the real port. */
  readonly place: string
  /** Lets the last lines go out. */
  close(): Promise<void>
}

/** Serves QMP at a socket. Rejects with the system's error if it cannot. */
export async function serveQmp(place: SocketPlace, control: Control, facts: Facts): Promise<QmpServer> {
  const open = new Set<Socket>()
  const attach = (socket: Socket): void => {
    open.add(socket)
    const session = new QmpSession({ control, facts, send: (line) => void (socket.writable && socket.write(line)) })
    let work = Promise.resolve()
    socket.on('data', (data: Uint8Array) => void (work = session.feed(data)))
    // a client may close its side and still read the replies
    socket.on('end', () => void work.then(() => socket.end()))
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      open.delete(socket)
      session.close()
    })
  }
  const at = place.kind === 'tcp' ? { host: place.host, port: place.port } : { path: place.path }
  if (!place.server) {
    const socket = createConnection(at)
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.once('connect', resolve)
    })
    attach(socket)
    return { place: 'client', close: () => closeAll(open) }
  }
  let came: () => void = () => undefined
  const first = new Promise<void>((resolve) => (came = resolve))
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    attach(socket)
    came()
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(at, resolve)
  })
  if (place.wait) await first
  const address = server.address()
  return {
    place:
      typeof address === 'object' && address !== null ? `tcp:${address.address}:${address.port}` : `unix:${address}`,
    close: () => {
      server.close()
      return closeAll(open)
    },
  }
}

async function closeAll(sockets: Set<Socket>): Promise<void> {
  await Promise.all([...sockets].map((socket) => new Promise<void>((resolve) => socket.end(resolve))))
}

/** QMP on the terminal's own streams. */
export function serveQmpOnStdio(control: Control, facts: Facts): QmpServer {
  const session = new QmpSession({ control, facts, send: (line) => void process.stdout.write(line) })
  process.stdin.on('data', (data: Uint8Array) => void session.feed(data))
  return { place: 'stdio', close: () => new Promise((resolve) => process.stdout.write('', () => resolve())) }
}
