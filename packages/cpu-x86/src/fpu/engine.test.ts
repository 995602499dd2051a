/** x87 and SSE in the processor as it runs guests. */
import { expect, test } from 'vitest'
import { bench } from '../engine/testing.ts'
import { S } from '../state.ts'

const OSFXSR = 0x600
const TS = 8
const EM = 4
const NE = 0x20

/** A processor in long mode, or protected mode, with CR4.OSFXSR and CR0.NE, or with other bits instead. */
function withSse(code: string, cr0 = NE, cr4 = OSFXSR, bits: 32 | 64 = 64): ReturnType<typeof bench> {
  const b = bench({ bits, code })
  const { state } = b.processor
  state.setWord(S.cr4, state.word(S.cr4) | cr4)
  state.setWord(S.cr0, state.word(S.cr0) | cr0)
  b.processor.afterLoad()
  return b
}

// fninit; fld1; fldpi; movd xmm3, 0x12345678; fxsave [9000]; fnsave [a000]; fnstenv [b000]; pxor xmm3, xmm3;
// fxrstor [9000]; fxsave [9400]; frstor [a000]; fnsave [a400]; al = images of fxsave differ; ah = those of fnsave differ
const SAVES = `dbe3 d9e8 d9eb b878563412 660f6ed8 0fae042500900000 dd342500a00000 d9342500b00000 660fefdb
  0fae0c2500900000 0fae042500940000 dd242500a00000 dd342500a40000 b978000000 8d342500900000 8d3c2500940000 51
  b968000000 f3a7 0f95c0 8d342500a00000 8d3c2500a40000 b91b000000 f3a7 0f95c4 0fb7c0 f4`

test.each([32, 64] as const)('what FXSAVE and FNSAVE write, FXRSTOR and FRSTOR bring back in %i-bit mode', (bits) => {
  const b = withSse(SAVES, NE, OSFXSR, bits)
  expect(b.processor.run(1e6).reason).toBe('halted')
  expect(b.reg(0)).toBe(0)
  expect(b.peek(0x9000, 2)).toBe(0x37f)
  // Two registers in use, the top is 6.
  expect(b.peek(0x9002, 2)).toBe(6 << 11)
  expect(b.peek(0x9004, 1)).toBe(0xc0)
  // pi is on top.
  expect(b.peek(0x9020)).toBe(0x2168c235)
  expect(b.peek(0x9024) >>> 0).toBe(0xc90fdaa2)
  expect(b.peek(0x90d0)).toBe(0x12345678)
  // FNSAVE initializes: FNSTENV after it sees an empty stack.
  expect(b.peek(0xb008, 2)).toBe(0xffff)
  expect(b.peek(0xa008, 2)).toBe(0x0fff)
})

// fninit; fldz; fld1; mov ecx, 1000; l: fadd st(1), st; fld qword [9000]; fmul st, st(2); fstp qword [9008]; loop
const SUM = `dbe3 d9ee d9e8 b9e8030000 dcc1 dd042500900000 d8ca dd1c2508900000 ffc9 75ea f4`

test.each([32, 64] as const)('a loop of x87 arithmetic counts to a thousand in %i-bit mode', (bits) => {
  const b = withSse(SUM, NE, OSFXSR, bits)
  b.ram.write(0x9000, new Uint8Array(Float64Array.of(0.5).buffer))
  expect(b.processor.run(1e6).reason).toBe('halted')
  expect(new Float64Array(Uint32Array.of(b.peek(0x9008), b.peek(0x900c)).buffer)[0]).toBe(500)
})

test.each([
  ['an x87 instruction with CR0.TS', 'd9e8', TS, OSFXSR, 7],
  ['an x87 instruction with CR0.EM', 'd9e8', EM, OSFXSR, 7],
  ['an MMX instruction with CR0.EM', '0fefc0', EM, OSFXSR, 6],
  ['an SSE instruction with CR0.TS', '0f57c0', TS, OSFXSR, 7],
  ['an SSE instruction without CR4.OSFXSR', '0f57c0', NE, 0, 6],
  ['a misaligned MOVAPS', '0f2804250190 0000', NE, OSFXSR, 13],
  ['LDMXCSR of reserved bits', 'c7042500900000 00000100 0fae142500900000', NE, OSFXSR, 13],
  // fninit; unmask zero divide; fld1; fldz; fdivp; fwait
  ['WAIT after an unmasked zero divide', 'dbe3 66c704250090000 07b03 d92c2500900000 d9e8 d9ee def9 9b', NE, OSFXSR, 16],
  [
    'DIVSS by zero with that unmasked',
    'c7042500900000 801d0000 0fae142500900000 b80000803f 660f6ec0 0f57c9 f30f5ec1',
    NE,
    OSFXSR,
    19,
  ],
] as const)('%s faults', (_, code, cr0, cr4, vector) => {
  const b = withSse(`${code.replaceAll(' ', '')} f4`, cr0, cr4)
  // There is no IDT: what comes after the first exception is a shutdown.
  expect(b.processor.run(1e6).reason).toBe('shutdown')
  expect(b.processor.stats().exceptions[vector]).toBe(1)
})

test('a pending x87 exception waits while CR0.NE is clear', () => {
  const b = withSse('dbe3 66c7042500900000 7b03 d92c2500900000 d9e8 d9ee def9 9b f4', 0)
  expect(b.processor.run(1e6).reason).toBe('halted')
})
