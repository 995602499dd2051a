/**
 * Exact binary floating point in BigInt: the reference for x87 and the path for SSE modes that WebAssembly lacks.
 * A finite value is mant * 2^exp, exactly; operations give exact results (or exact enough: a sticky last bit) and one
 * function rounds. IEEE 754-2008; SDM vol. 1, chapters 4, 8 and 11.
 */

/** Exception flags, as in the x87 status word and MXCSR. */
export const IE = 1
export const DE = 2
export const ZE = 4
export const OE = 8
export const UE = 16
export const PE = 32

/** Rounding control. */
export const NEAREST = 0
export const DOWN = 1
export const UP = 2
export const CHOP = 3

export interface Format {
  /** Bits of significand, with the integer bit. */
  readonly precision: number
  readonly emin: number
  readonly emax: number
}
export const SINGLE: Format = { precision: 24, emin: -126, emax: 127 }
export const DOUBLE: Format = { precision: 53, emin: -1022, emax: 1023 }
export const EXTENDED: Format = { precision: 64, emin: -16382, emax: 16383 }

export type Kind = 'zero' | 'finite' | 'inf' | 'nan' | 'bad'

export interface Num {
  readonly kind: Kind
  readonly sign: 0 | 1
  /** Finite: integer significand. NaN: 64 bits as in the extended format. */
  readonly mant: bigint
  readonly exp: number
  /** NaN: signals. Finite: the encoding was denormal. */
  readonly special: boolean
}

export const zero = (sign: 0 | 1): Num => ({ kind: 'zero', sign, mant: 0n, exp: 0, special: false })
export const infinity = (sign: 0 | 1): Num => ({ kind: 'inf', sign, mant: 1n << 63n, exp: 0, special: false })
export const finite = (sign: 0 | 1, mant: bigint, exp: number): Num =>
  mant === 0n ? zero(sign) : { kind: 'finite', sign, mant, exp, special: false }
const QUIET = 1n << 62n
const TOP = 1n << 63n
/** The NaN of invalid operations: negative on x86. */
export const INDEFINITE: Num = { kind: 'nan', sign: 1, mant: TOP | QUIET, exp: 0, special: false }
export const quieted = (n: Num): Num => ({ ...n, mant: n.mant | QUIET, special: false })
export const isSignaling = (n: Num): boolean => n.kind === 'nan' && n.special
export const negated = (n: Num): Num => ({ ...n, sign: n.sign === 0 ? 1 : 0 })
export const isDenormal = (n: Num): boolean => n.kind === 'finite' && n.special

const u64 = (n: bigint): bigint => BigInt.asUintN(64, n)

/** A number of the interchange formats from its bits. */
export function unpack(bits: bigint, f: Format): Num {
  const fractionBits = BigInt(f.precision - 1)
  const exponents = f === SINGLE ? 255 : 2047
  const sign = Number((bits >> (f === SINGLE ? 31n : 63n)) & 1n) as 0 | 1
  const fraction = bits & ((1n << fractionBits) - 1n)
  const e = Number(bits >> fractionBits) & exponents
  if (e === exponents) {
    if (fraction === 0n) return infinity(sign)
    const mant = TOP | (fraction << (63n - fractionBits))
    return { kind: 'nan', sign, mant, exp: 0, special: (mant & QUIET) === 0n }
  }
  if (e === 0) {
    if (fraction === 0n) return zero(sign)
    return { kind: 'finite', sign, mant: fraction, exp: f.emin - f.precision + 1, special: true }
  }
  return {
    kind: 'finite',
    sign,
    mant: fraction | (1n << fractionBits),
    exp: e - f.emax - f.precision + 1,
    special: false,
  }
}

/** Bits of a value that fits the format (round() gave it, or a NaN or infinity). */
export function pack(n: Num, f: Format): bigint {
  const fractionBits = BigInt(f.precision - 1)
  const sign = BigInt(n.sign) << (f === SINGLE ? 31n : 63n)
  const all = (f === SINGLE ? 255n : 2047n) << fractionBits
  if (n.kind === 'zero') return sign
  if (n.kind === 'inf') return sign | all
  if (n.kind === 'nan') return sign | all | ((n.mant & (TOP - 1n)) >> (63n - fractionBits))
  const shift = BigInt(n.exp - (f.emin - f.precision + 1))
  // With the smallest quantum as unit, a denormal's mantissa is its field.
  const length = bitLength(n.mant)
  const e = n.exp + length - 1
  if (e < f.emin) return sign | (n.mant << shift)
  const fraction = (n.mant << BigInt(f.precision - length)) & ((1n << fractionBits) - 1n)
  return sign | (BigInt(e + f.emax) << fractionBits) | fraction
}

