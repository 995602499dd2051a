import { expect, test } from 'vitest'
import { CR4, EFER } from '../cpu-state.ts'
import { S } from '../state.ts'
import { bench, type Bench } from './testing.ts'
import { createWalker, type Walker } from './paging.ts'

const P = 1
const W = 2
const U = 4
const A = 0x20
const D = 0x40
const PS = 0x80

function legacy(cr4 = 0): [Bench, Walker] {
  const b = bench()
  b.state.setWord(S.cr0, 0x8001_0011 | 0)
  b.state.setWord(S.cr4, cr4)
  b.state.setNum(S.cr3, 0x1000)
  return [b, createWalker(b.cpu)]
}

/** Four levels for linear 0xffff_8880_0012_3000 and the leaf given. */
function long(leaf: readonly [number, number], efer = EFER.LMA | EFER.LME): [Bench, Walker, number] {
  const [b, w] = legacy(CR4.PAE | CR4.PGE)
  b.state.setWord(S.efer, efer)
  const linear = -0x7780_0000_0000 + 0x12_3000
  const at = (shift: number): number => Number((BigInt(linear) >> BigInt(shift)) & 511n) * 8
  b.put(0x1000 + at(39), 0x2000 | P | W | U, 0)
  b.put(0x2000 + at(30), 0x3000 | P | W | U, 0)
  b.put(0x3000 + at(21), 0x4000 | P | W | U, 0)
  b.put(0x4000 + at(12), ...leaf)
  return [b, w, linear]
}

test('without paging every address is its own and may be written', () => {
  const b = bench()
  const w = createWalker(b.cpu)
  expect(w.walk(0xfee0_0123, 'write', true)).toBe(true)
  expect(w.page).toMatchObject({ physical: 0xfee0_0000, writable: true })
})

test('a 4 KiB page of 32-bit tables sets accessed bits on both levels and dirty only on a write', () => {
  const [b, w] = legacy()
  b.put(0x1000 + 4, 0x2000 | P | W | U)
  b.put(0x2000 + 4 * 3, 0x5000 | P | W | U)
  expect(w.walk(0x0040_3abc, 'read', true)).toBe(true)
  expect(w.page).toMatchObject({ physical: 0x5000, writable: false, user: true, sizeBytes: 4096 })
  expect(b.get(0x1004) & A).toBe(A)
  expect(b.get(0x200c) & (A | D)).toBe(A)
  expect(w.walk(0x0040_3abc, 'write', true)).toBe(true)
  expect(w.page.writable).toBe(true)
  expect(b.get(0x200c) & (A | D)).toBe(A | D)
  expect(b.get(0x1004) & D).toBe(0)
})

test('the directory is not marked accessed when the page is absent', () => {
  const [b, w] = legacy()
  b.put(0x1000, 0x2000 | P | W | U)
  expect(w.walk(0x1000, 'write', true)).toBe(false)
  expect(w.fault).toEqual({ vector: 14, errorCode: 6 })
  expect(b.get(0x1000) & A).toBe(0)
})

test('a 4 MiB page needs CR4.PSE and takes the low bits of the address', () => {
  const [b, w] = legacy(CR4.PSE)
  b.put(0x1000 + 4 * 2, 0x0040_0000 | P | W | PS)
  expect(w.walk(0x0081_2345, 'read', false)).toBe(true)
  expect(w.page).toMatchObject({ physical: 0x0041_2000, sizeBytes: 0x40_0000 })
  b.put(0x1000 + 4 * 2, 0x0060_0000 | P | W | PS)
  expect(w.walk(0x0081_2345, 'read', false)).toBe(false)
  expect(w.fault.errorCode).toBe(9)
})

test('PSE-36 puts four address bits into a directory entry', () => {
  const [b, w] = legacy(CR4.PSE)
  b.put(0x1000, (3 << 13) | P | PS)
  expect(w.walk(0x1000, 'read', false)).toBe(true)
  expect(w.page.physical).toBe(3 * 2 ** 32 + 0x1000)
})

test('a supervisor writes to a read-only page unless CR0.WP', () => {
  const [b, w] = legacy()
  b.put(0x1000, 0x2000 | P | U)
  b.put(0x2000, 0x5000 | P | U)
  expect(w.walk(0, 'write', false)).toBe(false)
  expect(w.fault.errorCode).toBe(3)
  b.state.setWord(S.cr0, 0x8000_0011 | 0)
  expect(w.walk(0, 'write', false)).toBe(true)
  expect(w.walk(0, 'write', true)).toBe(false)
  expect(w.fault.errorCode).toBe(7)
})

