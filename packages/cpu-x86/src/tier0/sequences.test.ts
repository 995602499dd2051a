import { expect, test } from 'vitest'
import { decode } from '../decode/decode.ts'
import type { CodeSize } from '../decode/insn.ts'
import type { Engine } from '../engine/engine.ts'
import { bench, bytesOf, type Bench } from '../engine/testing.ts'
import { S } from '../state.ts'
import { hotSamples } from './hot-samples.ts'
import { HOT } from './hot.ts'
import { fusable, leads } from './sequences.ts'

const AT = 0x7c00
const ROUNDS = 6

/** A small generator, so that a failure can be repeated. */
function numbers(seed: number): () => number {
  let x = seed
  return () => {
    x = (Math.imul(x, 1664525) + 1013904223) | 0
    return (x ^ (x >>> 15)) | 0
  }
}

function runFrom(b: Bench, code: Uint8Array, seed: number): unknown {
  const next = numbers(seed)
  const { state } = b.processor
  b.ram.write(AT, code)
  for (let r = 0; r < 8; r++) {
    // Often an address of RAM; at times one that no memory is at, or that is not canonical.
    const low = (next() & 3) === 0 ? next() : next() & 0xfffff8
    const high = (next() & 15) === 0 ? next() : 0
    state.setGpr(r, BigInt.asUintN(64, (BigInt(high) << 32n) | BigInt(low >>> 0)))
  }
  state.eflags = 2 | (next() & 0x8d5)
  state.setWord(S.halted, 0)
  state.rip = AT
  const before = b.processor.instructions
  const { reason } = b.processor.run(1)
  return {
    reason,
    counted: b.processor.instructions - before,
    rip: state.rip,
    flags: state.eflags,
    cr2: state.num(S.cr2),
    registers: Array.from({ length: 16 }, (_, r) => state.gpr(r)),
  }
}

/** A processor that is profiled fuses nothing. */
function compare(bits: 32 | 64): number {
  const fused = bench({ bits, code: 'f4' })
  const single = bench({ bits, code: 'f4', cpu: { profile: true } })
  const key = bits === 64 ? 17 : 9
  let compared = 0
  hotSamples().forEach(({ insns, mode }, i) => {
    if (insns.length < 2 || mode.key !== key) return
    const code = bytesOf(`${HOT[i]![1]}f4`)
    for (let round = 0; round < ROUNDS; round++) {
      const seed = i * 1000 + round
      expect(runFrom(fused, code, seed), `${HOT[i]![1]} with seed ${seed}`).toEqual(runFrom(single, code, seed))
      compared++
    }
  })
  return compared
}

test('a fused sequence leaves registers, flags, faults and counts as its instructions do one by one: 32 bits', () => {
  expect(compare(32)).toBeGreaterThan(100)
})

test('a fused sequence leaves registers, flags, faults and counts as its instructions do one by one: 64 bits', () => {
  expect(compare(64)).toBeGreaterThan(100)
})

test('every hot sequence may be fused and is found as the longest that fits', () => {
  const { handlers } = bench({ bits: 32, code: 'f4' }).processor.cpu as Engine
  for (const { insns, mode } of hotSamples()) {
    expect(fusable(insns)).toBe(true)
    if (insns.length < 2) continue
    const parts = insns.map((insn) => handlers.index(insn, mode))
    expect(handlers.sequences.find(parts, 0, parts.length)).toBeGreaterThan(0)
    expect(handlers.sequences.length).toBe(insns.length)
  }
})

test('only the last of a sequence may store, transfer control or touch the system', () => {
  const one = (hex: string, bits: CodeSize = 32) => decode((i) => bytesOf(hex)[i] ?? 0, bits)
  const allowed = ['89c8', '8b06', '01c8', '3906', '8d04b0', '58', 'c1e005', '0f94c0', '0fafc1']
  const refused = [
    '8906',
    '0106',
    '50',
    'fb',
    '9d',
    '7500',
    'e800000000',
    '8ed8',
    '0f20c0',
    'f3a4',
    'f00106',
    '8706',
    'f4',
  ]
  expect(allowed.filter((hex) => !leads(one(hex)))).toEqual([])
  expect(refused.filter((hex) => leads(one(hex)))).toEqual([])
})
