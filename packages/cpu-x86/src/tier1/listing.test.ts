import { expect, test } from 'vitest'
import { bench } from '../engine/testing.ts'

/** mov ecx, 1000000; l: add eax, ecx; dec ecx; jnz l; hlt */
const LOOP = 'b940420f0001c8ffc975faf4'

test('A region is listed with the code of each instruction beside it, and what it executed.', () => {
  const { processor } = bench({ bits: 32, code: LOOP, cpu: { tier1: 'on', tier1Counters: true } })
  processor.run(4_000_000)
  const region = processor.compiled()[0]!
  expect(region.executed).toBeGreaterThan(100_000)
  expect(region.executed).toBe(processor.stats().tier1!.executed)
  const insns = region.blocks.flatMap((b) => b.insns)
  expect(insns.map(({ text }) => text.split(' ')[0])).toEqual(['add', 'dec', 'jne'])
  expect(insns[0]!.rip).toBe(region.rip)
  expect(insns[0]!.wasm.join()).toContain('i32.add')
  expect(insns[1]!.wasm.join()).not.toContain('i32.add')
  expect(region.prologue.join()).toContain('i64.load')
  const lines = insns.reduce((n, { wasm }) => n + wasm.length, region.prologue.length)
  expect(lines).toBeGreaterThan(region.wasmBytes / 6)
})

test('Counts stay when their region goes, and nothing is listed where nothing is counted.', () => {
  const counted = bench({ bits: 32, code: LOOP, cpu: { tier1: 'on', tier1Counters: true } })
  counted.processor.run(4_000_000)
  const before = counted.processor.stats().tier1!.executed!
  expect(before).toBeGreaterThan(100_000)
  counted.ram.write(0x7c06, Uint8Array.of(0xc8))
  expect(counted.processor.compiled()).toEqual([])
  expect(counted.processor.stats().tier1!.executed).toBe(before)
  const plain = bench({ bits: 32, code: LOOP, cpu: { tier1: 'on' } })
  plain.processor.run(4_000_000)
  expect(plain.processor.compiled()).toEqual([])
})
