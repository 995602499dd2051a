/**
 * Records src/fpu/*.bin.gz on an x86-64 host:
 *   gcc -O1 -o fp oracle/fp.c
 *   node --conditions=@godwit/source --import tsx oracle/record.mjs ./fp
 */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { IMAGE } from '../src/fpu/cases.ts'
import { encodeResult } from '../src/fpu/recorded.ts'
import { transcendentalRecords, vectorRecords, x87Records } from '../src/fpu/rows.ts'

const program = process.argv[2]
if (program === undefined) throw new Error('usage: record.mjs PROGRAM')
const OUT = 512 + 32 + 128

function record(name, records) {
  const all = records.flatMap((r) => r.cases)
  const input = Buffer.concat(
    all.flatMap(({ code, image }) => {
      const head = Buffer.alloc(16)
      head[0] = code.length
      head.set(code, 1)
      return [head, Buffer.from(image)]
    }),
  )
  const output = execFileSync(program, { input, maxBuffer: 1 << 30 })
  const bytes = []
  all.forEach(({ image: before }, i) => {
    const o = output.subarray(i * OUT, (i + 1) * OUT)
    const signal = o[512 + 24]
    const image = Uint8Array.from(before)
    if (signal === 0) {
      image.set(o.subarray(0, 528))
      image.set(o.subarray(544), IMAGE.memory)
      // Instruction and operand pointers, MXCSR's mask, and what FXSAVE leaves alone.
      for (const [from, to] of [
        [6, 24],
        [28, 32],
        [416, 512],
      ])
        image.set(before.subarray(from, to), from)
      for (let k = 0; k < 8; k++) image.fill(0, IMAGE.st + 16 * k + 10, IMAGE.st + 16 * k + 16)
    }
    for (const b of encodeResult(before, { image, flags: o[528] | (o[529] << 8), signal })) bytes.push(b)
  })
  const packed = gzipSync(Uint8Array.from(bytes), { level: 9 })
  writeFileSync(new URL(`../src/fpu/${name}.bin.gz`, import.meta.url), packed)
  console.log(name, all.length, 'cases', packed.length, 'bytes')
}

record('vector', vectorRecords())
record('x87', x87Records())
record('transcendental', transcendentalRecords())
