/**
 * Numbers of some 104 bits as sums of two doubles (Dekker 1971; Joldes, Muller and Popescu 2017). Results are left in `high`
 * and `low`, so that nothing is allocated.
 */

/** The last result. */
export let high = 0
export let low = 0

/** For splitting a double into halves of 26 bits. */
const SPLIT = 2 ** 27 + 1

/** a + b for |a| >= |b|, or a = 0. */
function fast(a: number, b: number): void {
  const s = a + b
  low = b - (s - a)
  high = s
}

export function set(a: number, b: number): void {
  high = a
  low = b
}

export function add(ah: number, al: number, bh: number, bl: number): void {
  const s = ah + bh
  const v = s - ah
  const e = ah - (s - v) + (bh - v)
  const t = al + bl
  const w = t - al
  const f = al - (t - w) + (bl - w)
  fast(s, e + t)
  fast(high, f + low)
}

export function multiply(ah: number, al: number, bh: number, bl: number): void {
  const p = ah * bh
  const ca = SPLIT * ah
  const a1 = ca - (ca - ah)
  const a2 = ah - a1
  const cb = SPLIT * bh
  const b1 = cb - (cb - bh)
  const b2 = bh - b1
  const e = a1 * b1 - p + a1 * b2 + a2 * b1 + a2 * b2
  fast(p, e + (ah * bl + al * bh))
}

export function divide(ah: number, al: number, bh: number, bl: number): void {
  const q1 = ah / bh
  multiply(q1, 0, bh, bl)
  add(ah, al, -high, -low)
  const [rh, rl] = [high, low]
  const q2 = rh / bh
  multiply(q2, 0, bh, bl)
  add(rh, rl, -high, -low)
  const q3 = high / bh
  fast(q1, q2)
  add(high, low, q3, 0)
}

/** Coefficients of a series: those that need it as two doubles, then those of one. */
export interface Series {
  readonly wide: readonly (readonly [number, number])[]
  readonly narrow: readonly number[]
}

/** The series at a number: c0 + c1 x + c2 x^2 ... */
export function evaluate({ wide, narrow }: Series, xh: number, xl: number): void {
  let tail = 0
  for (let i = narrow.length - 1; i >= 0; i--) tail = narrow[i]! + xh * tail
  high = tail
  low = 0
  for (let i = wide.length - 1; i >= 0; i--) {
    multiply(high, low, xh, xl)
    add(high, low, wide[i]![0], wide[i]![1])
  }
}

const words = new DataView(new ArrayBuffer(8))

/** 2^n within the range of normal doubles. */
export function power(n: number): number {
  words.setUint32(0, (n + 1023) << 20)
  words.setUint32(4, 0)
  return words.getFloat64(0)
}

/** The exponent of a normal double. */
export function exponentOf(x: number): number {
  words.setFloat64(0, x)
  return ((words.getUint32(0) >>> 20) & 0x7ff) - 1023
}
