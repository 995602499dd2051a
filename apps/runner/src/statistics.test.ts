import { expect, test } from 'vitest'
import { statistics } from './statistics.ts'

type Asked = Parameters<typeof statistics>[0]

const PLAIN = {
  instructions: 8_000_000,
  exits: { fault: 3, budget: 0 },
  exceptions: { 14: 2 },
  interrupts: 5,
  tlbMisses: 7,
  tlbFlushes: 1,
  blocksDecoded: 10,
  blocksDropped: 4,
  handlers: 300,
  missing: { vmcall: 1 },
}

function linesOf(stats: object): string[] {
  const machine = { processor: { stats: () => stats }, time: { virtual: { now: () => 1_500_000_000n } } }
  return statistics(machine as unknown as Asked, { wallMs: 2000, cpuMs: 2500 }).split('\n')
}

test('Figures of a run have their units, and counts of nothing are left out', () => {
  expect(linesOf(PLAIN)).toEqual([
    'instructions    8000000',
    'host time       2.00 s, 2.50 s of processors',
    'rate            4.0 million instructions a second',
    'guest time      1.50 s',
    'interrupts      5',
    'exceptions      14 2',
    'exits           fault 3',
    'TLB             7 misses, 1 flushes',
    'blocks          10 decoded, 4 dropped',
    'handlers        300',
    'missing         vmcall 1',
    '',
  ])
})

test('What a tier counts is printed as a group, what it executed as a part of all', () => {
  const tier1 = { executed: 6_000_000, compileMs: 250, codeBytes: 20480, exits: { miss: 9, mode: 0 } }
  const lines = linesOf({ ...PLAIN, tier1 })
  expect(lines).toContain('tier 1 executed 6000000, 75.0 % of all')
  expect(lines).toContain('tier 1 compile  0.25 s')
  expect(lines).toContain('tier 1 code     20 KiB')
  expect(lines).toContain('tier 1 exits    miss 9')
})
