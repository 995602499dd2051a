/**
 * F2XM1, FYL2X, FYL2XP1, FSIN, FCOS, FSINCOS, FPTAN, FPATAN: rounded once, from hundreds of bits where fewer (x87-quick.ts)
 * do not decide. So the results are those of exact functions; processors may differ in the last place. SDM vol. 1, 8.3.7 to
 * 8.3.10.
 */
import { atanRatio, expm1, known, log1p, P, sinCos, toFixed } from './fixed.ts'
import {
  bitLength,
  DE,
  EXTENDED,
  finite,
  IE,
  INDEFINITE,
  infinity,
  isDenormal,
  negated,
  PE,
  product,
  quotient,
  sum,
  ZE,
  zero,
  type Num,
} from './soft.ts'
import { quickAngle, quickArc, quickLog, quickLog1, quickPower } from './x87-quick.ts'
import { deliver, guardEmpty, nanOf } from './x87-arith.ts'
import { C2, type X87 } from './x87-state.ts'

const INVALID = { flags: IE, value: INDEFINITE }
const ONE = finite(0, 1n, 0)

/** Position of the leading bit: a number is 2^topOf to 2^(topOf+1). */
const topOf = (n: Num): number => n.exp + bitLength(n.mant) - 1

/** A fixed-point value as a number that is not exact: a last bit stands for what follows. */
function inexact(fixed: bigint): Num {
  const sign = fixed < 0n ? 1 : 0
  const mant = fixed < 0n ? -fixed : fixed
  return finite(sign, (mant << 1n) | 1n, -P - 1)
}

/** A number a little above (or, with -1, below) n in magnitude. */
const nudged = (n: Num, by: 1n | -1n): Num => finite(n.sign, (n.mant << 80n) + by, n.exp - 80)
const signed = (n: Num): bigint => (n.sign === 1 ? -1n : 1n) * toFixed(n.mant, n.exp)

function f2xm1(fpu: X87): void {
  if (guardEmpty(fpu)) return
  const x = fpu.get(0)
  const nan = nanOf(x, x)
  if (nan !== undefined) {
    deliver(fpu, 0, nan)
    return
  }
  fpu.c1(false)
  if (x.kind === 'zero') return
  let flags = isDenormal(x) ? DE : 0
  let value: Num
  if (x.kind === 'inf') value = x.sign === 1 ? negated(ONE) : x
  else if (topOf(x) >= 0) {
    // 1 and -1 are exact; what lies outside is undefined and stays. Processors say inexact to all of them.
    const exact = x.mant === 1n << BigInt(-x.exp)
    value = !exact ? x : x.sign === 0 ? x : finite(1, 1n, -1)
    flags = PE
  } else if (topOf(x) < -80) value = inexactProduct(x, known().ln2)
  else value = quickPower(x) ?? exactPower(x)
  deliver(fpu, 0, { flags, value }, EXTENDED)
}

/** 2^x - 1 for |x| < 1. */
export const exactPower = (x: Num): Num => inexact(expm1((signed(x) * known().ln2) >> BigInt(P)))

/** x times a fixed-point constant, not exact. */
function inexactProduct(x: Num, fixed: bigint): Num {
  return product(x, inexact(fixed))
}

/** Both operands there and neither a NaN; else the answer is given. */
function pair(fpu: X87): { x: Num; y: Num } | undefined {
  if (fpu.empty(0) || fpu.empty(1)) {
    if (!fpu.underflow()) {
      fpu.set(1, INDEFINITE)
      fpu.pop()
    }
    return undefined
  }
  const x = fpu.get(0)
  const y = fpu.get(1)
  const nan = nanOf(x, y)
  if (nan === undefined) return { x, y }
  if (deliver(fpu, 1, nan)) fpu.pop()
  return undefined
}

/** A result for ST(1), then the pop. */
function conclude(fpu: X87, flags: number, value: Num): void {
  if (deliver(fpu, 1, { flags, value }, EXTENDED)) fpu.pop()
}

/** y times a logarithm whose infinities and zeros are exact. */
function timesLog(fpu: X87, x: Num, y: Num, log: Num): void {
  const sign = (y.sign ^ log.sign) as 0 | 1
  const flags = isDenormal(x) || isDenormal(y) ? DE : 0
  if ((log.kind === 'inf' && y.kind === 'zero') || (log.kind === 'zero' && y.kind === 'inf'))
    return conclude(fpu, IE, INDEFINITE)
  if (log.kind === 'inf' || y.kind === 'inf') return conclude(fpu, flags, infinity(sign))
  conclude(fpu, flags, product(y, log))
}

