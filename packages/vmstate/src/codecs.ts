import type { Reader } from '@godwit/bits'
import type { Codec } from './field.ts'

/** Thrown by a codec that read a value its state cannot take; save and load add the field's path and offset. */
export class BadValue extends Error {
  override readonly name = 'BadValue'
  readonly expected: string
  readonly came: string

  constructor(expected: string, came: unknown) {
    super(`expected ${expected}, came ${String(came)}`)
    this.expected = expected
    this.came = String(came)
  }
}

const unsigned = (type: string, size: 1 | 2 | 4): Codec<number> => ({
  type,
  put: (w, v) => w.uint(v, size),
  get: (r) => r.uint(size),
})
const signed = (type: string, size: 1 | 2 | 4): Codec<number> => ({
  type,
  put: (w, v) => w.int(v, size),
  get: (r) => r.int(size),
})

export const u8 = unsigned('uint8', 1)
export const u16 = unsigned('uint16', 2)
export const u32 = unsigned('uint32', 4)
export const i8 = signed('int8', 1)
export const i16 = signed('int16', 2)
export const i32 = signed('int32', 4)
export const u64: Codec<bigint> = { type: 'uint64', put: (w, v) => w.u64(v), get: (r) => r.u64() }
export const i64: Codec<bigint> = { type: 'int64', put: (w, v) => w.i64(v), get: (r) => r.i64() }

export const bool: Codec<boolean> = {
  type: 'bool',
  put: (w, v) => w.u8(v ? 1 : 0),
  get(r) {
    const v = r.u8()
    if (v > 1) throw new BadValue('a bool, 0 or 1', v)
    return v === 1
  },
}

/** Expiry time in ns on the timer's clock; null when the timer is not armed (all ones on the wire). */
export const timer: Codec<bigint | null> = {
  type: 'timer',
  put: (w, v) => w.i64(v ?? -1n),
  get(r) {
    const v = r.i64()
    return v === -1n ? null : v
  },
}

/** A value that must equal the receiver's own. */
export const equal = <T>(codec: Codec<T>): Codec<T> => ({
  type: `${codec.type} equal`,
  put: (w, v, where) => codec.put(w, v, where),
  get(r, old, where) {
    const v = codec.get(r, old, where)
    if (v !== old) throw new BadValue(String(old), v)
    return v
  },
})

/** Refuses a negative value and one larger than the receiver's own ("le": less or equal). QEMU's PCI config version. */
export const i32PositiveLe: Codec<number> = {
  type: 'int32 le',
  put: (w, v) => w.int(v, 4),
  get(r, old) {
    const v = r.int(4)
    if (v < 0 || v > old) throw new BadValue(`0 to ${old}`, v)
    return v
  },
}

/** Raw bytes of fixed length. */
export const buffer = (length: number): Codec<Uint8Array> => ({
  type: 'buffer',
  shape: { kind: 'bytes', length },
  put(w, v) {
    if (v.length !== length) throw new RangeError(`${v.length} bytes do not fit buffer[${length}]`)
    w.raw(v)
  },
  get: (r, old) => loadInto(r, length, old),
})

function loadInto(r: Reader, length: number, old: Uint8Array): Uint8Array {
  const bytes = r.raw(length)
  if (old.length !== length) return new Uint8Array(bytes) // slice of a Buffer would be a view
  old.set(bytes)
  return old
}
