import { expect, test } from 'vitest'
import {
  CROSS_CODE,
  CROSS_DATA,
  HANDLER,
  MIX,
  RECURSION,
  SMC_PAGE,
  SMC_SAME,
  STI_SHADOW,
  STRINGS,
} from '../engine/programs.testing.ts'
import { bench, bytesOf, type Bench } from '../engine/testing.ts'

/** Rotates and a PUSHF over flags that two ways bring, in a loop. */
const ROTATES = `b9e803000031dbc1c0059c5a01d3f6c103740539d8c1c803d3c0a3009000007001439c5a31d329c8d1c30f92c20f97c60f980501900000
  01d040c1cb074975c7f4`

/** The same with BT and its like, CLC and STC, which leave OF. */
const BIT_TESTS = `b9b80b000031db0fa3cb7303c1c0050fbaea03f6c103740539d80fb3c8f8a3009000007001439c5a31d329c8f6c105740905785634127003
  d1c3f90fbae0070f90c20f97c6668915049000009c5e01f301d00fbaf8094975aef4`

function visible(b: Bench): unknown {
  const { state } = b.processor
  let hash = 0
  for (const byte of b.ram.bytes.subarray(0, 0x4_0000)) hash = (Math.imul(hash, 31) + byte) | 0
  const gpr = Array.from({ length: 16 }, (_, i) => state.gpr(i))
  return { gpr, rip: state.rip, eflags: state.eflags, hash, count: b.processor.instructions }
}

test.each([
  ['recursive calls', 64, RECURSION],
  ['strings', 32, STRINGS],
  ['code that changes itself', 32, SMC_SAME],
  ['code that changes another page', 32, SMC_PAGE],
  ['code across pages', 32, CROSS_CODE],
  ['data across pages', 32, CROSS_DATA],
  ['a mix', 32, MIX],
  ['rotates', 32, ROTATES],
  ['bit tests', 32, BIT_TESTS],
] as const)('%s end alike interpreted, compiled, and in slices', (_, bits, code) => {
  const plain = bench({ bits, code })
  plain.processor.run(1e7)
  for (const slice of [1e7, 13]) {
    const b = bench({ bits, code, cpu: { tier1: 'always' } })
    while (b.processor.run(slice, true).reason === 'budget');
    expect(visible(b)).toEqual(visible(plain))
    expect(b.processor.stats().tier1!.compiled).toBeGreaterThan(0)
  }
})

// l: add eax, ecx; dec ecx; jnz l; hlt
const LOOP = 'b940420f00 01c8 49 75fb f4'

test('a hot loop is compiled and runs as many instructions as it would', () => {
  const b = bench({ bits: 32, code: LOOP, cpu: { tier1: 'on', tier1Counters: true } })
  expect(b.processor.run(1e8)).toEqual({ reason: 'halted', executed: 3_000_002 })
  const stats = b.processor.stats().tier1!
  expect(stats.compiled).toBe(1)
  expect(stats.executed).toBeGreaterThan(2_000_000)
})

// mov ecx, 1000000; l: mov eax, ecx; and eax, 3; jmp [t + eax * 4]; a: inc ebx; b: inc ebx; c: inc ebx; d: dec ecx; jnz l; hlt
const COMPUTED = `b940420f00 89c8 83e003 ff2485207c0000 43 43 43 49 75ee f4 9090909090909090
  117c0000 127c0000 137c0000 147c0000`

test('a loop around a computed jump stays in its region', () => {
  const b = bench({ bits: 32, code: COMPUTED, cpu: { tier1: 'on', tier1Counters: true } })
  b.processor.run(1_000_000, true)
  const warm = b.processor.stats().tier1!
  const before = { entries: warm.entries!, executed: warm.executed! }
  expect(b.processor.run(1e8)).toEqual({ reason: 'halted', executed: 6_500_002 - 1_000_000 })
  expect(b.reg(3)).toBe(1_500_000)
  const stats = b.processor.stats().tier1!
  expect((stats.executed! - before.executed) / (stats.entries! - before.entries)).toBeGreaterThan(2000)
})

