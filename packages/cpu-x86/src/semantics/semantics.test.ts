import { expect, test } from 'vitest'
import { decode } from '../decode/decode.ts'
import { ALL_OPS } from '../decode/tables.ts'
import { EXC, S } from '../state.ts'
import { INTEGER_FUNCTIONS, INTEGER_MEANINGS, SEMANTICS } from './index.ts'
import { Machine } from './testing.ts'

/** What the decoder knows and nobody gives a meaning to, with the reason. */
const MISSING: Readonly<Record<string, string>> = {}

const LENGTH = 0x1000

function machine(): Machine {
  const m = new Machine(INTEGER_FUNCTIONS, 0x10000, LENGTH)
  for (let i = 0; i < LENGTH; i++) m.bytes[m.window.host + i] = i * 13 + (i >> 8)
  m.flags = 0
  return m
}

/** Executes an instruction until it does not ask for another round. */
function run(m: Machine, hex: string, runs = false): { fault: boolean; rounds: number } {
  const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex')
  const insn = decode((i) => bytes[i] ?? 0x90, 64)
  for (let rounds = 1; ; rounds++) {
    const fault = m.run(INTEGER_MEANINGS[insn.op]!, insn, 64, 0x4000, runs)
    if (fault || m.rip !== 0x4000n) return { fault, rounds }
  }
}

test('every operation that the decoder names has a meaning', () => {
  expect(ALL_OPS.filter((name) => SEMANTICS[name] === undefined).sort()).toEqual(Object.keys(MISSING).sort())
})

test('no meaning is one that the decoder never asks for', () => {
  expect(Object.keys(SEMANTICS).filter((name) => !ALL_OPS.includes(name) && name !== 'ud')).toEqual([])
})

test('strings moved and stored in pieces end as they do one by one', () => {
  const cases: [hex: string, from: number, to: number, count: number][] = []
  for (const hex of ['f3 a4', 'f3 66 a5', 'f3 a5', 'f3 48 a5', 'f3 aa', 'f3 66 ab', 'f3 ab', 'f3 48 ab']) {
    for (const [from, to] of [
      [0x100, 0x500],
      [0x103, 0x507],
      [0x500, 0x500],
      [0x500, 0x501],
      [0x500, 0x508],
      [0x500, 0x511],
      [0x511, 0x500],
    ] as const)
      for (const count of [0, 1, 2, 7, 60]) cases.push([hex, from, to, count])
  }
  let fewer = 0
  for (const [hex, from, to, count] of cases)
    for (const rax of [0n, 0x1111111111111111n, 0x123456789abcdef0n, -1n]) {
      const results = [false, true].map((runs) => {
        const m = machine()
        const room = rax === -1n ? 0x200 : 0
        // Downwards.
        if (room > 0) m.flags = 0x400
        m.setGpr(0, rax)
        m.setGpr(1, BigInt(count))
        m.setGpr(6, BigInt(0x10000 + from + room))
        m.setGpr(7, BigInt(0x10000 + to + room))
        const { rounds } = run(m, hex, runs)
        const memory = Buffer.from(m.bytes.subarray(m.window.host, m.window.host + LENGTH))
        return { rounds, state: [memory.toString('hex'), m.gpr(1), m.gpr(6), m.gpr(7)] }
      })
      expect(results[1]!.state, `${hex} ${from} ${to} ${count}`).toEqual(results[0]!.state)
      expect(results[0]!.rounds).toBe(Math.max(count, 1))
      if (results[1]!.rounds < results[0]!.rounds) fewer++
    }
  expect(fewer).toBeGreaterThan(cases.length)
})

test('strings go downwards with DF, element by element', () => {
  const m = machine()
  m.flags = 0x400
  m.setGpr(0, 0x55n)
  m.setGpr(1, 5n)
  m.setGpr(7, 0x10204n)
  expect(run(m, 'f3 aa', true).rounds).toBe(5)
  expect(m.gpr(7)).toBe(0x101ffn)
  expect([...m.bytes.subarray(m.window.host + 0x1ff, m.window.host + 0x206)]).toEqual([244, 85, 85, 85, 85, 85, 67])
})

test('a string instruction that faults in the middle has done exactly what came before', () => {
  const m = machine()
  m.setGpr(0, 0n)
  m.setGpr(1, 100n)
  m.setGpr(7, BigInt(0x10000 + LENGTH - 24))
  expect(run(m, 'f3 48 ab', true).fault).toBe(true)
  expect(m.view.getInt32(S.vector, true)).toBe(EXC.PF)
  expect([m.gpr(1), m.gpr(7)]).toEqual([97n, BigInt(0x10000 + LENGTH)])
})

