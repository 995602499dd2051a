import { expect, test } from 'vitest'
import type { CpuOptions } from '../create-cpu.ts'
import type { Engine } from '../engine/engine.ts'
import { bench } from '../engine/testing.ts'
import { INTEGER_FUNCTIONS } from '../semantics/index.ts'
import { decodeList, encodeList, type KeptCode } from './code-list.ts'
import { coldSamples } from './hot-samples.ts'
import { modeOf } from './mode.ts'

/** Keeps everything, and says what was asked for. */
class Shelf implements KeptCode {
  readonly bytes = new Map<string, Uint8Array>()
  readonly keys = new Set<string>()
  written: string[] = []

  read(name: string, key: string): Uint8Array<ArrayBuffer> | undefined {
    this.keys.add(key)
    return this.bytes.get(`${name} ${key}`)?.slice()
  }

  write(name: string, key: string, bytes: Uint8Array): void {
    this.written.push(name)
    this.bytes.set(`${name} ${key}`, bytes.slice())
  }
}

const MODE = modeOf(64, 64, true)

/** A processor that has been asked for the first `count` cold handlers, the last of them first, and has run a loop. */
function started(kept: KeptCode | undefined, count: number, cpu: Partial<CpuOptions> = {}) {
  // mov ecx, 100; xor eax, eax; l: add eax, ecx; bswap eax; dec ecx; jnz l; hlt
  const code = 'b964000000 31c0 01c8 0fc8 ffc9 75f8 f4'
  const machine = bench({ bits: 64, code, cpu: { ...cpu, ...(kept === undefined ? {} : { kept }) } })
  const { processor } = machine
  const { handlers } = processor.cpu as Engine
  for (const insn of coldSamples(MODE).slice(0, count).reverse()) handlers.index(insn, MODE)
  handlers.compile()
  const { executed, reason } = processor.run(10_000)
  return { names: handlers.names, hot: handlers.hotCount, executed, reason, sum: machine.reg(0) }
}

test('handlers that were kept have the indices of emitted ones, and do what those do', () => {
  const shelf = new Shelf()
  for (const count of [40, 200, 0]) {
    const emitted = started(undefined, count)
    expect(emitted.reason).toBe('halted')
    expect(started(shelf, count)).toEqual(emitted)
    expect(started(shelf, count)).toEqual(emitted)
  }
  expect(shelf.written).toEqual(['run', 'parts', 'cold-9', 'cold-17'])
})

test('what is kept does not depend on what a guest asked for first', () => {
  const [one, other] = [new Shelf(), new Shelf()]
  started(one, 40)
  started(other, 300)
  expect(other.bytes).toEqual(one.bytes)
})

test('a processor that works otherwise has another key', () => {
  const shelf = new Shelf()
  for (const tier1 of ['on', 'off', 'always'] as const) started(shelf, 0, { tier1 })
  expect(shelf.keys.size).toBe(3)
})

test('meanings and functions that are not the usual ones are not kept, nor what counts', () => {
  const shelf = new Shelf()
  started(shelf, 0, { profile: true })
  expect(() => started(shelf, 0, { functions: INTEGER_FUNCTIONS })).toThrow()
  expect(shelf.keys.size).toBe(0)
})

test('a list comes back as it went', () => {
  const list = { names: ['@é', 'b'], numbers: [3, 0, 2], code: Uint8Array.of(0, 0x61, 0x73, 0x6d) }
  expect(decodeList(new Uint8Array(encodeList(list)))).toEqual(list)
})
