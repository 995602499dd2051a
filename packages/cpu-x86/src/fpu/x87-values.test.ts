/** The functions of values that compiled code calls against exact arithmetic on the state. */
import { expect, test } from 'vitest'
import { S } from '../state.ts'
import { FPU_FUNCTIONS } from './index.ts'
import { SingleStep } from './testing.ts'
import { ARITH } from './x87-arith.ts'
import { KINDS } from './x87-convert.ts'
import { OPERATION_NAMES } from './x87-unary.ts'
import { INEXACT, UP } from './x87-values.ts'

let seed = 4711
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

interface Operand {
  readonly mant: bigint
  readonly se: number
}

/** Significands with few ones, many ones, or anything; zeros; now and then what is no number. */
function operand(exponent = 0x3fff - 70 + next(140)): Operand {
  const sign = next(2) << 15
  const strange = next(40)
  if (strange < 3) return { mant: 0n, se: sign }
  if (strange === 3) return { mant: bits(64), se: sign | [0, 0x7fff, 1, 0x7ffe][next(4)]! }
  const short = BigInt(next(64))
  const mant = [
    () => 1n << short,
    () => (1n << 64n) - (1n << short),
    () => bits(64),
    () => bits(53) << 11n,
    () => (bits(24) << 40n) | (1n << BigInt(next(40))),
    () => (bits(53) << 11n) | (1n << BigInt(next(11))),
  ][next(6)]!()
  return { mant: mant | (1n << 63n), se: sign | exponent }
}

const step = new SingleStep(FPU_FUNCTIONS)
const { view, base } = step
const call = (name: string, ...args: (number | bigint)[]): unknown =>
  (step.exports[name] as unknown as (...args: (number | bigint)[]) => unknown)(...args)

/** The state with two operands and nothing else. */
function prepare(control: number, a: Operand, b: Operand): void {
  step.host.bytes.fill(0, base, base + S.end)
  view.setUint32(base + S.fpuControl, control, true)
  for (const [i, { mant, se }] of [a, b].entries()) {
    view.setBigUint64(base + S.fpr + 16 * i, mant, true)
    view.setUint16(base + S.fpr + 16 * i + 8, se, true)
  }
}

const statusOf = (flags: number): number =>
  (((flags >> UP) & 1) !== 0 ? 0x200 : 0) | (((flags >> INEXACT) & 1) !== 0 ? 0x20 : 0)
const isCommon = ({ mant, se }: Operand): boolean =>
  (se & 0x7fff) === 0 ? mant === 0n : (se & 0x7fff) < 0x7fff && mant >> 63n === 1n

const PRECISIONS = [
  [64, 0x37f],
  [53, 0x27f],
] as const

test.each(PRECISIONS)('arithmetic on values to %i bits is exact', (precision, control) => {
  let done = 0
  for (let n = 0; n < 12000; n++) {
    const a = operand()
    const near = next(3) === 0 ? (a.se & 0x7fff) + next(5) - 2 : undefined
    const b = next(15) === 0 ? { mant: a.mant, se: a.se ^ (next(2) << 15) } : operand(near)
    const op = next(5)
    const name = ['add', 'mul', 'add', 'div', 'root'][op]!
    prepare(control, a, b)
    if (name === 'root') call('x87_operate_slow', OPERATION_NAMES.indexOf('fsqrt'), 0)
    else call('x87_arith_slow', ARITH.indexOf(op === 2 ? 'sub' : (name as 'add')), 0, 1, 0)
    const other = op === 2 ? b.se ^ 0x8000 : b.se
    const junk = next(65536) << 16
    const [mant, flags] = call(
      `x87v_${name}${precision}`,
      ...(name === 'root' ? [a.mant, a.se | junk] : [a.mant, a.se | junk, b.mant, other | junk]),
    ) as [bigint, number]
    if (flags < 0) continue
    done++
    const seen = [BigInt.asUintN(64, mant), flags & 0xffff, statusOf(flags)]
    const wanted = [
      view.getBigUint64(base + S.fpr, true),
      view.getUint16(base + S.fpr + 8, true),
      view.getUint32(base + S.fpuStatus, true),
    ]
    expect(seen, `${name} of ${a.mant}, ${a.se} and ${b.mant}, ${b.se}`).toEqual(wanted)
  }
  expect(done).toBeGreaterThan(9000)
})

