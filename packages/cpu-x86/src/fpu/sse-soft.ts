/** SSE arithmetic in software, for MXCSR modes that WebAssembly does not have. Operands and results in S.temp. */
import { S } from '../state.ts'
import {
  CHOP,
  DE,
  DOUBLE,
  IE,
  INDEFINITE,
  infinity,
  isDenormal,
  isSignaling,
  negated,
  order,
  pack,
  PE,
  product,
  quieted,
  quotient,
  root,
  round,
  SINGLE,
  sum,
  toInteger,
  UE,
  unpack,
  ZE,
  zero,
  type Format,
  type Num,
} from './soft.ts'
import { SOFT_CODES } from './sse-codes.ts'

/** One instruction's arithmetic under a mode. */
export class SseSoft {
  readonly rc: number
  readonly daz: boolean
  readonly ftz: boolean
  readonly masks: number
  flags = 0

  constructor(mxcsr: number) {
    this.rc = (mxcsr >> 13) & 3
    this.daz = (mxcsr & 0x40) !== 0
    this.ftz = (mxcsr & 0x8000) !== 0
    this.masks = (mxcsr >> 7) & 63
  }

  read(bits: bigint, f: Format): Num {
    const n = unpack(bits, f)
    return this.daz && isDenormal(n) ? zero(n.sign) : n
  }

  finish(n: Num, f: Format): bigint {
    if (n.kind === 'nan') return pack(n, f)
    const r = round(n, f, this.rc)
    if (r.tiny && (this.masks & UE) === 0) this.flags |= UE
    if (r.tiny && this.ftz && (this.masks & UE) !== 0) {
      this.flags |= UE | PE
      return pack(zero(n.sign), f)
    }
    this.flags |= r.flags
    return pack(r.value, f)
  }

  /** The NaN that an operation on a and b gives, if one of them is a NaN: the first operand's, quieted. */
  nan(a: Num, b: Num): Num | undefined {
    if (a.kind !== 'nan' && b.kind !== 'nan') return undefined
    if (isSignaling(a) || isSignaling(b)) this.flags |= IE
    return quieted(a.kind === 'nan' ? a : b)
  }

  denormals(...all: Num[]): void {
    if (all.some(isDenormal)) this.flags |= DE
  }

  invalid(): Num {
    this.flags |= IE
    return INDEFINITE
  }

  add(a: Num, b: Num): Num {
    const nan = this.nan(a, b)
    if (nan !== undefined) return nan
    if (a.kind === 'inf' && b.kind === 'inf' && a.sign !== b.sign) return this.invalid()
    this.denormals(a, b)
    if (a.kind === 'inf') return a
    if (b.kind === 'inf') return b
    return sum(a, b, this.rc)
  }

  sub(a: Num, b: Num): Num {
    return this.nan(a, b) ?? this.add(a, negated(b))
  }

  mul(a: Num, b: Num): Num {
    const nan = this.nan(a, b)
    if (nan !== undefined) return nan
    if ((a.kind === 'inf' && b.kind === 'zero') || (a.kind === 'zero' && b.kind === 'inf')) return this.invalid()
    this.denormals(a, b)
    if (a.kind === 'inf' || b.kind === 'inf') return infinity((a.sign ^ b.sign) as 0 | 1)
    return product(a, b)
  }

  div(a: Num, b: Num): Num {
    const nan = this.nan(a, b)
    if (nan !== undefined) return nan
    const sign = (a.sign ^ b.sign) as 0 | 1
    if (a.kind === b.kind && (a.kind === 'inf' || a.kind === 'zero')) return this.invalid()
    if (b.kind === 'zero' && a.kind === 'finite') {
      this.flags |= ZE
      return infinity(sign)
    }
    this.denormals(a, b)
    if (a.kind === 'inf') return infinity(sign)
    if (b.kind === 'inf' || a.kind === 'zero') return zero(sign)
    return quotient(a, b)
  }

  sqrt(_: Num, b: Num): Num {
    const nan = this.nan(b, b)
    if (nan !== undefined) return nan
    if (b.kind === 'zero') return b
    if (b.sign === 1) return this.invalid()
    this.denormals(b)
    return b.kind === 'inf' ? b : root(b)
  }

