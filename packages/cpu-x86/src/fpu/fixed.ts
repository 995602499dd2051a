/** Elementary functions on fixed-point numbers: BigInts in units of 2^-P. Errors are a few units; P leaves 100 bits to spare. */

export const P = 400
const BITS = BigInt(P)
const ONE = 1n << BITS
const mul = (a: bigint, b: bigint): bigint => (a * b) >> BITS
const div = (a: bigint, b: bigint): bigint => (a << BITS) / b

/** atan(1/n). */
function atanInverse(n: bigint): bigint {
  let power = ONE / n
  let total = power
  const square = n * n
  for (let k = 3n, sign = -1n; power !== 0n; k += 2n, sign = -sign) {
    power /= square
    total += (sign * power) / k
  }
  return total
}

/** atanh(z), for |z| up to a half or so. */
function atanh(z: bigint): bigint {
  const square = mul(z, z)
  let power = z
  let total = z
  for (let k = 3n; power !== 0n && power !== -1n; k += 2n) {
    power = mul(power, square)
    total += power / k
  }
  return total
}

let constants: { readonly pi: bigint; readonly ln2: bigint } | undefined

/** pi and ln 2. */
export function known(): { readonly pi: bigint; readonly ln2: bigint } {
  constants ??= { pi: 4n * (4n * atanInverse(5n) - atanInverse(239n)), ln2: 2n * atanh(ONE / 3n) }
  return constants
}

/** ln(1 + x), for 1 + x between a half and two. */
export const log1p = (x: bigint): bigint => 2n * atanh(div(x, 2n * ONE + x))

/** e^x - 1, for |x| below one. */
export function expm1(x: bigint): bigint {
  let term = x
  let total = x
  for (let k = 2n; term !== 0n && term !== -1n; k++) {
    term = mul(term, x) / k
    total += term
  }
  return total
}

/** Sine and cosine of |x| below one. */
export function sinCos(x: bigint): { readonly sin: bigint; readonly cos: bigint } {
  const square = mul(x, x)
  const series = (first: bigint, k0: bigint): bigint => {
    let term = first
    let total = first
    for (let k = k0; term !== 0n && term !== -1n; k += 2n) {
      term = -mul(term, square) / (k * (k + 1n))
      total += term
    }
    return total
  }
  return { sin: series(x, 2n), cos: series(ONE, 1n) }
}

/** atan(n/d) for 0 <= n <= d. */
export function atanRatio(n: bigint, d: bigint): bigint {
  let t = (n << BITS) / d
  // Halving the angle three times: tan(a/2) = t / (1 + sqrt(1 + t^2)).
  for (let i = 0; i < 3; i++) t = div(t, ONE + sqrt(ONE + mul(t, t)))
  const square = mul(t, t)
  let power = t
  let total = t
  for (let k = 3n, sign = -1n; power !== 0n; k += 2n, sign = -sign) {
    power = mul(power, square)
    total += (sign * power) / k
  }
  return total << 3n
}

function sqrt(x: bigint): bigint {
  const n = x << BITS
  let r = 1n << BigInt((n.toString(2).length + 1) >> 1)
  for (;;) {
    const next = (r + n / r) >> 1n
    if (next >= r) return r
    r = next
  }
}

/** x * 2^exp in fixed point. */
export const toFixed = (mant: bigint, exp: number): bigint =>
  exp + P >= 0 ? mant << BigInt(exp + P) : mant >> BigInt(-exp - P)
