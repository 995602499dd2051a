/** Compares an instruction in generated code, which has quick functions before the slow ones, with system/ alone. */
import { expect } from 'vitest'
import { CR0, FLAG, LDTR, TR } from '../cpu-state.ts'
import { bench, bytesOf, type Bench } from '../engine/testing.ts'
import { FPU_FUNCTIONS } from '../fpu/index.ts'
import { ts } from '../runtime.ts'
import { INTEGER_FUNCTIONS } from '../semantics/index.ts'
import { S, SEG } from '../state.ts'
import type { Outcome } from './exceptions.ts'
import { SYSTEM_FUNCTIONS } from './index.ts'
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
  /** Does to both the same, and compares them. Returns whether it faulted (with tables that deliver nothing) or shut down. */
  compare(what: string, setUp: (b: Bench) => void): boolean
  /** How often functions in TypeScript were called. */
  readonly calls: number
}

/** @param slow what the instruction does, RIP being the next one's; @param name of the function whose calls count */
export function twins(bits: 32 | 64, code: string, slow: (sys: System) => Outcome | void, name: string): Twins {
  const length = bytesOf(code).length
  let calls = 0
  const counted = ts(...SYSTEM_FUNCTIONS[name]!.signature, (cpu) => {
    const f = SYSTEM_FUNCTIONS[name]!
    if (f.kind !== 'ts') throw new Error(`${name} is not in TypeScript`)
    const made = f.make(cpu)
    return (...args) => {
      calls++
      return made(...args)
    }
  })
  const functions = { ...INTEGER_FUNCTIONS, ...SYSTEM_FUNCTIONS, ...FPU_FUNCTIONS, [name]: counted }
  const quick = bench({ bits, code: `${code} f4`, at: CODE, cpu: { functions } })
  const plain = bench({ bits, code: '90', at: CODE })
  return {
    get calls() {
      return calls
    },
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
      const ran: { outcome?: Outcome | void } = {}
      const fault = faultOf(() => (ran.outcome = slow(systemOf(cpu))))
      if (fault !== undefined) state.rip = CODE
      const over = fault !== undefined || ran.outcome === 'shutdown'
      expect(reason === 'shutdown', `${what}: faults`).toBe(over)
      if (!over) expect(processor.instructions - before, what).toBe(1)
      expect(view(quick), what).toEqual(view(plain))
      expect(tables(quick) === tables(plain), `${what}: memory`).toBe(true)
      const derived = modeWords(quick)
      processor.cpu.modeChanged()
      expect(derived, `${what}: mode`).toEqual(modeWords(quick))
      return over
    },
  }
}

/** Tables and stacks, as one text. */
function tables(b: Bench): string {
  const at = b.ram.offset + 0x1000
  return new Uint32Array(b.processor.cpu.host.memory.buffer, at, 0x1800).join()
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
    cr2: words(b, S.cr2, S.cr2 + 8),
    eflags: state.eflags.toString(16),
    direction: state.low(S.direction),
    segments: words(b, S.seg, S.seg + SEG.size * (TR + 1)),
    control: words(b, S.cr0, S.cpl + 4),
    shadow: state.low(S.shadow),
    halted: state.low(S.halted),
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

const GDT = 0x1000
const IDT = 0x2000
const TASK = 0x3000
/** Selectors, most of them of the descriptors that describe() makes. */
const SELECTORS = [0x08, 0x08, 0x10, 0x13, 0x10, 0x1b, 0x1b, 0x23, 0x23, 0, 3, 0x0c, 0x0b, 0x28, 0x48]

export const anySelector = (r: (n: number) => number): number => SELECTORS[r(SELECTORS.length)]!

const put = (b: Bench, at: number, ...values: number[]): void =>
  values.forEach((v, i) => b.ram.write(at + 4 * i, Uint8Array.of(v, v >>> 8, v >>> 16, v >>> 24)))
export const putWords = put

/** Somewhere in the two pages for stacks, near a border now and then, or where a write finds code. */
export function anyStack(r: (n: number) => number): number {
  const near = r(12) === 0 ? 0x6000 - 40 + r(80) : 0x5100 + r(0x1e00)
  return r(20) === 0 ? CODE + 0x100 : near & (r(3) === 0 ? ~0 : ~7)
}

/** Descriptor tables and a TSS as kernels have them, with something odd in one case of a few. */
export function describe(b: Bench, bits: 32 | 64, r: (n: number) => number): void {
  const { state } = b.processor
  const odd = (n: number): number => (r(n) === 0 ? 1 << r(32) : 0)
  const code = bits === 64 ? 0xaf_9b00 : 0xcf_9b00
  ;[code, 0xcf_9300, code | 0x6000, 0xcf_f300].forEach((high, i) =>
    put(b, GDT + 8 + 8 * i, 0xffff ^ odd(40), high ^ odd(20) ^ (r(30) === 0 ? 0x100 : 0)),
  )
  state.setNum(S.gdtBase, GDT)
  state.setWord(S.gdtLimit, r(16) === 0 ? r(0x30) : 0x47)
  const gates = bits === 64 ? 16 : 8
  for (let vector = 0; vector < 32; vector++) {
    const selector = r(10) === 0 ? anySelector(r) : 8
    const kind = 0x8e00 | (r(2) << 8) | (r(2) * 0x6000)
    const ist = bits === 64 && r(3) === 0 ? 1 + r(2) : 0
    put(b, IDT + gates * vector, (selector << 16) | r(0x1_0000), ((r(0x1_0000) << 16) | kind | ist) ^ odd(20))
    if (bits === 64) put(b, IDT + gates * vector + 8, r(16) === 0 ? r(0x1_0000_0000) : -r(2), 0)
  }
  state.setNum(S.idtBase, IDT)
  state.setWord(S.idtLimit, r(16) === 0 ? r(32 * gates) : 32 * gates - 1)
  if (bits === 64) {
    put(b, TASK + 4, anyStack(r), r(20) === 0 ? r(0x1_0000_0000) : 0)
    for (const i of [0, 1]) put(b, TASK + 0x24 + 8 * i, anyStack(r), 0)
  } else put(b, TASK + 4, anyStack(r), r(10) === 0 ? anySelector(r) : 0x10)
  if (r(20) === 0) state.setSegment(TR, 0x40, TASK, r(0x30), 0x8b00)
  if (bits === 32 && r(20) === 0) state.setSegment(TR, 0x40, TASK, 0x67, 0x8300)
  state.setPair(S.gpr + 32, anyStack(r), bits === 64 && r(20) === 0 ? r(0x1f_ffff) : 0)
}
