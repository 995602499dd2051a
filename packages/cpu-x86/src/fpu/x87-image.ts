/** FSTENV, FSAVE and FXSAVE images in S.fpuImage. SDM vol. 1, 8.1.10 and 10.5. */
import { S } from '../state.ts'
import type { X87 } from './x87-state.ts'

const CR4_OSFXSR = 0x200
const VM = 0x20000

/** Full tags: valid, zero, special, empty. */
function tagWord(fpu: X87): number {
  let word = 0
  for (let p = 0; p < 8; p++) {
    const i = (p - fpu.top) & 7
    const n = fpu.get(i)
    const special = n.kind !== 'zero' && (n.kind !== 'finite' || n.special)
    word |= (fpu.empty(i) ? 3 : n.kind === 'zero' ? 1 : special ? 2 : 0) << (2 * p)
  }
  return word
}

const isReal = (fpu: X87): boolean => {
  const cr0 = fpu.view.getUint32(fpu.base + S.cr0, true)
  return (cr0 & 1) === 0 || (fpu.view.getUint32(fpu.base + S.eflags, true) & VM) !== 0
}

const FIELDS = { ip: S.fpuIp, dp: S.fpuDp, cs: S.fpuCs, ds: S.fpuDs, opcode: S.fpuOpcode } as const
const read = (fpu: X87, field: keyof typeof FIELDS): number => fpu.view.getUint32(fpu.base + FIELDS[field], true)
const write = (fpu: X87, field: keyof typeof FIELDS, value: number): void => {
  fpu.view.setUint32(fpu.base + FIELDS[field], value, true)
  if (field === 'ip' || field === 'dp') fpu.view.setUint32(fpu.base + FIELDS[field] + 4, 0, true)
}

export const statusWord = (fpu: X87): number => (fpu.status & 0xc7ff) | (fpu.top << 11)

/** The environment, 14 or 28 bytes. */
export function saveEnvironment(fpu: X87, small: boolean): void {
  const { view } = fpu
  const at = fpu.base + S.fpuImage
  const real = isReal(fpu)
  const words = [fpu.control, statusWord(fpu), tagWord(fpu)]
  const [ip, dp, cs, ds, opcode] = [
    read(fpu, 'ip'),
    read(fpu, 'dp'),
    read(fpu, 'cs'),
    read(fpu, 'ds'),
    read(fpu, 'opcode'),
  ]
  if (small) {
    const codeLinear = ((real ? cs << 4 : 0) + ip) >>> 0
    const dataLinear = ((real ? ds << 4 : 0) + dp) >>> 0
    if (real)
      words.push(
        codeLinear & 0xffff,
        ((codeLinear >>> 4) & 0xf000) | (opcode & 0x7ff),
        dataLinear & 0xffff,
        (dataLinear >>> 4) & 0xf000,
      )
    else words.push(ip & 0xffff, cs, dp & 0xffff, ds)
    words.forEach((w, i) => view.setUint16(at + 2 * i, w, true))
    return
  }
  const wide = words.map((w) => (w | 0xffff0000) >>> 0)
  if (real) {
    const code = ((cs << 4) + ip) >>> 0
    const data = ((ds << 4) + dp) >>> 0
    wide.push(
      (code & 0xffff) | 0xffff0000,
      ((code >>> 16) << 12) | (opcode & 0x7ff),
      (data & 0xffff) | 0xffff0000,
      (data >>> 16) << 12,
    )
  } else wide.push(ip, (cs & 0xffff) | ((opcode & 0x7ff) << 16), dp, (ds & 0xffff) | 0xffff0000)
  wide.forEach((w, i) => view.setUint32(at + 4 * i, w >>> 0, true))
}

/** Loads an environment from the image; gives its length. */
export function loadEnvironment(fpu: X87, small: boolean): number {
  const { view } = fpu
  const at = fpu.base + S.fpuImage
  const step = small ? 2 : 4
  const word = (i: number): number => view.getUint16(at + step * i, true)
  const dword = (i: number): number => view.getUint32(at + 4 * i, true)
  const status = word(1)
  fpu.top = (status >> 11) & 7
  fpu.status = status & 0x477f
  for (let p = 0; p < 8; p++) {
    view.setUint8(fpu.base + S.fpuEmpty + p, ((word(2) >> (2 * p)) & 3) === 3 ? 1 : 0)
  }
  const real = isReal(fpu)
  if (real) {
    const high = (i: number): number => (small ? (word(i) >> 12) << 16 : ((dword(i) >>> 12) & 0xffff) << 16)
    write(fpu, 'ip', (word(3) | high(4)) >>> 0)
    write(fpu, 'cs', 0)
    write(fpu, 'opcode', (small ? word(4) : dword(4)) & 0x7ff)
    write(fpu, 'dp', (word(5) | high(6)) >>> 0)
    write(fpu, 'ds', 0)
  } else {
    write(fpu, 'ip', small ? word(3) : dword(3))
    write(fpu, 'cs', word(4))
    if (!small) write(fpu, 'opcode', (dword(4) >>> 16) & 0x7ff)
    write(fpu, 'dp', small ? word(5) : dword(5))
    write(fpu, 'ds', word(6))
  }
  fpu.control = word(0)
  return 7 * step
}

