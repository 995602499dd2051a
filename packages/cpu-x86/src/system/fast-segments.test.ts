import { expect, test } from 'vitest'
import { bench, bytesOf } from '../engine/testing.ts'
import { S, SEG } from '../state.ts'
import { loadSegment } from './segments.ts'
import { faultOf, protectedBench } from './testing.ts'

const TABLE = 0x9000
const CODE = 0x7c00

/** Second words of descriptors: every type, present or not, privileges 0 and 3, limits in bytes and pages, accessed or not. */
const WORDS = Array.from({ length: 32 }, (_, kind) => kind << 8).flatMap((kind) =>
  [0, 0x8000].flatMap((present) =>
    [0, 0x6000].flatMap((dpl) => [0, 0xc0_0000].map((units) => kind | present | dpl | units | 0x1200_0034 | 0x5_0000)),
  ),
)
const SELECTORS = [0x00, 0x03, 0x08, 0x0b, 0x0c, 0x10]

test.each([0, 3, 4, 5])('segment %i is loaded by generated code as by system code, and faults alike', (i) => {
  const b = bench({ bits: 32, code: '90' })
  const { processor } = b
  const { state, cpu } = processor
  b.ram.write(CODE, bytesOf(`8e${(0xc0 | (i << 3)).toString(16)} f4`))
  const put = (at: number, value: number): void =>
    b.ram.write(at, Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24))
  state.setNum(S.gdtBase, TABLE)
  state.setWord(S.gdtLimit, 15)
  state.setWord(S.idtLimit, 0)
  const reference = protectedBench()
  reference.state.setNum(S.gdtBase, TABLE)
  reference.state.setWord(S.gdtLimit, 15)
  const words = (of: typeof state): readonly number[] =>
    Array.from({ length: SEG.size >> 2 }, (_, k) => of.low(S.seg + i * SEG.size + 4 * k))
  for (const high of WORDS) {
    for (const selector of SELECTORS) {
      reference.put(TABLE + 8, 0x4321_8765, high)
      reference.state.setSegment(i, 0, 0, 0xffff_ffff, 0xcf_9300)
      const fault = faultOf(() => loadSegment(reference.sys, i, selector))
      put(TABLE + 8, 0x4321_8765)
      put(TABLE + 12, high)
      // The second time the descriptor is accessed, and the soft-TLB knows its page.
      for (let time = 0; time < 2; time++) {
        state.setSegment(i, 0, 0, 0xffff_ffff, 0xcf_9300)
        cpu.modeChanged()
        state.setGpr32(0, selector)
        state.rip = CODE
        const { reason } = processor.run(2, true)
        const what = `${high.toString(16)} ${selector.toString(16)}`
        expect(reason === 'shutdown', what).toBe(fault !== undefined)
        state.setWord(S.halted, 0)
        if (fault !== undefined) continue
        expect(words(state), what).toEqual(words(reference.state))
        expect(b.peek(TABLE + 12), what).toBe(reference.get(TABLE + 12) >>> 0)
      }
    }
  }
})