test('REPE and REPNE stop at the element that decides, after it', () => {
  const m = machine()
  m.bytes.fill(7, m.window.host + 0x100, m.window.host + 0x120)
  m.bytes[m.window.host + 0x10a] = 9
  m.setGpr(0, 7n)
  m.setGpr(1, 32n)
  m.setGpr(7, 0x10100n)
  run(m, 'f3 ae')
  expect([m.gpr(1), m.gpr(7), m.flags & 0x40]).toEqual([21n, 0x1010bn, 0])
  m.setGpr(0, 9n)
  m.setGpr(1, 32n)
  m.setGpr(7, 0x10100n)
  run(m, 'f2 ae')
  expect([m.gpr(1), m.gpr(7), m.flags & 0x40]).toEqual([21n, 0x1010bn, 0x40])
})

test('128-bit division agrees with exact arithmetic', () => {
  const values = [
    1n,
    2n,
    3n,
    0xffffffffn,
    1n << 32n,
    (1n << 63n) - 1n,
    1n << 63n,
    (1n << 64n) - 1n,
    0x123456789abcdef1n,
  ]
  let divided = 0
  for (const high of [0n, ...values])
    for (const low of [0n, ...values])
      for (const divisor of values) {
        const m = machine()
        m.setGpr(0, low)
        m.setGpr(2, high)
        m.setGpr(1, divisor)
        const { fault } = run(m, '48 f7 f1')
        const dividend = (high << 64n) | low
        expect(fault).toBe(high >= divisor)
        if (fault) continue
        divided++
        expect([m.gpr(0), m.gpr(2)]).toEqual([dividend / divisor, dividend % divisor])
      }
  expect(divided).toBeGreaterThan(200)
  const signed = (n: bigint): bigint => BigInt.asIntN(64, n)
  for (const high of [0n, -1n, 5n, -7n, -(1n << 62n), 1n << 61n])
    for (const low of [0n, 1n, (1n << 64n) - 1n, 1n << 63n])
      for (const divisor of [1n, -1n, 7n, -9n, 1n << 62n, -(1n << 63n)]) {
        const m = machine()
        m.setGpr(0, low)
        m.setGpr(2, BigInt.asUintN(64, high))
        m.setGpr(1, BigInt.asUintN(64, divisor))
        const dividend = (high << 64n) + low
        const quotient = dividend / divisor
        const { fault } = run(m, '48 f7 f9')
        expect(fault).toBe(signed(quotient) !== quotient)
        if (!fault) expect([signed(m.gpr(0)), signed(m.gpr(2))]).toEqual([quotient, dividend % divisor])
      }
})

test('CRC32 is that of Castagnoli', () => {
  const m = machine()
  m.setGpr(0, 0xffffffffn)
  for (const c of '123456789') {
    m.setGpr(1, BigInt(c.charCodeAt(0)))
    run(m, 'f2 0f 38 f0 c1')
  }
  expect(m.gpr(0) ^ 0xffffffffn).toBe(0xe3069283n)
})

test('POP to memory counts its address from the stack pointer after the pop', () => {
  const m = machine()
  m.setGpr(4, 0x10100n)
  m.view.setBigUint64(m.window.host + 0x100, 0x1122334455667788n, true)
  run(m, '8f 44 24 08')
  expect(m.gpr(4)).toBe(0x10108n)
  expect(m.view.getBigUint64(m.window.host + 0x110, true)).toBe(0x1122334455667788n)
})

test('CMPXCHG16B wants 16-byte alignment, and compares and stores both halves', () => {
  const m = machine()
  m.setGpr(6, 0x10108n)
  expect(run(m, '48 0f c7 0e').fault).toBe(true)
  expect(m.view.getInt32(S.vector, true)).toBe(EXC.GP)
  m.setGpr(6, 0x10100n)
  m.setGpr(0, m.view.getBigUint64(m.window.host + 0x100, true))
  m.setGpr(2, m.view.getBigUint64(m.window.host + 0x108, true))
  m.setGpr(3, 5n)
  m.setGpr(1, 6n)
  run(m, '48 0f c7 0e')
  expect(m.flags & 0x40).toBe(0x40)
  expect(m.view.getBigUint64(m.window.host + 0x100, true)).toBe(5n)
  expect(m.view.getBigUint64(m.window.host + 0x108, true)).toBe(6n)
  run(m, '48 0f c7 0e')
  expect([m.flags & 0x40, m.gpr(0), m.gpr(2)]).toEqual([0, 5n, 6n])
})
