/**
 * Runs one guest in two machines that differ in how they execute, side by side by exact counts of instructions, and stops
 * at the first difference of processor, devices or memory. On the built packages (`pnpm build`).
 *
 *   node bench/compare.mjs [OPTIONS]
 *     --tiers A,B              what tier 1 does in either machine: off, on, always (default off,always)
 *     --kernel NAME            686, amd64, cloud-amd64 (default cloud-amd64)
 *     --run none|all|a,b       workloads that the guest runs after it has booted; then it powers off (default none)
 *     --every N                instructions between two comparisons (default 10 million)
 *     --until N                instructions that are enough (default: to the guest's end)
 *     --memory MiB             of the guest (default 128; some workloads want 256)
 *     --echo                   the guest's serial port on stderr
 *     --inject N               flips a bit of RCX in the second machine after N instructions, to see this work
 * Status 0: no difference; 1: there is one.
 */
import { parseArgs } from 'node:util'
import { NoPackages, fetchGuests, readGuest } from '../guests/packages.mjs'
import { createMachine } from '../packages/machines/dist/index.js'
import { loadBytes, saveBytes } from '../packages/vmstate/dist/index.js'
import { readFileSync } from 'node:fs'
import { benchInitrd } from './guest/build.mjs'
import { lockstep } from './lockstep.mjs'
import { instructionOf, lineOf, registersOf } from './machine-text.mjs'

/** Instructions before the difference that are shown. */
const SHOWN = 24
const text = { type: 'string' }
const say = (line) => process.stderr.write(`${line}\n`)

function stop(message) {
  say(`compare: ${message}`)
  process.exit(2)
}

function readOptions() {
  let values
  try {
    values = parseArgs({
      options: {
        tiers: { ...text, default: 'off,always' },
        kernel: { ...text, default: 'cloud-amd64' },
        run: { ...text, default: 'none' },
        every: { ...text, default: '10000000' },
        until: text,
        memory: { ...text, default: '128' },
        echo: { type: 'boolean', default: false },
        inject: text,
      },
    }).values
  } catch (e) {
    stop(e.message)
  }
  const tiers = values.tiers.split(',')
  if (tiers.length !== 2 || tiers.some((t) => !['off', 'on', 'always'].includes(t))) {
    stop(`--tiers ${values.tiers}: expected two of off, on, always`)
  }
  const count = (name, usual) => {
    const n = Number(values[name] ?? usual)
    if (!(n > 0)) stop(`--${name} ${values[name]}: expected a number`)
    return n
  }
  return {
    tiers,
    kernel: values.kernel,
    run: values.run,
    every: count('every'),
    until: count('until', Infinity),
    memory: count('memory'),
    inject: values.inject === undefined ? undefined : count('inject'),
    echo: values.echo,
  }
}

/** @returns {[(at: number) => object, (at: number) => object]} what lockstep() wants */
function makers(o, guest) {
  const make = (tier1, index) => (at) => {
    const machine = createMachine({
      ...guest,
      type: 'pc',
      memoryBytes: o.memory * 2 ** 20,
      append: `console=ttyS0 quiet mitigations=off tsc=reliable nowatchdog random.trust_cpu=on panic=-1 bench.run=${o.run}`,
      time: {},
      tuning: { tier1 },
    })
    const echo = o.echo && index === 0 && at === 0
    const write = (bytes) => echo && process.stderr.write(Buffer.from(bytes))
    machine.connectSerial({ write, onData: undefined, ready: () => undefined })
    let done = at
    const runFor = (n) => {
      const before = index === 1 && o.inject > done && o.inject <= done + n ? o.inject - done : 0
      const ran = before > 0 ? machine.runFor(before) : 0
      if (before > 0) flip(machine)
      const all = ran + (ran < n ? machine.runFor(n - ran) : 0)
      done += all
      return all
    }
    return { machine, runFor }
  }
  return o.tiers.map(make)
}

function flip({ processor }) {
  processor.state.setGpr(1, processor.state.gpr(1) ^ 1n)
  processor.afterLoad()
}

function report(found, tiers) {
  const { at, equalAt, difference, lanes, how } = found
  const lines = [
    `DIFFERENT after ${at} instructions (equal after ${equalAt}; found from ${how === 'copy' ? 'a copy of that state' : 'the start'})`,
    `  state: ${difference.sections.join(', ') || 'equal'}`,
    `  memory: ${difference.pages} pages`,
    ...difference.bytes.map(
      (b) => `    ${b.block} + ${b.offset.toString(16)}: ${b.first.toString(16)}, ${b.second.toString(16)}`,
    ),
    '',
    `The last instructions of the machine with tier 1 ${tiers[0]}, and the next:`,
  ]
  const shown = Math.min(SHOWN, at - equalAt)
  const lane = found.back(shown)
  for (let n = 0; n <= shown; n++) {
    lines.push(`  ${n === shown ? 'next' : String(n - shown).padStart(4)}  ${lineOf(instructionOf(lane.machine))}`)
    if (n < shown) lane.runFor(1)
  }
  const [a, b] = lanes.map((l) => registersOf(l.machine))
  lines.push('', `Registers, and those of tier 1 ${tiers[1]} where they differ:`)
  for (const [name, value] of a) {
    const other = b.get(name)
    lines.push(`${other === value ? ' ' : '*'} ${name.padEnd(8)} ${value}${other === value ? '' : `   ${other}`}`)
  }
  return lines.join('\n')
}

const o = readOptions()
const started = performance.now()
try {
  const arch = o.kernel.startsWith('686') ? 'i386' : 'amd64'
  await fetchGuests([`vmlinuz-${o.kernel}`], say)
  const guest = {
    cpu: arch === 'i386' ? 'qemu32' : 'qemu64',
    kernel: new Uint8Array(readGuest(`vmlinuz-${o.kernel}`)),
    initrd: new Uint8Array(readFileSync(await benchInitrd(arch, say))),
  }
  let told = 0
  const found = lockstep({
    make: makers(o, guest),
    every: o.every,
    until: o.until,
    codec: { loadBytes, saveBytes },
    say: (at) => {
      if (performance.now() - told < 5000) return
      told = performance.now()
      say(`equal after ${(at / 1e6).toFixed(0)} million instructions, ${((told - started) / 1000).toFixed(0)} s`)
    },
  })
  const seconds = ((performance.now() - started) / 1000).toFixed(0)
  if (found.difference === undefined) console.log(`No difference in ${found.at} instructions (${seconds} s).`)
  else console.log(report(found, o.tiers))
  process.exit(found.difference === undefined ? 0 : 1)
} catch (thrown) {
  if (!(thrown instanceof NoPackages)) throw thrown
  stop(thrown.message)
}
