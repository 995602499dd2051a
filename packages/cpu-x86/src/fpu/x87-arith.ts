/** Add to square root, comparisons, and what else works on ST(0) and ST(1) exactly. */
import {
  CHOP,
  DE,
  EXTENDED,
  finite,
  IE,
  INDEFINITE,
  infinity,
  isDenormal,
  isSignaling,
  negated,
  order,
  PE,
  product,
  quieted,
  quotient,
  root,
  sum,
  toInteger,
  ZE,
  zero,
  bitLength,
  type Num,
} from './soft.ts'
import { C0, C1, C2, C3, type X87 } from './x87-state.ts'

export const ARITH = ['add', 'mul', 'sub', 'subr', 'div', 'divr'] as const
export type Arith = (typeof ARITH)[number]

/** Flags raised before rounding and an exact value. */
interface Outcome {
  readonly flags: number
  readonly value: Num
}

const INVALID: Outcome = { flags: IE, value: INDEFINITE }

/** What one or two NaNs or unsupported encodings give. */
export function nanOf(a: Num, b: Num): Outcome | undefined {
  if (a.kind === 'bad' || b.kind === 'bad') return INVALID
  if (a.kind !== 'nan' && b.kind !== 'nan') return undefined
  const flags = isSignaling(a) || isSignaling(b) ? IE : 0
  if (a.kind !== 'nan') return { flags, value: quieted(b) }
  if (b.kind !== 'nan') return { flags, value: quieted(a) }
  // A quiet NaN wins over a signalling one, else the larger significand, else the positive one.
  if (isSignaling(a) !== isSignaling(b)) return { flags, value: isSignaling(a) ? b : a }
  if (a.mant !== b.mant) return { flags, value: quieted(a.mant > b.mant ? a : b) }
  return { flags, value: quieted(a.sign === 0 ? a : b) }
}

function compute(op: Arith, x: Num, y: Num, rc: number): Outcome {
  const nan = nanOf(x, y)
  if (nan !== undefined) return nan
  let [a, b] = [x, y]
  if (op === 'subr' || op === 'divr') [a, b] = [y, x]
  if (op === 'sub' || op === 'subr') b = negated(b)
  const de = isDenormal(a) || isDenormal(b) ? DE : 0
  const sign = (a.sign ^ b.sign) as 0 | 1
  if (op === 'mul') {
    if ((a.kind === 'inf' && b.kind === 'zero') || (a.kind === 'zero' && b.kind === 'inf')) return INVALID
    if (a.kind === 'inf' || b.kind === 'inf') return { flags: de, value: infinity(sign) }
    return { flags: de, value: product(a, b) }
  }
  if (op === 'div' || op === 'divr') {
    if (a.kind === b.kind && (a.kind === 'inf' || a.kind === 'zero')) return INVALID
    if (a.kind === 'inf') return { flags: de, value: infinity(sign) }
    if (b.kind === 'inf') return { flags: de, value: zero(sign) }
    if (b.kind === 'zero') return { flags: ZE | de, value: infinity(sign) }
    if (a.kind === 'zero') return { flags: de, value: zero(sign) }
    return { flags: de, value: quotient(a, b) }
  }
  if (a.kind === 'inf' && b.kind === 'inf' && sign === 1) return INVALID
  if (a.kind === 'inf' || b.kind === 'inf') return { flags: de, value: a.kind === 'inf' ? a : b }
  return { flags: de, value: sum(a, b, rc) }
}

/** Flags and value into ST(to); false if an unmasked exception left it alone. */
export function deliver(fpu: X87, to: number, { flags, value }: Outcome, format = fpu.format): boolean {
  fpu.c1(false)
  if (fpu.raise(flags)) return false
  if (value.kind === 'nan') fpu.set(to, value)
  else fpu.set(to, fpu.finish(value, format))
  return true
}

/** ST(to) = ST(to) op ST(from). */
export function arithRegisters(fpu: X87, op: Arith, to: number, from: number, pop: boolean): void {
  if (fpu.empty(to) || fpu.empty(from)) {
    if (fpu.underflow()) return
    fpu.set(to, INDEFINITE)
  } else if (!deliver(fpu, to, compute(op, fpu.get(to), fpu.get(from), fpu.rc))) return
  if (pop) fpu.pop()
}

