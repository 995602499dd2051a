/** Compiled x87 code against interpreted: every register, the status, and what exceptions and page faults leave. */
import { expect, test } from 'vitest'
import { bench, bytesOf, TABLES, type Bench } from '../engine/testing.ts'
import { S } from '../state.ts'
import type { Tier1Mode } from './regions.ts'
import { ABSENT, COUNTER, FAULTS_AT, PROGRAM_AT, x87Data, x87Program, type Manner } from './x87-programs.testing.ts'

const PROGRAMS = Number(process.env['X87N'] ?? 30)
const ROUNDS = 7
const IDT = 0x1000
const GDT = 0x2000
const HANDLERS = 0x3000
const NE = 0x20

const word = (n: number): number[] => [n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >>> 24) & 255]
/** Of the page directory in long mode that maps ABSENT. */
const ENTRY = TABLES + 0x2000 + 8 * (ABSENT / 0x20_0000)
// mov dword [ENTRY], 0; invlpg [ABSENT]
const REMOVE = [0xc7, 0x04, 0x25, ...word(ENTRY), 0, 0, 0, 0, 0x0f, 0x01, 0x3c, 0x25, ...word(ABSENT)]
const FAULTED = [0xff, 0x04, 0x25, ...word(FAULTS_AT)]
// mov dword [ENTRY], ABSENT + present; add rsp, 8; iretq
const PAGE_FAULT = [
  ...FAULTED,
  0xc7,
  0x04,
  0x25,
  ...word(ENTRY),
  ...word(ABSENT + 0x87),
  0x48,
  0x83,
  0xc4,
  8,
  0x48,
  0xcf,
]
// fnclex; iretq
const MATH_FAULT = [...FAULTED, 0xdb, 0xe2, 0x48, 0xcf]

function handlers(b: Bench): void {
  const { state } = b.processor
  b.ram.write(
    GDT,
    Uint8Array.from([...Array.from({ length: 8 }, () => 0), ...bytesOf('ffff0000009baf00 ffff00000093cf00')]),
  )
  for (const [vector, at, code] of [
    [14, HANDLERS, PAGE_FAULT],
    [16, HANDLERS + 0x100, MATH_FAULT],
  ] as const) {
    b.ram.write(at, Uint8Array.from(code))
    b.ram.write(IDT + 16 * vector, Uint8Array.from([at & 255, at >> 8, 8, 0, 0, 0x8e, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]))
  }
  state.setNum(S.gdtBase, GDT)
  state.setWord(S.gdtLimit, 23)
  state.setNum(S.idtBase, IDT)
  state.setWord(S.idtLimit, 0xfff)
  state.setWord(S.cr0, state.low(S.cr0) | NE)
}

function load(b: Bench, program: Uint8Array, seed: number): void {
  const { state } = b.processor
  b.ram.write(0x4000, new Uint8Array(0x40000 - 0x4000))
  for (const { at, bytes } of x87Data(seed)) b.ram.write(at, bytes)
  b.ram.write(COUNTER, Uint8Array.of(ROUNDS, 0, 0, 0))
  b.ram.write(PROGRAM_AT, program)
  for (let i = 0; i < 8; i++) state.setNum(S.gpr + 8 * i, 0)
  for (let i = 0; i < 32; i++) state.setWord(S.fpr + 4 * i, 0)
  state.setWord(S.fpuControl, 0x37f)
  state.setWord(S.fpuStatus, 0)
  state.setWord(S.fpuTop, seed & 7)
  for (const at of [S.fpuIp, S.fpuDp]) state.setNum(at, 0)
  for (const at of [S.fpuEmpty, S.fpuEmpty + 4]) state.setWord(at, 0x01010101)
  state.setWord(S.halted, 0)
  state.rip = PROGRAM_AT
  state.rsp = 0x7000
  b.processor.afterLoad()
}

function visible(b: Bench): unknown {
  const { state } = b.processor
  let hash = 0
  for (const byte of b.ram.bytes.subarray(0x4000, 0x4_0000)) hash = (Math.imul(hash, 31) + byte) | 0
  return {
    gpr: Array.from({ length: 8 }, (_, i) => state.gpr(i).toString(16)),
    fpr: Array.from({ length: 32 }, (_, i) =>
      i % 4 === 3 ? 0 : state.low(S.fpr + 4 * i) & (i % 4 === 2 ? 0xffff : -1),
    ),
    fpu: [S.fpuStatus, S.fpuControl, S.fpuTop, S.fpuEmpty, S.fpuEmpty + 4, S.fpuIp, S.fpuDp, S.fpuWaitBlock].map((at) =>
      state.low(at),
    ),
    rip: state.rip,
    eflags: state.eflags,
    hash,
  }
}

/** Runs one program in slices; the state after each, and how many instructions it took. */
function run(b: Bench, slice: number): unknown[] {
  const states: unknown[] = []
  const before = b.processor.instructions
  for (let i = 0; i < 400; i++) {
    const { reason } = b.processor.run(slice, true)
    if (i % 4 === 0 || reason !== 'budget') states.push([reason, b.processor.instructions - before, visible(b)])
    if (reason !== 'budget') return states
  }
  throw new Error('a program that does not end')
}

const PLAIN: Manner = { unmasked: false, absent: false, remove: [] }

test.each([
  ['32-bit code with all exceptions masked', 32, PLAIN],
  ['64-bit code with all exceptions masked', 64, PLAIN],
  ['code with unmasked exceptions', 64, { unmasked: true, absent: false, remove: [] }],
  ['code whose memory is absent at times', 64, { unmasked: false, absent: true, remove: REMOVE }],
  ['code with all of that', 64, { unmasked: true, absent: true, remove: REMOVE }],
] as const)('random x87 programs go the same way with everything compiled: %s', (_, bits, manner) => {
  const [plain, compiled] = (['off', 'always'] as const).map((tier1: Tier1Mode) => {
    const b = bench({ bits, code: 'f4', cpu: { tier1, tier1Counters: tier1 === 'always' } })
    if (bits === 64) handlers(b)
    return b
  }) as [Bench, Bench]
  let faults = 0
  for (let seed = 1; seed <= PROGRAMS; seed++) {
    const program = x87Program(seed + 1000 * bits, manner)
    const slice = seed % 3 === 0 ? 23 : 1000
    const [wanted, got] = [plain, compiled].map((b) => {
      load(b, program, seed)
      return run(b, slice)
    })
    expect(got, `program ${seed}`).toEqual(wanted)
    expect((wanted!.at(-1) as unknown[])[0], `program ${seed}`).toBe('halted')
    faults += plain.peek(FAULTS_AT)
  }
  expect(faults > 0).toBe(manner.unmasked || manner.absent)
  const { executed } = compiled.processor.stats().tier1!
  expect(executed! / compiled.processor.instructions).toBeGreaterThan(0.4)
})
