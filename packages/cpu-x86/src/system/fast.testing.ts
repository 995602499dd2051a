/** Compares an instruction in generated code, which has quick functions before the slow ones, with system/ alone. */
import { expect } from 'vitest'
import { CR0, FLAG, LDTR, TR } from '../cpu-state.ts'
import { bench, bytesOf, type Bench } from '../engine/testing.ts'
import { S, SEG } from '../state.ts'
import { systemOf, type System } from './system.ts'
import { faultOf } from './testing.ts'

export const CODE = 0x7c00

/** xorshift32, from a seed. */
export function random(seed: number): (n: number) => number {
  let x = seed
  return (n) => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return (x >>> 0) % n
  }
}

export interface Twins {
  /** Does to both the same, and compares them. Returns whether it faulted. */
  compare(what: string, setUp: (b: Bench) => void): boolean
}

/** @param slow what the instruction does, RIP being the next one's */
export function twins(bits: 32 | 64, code: string, slow: (sys: System) => void): Twins {
  const length = bytesOf(code).length
  const [quick, plain] = [bench({ bits, code: `${code} f4`, at: CODE }), bench({ bits, code: '90', at: CODE })]
  return {
    compare(what, setUp) {
      for (const b of [quick, plain]) {
        const { state, cpu } = b.processor
        state.setWord(S.halted, 0)
        state.setWord(S.idtLimit, 0)
        setUp(b)
        state.rip = CODE
        cpu.modeChanged()
      }
      const { processor } = quick
      const before = processor.instructions
      const { reason } = processor.run(1, true)
      const { cpu, state } = plain.processor
      state.rip = CODE + length
      const fault = faultOf(() => slow(systemOf(cpu)))
      expect(reason === 'shutdown', `${what}: faults`).toBe(fault !== undefined)
      if (fault !== undefined) {
        state.rip = CODE
      } else expect(processor.instructions - before, what).toBe(1)
      expect(view(quick), what).toEqual(view(plain))
      const derived = modeWords(quick)
      processor.cpu.modeChanged()
      expect(derived, `${what}: mode`).toEqual(modeWords(quick))
      return fault !== undefined
    },
  }
}

const words = (b: Bench, from: number, to: number): string[] => {
  const { state } = b.processor
  const list: string[] = []
  for (let at = from; at < to; at += 4) list.push(`${at.toString(16)} ${state.word(at).toString(16)}`)
  return list
}

function view(b: Bench): unknown {
  const { state } = b.processor
  return {
    registers: words(b, S.gpr, S.flagRes),
    eflags: state.eflags.toString(16),
    direction: state.low(S.direction),
    segments: words(b, S.seg, S.seg + SEG.size * (TR + 1)),
    control: words(b, S.cr0, S.cpl + 4),
    shadow: state.low(S.shadow),
    nmiBlocked: state.nmiBlocked,
  }
}

/** What modeChanged() sets. */
const modeWords = (b: Bench): string[] => [
  ...words(b, S.tlb, S.modeTag + 8),
  ...words(b, S.modeTags, S.modeKey + 4),
  ...words(b, S.codeBase, S.codeMask + 8),
  ...words(b, S.bounded, S.bounded + 4),
]

/** Registers, flags and segments, mostly as kernels have them. */
export function scatter(b: Bench, bits: 32 | 64, r: (n: number) => number): void {
  const { state } = b.processor
  const some = (n: number): boolean => r(n) === 0
  for (let i = 0; i < 16; i++) {
    const low = r(0x1_0000_0000)
    const high = some(8) ? r(0x1_0000_0000) : some(2) ? 0 : -1 - r(0x8000)
    state.setPair(S.gpr + 8 * i, low, bits === 32 ? 0 : high)
  }
  const cpl = some(2) ? 3 : some(8) ? 1 + r(2) : 0
  const dpl = cpl << 13
  state.setWord(S.cr0, (state.cr0 & ~CR0.PE) | (some(16) && bits === 32 ? 0 : CR0.PE))
  state.eflags = r(0x40_0000) & ~(FLAG.TF | FLAG.VM | (some(4) ? 0 : FLAG.NT)) & 0x3f_7fd5
  const long = bits === 64 && !some(8)
  state.setSegment(1, 8 | cpl, 0, 0xffff_ffff, (long ? 0xaf_9b00 : 0xcf_9b00) | dpl)
  for (const i of [0, 2, 3]) {
    const plain = !some(12)
    state.setSegment(i, 16 | cpl, 0, plain ? 0xffff_ffff : 0xf_ffff, (plain ? 0xcf_9300 : 0x4f_9300) | dpl)
  }
  for (const i of [4, 5]) {
    if (some(2)) state.setSegment(i, 0, 0, 0, some(4) ? 0x9300 : 0)
    else state.setSegment(i, 24 | cpl, r(0x1000_0000), 0xf_ffff, 0xcf_9300 | (some(2) ? dpl : 0x6000))
  }
  state.setSegment(LDTR, 0, 0, 0xffff, 0x8200)
  state.setSegment(TR, 0x40, 0x3000, 0x67, 0x8b00)
  state.cpl = cpl
}