/** An extended real from its significand and its sign and exponent. */
export function unpack80(mant: bigint, se: number): Num {
  const sign = ((se >> 15) & 1) as 0 | 1
  const e = se & 0x7fff
  const integer = mant >= TOP
  if (e === 0x7fff) {
    if (!integer) return { kind: 'bad', sign, mant, exp: 0, special: false }
    if (mant === TOP) return infinity(sign)
    return { kind: 'nan', sign, mant, exp: 0, special: (mant & QUIET) === 0n }
  }
  if (e === 0) {
    if (mant === 0n) return zero(sign)
    return { kind: 'finite', sign, mant, exp: -16382 - 63, special: true }
  }
  if (!integer) return { kind: 'bad', sign, mant, exp: 0, special: false }
  return { kind: 'finite', sign, mant, exp: e - 16383 - 63, special: false }
}

export function pack80(n: Num): { mant: bigint; se: number } {
  const s = n.sign << 15
  if (n.kind === 'zero') return { mant: 0n, se: s }
  if (n.kind === 'inf') return { mant: TOP, se: s | 0x7fff }
  if (n.kind !== 'finite') return { mant: u64(n.mant), se: s | 0x7fff }
  const length = bitLength(n.mant)
  const e = n.exp + length - 1
  if (e < -16382) return { mant: n.mant << BigInt(n.exp + 16382 + 63), se: s }
  return { mant: n.mant << BigInt(64 - length), se: s | (e + 16383) }
}

export function bitLength(n: bigint): number {
  let length = 0
  let m = n
  while (m >= TOP) {
    m >>= 64n
    length += 64
  }
  if (m >= 1n << 32n) {
    m >>= 32n
    length += 32
  }
  return length + (m === 0n ? 0 : 32 - Math.clz32(Number(m)))
}

export interface Rounded {
  readonly value: Num
  /** OE, UE, PE as masked responses have them. */
  readonly flags: number
  /** The magnitude was rounded up (C1). */
  readonly up: boolean
  /** Smaller than the smallest normal number after rounding, exact or not. */
  readonly tiny: boolean
}

function roundsUp(rest: bigint, shift: number, odd: boolean, sign: 0 | 1, rc: number): boolean {
  if (rest === 0n) return false
  if (rc === CHOP) return false
  if (rc === DOWN) return sign === 1
  if (rc === UP) return sign === 0
  const half = 1n << BigInt(shift - 1)
  return rest > half || (rest === half && odd)
}

/** Rounds a finite non-zero value into a format; zero, infinity and NaN pass. */
export function round(n: Num, f: Format, rc: number): Rounded {
  if (n.kind !== 'finite') return { value: n, flags: 0, up: false, tiny: false }
  const length = bitLength(n.mant)
  const e = n.exp + length - 1
  const tiny = e < f.emin && !(e === f.emin - 1 && carries(n, length, f.precision, rc))
  const quantum = Math.max(e, f.emin) - f.precision + 1
  const shift = quantum - n.exp
  if (shift <= 0) {
    if (e > f.emax) return overflow(n.sign, f, rc)
    return { value: finite(n.sign, n.mant, n.exp), flags: 0, up: false, tiny }
  }
  // Far below half of the quantum: any rest will do.
  const far = shift > length + 2
  const kept = far ? 0n : n.mant >> BigInt(shift)
  const rest = far ? 1n : n.mant & ((1n << BigInt(shift)) - 1n)
  const up = roundsUp(rest, far ? 3 : shift, (kept & 1n) === 1n, n.sign, rc)
  const mant = up ? kept + 1n : kept
  if (mant !== 0n && quantum + bitLength(mant) - 1 > f.emax) return overflow(n.sign, f, rc)
  const inexact = rest !== 0n
  return {
    value: finite(n.sign, mant, quantum),
    flags: inexact ? PE | (tiny ? UE : 0) : 0,
    up,
    tiny,
  }
}

/** Whether rounding to so many bits, the exponent unbounded, carries into the next binade. */
function carries(n: Num, length: number, precision: number, rc: number): boolean {
  const shift = length - precision
  if (shift <= 0) return false
  const kept = n.mant >> BigInt(shift)
  const rest = n.mant & ((1n << BigInt(shift)) - 1n)
  return roundsUp(rest, shift, (kept & 1n) === 1n, n.sign, rc) && bitLength(kept + 1n) > precision
}

function overflow(sign: 0 | 1, f: Format, rc: number): Rounded {
  const toInfinity = rc === NEAREST || (rc === UP && sign === 0) || (rc === DOWN && sign === 1)
  const largest = finite(sign, (1n << BigInt(f.precision)) - 1n, f.emax - f.precision + 1)
  return { value: toInfinity ? infinity(sign) : largest, flags: OE | PE, up: toInfinity, tiny: false }
}

