import { loadBytes, saveBytes } from '@godwit/vmstate'
import { expect, test } from 'vitest'
import { bench, type Bench } from '../engine/testing.ts'
import { cpuVmstate, newCpuWire } from '../vmstate.ts'
import { randomFrom } from './random-programs.testing.ts'

/** Loops in loops over memory, flags that go round, a table, calls, SSE and the x87 stack; sizes are rounds. */
const PROGRAMS = [
  [
    'a checksum by a table',
    64,
    // mov ebx, 60; outer: mov rsi, 200000h; mov ecx, 8000h; mov eax, -1; l: table look-up; dec ecx; jne l; dec ebx; jne outer; hlt
    'bb3c00000048c7c600002000b900800000b8ffffffff0fb61631c20fb6d2c1e8083304950000300048ffc6ffc975e7ffcb75d2f4',
  ],
  [
    'recursive calls',
    64,
    'bf1e000000e801000000f483ff02730389f8c3535589fb8d7bffe8ecffffff89c58d7bfee8e2ffffff01e85d5bc3',
  ],
  [
    'long addition',
    32,
    // mov edx, 20000; outer: mov ecx, 64; mov esi, 200000h; clc; l: mov eax, [esi]; adc [esi+1000h], eax; lea esi, [esi+4];
    // dec ecx; jnz l; add dword [200000h], 3; dec edx; jnz outer; hlt
    'ba204e0000b940000000be00002000f88b061186001000008d76044975f2830500002000034a75ddf4',
  ],
] as const

function visible(b: Bench): unknown {
  let hash = 0
  for (const byte of b.ram.bytes.subarray(0, 0x31_0000)) hash = (Math.imul(hash, 31) + byte) | 0
  const wire = newCpuWire(b.processor.cpu)
  return [b.processor.state.rip, hash, Buffer.from(saveBytes(cpuVmstate, wire)).toString('hex')]
}

test.each(PROGRAMS)('%s, moved in the middle of compiled loops, ends as if it had stayed', (_, bits, code) => {
  const random = randomFrom(bits)
  const make = (tier1: 'on' | 'off'): Bench => bench({ bits, code, cpu: { tier1, tier1Counters: true } })
  const stayed = make('off')
  const total = stayed.processor.run(1e8).executed
  let here = make('on')
  let done = 0
  let compiled = 0
  for (let move = 0; move < 6; move++) {
    const n = Math.min(random(Math.ceil(total / 4)) + 1, total - 1 - done)
    done += here.processor.run(n, true).executed
    compiled += here.processor.stats().tier1!.executed!
    const bytes = saveBytes(cpuVmstate, newCpuWire(here.processor.cpu)).slice()
    const there = make('on')
    there.ram.bytes.set(here.ram.bytes)
    loadBytes(cpuVmstate, newCpuWire(there.processor.cpu), bytes)
    there.processor.afterLoad()
    here = there
  }
  done += here.processor.run(1e8).executed
  expect(done).toBe(total)
  expect(compiled).toBeGreaterThan(total / 4)
  expect(visible(here)).toEqual(visible(stayed))
})
