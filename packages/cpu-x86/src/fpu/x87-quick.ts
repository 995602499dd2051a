/**
 * Elementary functions in doubled precision, for results that are certain once they are rounded to 64 bits: what is so near
 * a number of 64 bits, or the middle of two, that an error could matter is left to the exact way (Ziv 1991). Errors stay
 * below 2^-90 of a result; 2^-86 is allowed for.
 */
import { add, divide, evaluate, exponentOf, high, low, multiply, power, set, type Series } from './doubled.ts'
import { atanRatio, expm1, known, log1p, P, sinCos } from './fixed.ts'
import { bitLength, finite, type Num } from './soft.ts'

type Pair = readonly [number, number]
const ONE = 1n << BigInt(P)

/** A fixed-point number as two doubles. */
function pairOf(x: bigint): Pair {
  const cut = P - 300
  const head = Number(x >> BigInt(cut)) * 2 ** -300
  const rest = x - (BigInt(head * 2 ** 300) << BigInt(cut))
  return [head, Number(rest >> BigInt(cut)) * 2 ** -300]
}

/** 1/n! and the like: terms of a series by exact fractions, `wide` of them in two doubles. */
function series(wide: number, denominators: readonly bigint[]): Series {
  const pairs = denominators.map((d) => pairOf(ONE / d))
  return { wide: pairs.slice(0, wide), narrow: pairs.slice(wide).map(([h]) => h) }
}

const factorial = (n: number): bigint => (n < 2 ? 1n : BigInt(n) * factorial(n - 1))
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i)
const alternating = (i: number): bigint => (i % 2 === 0 ? 1n : -1n)

interface Tables {
  readonly ln2: Pair
  readonly perLn2: Pair
  readonly pi: Pair
  readonly half: Pair
  /** pi/2 in parts of 33 bits, and the rest. */
  readonly parts: readonly [number, number, Pair]
  /** 2^(k/32) and that less 1, for k from -32. */
  readonly powers: readonly { readonly value: Pair; readonly less: Pair }[]
  /** Short reciprocals of i/32, and their binary logarithms negated. */
  readonly logs: readonly { readonly by: number; readonly log: Pair }[]
  /** Of k/32. */
  readonly angles: readonly { readonly sin: Pair; readonly cos: Pair; readonly atan: Pair }[]
  readonly exponential: Series
  readonly logarithm: Series
  readonly sine: Series
  readonly cosine: Series
  readonly arc: Series
}

let made: Tables | undefined

function tables(): Tables {
  if (made !== undefined) return made
  const { pi, ln2 } = known()
  const scaled = 2 ** 32
  const p1 = Math.floor((Math.PI / 2) * scaled) / scaled
  const after = pi / 2n - (BigInt(p1 * scaled) << BigInt(P - 32))
  const p2 = Number(after >> BigInt(P - 65)) * 2 ** -65
  const p3 = pairOf(after - ((after >> BigInt(P - 65)) << BigInt(P - 65)))
  const angles = upTo(33).map((k) => {
    const { sin, cos } = sinCos((BigInt(k) * ONE) / 32n - (k === 32 ? 1n : 0n))
    return { sin: pairOf(sin), cos: pairOf(cos), atan: pairOf(k === 0 ? 0n : atanRatio(BigInt(k), 32n)) }
  })
  const logs = upTo(47).map((i) => {
    const by = i < 20 ? 1 : Math.round((1024 * 32) / i) / 1024
    const ln = log1p(BigInt(Math.round(by * 1024)) * (ONE / 1024n) - ONE)
    return { by, log: pairOf((-ln * ONE) / ln2) }
  })
  const powers = upTo(65).map((i) => {
    const k = BigInt(i - 32)
    // In two steps: the series is for numbers below one.
    const root = expm1((k * ln2) / 64n)
    const less = (root * root) / ONE + 2n * root
    return { value: pairOf(ONE + less), less: pairOf(less) }
  })
  made = {
    ln2: pairOf(ln2),
    perLn2: pairOf((ONE * ONE) / ln2),
    pi: pairOf(pi),
    half: pairOf(pi / 2n),
    parts: [p1, p2, p3],
    powers,
    logs,
    angles,
    exponential: series(
      8,
      upTo(14).map((n) => factorial(n + 1)),
    ),
    logarithm: series(
      5,
      upTo(10).map((n) => BigInt(2 * n + 1)),
    ),
    sine: series(
      5,
      upTo(10).map((n) => alternating(n) * factorial(2 * n + 1)),
    ),
    cosine: series(
      5,
      upTo(10).map((n) => alternating(n) * factorial(2 * n)),
    ),
    arc: series(
      5,
      upTo(10).map((n) => alternating(n) * BigInt(2 * n + 1)),
    ),
  }
  return made
}

