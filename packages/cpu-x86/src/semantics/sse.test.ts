import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { decode } from '../decode/decode.ts'
import { IMAGE } from '../fpu/cases.ts'
import { loadImage, saveImage, savedFlags } from '../fpu/image.testing.ts'
import { FPU_FUNCTIONS } from '../fpu/index.ts'
import { decodeResults } from '../fpu/recorded.ts'
import { vectorRecords } from '../fpu/rows.ts'
import { SingleStep } from '../fpu/testing.ts'
import { MMX_MEANINGS } from './mmx.ts'
import { SSE_MEANINGS } from './sse.ts'

const MEANINGS = { ...SSE_MEANINGS, ...MMX_MEANINGS }
/** 12-bit approximations on real processors, exact here. */
const APPROXIMATE = /^r(cp|sqrt)/
const hexOf = (bytes: Uint8Array, from: number, to: number): string =>
  Buffer.from(bytes.subarray(from, to)).toString('hex')

test('SSE and MMX instructions give what the recorded processor gave', () => {
  const step = new SingleStep(FPU_FUNCTIONS)
  const results = gunzipSync(readFileSync(new URL('../fpu/vector.bin.gz', import.meta.url)))
  const wrong: string[] = []
  let compared = 0
  for (const { hex, test, result } of decodeResults(results, vectorRecords())) {
    const insn = decode((i) => test.code[i] ?? 0x90, 64)
    const meaning = MEANINGS[insn.op]
    if (meaning === undefined) {
      wrong.push(`${hex} ${insn.op}: no meaning`)
      continue
    }
    if (APPROXIMATE.test(insn.op)) continue
    loadImage(step, test.image)
    const vector = step.run(hex, insn, meaning)
    compared++
    const mode = new DataView(test.image.buffer).getUint32(IMAGE.mxcsr, true)
    if (vector >= 0 !== (result.signal !== 0)) {
      wrong.push(`${hex} ${insn.op}: exception ${vector}, signal ${result.signal}`)
      continue
    }
    if (vector >= 0) continue
    const image = saveImage(step, test.image)
    // In the default mode the flags of MXCSR are not recorded.
    if (mode === 0x1f80 && insn.op !== 'ldmxcsr') image.set(result.image.subarray(24, 28), 24)
    const parts: string[] = []
    for (const [name, from, to] of [
      ['x87', 0, 6],
      ['mxcsr', 24, 28],
      ['st', 32, 160],
      ['xmm0', 160, 176],
      ['xmm1', 176, 192],
      ['xmm2', 192, 416],
      ['rax', 512, 520],
      ['rcx', 520, 528],
      ['memory', 528, 656],
    ] as const) {
      const got = hexOf(image, from, to)
      const want = hexOf(result.image, from, to)
      if (got !== want) parts.push(`${name} ${got} not ${want}`)
    }
    if (/comis|ptest|pcmp.str/.test(insn.op) && savedFlags(step) !== (result.flags & 0x8d5))
      parts.push(`flags ${savedFlags(step).toString(16)} not ${(result.flags & 0x8d5).toString(16)}`)
    if (parts.length > 0)
      wrong.push(
        `${hex} ${insn.op} mxcsr ${mode.toString(16)} xmm0 ${hexOf(test.image, 160, 176)} xmm1 ${hexOf(test.image, 176, 192)} memory ${hexOf(test.image, 528, 544)}: ${parts.join(', ')}`,
      )
  }
  expect(compared).toBeGreaterThan(5000)
  expect(wrong.slice(0, 40)).toEqual([])
})
