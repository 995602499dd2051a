/** Codecs made of other codecs and descriptions. Loading keeps the objects that are there. */
import type { Reader, Writer } from '@godwit/bits'
import { BadValue } from './codecs.ts'
import { within } from './errors.ts'
import type { Codec, VMState, Where } from './field.ts'
import { loadInner, saveInner } from './vmstate.ts'

/** Anything a codec of numbers can be an array of. */
export type Numbers = number[] | Uint8Array | Uint16Array | Uint32Array | Int32Array
interface Mutable<T> {
  readonly length: number
  [index: number]: T
}

/** A length that is fixed, or the value of another field of the same state. */
export type Length = number | string

/** The fields of another description, and its subsections, in the middle of this one. */
export const struct = <T>(vmstate: VMState<T>): Codec<T> => ({
  type: 'struct',
  shape: { kind: 'struct', vmstate },
  put: (w, v) => saveInner(vmstate, v, w, vmstate.version),
  get(r, old) {
    loadInner(vmstate, old, r, vmstate.version)
    return old
  },
})

/** Like struct, in the layout of a given version of the inner description. */
export const vstruct = <T>(vmstate: VMState<T>, version: number): Codec<T> => ({
  type: 'vstruct',
  shape: { kind: 'struct', vmstate, version },
  put: (w, v) => saveInner(vmstate, v, w, version),
  get(r, old) {
    loadInner(vmstate, old, r, version)
    return old
  },
})

/** Elements one after another; no count is sent. Loads into the array that is there. */
export const array = <A extends Mutable<T>, T>(codec: Codec<T>, length: number): Codec<A> => ({
  type: codec.type,
  shape: { kind: 'array', element: codec as Codec<never>, length },
  put(w, v, where) {
    if (v.length !== length) throw new RangeError(`${v.length} elements do not fit ${codec.type}[${length}]`)
    putElements(codec, w, v, length, where)
  },
  get(r, old, where) {
    getElements(codec, r, old, length, where)
    return old
  },
})

/**
 * The first elements of an array; how many is the value of an earlier field.
 * The array holds `max` elements, or is an Array that grows by `make`.
 */
export const varray = <A extends Mutable<T>, T>(
  codec: Codec<T>,
  countKey: string,
  max: number,
  make?: () => T,
): Codec<A> => ({
  type: codec.type,
  shape: { kind: 'array', element: codec as Codec<never>, length: countKey },
  put(w, v, where) {
    const count = lengthOf(countKey, where, max)
    if (v.length < count) throw new RangeError(`${v.length} elements are fewer than ${countKey}, ${count}`)
    putElements(codec, w, v, count, where)
  },
  get(r, old, where) {
    const count = lengthOf(countKey, where, max)
    if (Array.isArray(old) && make) {
      const list = old as T[]
      while (list.length < count) list.push(make())
      list.length = count
    }
    if (old.length < count) throw new BadValue(`${countKey} of at most ${old.length}`, count)
    getElements(codec, r, old, count, where)
    return old
  },
})

const NULL_ELEMENT = 0x30

/** An array of pointers: the receiver's own nulls say which elements are one byte '0' instead of the element. */
export const pointers = <T>(codec: Codec<T>, length: number): Codec<(T | null)[]> => {
  const element: Codec<T | null> = {
    type: codec.type,
    ...(codec.shape ? { shape: codec.shape } : {}),
    put(w, v, where) {
      if (v === null) w.u8(NULL_ELEMENT)
      else codec.put(w, v, where)
    },
    get(r, old, where) {
      if (old !== null) return codec.get(r, old, where)
      const came = r.u8()
      if (came !== NULL_ELEMENT) throw new BadValue('0x30 for an element that is not there', `0x${came.toString(16)}`)
      return null
    },
  }
  return array<(T | null)[], T | null>(element, length)
}

/**
 * Fields of an auxiliary description in the place of one value.
 * `before` makes the auxiliary state of the value; `after` makes the value of the auxiliary state that came.
 */
export const tmp = <T, A>(
  vmstate: VMState<A>,
  hooks: { before(value: T, state: unknown): A; after(aux: A, old: T, state: unknown): T },
): Codec<T> => ({
  type: 'tmp',
  shape: { kind: 'tmp', vmstate, aux: (value: never, state) => hooks.before(value, state) },
  put: (w, v, where) => saveInner(vmstate, hooks.before(v, where.state), w, vmstate.version),
  get(r, old, where) {
    const aux = hooks.before(old, where.state)
    loadInner(vmstate, aux, r, vmstate.version)
    return hooks.after(aux, old, where.state)
  },
})