/** How far below its first bit a result is known. */
const KEPT = 96
/** In units of the last bit kept. */
const DOUBT = 2 ** (KEPT - 86)

/** The last result times 2^exp as a number that is not exact, if that is sure to round as the true one. */
function certain(exp = 0): Num | undefined {
  const sign = high < 0 ? 1 : 0
  const [h, l] = sign === 1 ? [-high, -low] : [high, low]
  if (!(h > 1e-200 && h < 1e200)) return undefined
  const shift = KEPT - 1 - exponentOf(h)
  const scale = power(shift)
  const mant = BigInt(h * scale) + BigInt(Math.floor(l * scale))
  const below = 2 ** (bitLength(mant) - 64)
  const rest = Number(BigInt.asUintN(40, mant)) % below
  const middle = below / 2
  if (rest < DOUBT || below - rest < DOUBT || Math.abs(rest - middle) < DOUBT) return undefined
  return finite(sign, (mant << 1n) | 1n, exp - shift - 1)
}

/** Significand of a number with a given exponent of its leading bit, as two doubles. */
function take(n: Num, top: number): Pair {
  const length = bitLength(n.mant)
  const mant = length < 64 ? n.mant << BigInt(64 - length) : n.mant
  const scale = power(top - 63) * (n.sign === 1 ? -1 : 1)
  return [Number((mant >> 11n) << 11n) * scale, Number(mant & 0x7ffn) * scale]
}

const topOf = (n: Num): number => n.exp + bitLength(n.mant) - 1
/** Numbers that are taken as they are. */
const isModerate = (n: Num, largest: number): boolean => {
  const top = topOf(n)
  return top > -60 && top < largest && bitLength(n.mant) <= 64
}

/** 2^x - 1 for |x| < 1. */
export function quickPower(x: Num): Num | undefined {
  if (!isModerate(x, 0)) return undefined
  const { ln2, exponential, powers } = tables()
  const [xh, xl] = take(x, topOf(x))
  const k = Math.round(xh * 32)
  add(xh, xl, -k / 32, 0)
  multiply(high, low, ...ln2)
  const [rh, rl] = [high, low]
  evaluate(exponential, rh, rl)
  multiply(high, low, rh, rl)
  if (k !== 0) {
    const { value, less } = powers[k + 32]!
    multiply(high, low, ...value)
    add(high, low, ...less)
  }
  return certain()
}

/** y log2(x): x is positive and no power of two. */
export function quickLog(x: Num, y: Num): Num | undefined {
  if (bitLength(x.mant) > 64) return undefined
  const [mh, ml] = take(x, 0)
  const k = topOf(x)
  return mh > 1.4 ? logTimes(mh / 2, ml / 2, k + 1, y) : logTimes(mh, ml, k, y)
}

/** y log2(1 + x), for x above -0.3 and below 0.4. */
export function quickLog1(x: Num, y: Num): Num | undefined {
  if (!isModerate(x, 0)) return undefined
  const [xh, xl] = take(x, topOf(x))
  if (xh < -0.29 || xh > 0.39) return undefined
  if (Math.abs(xh) < 1 / 70) return logOf(xh, xl, 32, 0, y)
  add(1, 0, xh, xl)
  return logTimes(high, low, 0, y)
}

function logTimes(mh: number, ml: number, k: number, y: Num): Num | undefined {
  const i = Math.round(mh * 32)
  multiply(mh, ml, tables().logs[i]!.by, 0)
  add(high, low, -1, 0)
  return logOf(high, low, i, k, y)
}

