/** The WebAssembly paths against the BigInt ones, on operands that make rounding hard. */
import { expect, test } from 'vitest'
import { S } from '../state.ts'
import { FPU_FUNCTIONS } from './index.ts'
import { SingleStep } from './testing.ts'
import { OPERATION_NAMES } from './x87-unary.ts'

let seed = 12345
function next(below: number): number {
  seed ^= seed << 13
  seed ^= seed >>> 17
  seed ^= seed << 5
  return (seed >>> 0) % below
}
const bits = (n: number): bigint => {
  let r = 0n
  for (let i = 0; i < n; i += 16) r = (r << 16n) | BigInt(next(65536))
  return BigInt.asUintN(n, r)
}
const TOP = 1n << 63n
/** Few ones, many ones, or anything. */
const significand = (): bigint =>
  TOP |
  [
    () => 1n << BigInt(next(64)),
    () => (1n << 64n) - (1n << BigInt(next(64))),
    () => bits(64),
    () => bits(32) << 32n,
    () => bits(16) << 40n,
  ][next(5)]!()
const signExponent = (): number =>
  (next(2) << 15) |
  [0x3fff - 70 + next(140), 0x3fff + next(3), 1 + next(70), 0x7ffe - next(70)][next(12) < 9 ? next(2) : next(4)]!
const CONTROLS = [0x37f, 0x27f, 0x07f, 0xf7f, 0x77f]

/** The same calls on two processors; the states they leave. */
function agree(
  count: number,
  prepare: (view: DataView, base: number) => void,
  fast: string,
  slow: string,
  args: () => number[],
): void {
  const call = (step: SingleStep, name: string, a: number[]): unknown =>
    (step.exports[name] as (...args: number[]) => unknown)(...a)
  const step = new SingleStep(FPU_FUNCTIONS)
  const { base } = step
  const area = (): string => Buffer.from(step.host.bytes.subarray(base + S.fpr, base + S.mxcsr)).toString('hex')
  for (let n = 0; n < count; n++) {
    step.host.bytes.fill(0, base, base + S.end)
    step.view.setUint32(base + S.fpuControl, CONTROLS[next(3) === 0 ? next(5) : 0]!, true)
    prepare(step.view, base)
    const before = step.host.bytes.slice(base, base + S.end)
    const a = args()
    const r1 = call(step, fast, a)
    const after1 = area()
    const out1 = step.view.getBigUint64(base + S.temp, true)
    step.host.bytes.set(before, base)
    const r2 = call(step, slow, a)
    const input = Buffer.from(before.subarray(S.fpr, S.fpr + 32)).toString('hex')
    expect([input, a, r1, after1], `case ${n}`).toEqual([input, a, r2, area()])
    if (fast === 'x87_store' && r2 === 1) {
      const width = BigInt([32, 64, 16, 32, 64, 0, 64][a[0]!]!)
      expect([input, a, BigInt.asUintN(Number(width), out1)]).toEqual([
        input,
        a,
        BigInt.asUintN(Number(width), step.view.getBigUint64(base + S.temp, true)),
      ])
    }
  }
}

function operands(view: DataView, base: number): void {
  const first = signExponent()
  for (let i = 0; i < 2; i++) {
    view.setBigUint64(base + S.fpr + 16 * i, significand(), true)
    const near = (first & 0x7fff) + next(5) - 2
    view.setUint16(
      base + S.fpr + 16 * i + 8,
      i === 1 && next(2) === 0 && near > 0 && near < 0x7fff ? near | (next(2) << 15) : i === 0 ? first : signExponent(),
      true,
    )
  }
  for (let i = 0; i < 2; i++)
    if (next(12) === 0) {
      view.setBigUint64(base + S.fpr + 16 * i, 0n, true)
      view.setUint16(base + S.fpr + 16 * i + 8, next(2) << 15, true)
    }
  if (next(10) === 0) view.setBigUint64(base + S.fpr + 16, view.getBigUint64(base + S.fpr, true), true)
  for (let i = 2; i < 8; i++) view.setUint8(base + S.fpuEmpty + i, 1)
}

test.each(['add', 'mul', 'sub', 'subr', 'div', 'divr'].map((name, i) => [name, i] as const))(
  'fast %s rounds as the exact one does',
  (_, op) => agree(1500, operands, 'x87_arith', 'x87_arith_slow', () => [op, 0, 1, next(2)]),
)

test('fast arithmetic with memory operands agrees with the exact one', () => {
  agree(2000, operands, 'x87_arith_memory', 'x87_arith_memory_slow', () => [
    next(6),
    next(5),
    next(2) * next(0x7fffffff),
    Number(bits(32)) | 0,
  ])
})

test('fast square roots agree with the exact ones', () => {
  const fsqrt = OPERATION_NAMES.indexOf('fsqrt')
  agree(4000, operands, 'x87_operate', 'x87_operate_slow', () => [fsqrt, 0])
  // Squares, and their neighbours.
  agree(
    4000,
    (view, base) => {
      const root = bits(32) | (1n << 31n)
      const square = root * root + BigInt(next(3) - 1)
      const short = square < 1n << 63n
      view.setBigUint64(base + S.fpr, BigInt.asUintN(64, short ? square << 1n : square), true)
      view.setUint16(base + S.fpr + 8, 0x3fff + 62 + (short ? 0 : 1) + 2 * next(100), true)
    },
    'x87_operate',
    'x87_operate_slow',
    () => [fsqrt, 0],
  )
})

test('fast loads agree with the exact ones', () => {
  agree(2000, operands, 'x87_load', 'x87_load_slow', () => [
    [0, 1, 2, 3, 4, 6][next(6)]!,
    Number(bits(32)) | 0,
    [0, Number(bits(32)) | 0, 0x7ff00000, 0x80000][next(4)]!,
    next(65536),
  ])
})

test('fast stores agree with the exact ones', () => {
  agree(
    6000,
    (view, base) => {
      operands(view, base)
      if (next(2) === 0) view.setUint16(base + S.fpr + 8, (next(2) << 15) | (0x3fff - 3 + next(70)), true)
    },
    'x87_store',
    'x87_store_slow',
    () => [[0, 1, 2, 3, 4, 6][next(6)]!, next(4)],
  )
})

test('fast rounding to integers agrees with the exact one in all modes', () => {
  const frndint = OPERATION_NAMES.indexOf('frndint')
  agree(
    4000,
    (view, base) => {
      operands(view, base)
      view.setUint16(base + S.fpuControl, 0x37f | (next(4) << 10), true)
      view.setUint16(base + S.fpr + 8, (next(2) << 15) | (0x3fff - 3 + next(70)), true)
    },
    'x87_operate',
    'x87_operate_slow',
    () => [frndint, 0],
  )
})

test('fast comparisons agree with the exact ones', () => {
  agree(2000, operands, 'x87_compare_flags', 'x87_compare_flags_slow', () => [1, next(2), next(2)])
  agree(2000, operands, 'x87_compare_memory', 'x87_compare_memory_slow', () => [
    next(5),
    Number(bits(32)) | 0,
    Number(bits(32)) | 0,
    next(2),
  ])
  agree(2000, operands, 'x87_operate', 'x87_operate_slow', () => [next(40), next(3)])
})
