/** Big-endian cursors over bytes: QEMU's stream is big-endian throughout. */

/** Growing byte buffer. Values must fit their size; a value that does not is a RangeError that names both. */
export class Writer {
  private buffer: Uint8Array
  private view: DataView
  length = 0

  constructor(capacity = 256) {
    this.buffer = new Uint8Array(capacity)
    this.view = new DataView(this.buffer.buffer)
  }

  /** Unsigned integer of 1, 2 or 4 bytes. */
  uint(value: number, size: 1 | 2 | 4): void {
    if (!(Number.isInteger(value) && value >= 0 && value < 2 ** (8 * size))) throw misfit(value, `u${8 * size}`)
    const at = this.grow(size)
    if (size === 1) this.view.setUint8(at, value)
    else if (size === 2) this.view.setUint16(at, value)
    else this.view.setUint32(at, value)
  }

  /** Signed integer of 1, 2 or 4 bytes. */
  int(value: number, size: 1 | 2 | 4): void {
    const half = 2 ** (8 * size - 1)
    if (!(Number.isInteger(value) && value >= -half && value < half)) throw misfit(value, `i${8 * size}`)
    this.uint(value < 0 ? value + 2 * half : value, size)
  }

  u8(value: number): void {
    this.uint(value, 1)
  }

  u16(value: number): void {
    this.uint(value, 2)
  }

  u32(value: number): void {
    this.uint(value, 4)
  }

  u64(value: bigint): void {
    if (value < 0n || value > 0xffff_ffff_ffff_ffffn) throw misfit(value, 'u64')
    const at = this.grow(8) // before the view is read: growing replaces it
    this.view.setBigUint64(at, value)
  }

  i64(value: bigint): void {
    if (BigInt.asIntN(64, value) !== value) throw misfit(value, 'i64')
    const at = this.grow(8)
    this.view.setBigInt64(at, value)
  }

  raw(bytes: Uint8Array): void {
    const at = this.grow(bytes.length)
    this.buffer.set(bytes, at)
  }

  zeros(count: number): void {
    const at = this.grow(count)
    this.buffer.fill(0, at, at + count)
  }

  /** One length byte and that many bytes of Latin-1 text. */
  str8(text: string): void {
    const bytes = latin1(text)
    if (bytes.length > 255) throw misfit(text, 'a string of at most 255 bytes')
    this.u8(bytes.length)
    this.raw(bytes)
  }

  /** Overwrites a u32 written earlier, for lengths known only afterwards. */
  patchU32(at: number, value: number): void {
    this.view.setUint32(at, value)
  }

  /** The bytes so far; valid until the next write. */
  bytes(): Uint8Array {
    return this.buffer.subarray(0, this.length)
  }

  /** Forgets what was written; keeps the buffer. */
  clear(): void {
    this.length = 0
  }

  private grow(count: number): number {
    const at = this.length
    const end = at + count
    if (end > this.buffer.length) {
      const larger = new Uint8Array(Math.max(end, this.buffer.length * 2))
      larger.set(this.buffer.subarray(0, at))
      this.buffer = larger
      this.view = new DataView(larger.buffer)
    }
    this.length = end
    return at
  }
}

/** Thrown by a Reader that is asked for more than it has. */
export class EndOfBytes extends Error {
  readonly offset: number
  readonly wanted: number
  readonly left: number

  constructor(offset: number, wanted: number, left: number) {
    super(`wanted ${wanted} bytes at offset ${offset}, ${left} left`)
    this.name = 'EndOfBytes'
    this.offset = offset
    this.wanted = wanted
    this.left = left
  }
}

/** Cursor over bytes that are all there; reading past the end throws EndOfBytes. */
export class Reader {
  readonly data: Uint8Array
  private readonly view: DataView
  /** Position of data[0] in the stream it was cut from, for error messages. */
  readonly origin: number
  at = 0

  constructor(data: Uint8Array, origin = 0) {
    this.data = data
    this.view = new DataView(data.buffer, data.byteOffset, data.byteLength)
    this.origin = origin
  }

  get left(): number {
    return this.data.length - this.at
  }

  /** Offset in the stream. */
  get offset(): number {
    return this.origin + this.at
  }

  uint(size: 1 | 2 | 4): number {
    const at = this.take(size)
    return size === 1 ? this.view.getUint8(at) : size === 2 ? this.view.getUint16(at) : this.view.getUint32(at)
  }

  int(size: 1 | 2 | 4): number {
    const at = this.take(size)
    return size === 1 ? this.view.getInt8(at) : size === 2 ? this.view.getInt16(at) : this.view.getInt32(at)
  }

  u8(): number {
    return this.uint(1)
  }

  u16(): number {
    return this.uint(2)
  }

  u32(): number {
    return this.uint(4)
  }

  u64(): bigint {
    return this.view.getBigUint64(this.take(8))
  }

  i64(): bigint {
    return this.view.getBigInt64(this.take(8))
  }

  /** A view of the next bytes, not a copy. */
  raw(count: number): Uint8Array {
    const at = this.take(count)
    return this.data.subarray(at, at + count)
  }

  skip(count: number): void {
    this.take(count)
  }

  str8(): string {
    return fromLatin1(this.raw(this.u8()))
  }

  private take(count: number): number {
    const at = this.at
    if (count > this.data.length - at) throw new EndOfBytes(this.offset, count, this.left)
    this.at = at + count
    return at
  }
}

export function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (c) => c.charCodeAt(0) & 0xff)
}

export function fromLatin1(bytes: Uint8Array): string {
  let text = ''
  for (const b of bytes) text += String.fromCharCode(b)
  return text
}

function misfit(value: number | bigint | string, type: string): RangeError {
  return new RangeError(`${value} does not fit ${type}`)
}
