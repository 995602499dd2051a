/**
 * The six arithmetic flags. While pending they are a description (operands and result as values); at rest they are
 * three words that can be read without knowing what set them:
 *   res  result, sign-extended to 64 bits                              -> ZF SF PF
 *   cv   carry vector, left-aligned: bit 63 is CF, bit 63 ^ bit 62 OF
 *   aux  bit 4 is AF; bit 2 inverts the PF that res has, bit 7 the SF
 * The two inversions stand for flags that no single result has together (POPF, SAHF, LAR ...): see load().
 */
import { I32, I64 } from '@godwit/wasm-encoder'
import type { Size } from './decode/insn.ts'
import { S } from './state.ts'
import type { Emit } from './wasm/emit.ts'
import { k32, k64, select, type Val } from './wasm/value.ts'

/** Where the words at rest live. */
export interface FlagHome {
  res(): Val
  cv(): Val
  aux(): Val
  set(res: Val, cv: Val, aux: Val): void
}

/** The words in the CPU area. */
export const flagsInState = (e: Emit, base: number): FlagHome => ({
  res: () => e.load(I64, 'i64_load', k32(0), base + S.flagRes),
  cv: () => e.load(I64, 'i64_load', k32(0), base + S.flagCv),
  aux: () => e.load(I32, 'i32_load', k32(0), base + S.flagAux),
  set: (res, cv, aux) => {
    e.store('i64_store', k32(0), res, base + S.flagRes)
    e.store('i64_store', k32(0), cv, base + S.flagCv)
    e.store('i32_store', k32(0), aux, base + S.flagAux)
  },
})

/** Either the words at rest are right, or settle() makes them so: decided while the code runs (where ways meet in tier 1). */
export interface Deferred {
  readonly kind: 'deferred'
  readonly settle: () => void
  /** CF alone, which may be had without the words. */
  readonly carry: () => Val
}

/** CF, and OF if it is there, as a rotate or BT left them; the others are what they were. */
export interface Turned {
  readonly kind: 'turned'
  /** undefined: the words at rest. */
  readonly under: Known | Deferred | undefined
  readonly cf: Val
  readonly of: Val | undefined
}

export type Pending = Known | Deferred | Turned

export type Known =
  /** carry: INC, DEC, ADC and SBB give CF as it is or was. */
  | {
      readonly kind: 'add' | 'sub' | 'adc' | 'sbb'
      readonly size: Size
      readonly a: Val
      readonly b: Val
      readonly r: Val
      readonly cf?: Val
    }
  | { readonly kind: 'logic'; readonly size: Size; readonly r: Val }
  /** CF and OF known, AF clear. */
  | { readonly kind: 'cfof'; readonly size: Size; readonly r: Val; readonly cf: Val; readonly of: Val }

const NONE: readonly Val[] = []

/** Condition codes as the encoding has them. SDM vol. 1, appendix B. */
export const CC = {
  o: 0,
  no: 1,
  b: 2,
  nb: 3,
  z: 4,
  nz: 5,
  be: 6,
  a: 7,
  s: 8,
  ns: 9,
  p: 10,
  np: 11,
  l: 12,
  ge: 13,
  le: 14,
  g: 15,
} as const

export class Flags {
  pending: Pending | undefined
  /** Where it is there: flags that `then` sets if a condition holds, and else as they were, without making words of them. */
  either: ((condition: Val, then: () => void) => void) | undefined
  /** Where it is there: other CF and OF may be pending as well. */
  readonly turns: boolean
  private readonly e: Emit
  readonly home: FlagHome

  constructor(e: Emit, home: FlagHome, turns = false) {
    this.e = e
    this.home = home
    this.turns = turns
  }

  set(pending: Pending): void {
    this.pending = pending
  }

  /** Changes CF and OF, both bound, or CF alone, and leaves the others. */
  turn(cf: Val, of?: Val): void {
    const p = this.pending
    if (this.turns) {
      const turned = p?.kind === 'turned'
      this.pending = { kind: 'turned', under: turned ? p.under : p, cf, of: of ?? (turned ? p.of : undefined) }
      return
    }
    const over = of ?? this.e.let(this.cond(CC.o))
    this.flush()
    this.home.set(this.home.res(), carryVector(cf, over), this.home.aux())
  }