test('a region goes when its code is written, and what is written runs', () => {
  const b = bench({ bits: 32, code: LOOP, cpu: { tier1: 'on' } })
  b.processor.run(1e6)
  expect(b.processor.stats().tier1).toMatchObject({ compiled: 1, dropped: 0 })
  // sub eax, ecx
  b.ram.write(0x7c05, Uint8Array.of(0x29))
  expect(b.processor.stats().tier1).toMatchObject({ compiled: 1, dropped: 1, bytes: 0 })
  const [before, left] = [b.reg(0), b.reg(1)]
  b.processor.run(1e8)
  expect(b.reg(0)).toBe((before - (left * (left + 1)) / 2) >>> 0)
})

test.each([1, 2, 1000])('STI lets one instruction pass before an interrupt, compiled, in slices of %i', (slice) => {
  const pic = {
    acknowledge: () => {
      b.processor.intr.lower()
      return 32
    },
  }
  const b: Bench = bench({ bits: 16, code: STI_SHADOW, pic, cpu: { tier1: 'always' } })
  b.ram.write(0x8000, bytesOf(HANDLER))
  b.ram.write(32 * 4, Uint8Array.of(0, 0x80, 0, 0))
  b.processor.intr.raise()
  while (b.processor.run(slice, true).reason !== 'halted');
  // BX as the handler saw it.
  expect(b.reg(6) & 0xffff).toBe(1)
  expect(b.reg(3) & 0xffff).toBe(2)
})

// mov ecx, 10000000; l: mov eax, ecx; and eax, 7; mov edx, 20; m: dec edx; jnz m; test eax, eax; jnz n; mov eax, 0x9c00; call eax; n: dec ecx; jnz l; hlt
const SELDOM = 'b980969800 89c8 83e007 ba14000000 4a 75fd 85c0 7507 b8009c0000 ffd0 49 75e5 f4'

test('a short function that only compiled code calls and returns to becomes compiled too', () => {
  const b = bench({ bits: 32, code: SELDOM, cpu: { tier1: 'on', tier1Counters: true } })
  // inc ebx; ret
  b.ram.write(0x9c00, Uint8Array.of(0x43, 0xc3))
  b.processor.run(80_000_000)
  const before = b.processor.stats().tier1!.executed!
  b.processor.run(10_000_000, true)
  expect(b.processor.stats().tier1!.executed! - before).toBeGreaterThan(9_999_000)
})

// mov ecx, 3000000; l: call s; dec ecx; jnz l; hlt; s: jmp [0xbc00]
const THROUGH = 'b9c0c62d00 e804000000 49 75f8 f4 ff2500bc0000'

test('a call through a table of addresses stays in its region, there and back', () => {
  const b = bench({ bits: 32, code: THROUGH, cpu: { tier1: 'on', tier1Counters: true } })
  // inc ebx; ret
  b.ram.write(0x9c00, Uint8Array.of(0x43, 0xc3))
  b.ram.write(0xbc00, Uint8Array.of(0x00, 0x9c, 0, 0))
  b.processor.run(3_000_000)
  const { entries } = b.processor.stats().tier1!
  b.processor.run(10_000_000)
  expect(b.processor.stats().tier1!.entries! - entries!).toBeLessThan(1000)
  while (b.processor.run(1e7).reason !== 'halted');
  expect(b.reg(3)).toBe(3_000_000)
})

/** Calls a loop at 20ffdh six times, whose first instruction ends in the next page, and maps that to another between. */
const REMAPPED = `
  bf00100100b803000000b9000400008907050010000083c7044975f3c7050000010003100100c705fc0f02009081c344c705001002003322
  1149c7050410020075f7c300c7050000030033221249c7050400030075f7c300b8000001000f22d80f20c00d000000800f22c0bd06000000
  b9400d0300b8fd0f0200ffd0813584100100001001000f013d001002004d75e0f4`

test.each(['on', 'always'] as const)(
  'a loop across two pages is compiled (%s), and follows what the second one is mapped to',
  (tier1) => {
    const b = bench({ bits: 32, code: REMAPPED, cpu: { tier1, tier1Counters: true } })
    const plain = bench({ bits: 32, code: REMAPPED })
    expect(b.processor.run(1e8)).toEqual(plain.processor.run(1e8))
    expect(b.reg(3)).toBe((600_000 * (0x1122_3344 + 0x1222_3344)) % 2 ** 32)
    expect(plain.reg(3)).toBe(b.reg(3))
    expect(b.processor.stats().tier1!.executed).toBeGreaterThan(1_000_000)
  },
)
