/**
 * Guest MIPS of a few loops in each tier, and what compiling them costs:
 *
 *   node --conditions=@godwit/source --import tsx packages/cpu-x86/bench/loops.mjs [NAME,...] [--tiers off,on] [--seconds 8]
 *
 * Best of many short stretches, interleaved, so that a busy machine disturbs less.
 */
import { parseArgs } from 'node:util'
import { bench } from '../src/engine/testing.ts'

/** Code at 7c00h, and the instructions one round has, more or less. */
const PROGRAMS = {
  // l: add eax, ecx; dec ecx; jnz l
  loop: [64, 'b90000001001c8ffc975faf4'],
  // load, add, store over 32 KiB
  memory: [
    64,
    'ba70170000b90010000048c7c600002000488dbe00800000488b064801c84889074883c6084883c70883e90175eaffca75d3f4',
  ],
  memory32: [32, 'ba70170000b900100000be000020008dbe008000008b0601c8890783c60883c70883e90175ef4a75dcf4'],
  sieve: [
    64,
    'bb2800000048c7c70000200031c0b90000010088440fff83e90175f7b902000000803c0f0075138d140981fa000001007308c604170101caeb' +
      'f0ffc181f90000010072ddffcb75bdf4',
  ],
  // recursive
  fib: [64, 'bf1e000000e801000000f483ff02730389f8c3535589fb8d7bffe8ecffffff89c58d7bfee8e2ffffff01e85d5bc3'],
  crc: [64, 'bb3c00000048c7c600002000b900800000b8ffffffff0fb61631c20fb6d2c1e8083304950000300048ffc6ffc975e7ffcb75d2f4'],
  real: [16, 'bac800b90010be00208b0401c8890483c6024975f44a75ebf4'],
  // two pages that want the same TLB entry, in turns: every access takes the slow path
  misses: [64, 'ba90010000b90001000048c7c600002000488b06488b9e000040004881c600100000ffc975ebffca75dbf4'],
  // pushf; cli; popf; cli; sti
  flags: [64, 'b980841e009cfab8010000009dfafb90ffc975f1f4'],
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { tiers: { type: 'string', default: 'off,on' }, seconds: { type: 'string', default: '8' } },
})
const wanted = positionals.flatMap((p) => p.split(','))
const unknown = wanted.filter((name) => !(name in PROGRAMS))
if (unknown.length > 0) {
  console.error(`no loop ${unknown.join(', ')}; there are ${Object.keys(PROGRAMS).join(', ')}`)
  process.exit(2)
}

const runs = Object.entries(PROGRAMS)
  .filter(([name]) => wanted.length === 0 || wanted.includes(name))
  .flatMap(([name, [bits, code]]) =>
    values.tiers.split(',').map((tier1) => ({ name, tier1, best: Infinity, ...bench({ bits, code, cpu: { tier1 } }) })),
  )
const again = (r) => {
  r.processor.state.setWord(0x308, 0)
  r.processor.state.rip = 0x7c00
  r.processor.state.rsp = 0x7000
}
const stretch = (r, instructions) => {
  let executed = 0
  const started = performance.now()
  while (executed < instructions) {
    const result = r.processor.run(instructions - executed)
    executed += result.executed
    if (result.reason === 'halted') again(r)
  }
  return ((performance.now() - started) * 1e6) / executed
}

for (const r of runs) stretch(r, 2e6)
const until = performance.now() + 1000 * Number(values.seconds)
while (performance.now() < until) for (const r of runs) r.best = Math.min(r.best, stretch(r, 4e5))

/** What tier 1 says of its work; nothing if it is off. */
function compiled({ tier1 }) {
  if (tier1 === undefined || tier1.compiled === 0) return ''
  const { compiled: regions, instructions, bytes, emitMs, compileMs } = tier1
  const each = (bytes / instructions).toFixed(0)
  const ms = `${emitMs.toFixed(1)} ms to emit, ${compileMs.toFixed(1)} ms to compile`
  return `${regions} regions, ${instructions} instructions, ${each} bytes each, ${ms}`
}

for (const r of runs) {
  const stats = r.processor.stats()
  const mips = (1000 / r.best).toFixed(0).padStart(5)
  const figures = `${mips} MIPS  ${r.best.toFixed(2)} ns  ${stats.tlbMisses} misses`
  console.log(`${r.name.padEnd(10)} ${r.tier1.padEnd(6)} ${figures}  ${compiled(stats)}`)
}
