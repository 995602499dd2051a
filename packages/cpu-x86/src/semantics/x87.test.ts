import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { decode } from '../decode/decode.ts'
import { loadImage, saveImage, savedFlags } from '../fpu/image.testing.ts'
import { FPU_FUNCTIONS } from '../fpu/index.ts'
import { decodeResults } from '../fpu/recorded.ts'
import { x87Records } from '../fpu/rows.ts'
import { SingleStep } from '../fpu/testing.ts'
import { X87_MEANINGS } from './x87.ts'

const hexOf = (bytes: Uint8Array, from: number, to: number): string =>
  Buffer.from(bytes.subarray(from, to)).toString('hex')

test('x87 instructions give what the recorded processor gave, status and tags included', () => {
  const step = new SingleStep(FPU_FUNCTIONS)
  const results = gunzipSync(readFileSync(new URL('../fpu/x87.bin.gz', import.meta.url)))
  const wrong: string[] = []
  let compared = 0
  for (const { hex, test, result } of decodeResults(results, x87Records())) {
    const insn = decode((i) => test.code[i] ?? 0x90, 64)
    const meaning = X87_MEANINGS[insn.op]
    if (meaning === undefined) {
      wrong.push(`${hex} ${insn.op}: no meaning`)
      continue
    }
    loadImage(step, test.image)
    const vector = step.run(hex, insn, meaning)
    compared++
    if (vector !== -1 || result.signal !== 0) {
      if ((vector === -1) !== (result.signal === 0)) wrong.push(`${hex} ${insn.op}: ${vector}, signal ${result.signal}`)
      continue
    }
    const image = saveImage(step, test.image)
    const parts: string[] = []
    for (const [name, from, to] of [
      ['fcw', 0, 2],
      ['fsw', 2, 4],
      ['tags', 4, 5],
      ...Array.from({ length: 8 }, (_, i) => [`st${i}`, 32 + 16 * i, 42 + 16 * i] as const),
      ['rax', 512, 520],
      ['memory', 528, 656],
    ] as const) {
      const got = hexOf(image, from, to)
      const want = hexOf(result.image, from, to)
      if (got !== want) parts.push(`${name} ${got} not ${want}`)
    }
    if (/fu?comi/.test(insn.op) && savedFlags(step) !== (result.flags & 0x8d5))
      parts.push(`flags ${savedFlags(step).toString(16)} not ${(result.flags & 0x8d5).toString(16)}`)
    if (parts.length > 0)
      wrong.push(
        `${hex} ${insn.op} fcw ${hexOf(test.image, 0, 2)} fsw ${hexOf(test.image, 2, 4)} tags ${hexOf(test.image, 4, 5)} st0 ${hexOf(test.image, 32, 42)} st1 ${hexOf(test.image, 48, 58)} memory ${hexOf(test.image, 528, 538)}: ${parts.join(', ')}`,
      )
  }
  expect(compared).toBeGreaterThan(2000)
  expect([wrong.length, ...wrong.slice(0, 60)]).toEqual([0])
})
