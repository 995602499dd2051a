/**
 * The bytes on a multifd channel: one initial packet, then packets of a header of fixed length and the pages' data.
 * Layout: docs/wire-format.md, "multifd".
 */
import { PAGE_SIZE } from '@godwit/memory'

export const MULTIFD_MAGIC = 0x11223344
const VERSION = 1
export const INITIAL_BYTES = 64
/** Pages that one packet can bear: 512 KiB. */
export const PACKET_PAGES = 128
const OFFSETS_AT = 320
export const HEADER_BYTES = OFFSETS_AT + 8 * PACKET_PAGES
const NAME_AT = 64
const NAME_BYTES = 256
const UUID_AT = 8
const UUID_BYTES = 16

const FLAG_SYNC = 0x01
const FLAG_COMPRESSION = 0x3e
const FLAG_DEVICE_STATE = 0x40
const COMPRESSIONS: readonly [number, string][] = [
  [0x02, 'zlib'],
  [0x04, 'zstd'],
  [0x08, 'QPL'],
  [0x10, 'UADK'],
  [0x20, 'QATzip'],
]

/** Bytes of a multifd channel that cannot be taken. */
export class MultifdFault extends Error {
  constructor(what: string, expected: string, came: string) {
    super(`${what}: expected ${expected}, came ${came}`)
  }
}

/** First bytes of each channel: who it belongs to, and which one it is. */
export interface Initial {
  /** The machine's UUID; zeroes without one. */
  readonly uuid: Uint8Array
  readonly id: number
}

export function initialPacket({ uuid, id }: Initial): Uint8Array {
  const bytes = new Uint8Array(INITIAL_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, MULTIFD_MAGIC)
  view.setUint32(4, VERSION)
  bytes.set(uuid, UUID_AT)
  bytes[UUID_AT + UUID_BYTES] = id
  return bytes
}

export function readInitial(bytes: Uint8Array): Initial {
  checkStart(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 'the initial packet')
  return { uuid: bytes.slice(UUID_AT, UUID_AT + UUID_BYTES), id: bytes[UUID_AT + UUID_BYTES]! }
}

/** A header. `offsets` are those of the pages with data, then those of the zero pages. */
export interface PacketHead {
  readonly sync: boolean
  /** Name of the RAM block; empty in a packet without pages. */
  readonly block: string
  readonly normal: number
  readonly offsets: readonly number[]
}

/** Writes a header in front of the data that stand at HEADER_BYTES. Reserved bytes are expected to be zero. */
export function putHeader(bytes: Uint8Array, head: PacketHead, packetNumber: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const zero = head.offsets.length - head.normal
  view.setUint32(0, MULTIFD_MAGIC)
  view.setUint32(4, VERSION)
  view.setUint32(8, head.sync ? FLAG_SYNC : 0)
  view.setUint32(12, head.offsets.length === 0 ? 0 : PACKET_PAGES)
  view.setUint32(16, head.normal)
  view.setUint32(20, head.normal * PAGE_SIZE)
  view.setBigUint64(24, BigInt(packetNumber))
  view.setUint32(32, zero)
  for (let i = 0; i < head.block.length; i++) bytes[NAME_AT + i] = head.block.charCodeAt(i)
  head.offsets.forEach((offset, i) => view.setBigUint64(OFFSETS_AT + 8 * i, BigInt(offset)))
}

/**
 * Reads a header. The size of the data is the number of pages: senders before 9.0 leave the size of an earlier packet
 * in one that bears no data, and may set SYNC on one that bears pages.
 */
export function readHeader(bytes: Uint8Array): PacketHead {
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES)
  checkStart(view, 'a packet')
  const flags = view.getUint32(8)
  if ((flags & FLAG_COMPRESSION) !== 0) {
    const name = COMPRESSIONS.find(([bit]) => bit === (flags & FLAG_COMPRESSION))?.[1] ?? 'several'
    throw new MultifdFault("a packet's compression", 'none', name)
  }
  if ((flags & FLAG_DEVICE_STATE) !== 0) throw new MultifdFault('a packet', 'pages', 'the state of a device')
  if ((flags & ~FLAG_SYNC) !== 0) throw new MultifdFault("a packet's flags", '0 or 1', hex(flags))
  const normal = view.getUint32(16)
  const zero = view.getUint32(32)
  if (normal + zero > PACKET_PAGES) {
    throw new MultifdFault('pages of a packet', `at most ${PACKET_PAGES}`, `${normal} and ${zero} of zeroes`)
  }
  const size = view.getUint32(20)
  if (normal > 0 && size !== normal * PAGE_SIZE) {
    throw new MultifdFault("a packet's size", `${normal * PAGE_SIZE} bytes for ${normal} pages`, `${size}`)
  }
  const offsets: number[] = []
  for (let i = 0; i < normal + zero; i++) offsets.push(Number(view.getBigUint64(OFFSETS_AT + 8 * i)))
  return {
    sync: (flags & FLAG_SYNC) !== 0,
    block: offsets.length === 0 ? '' : nameIn(bytes),
    normal,
    offsets,
  }
}

function nameIn(bytes: Uint8Array): string {
  const name = bytes.subarray(NAME_AT, NAME_AT + NAME_BYTES)
  const end = name.indexOf(0)
  if (end < 0) throw new MultifdFault("a packet's RAM block", 'a name that ends', `${NAME_BYTES} bytes`)
  return String.fromCharCode(...name.subarray(0, end))
}

function checkStart(view: DataView, what: string): void {
  const magic = view.getUint32(0)
  if (magic !== MULTIFD_MAGIC) throw new MultifdFault(`${what}'s magic`, hex(MULTIFD_MAGIC), hex(magic))
  const version = view.getUint32(4)
  if (version !== VERSION) throw new MultifdFault(`${what}'s version`, String(VERSION), String(version))
}

const hex = (n: number): string => `0x${(n >>> 0).toString(16)}`
