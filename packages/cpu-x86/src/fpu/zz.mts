import { bench } from '../engine/testing.ts'
import { S } from '../state.ts'
for (const [name, code, per] of [
  ['x87', 'dbe3d9eed9e8b940420f00dcc1dd042500900000d8cadd1c2508900000ffc975eaf4', 6],
  ['sse', 'b940420f000f57c9f20f58c1f20f10142500900000f20f59d0f20f11142508900000660f70da4e660ffedaffc975d9f4', 8],
] as const) {
  const b = bench({ bits: 64, code })
  const { state } = b.processor as any
  state.setWord(S.cr4, 0x620)
  b.processor.afterLoad()
  const t = performance.now()
  let n = 0
  for (let i = 0; i < 40; i++) {
    const r = b.processor.run(1e6)
    n += r.executed
    if (r.reason === 'halted') break
  }
  const ms = performance.now() - t
  console.log(name, n, 'insns', ms.toFixed(0), 'ms', (n / ms / 1000).toFixed(1), 'MIPS')
}