test('a user page under a supervisor directory is a supervisor page', () => {
  const [b, w] = legacy()
  b.put(0x1000, 0x2000 | P | W)
  b.put(0x2000, 0x5000 | P | W | U)
  expect(w.walk(0, 'read', true)).toBe(false)
  expect(w.fault.errorCode).toBe(5)
  expect(w.walk(0, 'read', false)).toBe(true)
  expect(w.page.user).toBe(false)
})

test('PAE reads the pointer of its gigabyte and refuses reserved bits in it', () => {
  const [b, w] = legacy(CR4.PAE)
  b.state.setNum(S.cr3, 0x1020)
  b.put(0x1020 + 8 * 3, 0x2000 | P, 0)
  b.put(0x2000, 0x3000 | P | W, 0)
  b.put(0x3000 + 8 * 5, 0x7000 | P | W, 2)
  expect(w.walk(0xc000_5000, 'write', false)).toBe(true)
  expect(w.page.physical).toBe(2 * 2 ** 32 + 0x7000)
  expect(b.get(0x1038) & A).toBe(0)
  b.put(0x1020 + 8 * 3, 0x2000 | P | W, 0)
  expect(w.walk(0xc000_5000, 'read', false)).toBe(false)
  expect(w.fault.errorCode).toBe(9)
})

test('four levels reach a page of the upper half, and all four are marked accessed', () => {
  const [b, w, linear] = long([0x9000 | P | W | U | 0x100, 1])
  expect(w.walk(linear + 0x123, 'write', false)).toBe(true)
  expect(w.page).toMatchObject({ physical: 2 ** 32 + 0x9000, writable: true, global: true, executable: true })
  const marked = [0x1000, 0x2000, 0x3000, 0x4000].map((table) => {
    for (let i = 0; i < 512; i++) if ((b.get(table + 8 * i) & P) !== 0) return b.get(table + 8 * i) & (A | D)
    return 0
  })
  expect(marked).toEqual([A, A, A, A | D])
})

test('execute disable is a reserved bit until EFER.NXE, then it forbids fetches only', () => {
  const [b, w, linear] = long([0x9000 | P | W | U, 0x8000_0000])
  expect(w.walk(linear, 'read', false)).toBe(false)
  expect(w.fault.errorCode).toBe(9)
  b.state.setWord(S.efer, EFER.LMA | EFER.LME | EFER.NXE)
  expect(w.walk(linear, 'read', false)).toBe(true)
  expect(w.page.executable).toBe(false)
  expect(w.walk(linear, 'execute', true)).toBe(false)
  expect(w.fault.errorCode).toBe(0x15)
})

test('an address beyond the model is a reserved bit', () => {
  const [, w, linear] = long([0x9000 | P, 1 << 8])
  expect(w.walk(linear, 'read', false)).toBe(false)
  expect(w.fault.errorCode).toBe(9)
})

test('an address that is not canonical is #GP', () => {
  const [, w] = long([0, 0])
  expect(w.walk(0x8000_0000_0000, 'read', false)).toBe(false)
  expect(w.fault).toEqual({ vector: 13, errorCode: 0 })
})

test('a 2 MiB page keeps bit 12 to 20 of the linear address and refuses reserved ones', () => {
  const [b, w] = legacy(CR4.PAE)
  b.state.setWord(S.efer, EFER.LMA)
  b.put(0x1000, 0x2000 | P | W, 0)
  b.put(0x2000, 0x3000 | P | W, 0)
  b.put(0x3000, 0x0020_0000 | P | PS | W, 0)
  expect(w.walk(0x1_2345, 'read', false)).toBe(true)
  expect(w.page).toMatchObject({ physical: 0x0021_2000, sizeBytes: 0x20_0000 })
  b.put(0x3000, 0x0020_4000 | P | PS | W, 0)
  expect(w.walk(0x1_2345, 'read', false)).toBe(false)
})

test('probing sets no bits', () => {
  const [b, w] = legacy()
  b.put(0x1000, 0x2000 | P | W)
  b.put(0x2000, 0x5000 | P | W)
  expect(w.probe(0, 'write', false)).toBe(true)
  expect([b.get(0x1000) & A, b.get(0x2000) & (A | D)]).toEqual([0, 0])
})

test('the A20 gate applies to the addresses of tables', () => {
  const [b, w] = legacy()
  b.state.setWord(S.a20Mask, ~0x10_0000)
  b.put(0x1000, 0x10_2000 | P | W)
  b.put(0x2000, 0x5000 | P | W)
  expect(w.walk(0, 'read', false)).toBe(true)
  expect(w.page.physical).toBe(0x5000)
})
