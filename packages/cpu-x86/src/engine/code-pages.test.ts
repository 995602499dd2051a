import { expect, test } from 'vitest'
import { CR4, EFER } from '../cpu-state.ts'
import { S } from '../state.ts'
import { bench } from '../system/testing.ts'
import { CodePages } from './code-pages.ts'

const HIGH = 0x10_0000

test('a page that supervisor code never came from is not taken for one that looks like it', () => {
  const code = new CodePages(bench().cpu)
  expect(code.host(0x12, false)).toBe(code.peek(0x12, false))
  expect([0x12, 0x1_0012, 0x12 - HIGH].map((page) => code.mayKnow(page, false))).toEqual([true, false, false])
  expect(code.mayKnow(0x12, true)).toBe(false)
  code.flush(false)
  expect(code.mayKnow(0x12, false)).toBe(false)
})

test('code in a large page may be known by any address in that page', () => {
  const b = bench()
  b.state.setWord(S.cr0, 0x8001_0011 | 0)
  b.state.setWord(S.cr4, CR4.PAE | CR4.PGE)
  b.state.setWord(S.efer, EFER.LMA | EFER.LME)
  b.state.setNum(S.cr3, 0x1000)
  b.put(0x1000, 0x2003, 0)
  b.put(0x2000 + 8, 0x3003, 0)
  b.put(0x3000, 0x83, 0)
  const code = new CodePages(b.cpu)
  const page = 0x4000_0000 / 4096
  code.host(page + 0x12, false)
  expect([page, page + 511, page + 1024].map((p) => code.mayKnow(p, false))).toEqual([true, true, false])
})

test.each([1, 256, 257, 600])('after a change of address space %i user pages are looked up anew', (count) => {
  const b = bench()
  b.state.setWord(S.cr0, 0x8001_0011 | 0)
  b.state.setWord(S.cr4, CR4.PAE | CR4.PGE)
  b.state.setWord(S.efer, EFER.LMA | EFER.LME)
  b.state.setNum(S.cr3, 0x1000)
  b.put(0x1000, 0x2007, 0)
  b.put(0x2000, 0x3007, 0)
  const map = (first: number): void => {
    for (let i = 0; i < 2; i++) b.put(0x3000 + 8 * i, 0x4007 + 0x1000 * i, 0)
    for (let i = 0; i < 1024; i++) b.put(0x4000 + 8 * i, ((first + (i & 7)) << 12) | 7, 0)
  }
  const code = new CodePages(b.cpu)
  const all = (): number[] => Array.from({ length: count }, (_, page) => code.host(page, true))
  map(8)
  const before = all()
  map(9)
  // As far as they are remembered.
  expect(code.host(count - 1, true)).toBe(before[count - 1])
  code.flush(true)
  expect(all()).toEqual(before.map((page) => page + 1))
})