  /** Values that must outlive the instruction. */
  live(p = this.pending): readonly Val[] {
    if (p === undefined || p.kind === 'deferred') return NONE
    if (p.kind === 'turned')
      return [...(p.under === undefined ? NONE : this.live(p.under)), p.cf, ...(p.of === undefined ? NONE : [p.of])]
    if (p.kind === 'logic') return [p.r]
    if (p.kind === 'cfof') return [p.r, p.cf, p.of]
    return p.cf === undefined ? [p.a, p.b, p.r] : [p.a, p.b, p.r, p.cf]
  }

  /** Writes what is pending to its home; with `keep` it also stays pending (cold exits). */
  flush(keep = false): void {
    const { pending } = this
    this.rest(pending)
    if (!keep) this.pending = undefined
  }

  private rest(p: Pending | undefined): void {
    if (p === undefined) return
    if (p.kind === 'deferred') p.settle()
    else if (p.kind === 'turned') {
      this.rest(p.under)
      const of = p.of ?? this.e.let(overflow(this.home.cv()))
      this.home.set(this.home.res(), carryVector(p.cf, of), this.home.aux())
    } else this.home.set(...this.words(p))
  }

  /** Condition code 0 to 15 as an i32 boolean. */
  cond(cc: number): Val {
    const even = this.even(cc >> 1)
    return (cc & 1) === 1 ? even.isZero() : even
  }

  /** CF PF AF ZF SF OF where EFLAGS has them, as an i32. What was pending is at rest afterwards. */
  image(): Val {
    this.flush()
    const { e, home } = this
    const res = e.let(home.res())
    const cv = e.let(home.cv())
    const aux = e.let(home.aux())
    return e.let(
      cv
        .shrU(63)
        .to32()
        .or(parity(res).shl(2))
        .xor(aux.and(0x94))
        .or(res.isZero().shl(6))
        .xor(res.shrU(63).to32().shl(7))
        .or(cv.xor(cv.shl(1)).shrU(63).to32().shl(11)),
    )
  }

  /** Puts the six flags at rest as an image of EFLAGS (i32; other bits do not matter) has them. */
  load(image: Val): void {
    const bit = (n: number): Val => image.shrU(n).and(1)
    const zero = this.e.let(bit(6))
    // res is 0 (ZF, PF set, SF clear), 1 (none of them) or -1 (PF and SF); inversions make up the rest.
    const res = select(zero, k32(0), select(bit(7), k32(-1), k32(1)))
    const sign = zero.and(bit(7)).shl(7)
    const odd = select(zero.or(bit(7)), k32(1), k32(0))
      .xor(bit(2))
      .shl(2)
    const cf = bit(0).to64u()
    const of = bit(11).to64u()
    this.pending = undefined
    this.home.set(res.to64s(), cf.shl(63).or(cf.xor(of).shl(62)), image.and(0x10).or(sign).or(odd))
  }

  private words(p: Known): [Val, Val, Val] {
    const left = 64 - p.size
    const res = p.r.to64u().sext(p.size)
    if (p.kind === 'logic') return [res, k64(0), k32(0)]
    if (p.kind === 'cfof') return [res, carryVector(p.cf, p.of), k32(0)]
    const { a, b, r } = p
    let cv = carries(p).to64u().shl(left)
    if (p.cf !== undefined) {
      const v = this.e.let(cv)
      cv = carryVector(p.cf, overflow(v))
    }
    return [res, cv, a.xor(b).xor(r).to32().and(16)]
  }

  private even(pair: number): Val {
    const p = this.pending
    if (p?.kind === 'deferred' && pair === 1) return p.carry()
    const direct = p === undefined || p.kind === 'deferred' ? undefined : this.direct(p, pair)
    if (direct !== undefined) return direct
    if (p !== undefined) this.flush()
    const { home } = this
    switch (pair) {
      case 0: {
        const cv = home.cv()
        return cv.xor(cv.shl(1)).ltS(0)
      }
      case 1:
        return home.cv().ltS(0)
      case 2:
        return home.res().isZero()
      case 3:
        return home.cv().ltS(0).or(home.res().isZero())
      case 4:
        return this.signed().ltS(0)
      case 5:
        return parity(home.res()).xor(home.aux().shrU(2).and(1))
      case 6: {
        const cv = home.cv()
        return this.signed().xor(cv).xor(cv.shl(1)).ltS(0)
      }
      default: {
        const cv = home.cv()
        return this.signed().xor(cv).xor(cv.shl(1)).ltS(0).or(home.res().isZero())
      }
    }
  }

