/** Growing byte buffer with LEB128 writers. */
export class Bytes {
  private buffer: Uint8Array
  length = 0

  constructor(capacity = 64) {
    this.buffer = new Uint8Array(capacity)
  }

  u8(byte: number): this {
    if (this.length === this.buffer.length) this.reserve(1)
    this.buffer[this.length++] = byte
    return this
  }

  /** A byte, and an unsigned LEB128. */
  u8u32(byte: number, value: number): this {
    if (value < 0 || value >= 0x80) return this.u8(byte).u32(value)
    if (this.length + 2 > this.buffer.length) this.reserve(2)
    this.buffer[this.length++] = byte
    this.buffer[this.length++] = value
    return this
  }

  /** Unsigned LEB128. */
  u32(value: number): this {
    let n = value >>> 0
    if (n < 0x80) return this.u8(n)
    while (n >= 0x80) {
      this.u8((n & 0x7f) | 0x80)
      n >>>= 7
    }
    return this.u8(n)
  }

  /** Signed LEB128 of 32 bits. */
  s32(value: number): this {
    let n = value | 0
    if (n >= -64 && n < 64) return this.u8(n & 0x7f)
    for (;;) {
      const b = n & 0x7f
      n >>= 7
      if ((n === 0 && (b & 0x40) === 0) || (n === -1 && (b & 0x40) !== 0)) return this.u8(b)
      this.u8(b | 0x80)
    }
  }

  /** Signed LEB128 of 64 bits, given as two halves: no BigInt, this is hot in a JIT. */
  s64(low: number, high: number): this {
    let lo = low | 0
    let hi = high | 0
    if (hi === lo >> 31) return this.s32(lo)
    for (;;) {
      const b = lo & 0x7f
      lo = (lo >>> 7) | (hi << 25)
      hi >>= 7
      if ((lo === 0 && hi === 0 && (b & 0x40) === 0) || (lo === -1 && hi === -1 && (b & 0x40) !== 0)) return this.u8(b)
      this.u8(b | 0x80)
    }
  }

  raw(bytes: ArrayLike<number>): this {
    this.reserve(bytes.length)
    this.buffer.set(bytes, this.length)
    this.length += bytes.length
    return this
  }

  append(other: Bytes): this {
    return this.raw(other.view())
  }

  /** Length-prefixed UTF-8. */
  name(text: string): this {
    if (!ASCII.test(text)) {
      const bytes = utf8(text)
      return this.u32(bytes.length).raw(bytes)
    }
    this.u32(text.length)
    for (let i = 0; i < text.length; i++) this.u8(text.charCodeAt(i))
    return this
  }

  /** The bytes so far; valid until the next write. */
  view(): Uint8Array {
    return this.buffer.subarray(0, this.length)
  }

  private reserve(count: number): void {
    if (this.length + count <= this.buffer.length) return
    const larger = new Uint8Array(Math.max(this.buffer.length * 2, this.length + count))
    larger.set(this.buffer.subarray(0, this.length))
    this.buffer = larger
  }
}

const ASCII = /^[\0-\x7f]*$/

function utf8(text: string): number[] {
  const bytes: number[] = []
  for (const c of text) {
    const n = c.codePointAt(0)!
    if (n < 0x80) bytes.push(n)
    else if (n < 0x800) bytes.push(0xc0 | (n >> 6), 0x80 | (n & 0x3f))
    else if (n < 0x10000) bytes.push(0xe0 | (n >> 12), 0x80 | ((n >> 6) & 0x3f), 0x80 | (n & 0x3f))
    else bytes.push(0xf0 | (n >> 18), 0x80 | ((n >> 12) & 0x3f), 0x80 | ((n >> 6) & 0x3f), 0x80 | (n & 0x3f))
  }
  return bytes
}
