/** PCMPxSTRx. SDM vol. 2, 4.1 "Imm8 control byte operation". */
import { S } from '../state.ts'

/**
 * Compares S.temp (first operand) with S.temp+16. Lengths are -1 for implicit ones. Puts an index (i32) or a mask (128
 * bits) at S.temp+32; gives bit 0 CF, 1 ZF, 2 SF, 3 OF.
 */
export function compareStrings(
  view: DataView,
  base: number,
  imm: number,
  lenA: number,
  lenB: number,
  index: boolean,
): number {
  const words = (imm & 1) !== 0
  const count = words ? 8 : 16
  const read = (slot: number, i: number): number => {
    const at = base + S.temp + 16 * slot + (words ? 2 * i : i)
    if (words) return (imm & 2) !== 0 ? view.getInt16(at, true) : view.getUint16(at, true)
    return (imm & 2) !== 0 ? view.getInt8(at) : view.getUint8(at)
  }
  const elements = (slot: number): number[] => Array.from({ length: count }, (_, i) => read(slot, i))
  const a = elements(0)
  const b = elements(1)
  const lengthOf = (all: readonly number[], explicit: number): number => {
    if (explicit >= 0) return Math.min(explicit, count)
    const end = all.indexOf(0)
    return end < 0 ? count : end
  }
  const na = lengthOf(a, lenA)
  const nb = lengthOf(b, lenB)
  let r1 = 0
  for (let j = 0; j < count; j++) {
    let hit = false
    switch ((imm >> 2) & 3) {
      case 0: // equal any
        for (let i = 0; i < na; i++) hit ||= j < nb && a[i] === b[j]
        break
      case 1: // ranges
        for (let i = 0; i + 1 < na; i += 2) hit ||= j < nb && a[i]! <= b[j]! && b[j]! <= a[i + 1]!
        break
      case 2: // equal each
        hit = j < na && j < nb ? a[j] === b[j] : j >= na && j >= nb
        break
      default: // equal ordered
        hit = true
        for (let i = 0; i + j < count && i < na; i++) hit &&= j + i < nb && a[i] === b[j + i]
    }
    if (hit) r1 |= 1 << j
  }
  let r2 = r1
  if ((imm & 0x30) === 0x10) r2 = ~r1 & ((1 << count) - 1)
  if ((imm & 0x30) === 0x30) r2 = r1 ^ ((1 << nb) - 1)
  const at = base + S.temp + 32
  if (index) {
    const found = r2 === 0 ? count : (imm & 0x40) !== 0 ? 31 - Math.clz32(r2) : 31 - Math.clz32(r2 & -r2)
    view.setInt32(at, found, true)
  } else {
    for (let i = 0; i < 16; i++) {
      const bit = words ? i >> 1 : i
      const on = (r2 >> bit) & 1
      view.setUint8(at + i, (imm & 0x40) !== 0 ? -on : i < 2 ? (r2 >> (8 * i)) & 0xff : 0)
    }
  }
  return (r2 !== 0 ? 1 : 0) | (nb < count ? 2 : 0) | (na < count ? 4 : 0) | ((r2 & 1) !== 0 ? 8 : 0)
}
