import { buffer, u32, type VMState } from '@godwit/vmstate'

/** A ring of bytes, as QEMU's serial ports send it: contents, index of the oldest, number. */
export interface Fifo8 {
  data: Uint8Array
  head: number
  num: number
}

export const fifo8 = (capacity: number): Fifo8 => ({ data: new Uint8Array(capacity), head: 0, num: 0 })

export const fifo8Vmstate = (capacity: number): VMState<Fifo8> => ({
  name: 'Fifo8',
  version: 1,
  minVersion: 1,
  life: { born: '1.5' },
  fields: { data: buffer(capacity), head: u32, num: u32 },
  postLoad(f) {
    if (f.head >= capacity || f.num > capacity)
      throw new RangeError(`Fifo8 of ${capacity} bytes with head ${f.head} and num ${f.num}`)
  },
})

export const isFull = (f: Fifo8): boolean => f.num === f.data.length

/** The caller has made sure that there is room. */
export function push(f: Fifo8, byte: number): void {
  f.data[(f.head + f.num) % f.data.length] = byte
  f.num++
}

/** The oldest byte; 0 when there is none. Nothing of it stays, so that equal contents are equal states. */
export function pop(f: Fifo8): number {
  if (f.num === 0) return 0
  const byte = f.data[f.head]!
  f.data[f.head] = 0
  f.num--
  f.head = f.num === 0 ? 0 : (f.head + 1) % f.data.length
  return byte
}

export function clear(f: Fifo8): void {
  f.data.fill(0)
  f.head = 0
  f.num = 0
}
