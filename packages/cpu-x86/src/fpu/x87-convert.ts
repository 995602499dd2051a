/** Loads, stores and constants: between the registers and the formats of memory. */
import {
  CHOP,
  DE,
  DOUBLE,
  EXTENDED,
  finite,
  IE,
  INDEFINITE,
  isDenormal,
  isSignaling,
  OE,
  pack,
  PE,
  quieted,
  round,
  SINGLE,
  toInteger,
  UE,
  unpack,
  type Num,
} from './soft.ts'
import type { X87 } from './x87-state.ts'

export const KINDS = ['single', 'double', 'word', 'dword', 'qword', 'bcd', 'extended'] as const
export type MemoryFormat = (typeof KINDS)[number]

const integer = (n: bigint): Num => finite(n < 0n ? 1 : 0, n < 0n ? -n : n, 0)

/** A value in memory, exactly. */
export function decodeMemory(kind: MemoryFormat, bits: bigint): Num {
  switch (kind) {
    case 'single':
      return unpack(bits, SINGLE)
    case 'double':
      return unpack(bits, DOUBLE)
    case 'word':
      return integer(BigInt.asIntN(16, bits))
    case 'dword':
      return integer(BigInt.asIntN(32, bits))
    case 'qword':
      return integer(BigInt.asIntN(64, bits))
    default:
      throw new Error(`${kind} is loaded otherwise`)
  }
}

/** FLD m32/m64, FILD. */
export function load(fpu: X87, kind: MemoryFormat, bits: bigint): void {
  let n = decodeMemory(kind, bits)
  if (!fpu.empty(7)) {
    fpu.push()
    return
  }
  fpu.c1(false)
  if (isSignaling(n)) {
    if (fpu.raise(IE)) return
    n = quieted(n)
  } else if (isDenormal(n) && fpu.raise(DE)) return
  fpu.push()
  fpu.set(0, n)
}

/** FBLD: 18 digits and a sign. */
export function loadBcd(fpu: X87, low: bigint, high: number): void {
  if (fpu.push() !== 'free') return
  let n = 0n
  const digits = low | (BigInt(high & 0xff) << 64n)
  for (let i = 17; i >= 0; i--) n = n * 10n + ((digits >> BigInt(4 * i)) & 15n)
  fpu.set(0, finite(((high >> 15) & 1) as 0 | 1, n, 0))
}

/** FLD m80: no exceptions but of the stack. */
export function loadExtended(fpu: X87, mant: bigint, se: number): void {
  if (fpu.push() === 'free') fpu.setRaw(0, mant, se)
}

/** FST m32/m64: the bits, or undefined when an unmasked exception keeps memory as it was. */
export function storeReal(fpu: X87, kind: 'single' | 'double'): bigint | undefined {
  const f = kind === 'single' ? SINGLE : DOUBLE
  if (fpu.empty(0)) return fpu.underflow() ? undefined : pack(INDEFINITE, f)
  const n = fpu.get(0)
  fpu.c1(false)
  if (n.kind === 'bad') return fpu.raise(IE) ? undefined : pack(INDEFINITE, f)
  if (n.kind === 'nan') return isSignaling(n) && fpu.raise(IE) ? undefined : pack(quieted(n), f)
  const r = round(n, f, fpu.rc)
  if ((r.flags & OE & ~fpu.masks) !== 0) {
    fpu.raise(OE)
    return undefined
  }
  if (r.tiny && (fpu.masks & UE) === 0) {
    fpu.raise(UE)
    return undefined
  }
  fpu.c1(r.up)
  fpu.raise(r.flags)
  return pack(r.value, f)
}

const BITS = { word: 16, dword: 32, qword: 64 } as const

/** FIST, FISTTP. */
export function storeInteger(fpu: X87, kind: 'word' | 'dword' | 'qword', chop: boolean): bigint | undefined {
  const bits = BITS[kind]
  const indefinite = 1n << BigInt(bits - 1)
  if (fpu.empty(0)) return fpu.underflow() ? undefined : indefinite
  const n = fpu.get(0)
  fpu.c1(false)
  if ((n.kind === 'finite' || n.kind === 'zero') && n.exp < 2) {
    const r = toInteger(n, chop ? CHOP : fpu.rc)
    if (BigInt.asIntN(bits, r.value) === r.value) {
      if (r.inexact) {
        fpu.c1(r.up)
        fpu.raise(PE)
      }
      return BigInt.asUintN(bits, r.value)
    }
  }
  return fpu.raise(IE) ? undefined : indefinite
}

/** FBSTP: low 64 bits and high 16. */
export function storeBcd(fpu: X87): readonly [bigint, number] | undefined {
  const indefinite = [0xc000000000000000n, 0xffff] as const
  if (fpu.empty(0)) return fpu.underflow() ? undefined : indefinite
  const n = fpu.get(0)
  fpu.c1(false)
  if ((n.kind === 'finite' || n.kind === 'zero') && n.exp < 2) {
    const r = toInteger(n, fpu.rc)
    let m = r.value < 0n ? -r.value : r.value
    if (m < 10n ** 18n) {
      if (r.inexact) {
        fpu.c1(r.up)
        fpu.raise(PE)
      }
      let digits = 0n
      for (let i = 0n; i < 18n; i++) {
        digits |= (m % 10n) << (4n * i)
        m /= 10n
      }
      return [BigInt.asUintN(64, digits), Number(digits >> 64n) | (n.sign << 15)]
    }
  }
  return fpu.raise(IE) ? undefined : indefinite
}

/** 1, log2(10), log2(e), pi, log10(2), ln(2), 0, to 96 bits after the point. */
const CONSTANTS: readonly Num[] = [
  finite(0, 1n, 0),
  finite(0, 0x35269e12f346e2bf924afdbfdn, -96),
  finite(0, 0x171547652b82fe1777d0ffda0n, -96),
  finite(0, 0x3243f6a8885a308d313198a2en, -96),
  finite(0, 0x4d104d427de7fbcc47c4acd6n, -96),
  finite(0, 0xb17217f7d1cf79abc9e3b398n, -96),
  finite(0, 0n, 0),
]

/** FLD1 to FLDZ: rounded as RC says, never inexact. */
export function loadConstant(fpu: X87, which: number): void {
  if (fpu.push() !== 'free') return
  fpu.set(0, roundedConstant(which, fpu.rc))
}

export function roundedConstant(which: number, rc: number): Num {
  const n = CONSTANTS[which]!
  return n.kind === 'zero' ? n : round(n, EXTENDED, rc).value
}
