/** Elementary functions in doubled precision against those of 400 bits: what they are sure of rounds as it must. */
import { expect, test } from 'vitest'
import { randomFrom } from '../tier1/random-programs.testing.ts'
import { bitLength, CHOP, DOWN, EXTENDED, finite, NEAREST, product, round, sum, UP, type Num } from './soft.ts'
import { quickAngle, quickArc, quickLog, quickLog1, quickPower } from './x87-quick.ts'
import { exactAngle, exactArc, exactPower, log2 } from './x87-transcendental.ts'

const random = randomFrom(99)
const ONE = finite(0, 1n, 0)
const COUNT = 2500

/** A number whose leading bit has an exponent between two, of 64, 53, 24 or few bits. */
function number(least: number, most: number, sign: 0 | 1 = random(2) as 0 | 1): Num {
  let mant = 1n
  for (let i = 0; i < 4; i++) mant = (mant << 16n) | BigInt(random(65536))
  const bits = [64, 64, 53, 24, 6][random(5)]!
  mant >>= BigInt(bitLength(mant) - bits)
  return finite(sign, mant, least + random(most - least + 1) - bits + 1)
}

/** -log2 of the relative distance, at most 120. */
function agreement(a: Num, b: Num): number {
  const length = bitLength(a.mant)
  const exp = Math.min(a.exp, b.exp)
  const apart = (a.mant << BigInt(a.exp - exp)) - (b.mant << BigInt(b.exp - exp))
  return Math.min(120, a.exp + length - exp - bitLength(apart < 0n ? -apart : apart))
}

/** Both round alike; says how well they agree. */
function same(quick: Num | undefined, exact: Num, what: string): number | undefined {
  if (quick === undefined) return undefined
  for (const rc of [NEAREST, DOWN, UP, CHOP])
    expect(round(quick, EXTENDED, rc), what).toEqual(round(exact, EXTENDED, rc))
  return agreement(quick, exact)
}

const text = (...numbers: Num[]): string => numbers.map((n) => `${n.sign === 1 ? '-' : ''}${n.mant}p${n.exp}`).join(' ')

/** Runs a comparison many times: nearly always there is an answer, and never a worse one than is allowed for. */
function often(compare: () => number | undefined): void {
  let least = Infinity
  let answers = 0
  for (let i = 0; i < COUNT; i++) {
    const bits = compare()
    if (bits === undefined) continue
    answers++
    least = Math.min(least, bits)
  }
  expect(answers).toBeGreaterThan(COUNT * 0.8)
  expect(least).toBeGreaterThan(88)
}

test('powers of two', () =>
  often(() => {
    const x = number(random(2) === 0 ? -3 : -50, -1)
    return same(quickPower(x), exactPower(x), text(x))
  }))

test('logarithms', () =>
  often(() => {
    const near = random(3) === 0
    const x = near ? sum(ONE, number(-60, -2), NEAREST) : number(-200, 200, 0)
    const y = number(-10, 10)
    if (x.mant === 1n << BigInt(bitLength(x.mant) - 1) || bitLength(x.mant) > 64) return 120
    return same(quickLog(x, y), product(y, log2(x)), text(x, y))
  }))

test('logarithms of what is near one', () =>
  often(() => {
    const x = number(random(2) === 0 ? -4 : -50, -2)
    const y = number(-10, 10)
    return same(quickLog1(x, y), product(y, log2(sum(x, ONE, NEAREST))), text(x, y))
  }))

test.each(['sin', 'cos', 'tan'] as const)('%s', (name) =>
  often(() => {
    const x = number(random(2) === 0 ? -40 : -3, random(2) === 0 ? 3 : 15)
    const bits = same(quickAngle(x)?.[name], exactAngle(x)[name], text(x))
    // The exact tangent is a quotient of 70 bits.
    return name === 'tan' && bits !== undefined ? Math.max(bits, 89) : bits
  }),
)

test('angles of points', () =>
  often(() => {
    const x = number(-20, 20)
    const y = random(3) === 0 ? number(-50, 50) : { ...x, sign: random(2) as 0 | 1, mant: x.mant + BigInt(random(200)) }
    if (bitLength(y.mant) > 64) return 120
    return same(quickArc(x, y), exactArc(x, y), text(x, y))
  }))