/** ST(0) = ST(0) op a value from memory. */
export function arithMemory(fpu: X87, op: Arith, value: Num): void {
  if (fpu.empty(0)) {
    if (!fpu.underflow()) fpu.set(0, INDEFINITE)
    return
  }
  deliver(fpu, 0, compute(op, fpu.get(0), value, fpu.rc))
}

/** Outcome of a comparison: 0 greater, 1 less, 2 equal, 3 unordered. */
const UNORDERED = 3
/** Added when an unmasked exception keeps the operands on the stack. */
export const STAYS = 4

/** An outcome, perhaps with STAYS; -1 if nothing at all is to be done (unmasked denormal operand). */
export function compareNumbers(fpu: X87, a: Num | undefined, b: Num | undefined, quiet: boolean): number {
  const unordered = (unmasked: boolean): number => (unmasked ? UNORDERED | STAYS : UNORDERED)
  if (a === undefined || b === undefined) return unordered(fpu.underflow())
  if (a.kind === 'bad' || b.kind === 'bad') return unordered(fpu.raise(IE))
  if (a.kind === 'nan' || b.kind === 'nan') {
    if (quiet && !isSignaling(a) && !isSignaling(b)) return UNORDERED
    return unordered(fpu.raise(IE))
  }
  if ((isDenormal(a) || isDenormal(b)) && fpu.raise(DE)) return -1
  const c = order(a, b)
  return c === 0 ? 2 : c < 0 ? 1 : 0
}

const CODES = [0, C0, C3, C0 | C2 | C3]

/** Condition codes of FCOM. */
export function compareCodes(fpu: X87, a: Num | undefined, b: Num | undefined, quiet: boolean, pops: number): void {
  fpu.c1(false)
  const r = compareNumbers(fpu, a, b, quiet)
  if (r < 0) return
  fpu.conditions(CODES[r & 3]!)
  if (r < STAYS) for (let i = 0; i < pops; i++) fpu.pop()
}

export function fxam(fpu: X87): void {
  const n = fpu.get(0)
  const sign = n.sign === 1 ? C1 : 0
  if (fpu.empty(0)) return fpu.conditions(C3 | C0 | sign)
  const codes = { bad: 0, nan: C0, finite: C2, inf: C2 | C0, zero: C3 } as const
  fpu.conditions((isDenormal(n) ? C3 | C2 : codes[n.kind]) | sign)
}

export function fsqrt(fpu: X87): void {
  if (guardEmpty(fpu)) return
  const n = fpu.get(0)
  const nan = nanOf(n, n)
  const de = isDenormal(n) ? DE : 0
  if (nan !== undefined) deliver(fpu, 0, nan)
  else if (n.kind === 'zero') fpu.c1(false)
  else if (n.sign === 1) deliver(fpu, 0, INVALID)
  else deliver(fpu, 0, { flags: de, value: n.kind === 'inf' ? n : root(n) })
}

/** The masked answer to an empty ST(0); true if it is empty. */
export function guardEmpty(fpu: X87): boolean {
  if (!fpu.empty(0)) return false
  if (!fpu.underflow()) fpu.set(0, INDEFINITE)
  return true
}

export function frndint(fpu: X87): void {
  if (guardEmpty(fpu)) return
  const n = fpu.get(0)
  const nan = nanOf(n, n)
  fpu.c1(false)
  if (nan !== undefined) {
    deliver(fpu, 0, nan)
    return
  }
  if (n.kind !== 'finite') return
  if (isDenormal(n) && fpu.raise(DE)) return
  if (n.exp >= 0) return
  const r = toInteger(n, fpu.rc)
  fpu.set(0, finite(n.sign, r.value < 0n ? -r.value : r.value, 0))
  if (r.inexact) {
    fpu.c1(r.up)
    fpu.raise(PE)
  }
}

export function fscale(fpu: X87): void {
  if (fpu.empty(0) || fpu.empty(1)) {
    if (!fpu.underflow()) fpu.set(0, INDEFINITE)
    return
  }
  const a = fpu.get(0)
  const b = fpu.get(1)
  const nan = nanOf(a, b)
  if (nan !== undefined) {
    deliver(fpu, 0, nan)
    return
  }
  const flags = isDenormal(a) || isDenormal(b) ? DE : 0
  let value: Num = a
  if (b.kind === 'inf') {
    if ((b.sign === 0 && a.kind === 'zero') || (b.sign === 1 && a.kind === 'inf')) {
      deliver(fpu, 0, INVALID)
      return
    }
    value = b.sign === 0 ? infinity(a.sign) : zero(a.sign)
  } else if (a.kind === 'finite' && b.kind === 'finite') {
    const whole = b.exp > 20 ? (b.sign === 1 ? -(1n << 20n) : 1n << 20n) : toInteger(b, CHOP).value
    const by = Number(whole < -100000n ? -100000n : whole > 100000n ? 100000n : whole)
    value = finite(a.sign, a.mant, a.exp + by)
  }
  deliver(fpu, 0, { flags, value }, EXTENDED)
}