/** y (k + log2 of a table's entry + log2(1 + r)). */
function logOf(rh: number, rl: number, i: number, k: number, y: Num): Num | undefined {
  const { logarithm, perLn2, logs } = tables()
  add(2, 0, rh, rl)
  divide(rh, rl, high, low)
  const [sh, sl] = [high, low]
  multiply(sh, sl, sh, sl)
  evaluate(logarithm, high, low)
  multiply(high, low, sh, sl)
  multiply(2 * high, 2 * low, ...perLn2)
  if (i !== 32) add(high, low, ...logs[i]!.log)
  if (k !== 0) add(k, 0, high, low)
  if (bitLength(y.mant) > 64) return undefined
  multiply(high, low, ...take(y, 0))
  return certain(topOf(y))
}

export interface QuickAngle {
  readonly sin: Num | undefined
  readonly cos: Num | undefined
  readonly tan: Num | undefined
}

export function quickAngle(x: Num): QuickAngle | undefined {
  if (!isModerate(x, 16)) return undefined
  const { parts, sine, cosine, angles } = tables()
  const [xh, xl] = take(x, topOf(x))
  const turns = Math.round(xh / (Math.PI / 2))
  set(xh, xl)
  if (turns !== 0) {
    add(high, low, -turns * parts[0], 0)
    add(high, low, -turns * parts[1], 0)
    const [h, l] = [high, low]
    multiply(-turns, 0, ...parts[2])
    add(h, l, high, low)
    // What is left of so much has lost too many bits.
    if (Math.abs(high) < 2 ** -10) return undefined
  }
  const negative = high < 0
  const [ah, al] = negative ? [-high, -low] : [high, low]
  const k = Math.round(ah * 32)
  add(ah, al, -k / 32, 0)
  const [bh, bl] = [high, low]
  multiply(bh, bl, bh, bl)
  const [qh, ql] = [high, low]
  evaluate(sine, qh, ql)
  multiply(high, low, bh, bl)
  const sinB: Pair = [high, low]
  evaluate(cosine, qh, ql)
  const cosB: Pair = [high, low]
  const { sin: s, cos: c } = angles[k]!
  let sin: Pair = sinB
  let cos: Pair = cosB
  if (k !== 0) {
    sin = sumOfProducts(s, cosB, c, sinB, 1)
    cos = sumOfProducts(c, cosB, s, sinB, -1)
  }
  if (negative) sin = [-sin[0], -sin[1]]
  const quarter = ((turns % 4) + 4) % 4
  const minus = ([h, l]: Pair): Pair => [-h, -l]
  const [first, second] = [
    [sin, cos],
    [cos, minus(sin)],
    [minus(sin), minus(cos)],
    [minus(cos), sin],
  ][quarter] as [Pair, Pair]
  divide(...first, ...second)
  const tan = certain()
  set(...first)
  const sinX = certain()
  set(...second)
  return { sin: sinX, cos: certain(), tan }
}

/** a b + sign c d */
function sumOfProducts(a: Pair, b: Pair, c: Pair, d: Pair, sign: 1 | -1): Pair {
  multiply(...a, ...b)
  const [h, l] = [high, low]
  multiply(...c, ...d)
  add(h, l, sign * high, sign * low)
  return [high, low]
}

/** The angle of (x, y), both finite and not zero, with y's sign. */
export function quickArc(x: Num, y: Num): Num | undefined {
  const apart = topOf(y) - topOf(x)
  if (Math.abs(apart) > 58 || bitLength(x.mant) > 64 || bitLength(y.mant) > 64) return undefined
  const { angles, arc, half, pi } = tables()
  const a = take({ ...y, sign: 0 }, apart)
  const b = take({ ...x, sign: 0 }, 0)
  const steep = a[0] > b[0] || (a[0] === b[0] && a[1] > b[1])
  if (steep) divide(...b, ...a)
  else divide(...a, ...b)
  const k = Math.round(high * 32)
  if (k !== 0) {
    const [th, tl] = [high, low]
    multiply(th, tl, k / 32, 0)
    add(1, 0, high, low)
    const [dh, dl] = [high, low]
    add(th, tl, -k / 32, 0)
    divide(high, low, dh, dl)
  }
  const [zh, zl] = [high, low]
  multiply(zh, zl, zh, zl)
  evaluate(arc, high, low)
  multiply(high, low, zh, zl)
  if (k !== 0) add(high, low, ...angles[k]!.atan)
  if (steep) add(...half, -high, -low)
  if (x.sign === 1) add(...pi, -high, -low)
  const angle = certain()
  return angle === undefined ? undefined : { ...angle, sign: y.sign }
}
