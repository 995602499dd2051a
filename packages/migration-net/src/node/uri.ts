import type { Channel } from '../channel.ts'
import { fileReader, fileWriter } from './file.ts'
import { connect, listen, type SocketAddress } from './socket.ts'

/** Where a migration goes to or comes from, as QEMU's uri says it. */
export type MigrationAddress =
  SocketAddress | { readonly kind: 'file'; readonly path: string; readonly offset: number } | { readonly kind: 'defer' }

/** Thrown for an address that is none. */
export class AddressError extends Error {
  override readonly name = 'AddressError'
}

/** tcp:HOST:PORT, tcp:[IPV6]:PORT, unix:PATH, file:PATH[,offset=N]; "defer" only for incoming. */
export function parseUri(uri: string): MigrationAddress {
  const at = uri.indexOf(':')
  const rest = uri.slice(at + 1)
  switch (at < 0 ? uri : uri.slice(0, at)) {
    case 'defer':
      return { kind: 'defer' }
    case 'tcp':
      return parseTcp(rest)
    case 'unix':
      if (rest === '') throw new AddressError('a unix address needs a path: unix:PATH')
      return { kind: 'unix', path: rest }
    case 'file': {
      const found = /^(.*?)(?:,offset=(0x[0-9a-f]+|\d+))?$/i.exec(rest)!
      if (found[1] === '') throw new AddressError('a file address needs a path: file:PATH')
      return { kind: 'file', path: found[1]!, offset: Number(found[2] ?? 0) }
    }
    default:
      throw new AddressError(`unknown migration protocol: ${uri}`)
  }
}

/** HOST:PORT, where HOST may be empty or an IPv6 address in brackets. */
export function parseTcp(text: string): SocketAddress & { readonly kind: 'tcp' } {
  const found = /^(?:\[([^\]]*)\]|([^:]*)):(\d+)(?:,.*)?$/.exec(text)
  const port = Number(found?.[3])
  if (found === null || !(port <= 65535)) throw new AddressError(`error parsing address '${text}': expected HOST:PORT`)
  return { kind: 'tcp', host: found[1] ?? found[2] ?? '', port }
}

/** The "channels" argument of QMP's migrate and migrate-incoming: one main channel. */
export function parseChannels(channels: unknown): MigrationAddress {
  const list = Array.isArray(channels) ? (channels as unknown[]) : []
  if (list.length !== 1) throw new AddressError('Channel list must have exactly one entry')
  const { 'channel-type': type, addr } = list[0] as { 'channel-type'?: unknown; addr?: Record<string, unknown> }
  if (type !== 'main') throw new AddressError("Channel list must contain the channel 'main'")
  const text = (key: string): string => (typeof addr?.[key] === 'string' ? addr[key] : '')
  if (addr?.transport === 'file') {
    return { kind: 'file', path: text('filename'), offset: typeof addr.offset === 'number' ? addr.offset : 0 }
  }
  if (addr?.transport === 'socket' && addr.type === 'inet') return parseTcp(`${bracket(text('host'))}:${text('port')}`)
  if (addr?.transport === 'socket' && addr.type === 'unix') return { kind: 'unix', path: text('path') }
  throw new AddressError(`unknown migration transport: ${JSON.stringify(addr)}`)
}

const bracket = (host: string): string => (host.includes(':') ? `[${host}]` : host)

/** The main channel, and those of multifd, to where a guest shall go; QEMU before 8.0 takes the first for the main one. */
export async function openAllOutgoing(address: MigrationAddress, channels: number): Promise<[Channel, ...Channel[]]> {
  if (channels > 0 && address.kind === 'file') {
    throw new AddressError('Migration requires multi-channel URIs (e.g. tcp)')
  }
  const opened: [Channel, ...Channel[]] = [await openOutgoing(address)]
  try {
    for (let i = 0; i < channels; i++) opened.push(await openOutgoing(address))
  } catch (thrown) {
    for (const channel of opened) channel.abort('a channel of the migration could not be opened')
    throw thrown
  }
  return opened
}

/** A channel to where a guest shall go. */
export async function openOutgoing(address: MigrationAddress): Promise<Channel> {
  if (address.kind === 'defer') throw new AddressError('"defer" is no place to migrate to')
  if (address.kind !== 'file') return connect(address)
  if (address.offset !== 0) throw new AddressError('writing a file from an offset is not supported')
  return fileWriter(address.path)
}

/** Where a guest comes from. */
export interface Incoming {
  /** Where it is awaited; a file needs none. */
  readonly address?: SocketAddress
  /** The next connection; a file has one. */
  accept(): Promise<Channel>
  /** Waits no longer for connections that have not come. */
  close(): void
}

/**
 * Waits where a guest shall come from; a file is there at once.
 * @param connections how many will come: one, and one for each channel of multifd
 */
export async function openIncoming(address: MigrationAddress, connections = 1): Promise<Incoming> {
  if (address.kind === 'defer') throw new AddressError('"defer" waits for migrate-incoming')
  if (address.kind !== 'file') return listen(address, connections)
  if (connections > 1) throw new AddressError('Migration requires multi-channel URIs (e.g. tcp)')
  const channel = await fileReader(address.path, address.offset)
  return { accept: () => Promise.resolve(channel), close: () => undefined }
}
