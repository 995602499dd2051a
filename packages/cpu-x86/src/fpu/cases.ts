/** Operands for comparing with a real processor: the recorder (oracle/record.ts) and the tests make the same from one seed. */

/** A case: the instruction, an FXSAVE image of 512 bytes, RAX, RCX and 128 bytes of memory at [rdi]. */
export interface Case {
  readonly code: Uint8Array
  readonly image: Uint8Array
}
export const IMAGE = { fcw: 0, fsw: 2, ftw: 4, mxcsr: 24, st: 32, xmm: 160, rax: 512, rcx: 520, memory: 528, size: 656 }

export type Flavour = 'single' | 'double' | 'integer' | 'x87'

class Random {
  private s: number

  constructor(seed: number) {
    this.s = seed | 1
  }

  next(below: number): number {
    this.s ^= this.s << 13
    this.s ^= this.s >>> 17
    this.s ^= this.s << 5
    return (this.s >>> 0) % below
  }

  bits(n: number): bigint {
    let r = 0n
    for (let i = 0; i < n; i += 16) r = (r << 16n) | BigInt(this.next(65536))
    return BigInt.asUintN(n, r)
  }

  of<T>(list: readonly T[]): T {
    return list[this.next(list.length)]!
  }
}

const SINGLES = [
  0x00000000, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00001, 0x7f800001, 0xffc12345,
  0x00000001, 0x80000001, 0x007fffff, 0x00800000, 0x7f7fffff, 0xff7fffff, 0x3f000000, 0x3fc00000, 0x40200000,
  0x4f000000, 0xcf000000, 0x4effffff, 0x5f000000, 0x3f7fffff, 0x00400000, 0x40490fdb,
]
const DOUBLES = [
  0x0000000000000000n,
  0x8000000000000000n,
  0x3ff0000000000000n,
  0xbff0000000000000n,
  0x7ff0000000000000n,
  0xfff0000000000000n,
  0x7ff8000000000001n,
  0x7ff0000000000001n,
  0xfff8123456789abcn,
  0x0000000000000001n,
  0x800fffffffffffffn,
  0x0010000000000000n,
  0x7fefffffffffffffn,
  0x3fe0000000000000n,
  0x3ff8000000000000n,
  0x4004000000000000n,
  0x41e0000000000000n,
  0xc1e0000000000000n,
  0x41dfffffffe00000n,
  0x43e0000000000000n,
  0xc3e0000000000000n,
  0x36a0000000000000n,
  0x380fffffe0000000n,
  0x47efffffe0000000n,
  0x47efffffffffffffn,
  0x3fefffffffffffffn,
  0x400921fb54442d18n,
]
/** Sign and exponent, significand. */
const EXTENDEDS: readonly (readonly [number, bigint])[] = [
  [0, 0n],
  [0x8000, 0n],
  [0x3fff, 1n << 63n],
  [0xbfff, 1n << 63n],
  [0x7fff, 1n << 63n],
  [0xffff, 1n << 63n],
  [0x7fff, 0xc000000000000001n],
  [0x7fff, 0x8000000000000001n],
  [0xffff, 0xc123456789abcdefn],
  [0, 1n],
  [0x8000, 0x7fffffffffffffffn],
  [1, 1n << 63n],
  [0, 1n << 63n],
  [0x7ffe, 0xffffffffffffffffn],
  [0x3ffe, 1n << 63n],
  [0x3fff, 0xc000000000000000n],
  [0x4000, 0xa000000000000000n],
  [0x403e, 1n << 63n],
  [0xc03e, 1n << 63n],
  [0x401e, 1n << 63n],
  [0x400e, 1n << 63n],
  [0x3fff, 0x4000000000000000n],
  [0x7fff, 0n],
  [0x3ffe, 0xffffffffffffffffn],
  [0x4000, 0xc90fdaa22168c235n],
  [0x3ffd, 0xc000000000000000n],
  [0xbffe, 0xb504f333f9de6484n],
]

function single(r: Random): number {
  const k = r.next(8)
  if (k < 4) return r.of(SINGLES)
  if (k < 6) return ((r.next(2) << 31) | ((110 + r.next(40)) << 23) | Number(r.bits(23))) >>> 0
  if (k === 6)
    return Number(BigInt.asUintN(32, BigInt(new Uint32Array(Float32Array.of(r.next(2000) - 1000).buffer)[0]!)))
  return Number(r.bits(32))
}

function double(r: Random): bigint {
  const k = r.next(8)
  if (k < 4) return r.of(DOUBLES)
  if (k < 6) return (BigInt(r.next(2)) << 63n) | (BigInt(1000 + r.next(50)) << 52n) | r.bits(52)
  if (k === 6) return new BigUint64Array(Float64Array.of(r.next(200000) / 8 - 1000).buffer)[0]!
  return r.bits(64)
}

function extended(r: Random): readonly [number, bigint] {
  const k = r.next(8)
  if (k < 3) return r.of(EXTENDEDS)
  if (k < 7) return [(r.next(2) << 15) | (0x3fff - 40 + r.next(80)), r.bits(64) | (1n << 63n)]
  return [Number(r.bits(16)), r.bits(64) | (1n << 63n)]
}

const INTEGERS = [
  0n,
  1n,
  0xffffffffffffffffn,
  0x8000000000000000n,
  0x7fffffffffffffffn,
  0x8000800080008000n,
  0x7fff7fff7fff7fffn,
  0x8080808080808080n,
  5n,
  17n,
  0x0000000100000002n,
]

