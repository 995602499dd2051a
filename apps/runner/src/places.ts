/** Places a serial line or a monitor can be at, as the command line says them. */
import { UsageError } from './usage-error.ts'

export type SocketPlace =
  | {
      readonly kind: 'tcp'
      readonly host: string
      readonly port: number
      readonly server: boolean
      readonly wait: boolean
    }
  | { readonly kind: 'unix'; readonly path: string; readonly server: boolean; readonly wait: boolean }

export type SerialPlace =
  | SocketPlace
  | { readonly kind: 'stdio' }
  | { readonly kind: 'null' }
  | { readonly kind: 'file'; readonly path: string }

export function parseSerial(text: string): SerialPlace {
  if (text === 'stdio' || text === 'mon:stdio') return { kind: 'stdio' }
  if (text === 'null' || text === 'none') return { kind: 'null' }
  if (text.startsWith('file:')) {
    if (text === 'file:') throw new UsageError('-serial file: needs a path: file:PATH')
    return { kind: 'file', path: text.slice(5) }
  }
  return parseSocket('serial', text, false)
}

/** unix:PATH or tcp:HOST:PORT, then server[=on|off] and wait=on|off. A server waits for its first peer unless told not to. */
export function parseSocket(option: string, text: string, serverByDefault: boolean): SocketPlace {
  const [address, ...words] = text.split(',')
  let server = serverByDefault
  let wait = !serverByDefault
  for (const word of words) {
    const [key, value = 'on'] = word.split('=')
    if (key === 'server') server = value === 'on'
    else if (key === 'wait') wait = value === 'on'
    else if (key === 'nowait') wait = false
    else throw new UsageError(`-${option} ${text}: no such word as "${word}"; there are server and wait`)
  }
  if (address!.startsWith('unix:') && address !== 'unix:') {
    return { kind: 'unix', path: address!.slice(5), server, wait: server && wait }
  }
  const tcp = /^tcp:(?:\[([^\]]*)\]|([^:]*)):(\d+)$/.exec(address!)
  if (tcp !== null && Number(tcp[3]) <= 65535) {
    const host = tcp[1] ?? tcp[2]!
    return { kind: 'tcp', host: host === '' ? '127.0.0.1' : host, port: Number(tcp[3]), server, wait: server && wait }
  }
  const others = option === 'serial' ? 'stdio, null, file:PATH, ' : 'stdio, '
  throw new UsageError(`-${option} ${text}: expected ${others}unix:PATH or tcp:HOST:PORT`)
}
