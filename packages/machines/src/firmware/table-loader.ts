/** The script of "etc/table-loader": fixed records of 128 bytes by which firmware places and links tables. */
import { latin1 } from '@godwit/bits'

const RECORD = 128
const NAME = 56
const COMMAND = { allocate: 1, addPointer: 2, addChecksum: 3 } as const
const ZONE = { high: 1, fseg: 2 } as const

export class TableLoader {
  private readonly records: Uint8Array[] = []

  allocate(file: string, align: number, zone: keyof typeof ZONE): void {
    this.record(COMMAND.allocate, (r) => {
      r.name(file)
      r.u32(align)
      r.u8(ZONE[zone])
    })
  }

  /** Adds the address of `source` to the pointer of `size` bytes at `offset` in `file`. */
  addPointer(file: string, source: string, offset: number, size: number): void {
    this.record(COMMAND.addPointer, (r) => {
      r.name(file)
      r.name(source)
      r.u32(offset)
      r.u8(size)
    })
  }

  /** Makes the bytes from `start` on sum to zero by the byte at `offset`. */
  addChecksum(file: string, offset: number, start: number, length: number): void {
    this.record(COMMAND.addChecksum, (r) => {
      r.name(file)
      r.u32(offset)
      r.u32(start)
      r.u32(length)
    })
  }

  bytes(): Uint8Array {
    const all = new Uint8Array(this.records.length * RECORD)
    this.records.forEach((r, i) => all.set(r, i * RECORD))
    return all
  }

  private record(command: number, fill: (r: Cursor) => void): void {
    const r = new Cursor(new Uint8Array(RECORD))
    r.u32(command)
    fill(r)
    this.records.push(r.bytes)
  }
}

/** Little-endian, unlike the migration stream. */
class Cursor {
  readonly bytes: Uint8Array
  private at = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  u8(value: number): void {
    this.bytes[this.at++] = value
  }

  u32(value: number): void {
    for (let i = 0; i < 4; i++) this.u8((value >>> (8 * i)) & 0xff)
  }

  name(text: string): void {
    this.bytes.set(latin1(text), this.at)
    this.at += NAME
  }
}

/** Plays a script as firmware does, for boots without one; returns where each file was placed. */
export function runTableLoader(
  script: Uint8Array,
  files: Readonly<Record<string, Uint8Array>>,
  place: (file: string, size: number, align: number) => number,
): Record<string, { readonly address: number; readonly bytes: Uint8Array }> {
  const placed: Record<string, { address: number; bytes: Uint8Array }> = {}
  const view = new DataView(script.buffer, script.byteOffset, script.byteLength)
  const fileName = (at: number): string => String.fromCharCode(...script.subarray(at, at + NAME)).replace(/\0.*$/s, '')
  const u32 = (at: number): number => view.getUint32(at, true)
  for (let r = 0; r + RECORD <= script.length; r += RECORD) {
    const file = fileName(r + 4)
    const command = u32(r)
    if (command === COMMAND.allocate) {
      const bytes = Uint8Array.from(files[file]!)
      placed[file] = { address: place(file, bytes.length, u32(r + 4 + NAME)), bytes }
    } else if (command === COMMAND.addPointer) {
      const source = fileName(r + 4 + NAME)
      const at = u32(r + 4 + 2 * NAME)
      const target = new DataView(placed[file]!.bytes.buffer)
      target.setUint32(at, target.getUint32(at, true) + placed[source]!.address, true)
    } else if (command === COMMAND.addChecksum) {
      const { bytes } = placed[file]!
      const [at, start, length] = [u32(r + 4 + NAME), u32(r + 8 + NAME), u32(r + 12 + NAME)]
      const sum = bytes.subarray(start, start + length).reduce((a, b) => (a + b) & 0xff, 0)
      bytes[at] = (bytes[at]! - sum) & 0xff
    }
  }
  return placed
}
