import { DrivenClock } from '@godwit/hw'
import { HostMemory } from '@godwit/memory'
import { expect, test } from 'vitest'
import { CpuState } from '../cpu-state.ts'
import { S } from '../state.ts'
import { ticksOf, TimeStamp } from './time-stamp.ts'

const NS = [0n, 1n, 0xffff_ffffn, 0x1_0000_0000n, 0x1234_5678_9abcn, (1n << 53n) - 1n, 1n << 53n, (1n << 60n) + 1n]
const SUMS = [0n, 1n, 0xffff_ffffn, 0x8000_0000n, 1n << 32n, 0xffff_ffff_ffff_ffffn, 0x7fff_ffff_8000_0001n]

test.each([1_000_000_000n, 2_595_123_457n, 999_999_999n, 1n, 1n << 50n])(
  'at %i Hz what is stored is what is read, whatever time and offsets',
  (hz) => {
    const host = new HostMemory({ sizeBytes: 1 << 17 })
    const state = new CpuState(host, host.allocate(S.end))
    let now = 0n
    const stamp = new TimeStamp(new DrivenClock(() => now), state, hz)
    for (const start of SUMS) {
      now = 77n
      stamp.setMachine(start)
      for (const offset of SUMS) {
        state.tscOffset = offset
        for (now of NS) {
          stamp.store(S.result)
          expect(state.big(S.result), `${start} ${offset} ${now}`).toBe(stamp.read())
        }
      }
    }
  },
)

test('ticks are rounded down exactly, or are too many for a number', () => {
  let x = 88_172_645_463_325_252n
  const random = (bits: bigint): bigint => {
    x = BigInt.asUintN(64, x ^ (x << 13n))
    x ^= x >> 7n
    x = BigInt.asUintN(64, x ^ (x << 17n))
    return x & ((1n << bits) - 1n)
  }
  for (let i = 0; i < 20_000; i++) {
    const hz = [1_000_000_000n + random(2n), random(34n), 2_595_123_457n][i % 3]!
    // Where a tick begins, now and then.
    const ns = i % 4 === 0 && hz > 0n ? (random(40n) * 1_000_000_000n) / hz : random(53n) >> random(5n)
    const exact = (ns * hz) / 1_000_000_000n
    const got = ticksOf(Number(ns), Number(hz))
    if (exact <= BigInt(Number.MAX_SAFE_INTEGER)) expect(BigInt(got), `${ns} ${hz}`).toBe(exact)
    else expect(got, `${ns} ${hz}`).toBeGreaterThan(Number.MAX_SAFE_INTEGER)
  }
})