export function saveRegisters(fpu: X87, at: number, stride: number): void {
  const { bytes } = fpu
  for (let i = 0; i < 8; i++) bytes.copyWithin(at + stride * i, fpu.slot(i), fpu.slot(i) + 10)
}

export function loadRegisters(fpu: X87, at: number, stride: number): void {
  const { bytes } = fpu
  for (let i = 0; i < 8; i++) {
    bytes.copyWithin(fpu.slot(i), at + stride * i, at + stride * i + 10)
    bytes.fill(0, fpu.slot(i) + 10, fpu.slot(i) + 16)
  }
}

export function initialize(fpu: X87): void {
  fpu.status = 0
  fpu.top = 0
  fpu.view.setBigUint64(fpu.base + S.fpuEmpty, 0x0101010101010101n, true)
  for (const field of ['ip', 'dp', 'cs', 'ds', 'opcode'] as const) write(fpu, field, 0)
  fpu.control = 0x37f
}

/** The 464 bytes that FXSAVE writes; wide is the form with REX.W, count the XMM registers that the mode has. */
export function fxsave(fpu: X87, wide: boolean, count: number): void {
  const { view, bytes } = fpu
  const at = fpu.base + S.fpuImage
  bytes.fill(0, at, at + 160)
  view.setUint16(at, fpu.control, true)
  view.setUint16(at + 2, statusWord(fpu), true)
  let tags = 0
  for (let p = 0; p < 8; p++) if (view.getUint8(fpu.base + S.fpuEmpty + p) === 0) tags |= 1 << p
  view.setUint8(at + 4, tags)
  view.setUint16(at + 6, read(fpu, 'opcode'), true)
  if (wide) {
    bytes.copyWithin(at + 8, fpu.base + S.fpuIp, fpu.base + S.fpuIp + 8)
    bytes.copyWithin(at + 16, fpu.base + S.fpuDp, fpu.base + S.fpuDp + 8)
  } else {
    view.setUint32(at + 8, read(fpu, 'ip'), true)
    view.setUint16(at + 12, read(fpu, 'cs'), true)
    view.setUint32(at + 16, read(fpu, 'dp'), true)
    view.setUint16(at + 20, read(fpu, 'ds'), true)
  }
  saveRegisters(fpu, at + 32, 16)
  if ((view.getUint32(fpu.base + S.cr4, true) & CR4_OSFXSR) !== 0) {
    view.setUint32(at + 24, view.getUint32(fpu.base + S.mxcsr, true), true)
    view.setUint32(at + 28, 0xffff, true)
    bytes.copyWithin(at + 160, fpu.base + S.xmm, fpu.base + S.xmm + 16 * count)
  }
}

/** Loads an FXSAVE image; false if it asks for reserved bits of MXCSR. */
export function fxrstor(fpu: X87, wide: boolean, count: number): boolean {
  const { view, bytes } = fpu
  const at = fpu.base + S.fpuImage
  const sse = (view.getUint32(fpu.base + S.cr4, true) & CR4_OSFXSR) !== 0
  const mxcsr = view.getUint32(at + 24, true)
  if (sse && (mxcsr & ~0xffff) !== 0) return false
  const status = view.getUint16(at + 2, true)
  fpu.top = (status >> 11) & 7
  fpu.status = status & 0x477f
  const tags = view.getUint8(at + 4)
  for (let p = 0; p < 8; p++) view.setUint8(fpu.base + S.fpuEmpty + p, (tags >> p) & 1 ? 0 : 1)
  write(fpu, 'opcode', view.getUint16(at + 6, true) & 0x7ff)
  if (wide) {
    bytes.copyWithin(fpu.base + S.fpuIp, at + 8, at + 16)
    bytes.copyWithin(fpu.base + S.fpuDp, at + 16, at + 24)
  } else {
    write(fpu, 'ip', view.getUint32(at + 8, true))
    write(fpu, 'cs', view.getUint16(at + 12, true))
    write(fpu, 'dp', view.getUint32(at + 16, true))
    write(fpu, 'ds', view.getUint16(at + 20, true))
  }
  loadRegisters(fpu, at + 32, 16)
  if (sse) {
    view.setUint32(fpu.base + S.mxcsr, mxcsr, true)
    bytes.copyWithin(fpu.base + S.xmm, at + 160, at + 160 + 16 * count)
  }
  fpu.control = view.getUint16(at, true)
  return true
}