function fyl2x(fpu: X87): void {
  const operands = pair(fpu)
  if (operands === undefined) return
  const { x, y } = operands
  if (x.kind === 'zero') {
    if (y.kind === 'zero') return conclude(fpu, IE, INDEFINITE)
    const result = infinity((y.sign ^ 1) as 0 | 1)
    return conclude(fpu, y.kind === 'inf' ? 0 : ZE, result)
  }
  if (x.sign === 1) return conclude(fpu, IE, INDEFINITE)
  if (x.kind === 'inf') return timesLog(fpu, x, y, x)
  const quick = y.kind === 'finite' && x.mant !== 1n << BigInt(bitLength(x.mant) - 1) ? quickLog(x, y) : undefined
  if (quick !== undefined) return conclude(fpu, isDenormal(x) || isDenormal(y) ? DE : 0, quick)
  timesLog(fpu, x, y, log2(x))
}

/** The logarithm of a positive finite number: exact for powers of two. */
export function log2(x: Num): Num {
  // x = m * 2^k with m around one.
  const length = bitLength(x.mant)
  const k = topOf(x)
  const one = 1n << BigInt(P)
  if (x.mant === 1n << BigInt(length - 1)) return finite(k < 0 ? 1 : 0, BigInt(Math.abs(k)), 0)
  const m = toFixed(x.mant, 1 - length)
  const high = m * 5n > one * 7n
  const ln = log1p((high ? m >> 1n : m) - one)
  return inexact((BigInt(high ? k + 1 : k) << BigInt(P)) + (ln << BigInt(P)) / known().ln2)
}

function fyl2xp1(fpu: X87): void {
  const operands = pair(fpu)
  if (operands === undefined) return
  const { x, y } = operands
  if (x.kind === 'zero') return timesLog(fpu, x, y, x)
  const one = 1n << BigInt(P)
  if (x.kind === 'inf') return x.sign === 1 ? conclude(fpu, IE, INDEFINITE) : timesLog(fpu, x, y, x)
  if (topOf(x) < -90) return timesLog(fpu, x, y, quotient(nudged(x, -1n), inexact(known().ln2)))
  const quick = y.kind === 'finite' ? quickLog1(x, y) : undefined
  if (quick !== undefined) return conclude(fpu, isDenormal(x) || isDenormal(y) ? DE : 0, quick)
  if (x.sign === 0 && topOf(x) > 0) return timesLog(fpu, x, y, log2(sum(x, ONE, fpu.rc)))
  // Outside of its range too the logarithm is given, for x above -1; below, x comes back.
  const total = topOf(x) > 0 ? 0n : one + signed(x)
  if (total <= 0n) {
    if (y.kind === 'inf') return conclude(fpu, 0, infinity((y.sign ^ 1) as 0 | 1))
    return conclude(fpu, PE, x)
  }
  timesLog(fpu, x, y, log2(finite(0, total, -P)))
}

/** An angle in (-pi/4, pi/4] and its quarter turn. */
function reduce(x: Num): { readonly quarter: number; readonly rest: bigint } {
  const half = known().pi >> 1n
  const value = signed(x)
  let quarter = value / half
  let rest = value - quarter * half
  if (2n * rest > half) {
    rest -= half
    quarter += 1n
  } else if (2n * rest < -half) {
    rest += half
    quarter -= 1n
  }
  return { quarter: Number(((quarter % 4n) + 4n) % 4n), rest }
}

interface Angle {
  readonly sin: Num
  readonly cos: Num
  readonly tan: Num
}

/** What is asked for, and the cosine, are right. */
function trigonometry(x: Num, of: keyof Angle): Angle {
  if (x.kind === 'zero') return { sin: x, cos: ONE, tan: x }
  if (topOf(x) < -70) return { sin: nudged(x, -1n), cos: nudged(ONE, -1n), tan: nudged(x, 1n) }
  const quick = quickAngle(x)
  if (quick?.[of] !== undefined && quick.cos !== undefined) return quick as Angle
  return exactAngle(x)
}

export function exactAngle(x: Num): Angle {
  const { quarter, rest } = reduce(x)
  const { sin, cos } = sinCos(rest)
  const pairs: readonly (readonly [bigint, bigint])[] = [
    [sin, cos],
    [cos, -sin],
    [-sin, -cos],
    [-cos, sin],
  ]
  const [s, c] = pairs[quarter]!
  return { sin: inexact(s), cos: inexact(c), tan: quotient(inexact(s), inexact(c)) }
}

