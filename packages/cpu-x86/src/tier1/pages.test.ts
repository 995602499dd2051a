import { describe, expect, test } from 'vitest'
import { bench, bytesOf, type Bench } from '../engine/testing.ts'
import { CR0 } from '../cpu-state.ts'
import { S } from '../state.ts'

const DIRECTORY = 0x1000
const TABLE = 0x2000
const FIRST = 0x10000
const SECOND = 0x11000
const OTHER = 0x12000
const ROUNDS = 300_000
const ACCESSED = 0x20

// l: inc ebx; test edx, edx; jnz SECOND; dec ecx; jnz l; hlt
const LOOP = '43 85d2 0f85f70f0000 49 75f4 f4'
// SECOND: add ebx, n; dec ecx; jnz l; hlt
const more = (n: string): Uint8Array => bytesOf(`83c3${n} 49 0f85f6efffff f4`)

/** A loop in two pages, the second of which it goes to if EDX is not zero. */
function twoPages(tier1: 'off' | 'on' | 'always'): Bench {
  const b = bench({ bits: 32, code: LOOP, at: FIRST, cpu: { tier1, tier1Counters: tier1 !== 'off' } })
  const entry = (at: number, value: number): void => b.ram.write(at, new Uint8Array(Uint32Array.of(value).buffer))
  entry(DIRECTORY, TABLE + 3)
  for (let i = 0; i < 1024; i++) entry(TABLE + 4 * i, i * 4096 + 3)
  b.ram.write(SECOND, more('05'))
  b.ram.write(OTHER, more('07'))
  b.processor.state.setNum(S.cr3, DIRECTORY)
  b.processor.state.setWord(S.cr0, CR0.PE | CR0.PG | 0x10)
  b.processor.afterLoad()
  return b
}

const pte = (b: Bench): number => b.peek(TABLE + 4 * (SECOND >> 12))

function map(b: Bench, value: number): void {
  b.ram.write(TABLE + 4 * (SECOND >> 12), new Uint8Array(Uint32Array.of(value).buffer))
}

function begin({ processor: { state } }: Bench, second: boolean, rounds: number): void {
  state.setGpr32(1, rounds)
  state.setGpr32(2, second ? 1 : 0)
  state.setGpr32(3, 0)
  state.setWord(S.halted, 0)
  state.rip = FIRST
}

function run(b: Bench, second: boolean, rounds = ROUNDS): number {
  begin(b, second, rounds)
  expect(b.processor.run(1e8).reason).toBe('halted')
  return b.reg(3)
}

describe.each(['on', 'always'] as const)('a region over two pages, tier 1 %s', (tier1) => {
  test('runs in both, and follows what the second one is mapped to', () => {
    const b = twoPages(tier1)
    expect(run(b, true)).toBe(6 * ROUNDS)
    const { entries, executed } = b.processor.stats().tier1!
    expect(executed! / entries!).toBeGreaterThan(tier1 === 'on' ? 1000 : 3)
    map(b, OTHER + 3)
    b.processor.cpu.flushTlbPage(SECOND)
    expect(run(b, true)).toBe(8 * ROUNDS)
    map(b, SECOND + 3)
    b.processor.cpu.flushTlb(true)
    expect(run(b, true)).toBe(6 * ROUNDS)
  })

  test('leaves no trace in the page tables of a page that it does not go to', () => {
    const b = twoPages(tier1)
    expect(run(b, true)).toBe(6 * ROUNDS)
    expect(pte(b) & ACCESSED).toBe(ACCESSED)
    map(b, SECOND + 3)
    b.processor.cpu.flushTlb(false)
    expect(run(b, false)).toBe(ROUNDS)
    expect(pte(b) & ACCESSED).toBe(0)
    expect(run(b, true)).toBe(6 * ROUNDS)
    expect(pte(b) & ACCESSED).toBe(ACCESSED)
  })

  test('is asked again when the tags of the jump cache have all been used', () => {
    const b = twoPages(tier1)
    expect(run(b, true)).toBe(6 * ROUNDS)
    map(b, OTHER + 3)
    for (let i = 0; i < 512; i++) b.processor.cpu.flushTlb(false)
    expect(run(b, true)).toBe(8 * ROUNDS)
  })

  test('hears of a page that nothing else has been to since all was forgotten', () => {
    const b = twoPages(tier1)
    expect(run(b, true)).toBe(6 * ROUNDS)
    b.processor.cpu.flushTlb(false)
    expect(run(b, true, 10)).toBe(60)
    map(b, OTHER + 3)
    b.processor.cpu.flushTlbPage(SECOND)
    expect(run(b, true, 10)).toBe(80)
  })

  test('is not entered where a page has become one that may not be executed', () => {
    const b = twoPages(tier1)
    expect(run(b, true)).toBe(6 * ROUNDS)
    map(b, 0)
    b.processor.cpu.flushTlbPage(SECOND)
    expect(run(b, false)).toBe(ROUNDS)
    begin(b, true, ROUNDS)
    expect(b.processor.run(1e6).reason).toBe('shutdown')
    expect(b.processor.state.num(S.cr2)).toBe(SECOND)
  })
})
