/** Codecs of raw bytes with a meaning. */
import { fromLatin1, latin1 } from '@godwit/bits'
import { BadValue } from './codecs.ts'
import { lengthOf } from './compound.ts'
import type { Codec } from './field.ts'

/** Raw bytes whose length is the value of an earlier field, at most `max`; loads a new array when the length differs. */
export const sizedBuffer = (lengthKey: string, max: number): Codec<Uint8Array> => ({
  type: 'buffer',
  shape: { kind: 'bytes', length: lengthKey },
  put(w, v, where) {
    const length = lengthOf(lengthKey, where, max)
    if (v.length !== length) throw new RangeError(`${v.length} bytes are not ${lengthKey}, ${length}`)
    w.raw(v)
  },
  get(r, old, where) {
    const bytes = r.raw(lengthOf(lengthKey, where, max))
    if (old.length !== bytes.length) return new Uint8Array(bytes) // slice of a Buffer would be a view
    old.set(bytes)
    return old
  },
})

/** Bits in 64-bit words, lowest bits first; each word is big-endian. The number of bits is fixed or an earlier field. */
export const bitmap = (bits: number | string, maxBits = 1 << 20): Codec<BigUint64Array> => ({
  type: 'bitmap',
  shape: { kind: 'bytes', length: bits },
  put(w, v, where) {
    const words = Math.ceil(lengthOf(bits, where, maxBits) / 64)
    if (v.length !== words) throw new RangeError(`${v.length} words do not fit a bitmap of ${words}`)
    for (const word of v) w.u64(word)
  },
  get(r, old, where) {
    const words = Math.ceil(lengthOf(bits, where, maxBits) / 64)
    const into = old.length === words ? old : new BigUint64Array(words)
    for (let i = 0; i < words; i++) into[i] = r.u64()
    return into
  },
})

/** Latin-1 text, padded with NUL to a fixed length; what follows the first NUL is dropped while loading. */
export const text = (length: number): Codec<string> => ({
  type: 'buffer',
  shape: { kind: 'bytes', length },
  put(w, v) {
    const bytes = latin1(v)
    if (bytes.length > length || v.includes('\0') || fromLatin1(bytes) !== v) {
      throw new RangeError(`${JSON.stringify(v)} does not fit text[${length}]`)
    }
    w.raw(bytes)
    w.zeros(length - bytes.length)
  },
  get(r) {
    const bytes = r.raw(length)
    const end = bytes.indexOf(0)
    return fromLatin1(end < 0 ? bytes : bytes.subarray(0, end))
  },
})

/** One length byte and Latin-1 text. */
export const str8: Codec<string> = {
  type: 'str',
  shape: { kind: 'bytes', length: 'its first byte' },
  put(w, v) {
    if (/[^\0-\u00ff]/.test(v)) throw new RangeError(`${JSON.stringify(v)} does not fit Latin-1`)
    w.str8(v)
  },
  get: (r) => r.str8(),
}

/**
 * PCI configuration space. `compared` gives, for a state, the bits that must be the receiver's own
 * (neither writable nor cleared by writing ones, and worth comparing); null compares nothing.
 */
export const pciConfig = (size: 256 | 4096, compared: (state: never) => Uint8Array | null): Codec<Uint8Array> => ({
  type: 'pci config',
  shape: { kind: 'bytes', length: size },
  put(w, v) {
    if (v.length !== size) throw new RangeError(`${v.length} bytes do not fit pci config[${size}]`)
    w.raw(v)
  },
  get(r, old, where) {
    const came = r.raw(size)
    const mask = compared(where.state as never)
    for (let i = 0; mask && i < size; i++) {
      const bits = mask[i]!
      if ((came[i]! ^ old[i]!) & bits) {
        throw new BadValue(
          `${hex(old[i]!)} in the bits ${hex(bits)} of PCI configuration byte ${hex(i)}`,
          hex(came[i]!),
        )
      }
    }
    old.set(came)
    return old
  },
})

/** Levels of INTA to INTD as bits 0 to 3; a u32 of 0 or 1 each on the wire. */
export const pciIrqState: Codec<number> = {
  type: 'pci irq state',
  put(w, v) {
    if (!(Number.isInteger(v) && v >= 0 && v <= 15)) throw new RangeError(`${v} does not fit pci irq state`)
    for (let i = 0; i < 4; i++) w.u32((v >> i) & 1)
  },
  get(r) {
    let levels = 0
    for (let i = 0; i < 4; i++) {
      const level = r.u32()
      if (level > 1) throw new BadValue(`level 0 or 1 of INT${'ABCD'[i]}`, level)
      levels |= level << i
    }
    return levels
  },
}

const hex = (n: number): string => `0x${n.toString(16)}`