/** FSIN, FCOS: one result. */
const single =
  (pick: 'sin' | 'cos') =>
  (fpu: X87): void => {
    if (fpu.empty(0)) {
      if (!fpu.underflow()) {
        fpu.set(0, INDEFINITE)
        fpu.status &= ~C2
      }
      return
    }
    const x = fpu.get(0)
    const answer = nanOf(x, x) ?? (x.kind === 'inf' ? INVALID : undefined)
    if (answer === undefined && topOf(x) >= 63 && x.kind !== 'zero') return outOfRange(fpu)
    fpu.status &= ~C2
    const flags = isDenormal(x) ? DE : 0
    deliver(fpu, 0, answer ?? { flags, value: trigonometry(x, pick)[pick] }, EXTENDED)
  }

function outOfRange(fpu: X87): void {
  fpu.c1(false)
  fpu.status |= C2
}

/** FSINCOS, FPTAN: a second result is pushed. */
const double =
  (first: 'sin' | 'tan') =>
  (fpu: X87): void => {
    const both = (n: Num): void => {
      fpu.set(0, n)
      fpu.top = fpu.top - 1
      fpu.set(0, n)
      fpu.status &= ~C2
    }
    if (fpu.empty(0)) {
      if (!fpu.underflow()) both(INDEFINITE)
      return
    }
    if (!fpu.empty(7)) {
      if (fpu.push() === 'indefinite') fpu.set(1, INDEFINITE)
      fpu.status &= ~C2
      return
    }
    const x = fpu.get(0)
    const answer = nanOf(x, x) ?? (x.kind === 'inf' ? INVALID : undefined)
    fpu.c1(false)
    if (answer !== undefined) {
      if (!fpu.raise(answer.flags)) both(answer.value)
      return
    }
    if (x.kind !== 'zero' && topOf(x) >= 63) return outOfRange(fpu)
    if (fpu.raise(isDenormal(x) ? DE : 0)) return
    const t = trigonometry(x, first)
    fpu.set(0, fpu.finish(t[first], EXTENDED))
    const second = first === 'tan' ? ONE : fpu.finish(t.cos, EXTENDED)
    fpu.top = fpu.top - 1
    fpu.set(0, second)
    fpu.status &= ~C2
  }

/** The angle of (x, y), both finite and not zero, with y's sign. */
export function exactArc(x: Num, y: Num): Num {
  const { pi } = known()
  const low = Math.min(x.exp, y.exp)
  const n = y.mant << BigInt(y.exp - low)
  const d = x.mant << BigInt(x.exp - low)
  let a = n <= d ? atanRatio(n, d) : pi / 2n - atanRatio(d, n)
  if (x.sign === 1) a = pi - a
  return { ...inexact(a), sign: y.sign }
}

/** The angle of (x, y) = (ST(0), ST(1)). */
function fpatan(fpu: X87): void {
  const operands = pair(fpu)
  if (operands === undefined) return
  const { x, y } = operands
  const flags = isDenormal(x) || isDenormal(y) ? DE : 0
  const { pi } = known()
  const angle = (fixed: bigint): Num => ({ ...inexact(fixed), sign: y.sign })
  const conclusion = (value: Num): void => conclude(fpu, flags, value)
  if (y.kind === 'zero' || (x.kind === 'inf' && y.kind !== 'inf'))
    return conclusion(x.sign === 1 ? angle(pi) : zero(y.sign))
  if (y.kind === 'inf' && x.kind === 'inf') return conclusion(angle(x.sign === 1 ? (3n * pi) / 4n : pi / 4n))
  if (y.kind === 'inf' || x.kind === 'zero') return conclusion(angle(pi / 2n))
  const apart = topOf(y) - topOf(x)
  // Too far apart for fixed point: y/x itself, or so close to the axis that only rounding sees it.
  if (apart < -90) {
    if (x.sign === 1) return conclusion(angle(pi - 1n))
    const ratio = quotient(y, x)
    return conclusion({ ...nudged(ratio, -1n), sign: y.sign })
  }
  if (apart > 90) return conclusion(angle(pi / 2n + (x.sign === 1 ? 1n : -1n)))
  const quick = quickArc(x, y)
  if (quick !== undefined) return conclusion(quick)
  conclusion(exactArc(x, y))
}

export const TRANSCENDENTAL: Readonly<Record<string, (fpu: X87) => void>> = {
  f2xm1,
  fyl2x,
  fyl2xp1,
  fsin: single('sin'),
  fcos: single('cos'),
  fsincos: double('sin'),
  fptan: double('tan'),
  fpatan,
}