/** a + b for finite or zero operands, exactly (a sticky bit far below stands for what is lost). */
export function sum(a: Num, b: Num, rc: number): Num {
  if (a.kind === 'zero' && b.kind === 'zero') return a.sign === b.sign ? a : zero(rc === DOWN ? 1 : 0)
  if (a.kind === 'zero') return finite(b.sign, b.mant, b.exp)
  if (b.kind === 'zero') return finite(a.sign, a.mant, a.exp)
  let [x, y] = [a, b]
  if (x.exp + bitLength(x.mant) < y.exp + bitLength(y.mant)) [x, y] = [y, x]
  if (y.exp + bitLength(y.mant) < x.exp - 132) y = { ...y, mant: 1n, exp: x.exp - 132 }
  const low = Math.min(x.exp, y.exp)
  const signed = (n: Num): bigint => (n.sign === 1 ? -n.mant : n.mant) << BigInt(n.exp - low)
  const r = signed(x) + signed(y)
  if (r === 0n) return zero(rc === DOWN ? 1 : 0)
  return r < 0n ? finite(1, -r, low) : finite(0, r, low)
}

export function product(a: Num, b: Num): Num {
  const sign = (a.sign ^ b.sign) as 0 | 1
  if (a.kind === 'zero' || b.kind === 'zero') return zero(sign)
  return finite(sign, a.mant * b.mant, a.exp + b.exp)
}

/** Finite, non-zero a / b to 70 bits and a sticky bit. */
export function quotient(a: Num, b: Num): Num {
  const sign = (a.sign ^ b.sign) as 0 | 1
  const shift = Math.max(0, 70 - bitLength(a.mant) + bitLength(b.mant))
  const n = a.mant << BigInt(shift)
  const q = n / b.mant
  const sticky = q * b.mant === n ? 0n : 1n
  return finite(sign, (q << 1n) | sticky, a.exp - b.exp - shift - 1)
}

/** Root of a positive finite number to 70 bits and a sticky bit. */
export function root(a: Num): Num {
  let shift = Math.max(0, 140 - bitLength(a.mant))
  if (((a.exp - shift) & 1) !== 0) shift++
  const n = a.mant << BigInt(shift)
  const r = integerRoot(n)
  return finite(0, (r << 1n) | (r * r === n ? 0n : 1n), (a.exp - shift) / 2 - 1)
}

export function integerRoot(n: bigint): bigint {
  if (n < 2n) return n
  let x = 1n << BigInt((bitLength(n) + 1) >> 1)
  for (;;) {
    const y = (x + n / x) >> 1n
    if (y >= x) return x
    x = y
  }
}

/** Rounded to an integer: the value, and whether it changed and grew. */
export function toInteger(n: Num, rc: number): { value: bigint; inexact: boolean; up: boolean } {
  if (n.kind === 'zero') return { value: 0n, inexact: false, up: false }
  const signed = (m: bigint): bigint => (n.sign === 1 ? -m : m)
  if (n.exp >= 0) return { value: signed(n.exp > 20000 ? 0n : n.mant << BigInt(n.exp)), inexact: false, up: false }
  const shift = -n.exp
  const far = shift > bitLength(n.mant) + 2
  const kept = far ? 0n : n.mant >> BigInt(shift)
  const rest = far ? 1n : n.mant & ((1n << BigInt(shift)) - 1n)
  const up = roundsUp(rest, far ? 3 : shift, (kept & 1n) === 1n, n.sign, rc)
  return { value: signed(up ? kept + 1n : kept), inexact: rest !== 0n, up }
}

/** A finite number compared with another: -1, 0 or 1; infinities too. */
export function order(a: Num, b: Num): number {
  const rank = (n: Num): number => (n.kind === 'zero' ? 0 : (n.kind === 'inf' ? 2 : 1) * (n.sign === 1 ? -1 : 1))
  const ra = rank(a)
  const rb = rank(b)
  if (ra !== rb || ra === 0 || Math.abs(ra) === 2) return Math.sign(ra - rb)
  const ea = a.exp + bitLength(a.mant)
  const eb = b.exp + bitLength(b.mant)
  const larger = ra
  if (ea !== eb) return ea > eb ? larger : -larger
  const low = Math.min(a.exp, b.exp)
  const ma = a.mant << BigInt(a.exp - low)
  const mb = b.mant << BigInt(b.exp - low)
  return ma === mb ? 0 : ma > mb ? larger : -larger
}