  /** A value whose bit 63 is SF. */
  private signed(): Val {
    return this.home.res().xor(this.home.aux().to64u().shl(56))
  }

  /** A condition straight from the operands, where that is cheaper than the words. */
  private direct(p: Known | Turned, pair: number): Val | undefined {
    if (p.kind === 'turned') {
      if (pair === 0) return p.of
      if (pair === 1) return p.cf
      const known = p.under === undefined || p.under.kind === 'deferred' ? undefined : p.under
      return known !== undefined && (pair === 2 || pair === 4 || pair === 5) ? this.direct(known, pair) : undefined
    }
    if (pair === 2) return p.kind === 'sub' && p.cf === undefined ? p.a.eq(p.b) : p.r.isZero()
    if (pair === 4) return p.r.sext(p.size).ltS(0)
    if (pair === 5) return parity(p.r)
    if (p.kind === 'sub') {
      const a = p.a.sext(p.size)
      const b = p.b.sext(p.size)
      if (pair === 6) return a.ltS(b)
      if (pair === 7) return a.leS(b)
      if (p.cf === undefined && pair === 1) return p.a.ltU(p.b)
      if (p.cf === undefined && pair === 3) return p.a.leU(p.b)
    }
    if (p.kind === 'add' && p.cf === undefined && pair === 1) return p.r.ltU(p.a)
    if (p.kind === 'logic') {
      if (pair === 0 || pair === 1) return k32(0)
      if (pair === 3) return p.r.isZero()
      return pair === 6 ? p.r.sext(p.size).ltS(0) : p.r.sext(p.size).leS(0)
    }
    if (p.kind === 'cfof') {
      if (pair === 0) return p.of
      if (pair === 1) return p.cf
      if (pair === 3) return p.cf.or(p.r.isZero())
    }
    if ('cf' in p && p.cf !== undefined && pair === 1) return p.cf
    return undefined
  }
}

/** The carry or borrow out of each bit. */
export function carries({ kind, a, b, r }: Extract<Known, { a: Val }>): Val {
  return kind === 'add' || kind === 'adc' ? a.and(b).or(a.or(b).and(r.not())) : a.not().and(b).or(a.not().or(b).and(r))
}

/** The carry vector of flags at rest. */
export const carryVector = (cf: Val, of: Val): Val => cf.to64u().shl(63).or(cf.xor(of).to64u().shl(62))

/** OF from it, as an i32. */
export const overflow = (cv: Val): Val => cv.xor(cv.shl(1)).shrU(63).to32()

/** The six flags, as EFLAGS has them, from the words at rest. res is given by its low word and its sign and zero. */
export function flagImage(resLow: number, resHigh: number, cvHigh: number, aux: number): number {
  let low = resLow & 0xff
  low ^= low >> 4
  const even = ((0x9669 >> (low & 15)) & 1) << 2
  const zero = resLow === 0 && resHigh === 0 ? 0x40 : 0
  const sign = resHigh < 0 ? 0x80 : 0
  const carry = cvHigh < 0 ? 1 : 0
  const over = (cvHigh ^ (cvHigh << 1)) < 0 ? 0x800 : 0
  return (carry | even | zero | sign | over) ^ (aux & 0x94)
}

/** The words at rest for an image of EFLAGS: [res (sign-extended), high word of cv, aux]; the low word of cv is 0. */
export function flagWords(image: number): [res: number, cvHigh: number, aux: number] {
  const zero = (image & 0x40) !== 0
  const sign = (image & 0x80) !== 0
  const res = zero ? 0 : sign ? -1 : 1
  const odd = ((image & 4) !== 0) === (zero || sign) ? 0 : 4
  const carry = image & 1
  const over = (image >> 11) & 1
  return [res, (carry << 31) | ((carry ^ over) << 30), (image & 0x10) | (zero && sign ? 0x80 : 0) | odd]
}

/** PF: the low byte has an even number of ones. */
function parity(r: Val): Val {
  return r.to32().and(0xff).popcnt().and(1).xor(1)
}