const MORE = 1
const END = 0

function moreFollows(r: Reader): boolean {
  const mark = r.u8()
  if (mark !== MORE && mark !== END) throw new BadValue('01 before an element or 00 at the end', mark)
  return mark === MORE
}

const listOf =
  (type: string) =>
  <T>(codec: Codec<T>, make: () => T, max = 65536): Codec<T[]> => ({
    type,
    shape: { kind: 'list', element: codec as Codec<never> },
    put(w, v, where) {
      if (v.length > max) throw new RangeError(`${v.length} elements do not fit a list of at most ${max}`)
      v.forEach((item, i) => {
        w.u8(MORE)
        within(
          `[${i}]`,
          () => w.length,
          () => codec.put(w, item, where),
        )
      })
      w.u8(END)
    },
    get(r, old, where) {
      const came: T[] = []
      while (moreFollows(r)) {
        if (came.length === max) throw new BadValue(`at most ${max} elements`, 'one more')
        within(
          `[${came.length}]`,
          () => r.offset,
          () => came.push(codec.get(r, make(), where)),
        )
      }
      old.splice(0, old.length, ...came)
      return old
    },
  })

/** A list: 01 before each element, 00 at the end. `make` gives a fresh element to load into. */
export const qtailq = listOf('qtailq')
export const qlist = listOf('qlist')

/** A tree: u32 count, 01 before each key and value, 00 at the end. Kept in the order of the Map. */
export const gtree = <K, V>(
  key: Codec<K>,
  value: Codec<V>,
  makeKey: () => K,
  makeValue: () => V,
  max = 65536,
): Codec<Map<K, V>> => ({
  type: 'gtree',
  shape: { kind: 'bytes', length: 'its own count' },
  put(w, v, where) {
    w.u32(v.size)
    for (const [k, item] of v) {
      w.u8(MORE)
      key.put(w, k, where)
      within(
        `[${String(k)}]`,
        () => w.length,
        () => value.put(w, item, where),
      )
    }
    w.u8(END)
  },
  get(r, old, where) {
    const count = r.u32()
    if (count > max) throw new BadValue(`at most ${max} elements`, count)
    const came = new Map<K, V>()
    for (let i = 0; moreFollows(r); i++) {
      if (i === count) throw new BadValue(`${count} elements`, 'one more')
      within(
        `[${i}]`,
        () => r.offset,
        () => {
          const k = key.get(r, makeKey(), where)
          came.set(k, value.get(r, makeValue(), where))
        },
      )
    }
    if (came.size !== count) throw new BadValue(`${count} different keys`, came.size)
    old.clear()
    for (const [k, v] of came) old.set(k, v)
    return old
  },
})

/** A value kept in another form than it travels. */
export const mapped = <T, U>(codec: Codec<U>, toWire: (value: T) => U, fromWire: (came: U, old: T) => T): Codec<T> => ({
  type: codec.type,
  ...(codec.shape?.kind === 'bytes' ? { shape: codec.shape } : {}),
  put: (w, v, where) => codec.put(w, toWire(v), where),
  get: (r, old, where) => fromWire(codec.get(r, toWire(old), where), old),
})

/** The length meant by a fixed number or another field's name; bounded. */
export function lengthOf(length: Length, where: Where, max: number): number {
  if (typeof length === 'number') return length
  const value = Number((where.state as Record<string, unknown>)[length])
  if (!(Number.isInteger(value) && value >= 0 && value <= max)) throw new BadValue(`${length} of 0 to ${max}`, value)
  return value
}

function putElements<T>(codec: Codec<T>, w: Writer, v: Mutable<T>, count: number, where: Where): void {
  let i = 0
  try {
    for (; i < count; i++) codec.put(w, v[i]!, where)
  } catch (thrown) {
    within(
      `[${i}]`,
      () => w.length,
      () => {
        throw thrown
      },
    )
  }
}

function getElements<T>(codec: Codec<T>, r: Reader, old: Mutable<T>, count: number, where: Where): void {
  let i = 0
  let at = r.offset
  try {
    for (; i < count; i++) {
      at = r.offset
      old[i] = codec.get(r, old[i]!, where)
    }
  } catch (thrown) {
    within(
      `[${i}]`,
      () => at,
      () => {
        throw thrown
      },
    )
  }
}
