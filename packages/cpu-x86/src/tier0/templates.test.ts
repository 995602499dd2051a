import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { decode } from '../decode/decode.ts'
import { headLength } from '../decode/head.ts'
import type { Engine } from '../engine/engine.ts'
import { bench, RAM_BYTES } from '../engine/testing.ts'
import { modeOf } from './mode.ts'
import { R, recordWriter, writeRecord } from './record.ts'
import { endsBlock, factsOf, flowOf, hasLink, lengthOf, nameOf, Templates } from './templates.ts'

const FIXTURE = gunzipSync(readFileSync(new URL('../decode/disassembly.fixture.txt.gz', import.meta.url))).toString()
const OFFSET = 64
const INDEX = 5
const LONGEST = 15

function make(): { engine: Engine; templates: Templates; bytes: Uint8Array; page: number } {
  const { processor, ram } = bench({ bits: 32, code: 'f4' })
  const engine = processor.cpu as Engine
  const { buffer } = engine.host.memory
  return { engine, templates: new Templates(buffer), bytes: new Uint8Array(buffer), page: ram.offset / 4096 + 16 }
}

const told = (facts: number): unknown => [
  lengthOf(facts),
  flowOf(facts),
  endsBlock(facts),
  hasLink(facts),
  nameOf(facts),
]

test('a record that is made from its head is the one that decoding makes, whatever follows the head', () => {
  const { engine, templates, bytes, page } = make()
  const writer = recordWriter(bytes.buffer)
  const [wanted, got] = [(page + 1) * 4096, (page + 1) * 4096 + R.bytes]
  let compared = 0
  let seed = 1
  for (const line of FIXTURE.trim().split('\n')) {
    const [bits, hex] = line.split(' ')
    if (bits === '16') continue
    const code = bits === '64' ? 64 : 32
    const mode = modeOf(code, code, true)
    const at = page * 4096 + OFFSET
    for (let round = 0; round < 3; round++) {
      bytes.fill(0x90, at, at + LONGEST)
      bytes.set(Buffer.from(hex!, 'hex'), at)
      const head = headLength(bytes, at, code === 64)
      for (let i = head; head > 0 && round > 0 && i < LONGEST; i++)
        bytes[at + i] = (seed = (Math.imul(seed, 1664525) + 1013904223) | 0) >>> 24
      const insn = decode((i) => bytes[at + i]!, code)
      const handler = engine.handlers.index(insn, mode)
      const { baked } = engine.handlers
      writeRecord(writer, wanted, insn, handler, OFFSET, INDEX)
      const facts = factsOf(insn, mode, false)
      const copied = templates.write(page, OFFSET, mode, got, INDEX)
      if (copied === 0) {
        if (!baked) templates.learn(page, OFFSET, mode, wanted, insn, facts)
        continue
      }
      compared++
      const name = Buffer.from(bytes.subarray(at, at + insn.length)).toString('hex')
      expect(told(copied), name).toEqual(told(facts))
      expect([...bytes.subarray(got, got + R.bytes)], name).toEqual([...bytes.subarray(wanted, wanted + R.bytes)])
    }
  }
  expect(compared).toBeGreaterThan(10_000)
})

test('a head is known in the mode that it was learnt in, and where the whole instruction lies in the page', () => {
  const { engine, templates, bytes, page } = make()
  const code = Buffer.from('81c378563412', 'hex')
  const mode = modeOf(32, 32, true)
  const insn = decode((i) => code[i]!, 32)
  const record = (page + 1) * 4096
  const learn = (at: number): number => {
    bytes.set(code, page * 4096 + at)
    return templates.write(page, at, mode, record, 0)
  }
  expect(learn(8)).toBe(0)
  writeRecord(recordWriter(bytes.buffer), record, insn, engine.handlers.index(insn, mode), 8, 0)
  templates.learn(page, 8, mode, record, insn, factsOf(insn, mode, false))
  expect(lengthOf(learn(8))).toBe(6)
  expect(lengthOf(learn(4090))).toBe(6)
  expect(learn(4091)).toBe(0)
  expect(templates.write(page, 8, modeOf(32, 16, true), record, 0)).toBe(0)
})

test('prefixes without an end end the search', () => {
  const { templates, bytes } = make()
  bytes.fill(0x66, bytes.length - 4096)
  const page = bytes.length / 4096 - 1
  expect(templates.write(page, 4090, modeOf(64, 64, true), RAM_BYTES, 0)).toBe(0)
})
