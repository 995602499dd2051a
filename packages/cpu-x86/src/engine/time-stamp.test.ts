import { DrivenClock } from '@godwit/hw'
import { HostMemory } from '@godwit/memory'
import { expect, test } from 'vitest'
import { CpuState } from '../cpu-state.ts'
import { S } from '../state.ts'
import { TimeStamp } from './time-stamp.ts'

const NS = [0n, 1n, 0xffff_ffffn, 0x1_0000_0000n, 0x1234_5678_9abcn, (1n << 53n) - 1n, 1n << 53n, (1n << 60n) + 1n]
const SUMS = [0n, 1n, 0xffff_ffffn, 0x8000_0000n, 1n << 32n, 0xffff_ffff_ffff_ffffn, 0x7fff_ffff_8000_0001n]

test.each([1_000_000_000n, 2_595_000_000n])(
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