  /** -1, 0, 1, or undefined for unordered. Quiet comparisons signal only for signalling NaNs. */
  compare(a: Num, b: Num, quiet: boolean): number | undefined {
    if (a.kind === 'nan' || b.kind === 'nan') {
      if (!quiet || isSignaling(a) || isSignaling(b)) this.flags |= IE
      return undefined
    }
    this.denormals(a, b)
    return order(a, b)
  }

  /** An integer of so many bits as an unsigned field; 0x80... for what does not fit. */
  integer(n: Num, bits: number, rc: number): bigint {
    if (n.kind !== 'nan' && n.kind !== 'inf' && n.exp < 70) {
      const r = toInteger(n, rc)
      if (BigInt.asIntN(bits, r.value) === r.value) {
        if (r.inexact) this.flags |= PE
        return BigInt.asUintN(bits, r.value)
      }
    }
    this.flags |= IE
    return 1n << BigInt(bits - 1)
  }

  convert(n: Num, f: Format): bigint {
    if (n.kind === 'nan') {
      if (n.special) this.flags |= IE
      return pack(quieted(n), f)
    }
    this.denormals(n)
    return this.finish(n, f)
  }

  roundToIntegral(n: Num, imm: number, f: Format): bigint {
    if (n.kind === 'nan') return pack(this.nan(n, n)!, f)
    if (n.kind !== 'finite' || n.exp >= 0) return pack(n, f)
    const r = toInteger(n, (imm & 4) !== 0 ? this.rc : imm & 3)
    if (r.inexact && (imm & 8) === 0) this.flags |= PE
    const m = r.value < 0n ? -r.value : r.value
    return pack(m === 0n ? zero(n.sign) : { kind: 'finite', sign: n.sign, mant: m, exp: 0, special: false }, f)
  }
}

const fmt = (letter: string): Format => (letter === 's' ? SINGLE : DOUBLE)
const fromInteger = (n: bigint): Num => ({
  kind: n === 0n ? 'zero' : 'finite',
  sign: n < 0n ? 1 : 0,
  mant: n < 0n ? -n : n,
  exp: 0,
  special: false,
})

/** Does operation `code` on slots 0 and 1; the result goes to slot 2. Gives the flags that it raised. */
export function softArithmetic(view: DataView, base: number, code: number, imm: number): number {
  const soft = new SseSoft(view.getUint32(base + S.mxcsr, true))
  const name = SOFT_CODES[code]!
  const at = base + S.temp
  const get = (slot: number, i: number, bits: number): bigint =>
    bits === 32 ? BigInt(view.getUint32(at + slot * 16 + i * 4, true)) : view.getBigUint64(at + slot * 16 + i * 8, true)
  const out: [number, bigint, number][] = []
  const put = (i: number, bits: number, value: bigint): void => {
    out.push([i, value, bits])
  }
  run(soft, name, imm, get, put)
  if ((soft.flags & ~soft.masks) === 0) {
    view.setBigUint64(at + 32, 0n, true)
    view.setBigUint64(at + 40, 0n, true)
    for (const [i, value, bits] of out) {
      if (bits === 32) view.setUint32(at + 32 + i * 4, Number(value), true)
      else view.setBigUint64(at + 32 + i * 8, value, true)
    }
  }
  return soft.flags
}

type Get = (slot: number, i: number, bits: number) => bigint
type Put = (i: number, bits: number, value: bigint) => void