function fill(view: DataView, at: number, bytes: number, flavour: Flavour, r: Random): void {
  for (let i = 0; i < bytes;) {
    if (flavour === 'single') {
      view.setUint32(at + i, single(r), true)
      i += 4
    } else {
      view.setBigUint64(at + i, flavour === 'double' ? double(r) : r.next(2) === 0 ? r.of(INTEGERS) : r.bits(64), true)
      i += 8
    }
  }
}

/** Memory for an x87 operand: by the format that the instruction reads. */
export type MemoryKind = 'single' | 'double' | 'extended' | 'word' | 'dword' | 'qword' | 'bcd' | 'none'

function fillMemory(view: DataView, at: number, kind: MemoryKind, r: Random): void {
  if (kind === 'single') view.setUint32(at, single(r), true)
  else if (kind === 'double') view.setBigUint64(at, double(r), true)
  else if (kind === 'extended') {
    const [se, mant] = extended(r)
    view.setBigUint64(at, mant, true)
    view.setUint16(at + 8, se, true)
  } else if (kind === 'bcd') {
    for (let i = 0; i < 9; i++) view.setUint8(at + i, (r.next(10) << 4) | r.next(10))
    view.setUint8(at + 9, r.next(2) << 7)
  } else if (kind !== 'none') view.setBigUint64(at, r.next(2) === 0 ? r.of(INTEGERS) : r.bits(64), true)
}

const MODES = [0x1f80, 0x1f80, 0x1f80, 0x1f80, 0x3f80, 0x5f80, 0x7f80, 0x9fc0, 0x9f80, 0x1fc0]

/** Cases for an SSE or MMX instruction. */
export function vectorCases(hex: string, flavour: Flavour, count: number, seed: number): Case[] {
  const code = Uint8Array.from(hex.match(/../g)!, (b) => parseInt(b, 16))
  const r = new Random(seed * 7919 + 12345)
  for (let i = 0; i < 8; i++) r.next(2)
  return Array.from({ length: count }, () => {
    const image = new Uint8Array(IMAGE.size)
    const view = new DataView(image.buffer)
    view.setUint16(IMAGE.fcw, 0x37f, true)
    view.setUint16(IMAGE.fsw, r.next(8) << 11, true)
    view.setUint8(IMAGE.ftw, r.next(256))
    view.setUint32(IMAGE.mxcsr, r.of(MODES), true)
    for (let i = 0; i < 8; i++) {
      fill(view, IMAGE.st + 16 * i, 8, flavour, r)
      view.setUint16(IMAGE.st + 16 * i + 8, 0xffff, true)
    }
    for (let i = 0; i < 3; i++) fill(view, IMAGE.xmm + 16 * i, 16, flavour, r)
    // Small shift counts and lengths, now and then.
    if (flavour === 'integer' && r.next(2) === 0) view.setBigUint64(IMAGE.xmm + 16, BigInt(r.next(70)), true)
    if (flavour === 'integer' && r.next(2) === 0) view.setBigUint64(IMAGE.st + 16, BigInt(r.next(70)), true)
    fill(view, IMAGE.rax, 16, 'integer', r)
    fill(view, IMAGE.memory, 128, flavour, r)
    if (flavour === 'integer' && r.next(3) === 0) view.setBigUint64(IMAGE.memory, BigInt(r.next(70)), true)
    return { code, image }
  })
}

const CONTROLS = [0x37f, 0x37f, 0x37f, 0x77f, 0xb7f, 0xf7f, 0x27f, 0x07f, 0xa7f, 0x47f]
const UNMASKED = [0x37e, 0x37d, 0x37b, 0x377, 0x36f, 0x35f, 0x340]

/** Cases for an x87 instruction. */
export function x87Cases(hex: string, memory: MemoryKind, count: number, seed: number, integers = false): Case[] {
  const code = Uint8Array.from(hex.match(/../g)!, (b) => parseInt(b, 16))
  const r = new Random(seed * 104729 + 777)
  for (let i = 0; i < 8; i++) r.next(2)
  return Array.from({ length: count }, () => {
    const image = new Uint8Array(IMAGE.size)
    const view = new DataView(image.buffer)
    view.setUint16(IMAGE.fcw, r.next(6) === 0 ? r.of(UNMASKED) : r.of(CONTROLS), true)
    view.setUint16(IMAGE.fsw, (r.next(8) << 11) | (r.next(2) === 0 ? 0x4700 & Number(r.bits(16)) : 0), true)
    view.setUint8(IMAGE.ftw, r.next(4) === 0 ? r.next(256) : 0xff)
    view.setUint32(IMAGE.mxcsr, 0x1f80, true)
    for (let i = 0; i < 8; i++) {
      let [se, mant] = extended(r)
      // Around the ranges of integers, and halves.
      if (integers && r.next(3) !== 0) {
        se = (se & 0x8000) | (0x3ffd + r.of([0, 1, 2, 15, 16, 17, 31, 32, 33, 62, 63, 64, 65, 66]))
        mant = r.next(2) === 0 ? 1n << 63n : r.bits(64) | (1n << 63n)
      }
      view.setBigUint64(IMAGE.st + 16 * i, mant, true)
      view.setUint16(IMAGE.st + 16 * i + 8, se, true)
    }
    fill(view, IMAGE.rax, 16, 'integer', r)
    fillMemory(view, IMAGE.memory, memory, r)
    return { code, image }
  })
}
