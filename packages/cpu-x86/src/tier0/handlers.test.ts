import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { decode } from '../decode/decode.ts'
import type { CodeSize } from '../decode/insn.ts'
import type { Engine } from '../engine/engine.ts'
import { bench } from '../engine/testing.ts'
import { coldSamples } from './hot-samples.ts'
import { modeOf } from './mode.ts'

const FIXTURE = gunzipSync(readFileSync(new URL('../decode/disassembly.fixture.txt.gz', import.meta.url))).toString()

/** Instructions of every opcode and form, by mode. */
function* samples(): Generator<[CodeSize, number[]]> {
  for (const line of FIXTURE.trim().split('\n')) {
    const [bits, hex] = line.split(' ')
    yield [Number(bits) as CodeSize, hex!.match(/../g)!.map((h) => parseInt(h, 16))]
  }
}

test('every instruction that decodes makes a handler that WebAssembly accepts', () => {
  const { cpu } = bench({ bits: 32, code: 'f4' }).processor
  const { handlers } = cpu as Engine
  const failed = new Map<string, string>()
  for (const [code, bytes] of samples()) {
    const insn = decode((i) => bytes[i] ?? 0, code)
    for (const flat of code === 64 ? [true] : [false, true]) {
      try {
        handlers.index(insn, modeOf(code, code, flat))
      } catch (error) {
        failed.set(`${insn.op} ${code}`, String(error))
      }
    }
  }
  expect([...failed]).toEqual([])
  handlers.compile()
  expect(handlers.names.length).toBeGreaterThan(2000)
})

test('instructions that differ only in register numbers share a handler', () => {
  const { handlers } = bench({ bits: 64, code: 'f4' }).processor.cpu as Engine
  const mode = modeOf(64, 64, true)
  const index = (...bytes: number[]): number =>
    handlers.index(
      decode((i) => bytes[i] ?? 0, 64),
      mode,
    )
  // mov eax, ebx; mov r9d, ecx; mov rax, rbx
  expect(index(0x89, 0xd8)).toBe(index(0x41, 0x89, 0xc9))
  expect(index(0x89, 0xd8)).not.toBe(index(0x48, 0x89, 0xd8))
})

test('once a few handlers of a mode were asked for, those of the list are there', () => {
  const { handlers } = bench({ bits: 64, code: 'f4' }).processor.cpu as Engine
  const mode = modeOf(64, 64, true)
  const listed = coldSamples(mode)
  const ask = (from: number, to: number): void => {
    for (const insn of listed.slice(from, to)) handlers.index(insn, mode)
    handlers.compile()
  }
  ask(0, 8)
  const few = handlers.names.length
  ask(8, 40)
  expect(handlers.names.length).toBeGreaterThan(few + listed.length / 2)
  const all = handlers.names.length
  ask(0, listed.length)
  expect(handlers.names.length).toBe(all)
})