function run(soft: SseSoft, name: string, imm: number, get: Get, put: Put): void {
  const conversion = /^cvt/.test(name)
  if (conversion) return convert(soft, name, get, put)
  const [, op, kind] = /^(.*)([ps][sd])$/.exec(name)!
  const f = fmt(kind![1]!)
  const bits = f === SINGLE ? 32 : 64
  const count = kind![0] === 's' ? 1 : 128 / bits
  const a = (i: number): Num => soft.read(get(0, i, bits), f)
  const b = (i: number): Num => soft.read(get(1, i, bits), f)
  for (let i = 0; i < count; i++) {
    switch (op) {
      case 'add':
      case 'sub':
      case 'mul':
      case 'div':
        put(i, bits, soft.finish(soft[op](a(i), b(i)), f))
        break
      case 'addsub':
        put(i, bits, soft.finish(soft[i % 2 === 0 ? 'sub' : 'add'](a(i), b(i)), f))
        break
      case 'hadd':
      case 'hsub': {
        const from = i < count / 2 ? a : b
        const k = (i * 2) % count
        put(i, bits, soft.finish(soft[op === 'hadd' ? 'add' : 'sub'](from(k), from(k + 1)), f))
        break
      }
      case 'min':
      case 'max': {
        const x = a(i)
        const y = b(i)
        const c = soft.compare(x, y, false)
        put(i, bits, pack(c !== undefined && (op === 'min' ? c < 0 : c > 0) ? x : y, f))
        break
      }
      case 'sqrt':
        put(i, bits, soft.finish(soft.sqrt(a(i), a(i)), f))
        break
      case 'rcp':
        put(i, bits, new SseSoft(0x1f80).finish(new SseSoft(0x1f80).div(fromInteger(1n), a(i)), f))
        break
      case 'rsqrt': {
        const quiet = new SseSoft(0x1f80)
        put(i, bits, quiet.finish(quiet.div(fromInteger(1n), quiet.sqrt(a(i), a(i))), f))
        break
      }
      case 'cmp': {
        const c = soft.compare(a(i), b(i), (imm & 3) === 0 || (imm & 3) === 3)
        const yes = [c === 0, c === -1, c === -1 || c === 0, c === undefined][imm & 3] !== ((imm & 4) !== 0)
        put(i, bits, yes ? (1n << BigInt(bits)) - 1n : 0n)
        break
      }
      case 'comi':
      case 'ucomi': {
        const c = soft.compare(a(0), b(0), op === 'ucomi')
        put(0, 32, c === undefined ? 3n : c === 0 ? 2n : c < 0 ? 1n : 0n)
        break
      }
      case 'round':
        put(i, bits, soft.roundToIntegral(a(i), imm, f))
        break
      case 'dp': {
        if (i > 0) break
        const term = (k: number): Num =>
          (imm >> (4 + k)) & 1 ? unpack(soft.finish(soft.mul(a(k), b(k)), f), f) : zero(0)
        const plus = (x: Num, y: Num): Num => unpack(soft.finish(soft.add(x, y), f), f)
        const total = count === 2 ? plus(term(0), term(1)) : plus(plus(term(0), term(1)), plus(term(2), term(3)))
        for (let k = 0; k < count; k++) put(k, bits, (imm >> k) & 1 ? pack(total, f) : 0n)
        break
      }
      default:
        throw new Error(`no software path for ${name}`)
    }
  }
}

/** Conversions: how many, from what, to what. */
function convert(soft: SseSoft, name: string, get: Get, put: Put): void {
  const general = /^cvt(t?)s([sd])2si(32|64)$/.exec(name)
  if (general !== null) {
    const f = fmt(general[2]!)
    const n = soft.read(get(0, 0, f === SINGLE ? 32 : 64), f)
    const out = Number(general[3])
    return put(0, out, soft.integer(n, out, general[1] === 't' ? CHOP : soft.rc))
  }
  const fromGeneral = /^cvtsi2s([sd])(32|64)$/.exec(name)
  if (fromGeneral !== null) {
    const f = fmt(fromGeneral[1]!)
    const size = Number(fromGeneral[2])
    return put(0, f === SINGLE ? 32 : 64, soft.finish(fromInteger(BigInt.asIntN(size, get(0, 0, size))), f))
  }
  const [, chop, from, to] = /^cvt(t?)(ss|sd|ps|pd|dq|pi)2(ss|sd|ps|pd|dq|pi)$/.exec(name)!
  const width = (k: string): 32 | 64 => (k[1] === 'd' && k[0] !== 'd' ? 64 : 32)
  const isInteger = (k: string): boolean => k === 'dq' || k === 'pi'
  const scalar = from![0] === 's'
  const two = width(from!) === 64 || width(to!) === 64 || from === 'pi' || to === 'pi'
  const count = scalar ? 1 : two ? 2 : 4
  for (let i = 0; i < count; i++) {
    const bits = get(0, i, width(from!))
    if (isInteger(from!)) {
      put(i, width(to!), soft.finish(fromInteger(BigInt.asIntN(32, bits)), fmt(to![1]!)))
      continue
    }
    const n = soft.read(bits, fmt(from![1]!))
    if (isInteger(to!)) put(i, 32, soft.integer(n, 32, chop === 't' ? CHOP : soft.rc))
    else put(i, width(to!), soft.convert(n, fmt(to![1]!)))
  }
}
