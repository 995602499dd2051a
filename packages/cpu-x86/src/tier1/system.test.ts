import { DrivenClock } from '@godwit/hw'
import { expect, test } from 'vitest'
import { bench, bytesOf, type Bench, type BenchOptions } from '../engine/testing.ts'
import { S } from '../state.ts'

const GDT = 0x9000

/**
 * mov ecx, 400
 * l: mov eax, 10h; mov ds, eax; mov es, eax; push fs; pop fs; mov gs, eax; rdtsc; add esi, eax; mov eax, cr3; xor edi, eax;
 * mov eax, gs:[7c00h]; add esi, eax; test cl, 15; jnz s; mov eax, 18h; mov es, eax; mov eax, es:[10h]; add esi, eax;
 * s: rdtsc; add ebx, eax; dec ecx; jnz l; hlt
 */
const SEGMENTS = `b990010000 b810000000 8ed8 8ec0 0fa0 0fa1 8ee8 0f31 01c6 0f20d8 31c7 65a1007c0000 01c6 f6c10f 750f
  b818000000 8ec0 26a110000000 01c6 0f31 01c3 49 75c5 f4`

/** Time is what was executed: a program that asks for it must be told exactly. */
function counted(tier1: 'off' | 'always' | 'on', code: string): Bench {
  const made: { b?: Bench } = {}
  const now = (): bigint => BigInt(made.b?.processor.instructions ?? 0)
  const cpu: BenchOptions['cpu'] = {
    tier1,
    tier1Counters: tier1 !== 'off',
    time: { virtual: new DrivenClock(now), host: new DrivenClock(now), random: () => undefined },
  }
  const b = bench({ bits: 32, code, cpu })
  made.b = b
  const { state } = b.processor
  // Flat code and data, and data from 7C00h on that ends soon.
  b.ram.write(GDT + 8, bytesOf('ffff0000009bcf00 ffff00000093cf00 ff00007c00934000'))
  state.setNum(S.gdtBase, GDT)
  state.setWord(S.gdtLimit, 31)
  state.setNum(S.cr3, 0x1234_5000)
  return b
}

const visible = ({ processor }: Bench): unknown => ({
  gpr: Array.from({ length: 8 }, (_, i) => processor.state.gpr(i)),
  selectors: [0, 1, 2, 3, 4, 5].map((i) => [processor.state.selector(i), processor.state.segBase(i)]),
  rip: processor.state.rip,
  eflags: processor.state.eflags,
  count: processor.instructions,
})

test('segments, control registers and time are the same interpreted, compiled, and in slices', () => {
  const plain = counted('off', SEGMENTS)
  expect(plain.processor.run(1e6).reason).toBe('halted')
  expect(plain.reg(1)).toBe(0)
  for (const slice of [1e6, 17]) {
    const b = counted('always', SEGMENTS)
    while (b.processor.run(slice, true).reason === 'budget');
    expect(visible(b)).toEqual(visible(plain))
  }
})

test('loading ordinary segments and asking for the time leave no region', () => {
  // Without the segment that is not flat, and for longer.
  const b = counted('on', SEGMENTS.replace('750f', 'eb0f').replace('b990010000', 'b940420f00'))
  b.processor.run(4e6)
  const warm = { ...b.processor.stats().tier1! }
  b.processor.run(4e6)
  const { entries, executed } = b.processor.stats().tier1!
  expect(executed! - warm.executed!).toBeGreaterThan(3.9e6)
  expect((executed! - warm.executed!) / (entries! - warm.entries!)).toBeGreaterThan(1000)
})

test('a clock may stop a program that looks at it, in a region as elsewhere, after as many instructions', () => {
  // mov ecx, 1000; l: rdtsc; add esi, eax; dec ecx; jnz l; hlt
  const code = 'b9e8030000 0f31 01c6 49 75f9 f4'
  const run = (tier1: 'off' | 'always'): unknown => {
    const made: { b?: Bench } = {}
    let looks = 0
    const now = (): bigint => {
      if (++looks % 7 === 0) made.b?.processor.requestStop()
      return BigInt(looks)
    }
    const time = { virtual: new DrivenClock(now), host: new DrivenClock(now), random: () => undefined }
    const b = (made.b = bench({ bits: 32, code, cpu: { tier1, time } }))
    const seen: unknown[] = []
    for (let reason = ''; reason !== 'halted';) {
      const before = looks
      reason = b.processor.run(1e6).reason
      seen.push([reason, looks - before, b.processor.instructions])
    }
    return seen
  }
  const plain = run('off')
  expect(plain).toHaveLength(143)
  expect(run('always')).toEqual(plain)
})