export function fxtract(fpu: X87): void {
  if (fpu.empty(0)) {
    if (fpu.underflow()) return
    fpu.set(0, INDEFINITE)
    fpu.top = fpu.top - 1
    fpu.set(0, INDEFINITE)
    return
  }
  if (!fpu.empty(7)) {
    const answer = fpu.push()
    if (answer === 'indefinite') fpu.set(1, INDEFINITE)
    return
  }
  const n = fpu.get(0)
  const nan = nanOf(n, n)
  let exponent: Num
  let significand: Num
  let flags = 0
  if (nan !== undefined) [exponent, significand, flags] = [nan.value, nan.value, nan.flags]
  else if (n.kind === 'inf') [exponent, significand] = [infinity(0), n]
  else if (n.kind === 'zero') [exponent, significand, flags] = [infinity(1), n, ZE]
  else {
    const e = n.exp + bitLength(n.mant) - 1
    exponent = finite(e < 0 ? 1 : 0, BigInt(Math.abs(e)), 0)
    significand = finite(n.sign, n.mant, n.exp - e)
    flags = isDenormal(n) ? DE : 0
  }
  fpu.c1(false)
  if (fpu.raise(flags)) return
  fpu.set(0, exponent)
  fpu.top = fpu.top - 1
  fpu.set(0, significand)
}

/** FPREM (quotient chopped) and FPREM1 (nearest). */
export function remainder(fpu: X87, nearest: boolean): void {
  if (fpu.empty(0) || fpu.empty(1)) {
    if (fpu.underflow()) return
    fpu.set(0, INDEFINITE)
    fpu.status &= ~C2
    return
  }
  const a = fpu.get(0)
  const b = fpu.get(1)
  const nan = nanOf(a, b)
  if (nan !== undefined) {
    if (deliver(fpu, 0, nan)) fpu.status &= ~C2
    return
  }
  if (a.kind === 'inf' || b.kind === 'zero') {
    if (deliver(fpu, 0, INVALID)) fpu.status &= ~C2
    return
  }
  fpu.c1(false)
  if (fpu.raise(isDenormal(a) || isDenormal(b) ? DE : 0)) return
  if (a.kind === 'zero' || b.kind === 'inf') {
    fpu.conditions(0)
    // A denormal passes through the rounding: it is the same.
    if (a.kind === 'finite') fpu.set(0, fpu.finish(a, EXTENDED))
    return
  }
  const distance = a.exp + bitLength(a.mant) - (b.exp + bitLength(b.mant))
  const low = Math.min(a.exp, b.exp)
  const x = a.mant << BigInt(a.exp - low)
  const y = b.mant << BigInt(b.exp - low)
  if (distance < 64) {
    let q = x / y
    let r = x - q * y
    let sign = a.sign
    if (nearest && (2n * r > y || (2n * r === y && (q & 1n) === 1n))) {
      q += 1n
      r = y - r
      sign = (sign ^ 1) as 0 | 1
    }
    fpu.conditions(((q & 1n) !== 0n ? C1 : 0) | ((q & 2n) !== 0n ? C3 : 0) | ((q & 4n) !== 0n ? C0 : 0))
    const codes = fpu.status & (C0 | C1 | C3)
    fpu.set(0, fpu.finish(r === 0n ? zero(a.sign) : finite(sign, r, low), EXTENDED))
    fpu.status = (fpu.status & ~(C0 | C1 | C3)) | codes
    return
  }
  // Part of the way: so many bits of the quotient at once.
  const steps = 32 + (distance % 32)
  const unit = y << BigInt(distance - steps)
  const rest = x - (x / unit) * unit
  fpu.set(0, fpu.finish(rest === 0n ? zero(a.sign) : finite(a.sign, rest, low), EXTENDED))
  fpu.conditions(C2)
}
