import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { S } from '../state.ts'
import { bench, type Bench } from '../engine/testing.ts'
import { PROGRAM_AT, RandomPrograms, randomFrom, ROUNDS_AT } from './random-programs.testing.ts'
import type { Tier1Mode } from './regions.ts'

const RECORDED = gunzipSync(readFileSync(new URL('../semantics/hardware.fixture.txt.gz', import.meta.url))).toString()
const PROGRAMS = 40
const ROUNDS = 7

function load(b: Bench, program: Uint8Array, seed: number): void {
  const { state } = b.processor
  const random = randomFrom(seed + 7)
  b.ram.write(0x4000, new Uint8Array(0x40000 - 0x4000))
  for (let i = 0; i < 0x5000; i += 256)
    b.ram.write(
      0x2_0000 + i,
      Uint8Array.from({ length: 256 }, () => random(256)),
    )
  b.ram.write(ROUNDS_AT, Uint8Array.of(ROUNDS, 0, 0, 0))
  b.ram.write(PROGRAM_AT, program)
  for (let i = 0; i < 8; i++) state.setNum(S.gpr + 8 * i, random(2 ** 24) * 256 + random(256))
  for (let i = 0; i < 64; i++) state.setWord(S.xmm + 4 * i, random(2 ** 24))
  for (let i = 0; i < 32; i++) state.setWord(S.fpr + 4 * i, 0)
  state.setWord(S.fpuControl, 0x37f)
  state.setWord(S.fpuStatus, 0)
  state.setWord(S.fpuTop, 0)
  state.setWord(S.fpuEmpty, 0x01010101)
  state.setWord(S.fpuEmpty + 4, 0x01010101)
  state.setWord(S.mxcsr, 0x1f80)
  state.setWord(S.cr4, state.low(S.cr4) | 0x200)
  state.setWord(S.halted, 0)
  state.setWord(S.flagRes, 1)
  state.setWord(S.flagRes + 4, 0)
  state.setWord(S.flagCv, 0)
  state.setWord(S.flagCv + 4, 0)
  state.setWord(S.flagAux, 0)
  state.rip = PROGRAM_AT
  state.rsp = 0x7000
  b.processor.afterLoad()
}

function visible(b: Bench): unknown {
  const { state } = b.processor
  let hash = 0
  for (const byte of b.ram.bytes.subarray(0x4000, 0x4_0000)) hash = (Math.imul(hash, 31) + byte) | 0
  return {
    gpr: Array.from({ length: 16 }, (_, i) => state.gpr(i).toString(16)),
    xmm: Array.from({ length: 64 }, (_, i) => state.low(S.xmm + 4 * i)),
    fpr: Array.from({ length: 32 }, (_, i) => state.low(S.fpr + 4 * i)),
    fpu: [S.fpuStatus, S.fpuTop, S.fpuEmpty, S.fpuEmpty + 4, S.mxcsr].map((at) => state.low(at)),
    rip: state.rip,
    eflags: state.eflags,
    hash,
  }
}

/** Runs one program in slices; the state after each, and how many instructions it took. */
function run(b: Bench, slice: number): unknown[] {
  const states: unknown[] = []
  const before = b.processor.instructions
  for (let i = 0; i < 200; i++) {
    const { reason } = b.processor.run(slice, true)
    if (i % 8 === 0 || reason !== 'budget') states.push([reason, b.processor.instructions - before, visible(b)])
    if (reason !== 'budget') break
  }
  return states
}

test.each([32, 64] as const)('random %i-bit programs go the same way with everything compiled', (bits) => {
  const programs = new RandomPrograms(bits, RECORDED)
  const [plain, compiled] = (['off', 'always'] as const).map((tier1: Tier1Mode) =>
    bench({ bits, code: 'f4', cpu: { tier1 } }),
  ) as [Bench, Bench]
  for (let seed = 1; seed <= PROGRAMS; seed++) {
    const program = programs.make(seed * bits)
    const slice = seed % 3 === 0 ? 37 : 1000
    const [wanted, got] = [plain, compiled].map((b) => {
      load(b, program, seed)
      return run(b, slice)
    })
    expect(got, `program ${seed}`).toEqual(wanted)
  }
  expect(compiled.processor.stats().tier1!.compiled).toBeGreaterThan(PROGRAMS)
})