test.each(['single', 'double', 'word', 'dword', 'qword'] as const)('a value stored as %s is exact', (kind) => {
  let done = 0
  const real = kind === 'single' || kind === 'double'
  const width = { single: 32, double: 64, word: 16, dword: 32, qword: 64 }[kind]
  for (let n = 0; n < 3000; n++) {
    const a = operand(next(8) === 0 ? [0x3fff - 127, 0x3fff + 127, 0x3fff - 1023, 0x3fff + 1023][next(4)]! : undefined)
    const chop = real ? 0 : next(2)
    prepare(0x37f, a, a)
    call('x87_store_slow', KINDS.indexOf(kind), 2 * chop)
    const args = real ? [a.mant, a.se] : [a.mant, a.se, chop]
    const [value, flags] = call(`x87v_${real ? kind : 'integer'}`, ...args) as [bigint, number]
    const stored = view.getBigUint64(base + S.temp, true)
    if (flags < 0 || (!real && BigInt.asIntN(width, value) !== value)) continue
    done++
    expect([BigInt.asUintN(width, value), statusOf(flags)], `${kind} of ${a.mant}, ${a.se}, chopped ${chop}`).toEqual([
      BigInt.asUintN(width, stored),
      view.getUint32(base + S.fpuStatus, true),
    ])
  }
  expect(done).toBeGreaterThan(1000)
})

test('values compare as numbers do', () => {
  for (let n = 0; n < 6000; n++) {
    const a = operand()
    const b = next(4) === 0 ? { ...a, se: a.se ^ (next(2) << 15) } : operand(a.se & 0x7fff)
    prepare(0x37f, a, b)
    const wanted = call('x87_compare_flags_slow', 1, 1, 0)
    const order = call('x87v_order', a.mant, a.se, b.mant, b.se)
    expect(order, `${a.mant}, ${a.se} and ${b.mant}, ${b.se}`).toBe(isCommon(a) && isCommon(b) ? wanted : -1)
  }
})

const ST0 = [S.fpr, S.fpr + 8, S.fpuStatus] as const
const state = (): unknown[] => [
  view.getBigUint64(base + ST0[0], true),
  view.getUint16(base + ST0[1], true),
  view.getUint32(base + ST0[2], true),
]

test('rounding to an integer is exact in all modes', () => {
  let done = 0
  for (let n = 0; n < 6000; n++) {
    const a = operand(0x3fff - 3 + next(70))
    const rounding = next(4) << 10
    prepare(0x37f | rounding, a, a)
    call('x87_operate_slow', OPERATION_NAMES.indexOf('frndint'), 0)
    const [mant, flags] = call('x87v_rint', a.mant, a.se, rounding) as [bigint, number]
    if (flags < 0) continue
    done++
    const seen = [BigInt.asUintN(64, mant), flags & 0xffff, statusOf(flags)]
    expect(seen, `${a.mant}, ${a.se} by ${rounding}`).toEqual(state())
  }
  expect(done).toBeGreaterThan(5000)
})

/** Runs a function with a slow counterpart in both ways; how often the fast one had an answer. */
function sameState(
  name: string,
  fast: string,
  slow: string,
  count: number,
  operands: () => [Operand, Operand],
): number {
  let done = 0
  const number = OPERATION_NAMES.indexOf(name)
  for (let n = 0; n < count; n++) {
    const [a, b] = operands()
    const run = (way: string): unknown[] => {
      prepare(0x37f, a, b)
      view.setUint32(base + S.fpuStatus, 0x4700, true)
      call(way, number, 0)
      return state()
    }
    expect(run(fast), `${name} of ${a.mant}, ${a.se} and ${b.mant}, ${b.se}`).toEqual(run(slow))
    prepare(0x37f, a, b)
    const more = name === 'fscale' ? [] : [name === 'fprem1' ? 1 : 0]
    const function_ = name === 'fscale' ? 'x87v_scale' : 'x87v_remainder'
    const [, flags] = call(function_, a.mant, a.se, b.mant, b.se, ...more) as [bigint, number]
    if (flags >= 0) done++
  }
  return done
}

test.each(['fprem', 'fprem1', 'fscale'] as const)('%s on values is exact', (name) => {
  const done = sameState(name, 'x87_operate', 'x87_operate_slow', 6000, () => {
    const b = operand(name === 'fscale' ? 0x3fff - 3 + next(20) : undefined)
    const near =
      next(4) === 0 ? { mant: b.mant + BigInt(next(3)) - 1n, se: b.se } : operand((b.se & 0x7fff) - 3 + next(68))
    return [name === 'fscale' ? operand() : near, b]
  })
  expect(done).toBeGreaterThan(3000)
})

test('numbers are classified as FXAM does', () => {
  for (let n = 0; n < 3000; n++) {
    const a = next(3) === 0 ? { mant: bits(64), se: [0, 0x7fff, 0x8000, 0xffff, 5][next(5)]! } : operand()
    const infinity = next(10) === 0 ? { mant: 1n << 63n, se: 0x7fff } : a
    prepare(0x37f, infinity, a)
    const empty = next(4) === 0 ? 1 : 0
    view.setUint8(base + S.fpuEmpty, empty)
    call('x87_operate_slow', OPERATION_NAMES.indexOf('fxam'), 0)
    const codes = call('x87v_class', infinity.mant, infinity.se, empty) as number
    if (codes < 0) expect(infinity.se & 0x7fff).toBe(0)
    else expect(codes, `${infinity.mant}, ${infinity.se}`).toBe(view.getUint32(base + S.fpuStatus, true) & 0x4500)
  }
})
