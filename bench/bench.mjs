/**
 * Godwit, v86 and QEMU's TCG on the same guests, side by side: `pnpm bench`. See bench/README.md.
 *
 *   node bench/bench.mjs [OPTIONS]
 *     --arch i386|amd64        32-bit guest (default), or 64-bit, which v86 does not have
 *     --only a,b,...           workloads (default all)
 *     --engines a,b,...        of godwit, v86, qemu (default all)
 *     --rounds N               fresh guests (default 3)
 *     --reps N                 times each workload runs in a round; the first finds its code not yet compiled (default 2)
 *     --quick                  some workloads of every group, once
 *     --by wall|cpu            seconds by the clock (default), or of all the emulator's threads: for a busy machine
 *     --tier1 on|off|always    passed to Godwit
 *     --kernel NAME            686, amd64, cloud-amd64 (default 686, cloud-amd64)
 *     --memory MiB             of the guest (default 256)
 *     --timeout SECONDS        for a boot or a workload (default 600)
 *     --godwit FILE            another build's bin/godwit.mjs
 *     --stats                  Godwit's own figures of each round in the JSON; makes it some per cent slower
 *     --json FILE              every figure
 */
import { writeFileSync } from 'node:fs'
import os from 'node:os'
import { parseArgs } from 'node:util'
import { NoPackages, fetchGuests, guestFile } from '../guests/packages.mjs'
import { ENGINES, findEngines } from './engines.mjs'
import { benchInitrd } from './guest/build.mjs'
import { measure } from './measure.mjs'
import { summarise } from './summary.mjs'
import { table } from './table.mjs'
import { QUICK, WORKLOADS } from './workloads.mjs'

const KERNELS = { i386: '686', amd64: 'cloud-amd64' }
/** Without the kernel's test of its timer, which a guest fails whose host is busy just then. */
const APPEND =
  'console=ttyS0 quiet mitigations=off tsc=reliable nowatchdog no_timer_check random.trust_cpu=on panic=-1 bench.run=none bench.serve=1'

const say = (line) => process.stderr.write(`${line}\n`)
function stop(message) {
  say(`bench: ${message}`)
  process.exit(2)
}

function readOptions() {
  const text = { type: 'string' }
  const options = {
    arch: { ...text, default: 'i386' },
    only: text,
    engines: { ...text, default: ENGINES.join(',') },
    rounds: text,
    reps: text,
    quick: { type: 'boolean', default: false },
    by: { ...text, default: 'wall' },
    tier1: text,
    kernel: text,
    memory: { ...text, default: '256' },
    timeout: { ...text, default: '600' },
    godwit: text,
    stats: { type: 'boolean', default: false },
    json: text,
  }
  let values
  try {
    values = parseArgs({ options }).values
  } catch (e) {
    stop(e.message)
  }
  const { arch, quick } = values
  if (!(arch in KERNELS)) stop(`--arch ${arch}: expected ${Object.keys(KERNELS).join(' or ')}`)
  const chosen = (option, given, known) => {
    const unknown = given.filter((n) => !known.includes(n))
    if (unknown.length > 0) stop(`--${option} ${unknown.join(',')}: there are ${known.join(', ')}`)
    return given
  }
  const count = (option, usual) => {
    const n = Number(values[option] ?? usual)
    if (!(Number.isInteger(n) && n > 0)) stop(`--${option} ${values[option]}: expected a number from 1`)
    return n
  }
  const one = (option, known) => {
    if (values[option] !== undefined) chosen(option, [values[option]], known)
    return values[option]
  }
  const all = Object.keys(WORKLOADS)
  return {
    arch,
    quick,
    workloads: chosen('only', values.only?.split(',') ?? (quick ? QUICK : all), all),
    engines: chosen('engines', values.engines.split(','), ENGINES),
    rounds: count('rounds', quick ? 1 : 3),
    reps: count('reps', quick ? 1 : 2),
    memoryMib: count('memory', 256),
    timeout: count('timeout', 600),
    by: one('by', ['wall', 'cpu']),
    tier1: one('tier1', ['on', 'off', 'always']),
    kernel: values.kernel ?? KERNELS[arch],
    program: values.godwit,
    stats: values.stats,
    json: values.json,
  }
}

const o = readOptions()
try {
  const kernel = `vmlinuz-${o.kernel}`
  await fetchGuests([kernel], say)
  const guest = {
    arch: o.arch,
    kernel: guestFile(kernel),
    initrd: await benchInitrd(o.arch, say),
    append: APPEND,
    memoryMib: o.memoryMib,
  }
  const engines = await findEngines(o.engines, o, say)
  if (engines.length === 0) stop('no engine is left')
  const started = performance.now()
  const measured = await measure(engines, guest, o, say)
  const report = {
    date: new Date().toISOString(),
    seconds: Math.round((performance.now() - started) / 1000),
    host: { cpu: os.cpus()[0].model, processors: os.cpus().length, node: process.version },
    options: { ...o, json: undefined, program: undefined },
    ...summarise(engines, measured, o),
  }
  console.log(table(report))
  if (o.json !== undefined) writeFileSync(o.json, `${JSON.stringify(report, null, 1)}\n`)
  process.exit(report.failures.length === 0 ? 0 : 1)
} catch (thrown) {
  if (!(thrown instanceof NoPackages)) throw thrown
  stop(thrown.message)
}
