/**
 * Real QEMUs as peers: one living guest goes QEMU -> Godwit -> QEMU, for pairs of releases and along a chain of all.
 *   node scripts/lab.mjs [OPTIONS]
 *     --pairs all|A:B,...      releases before and after (default all of what is installed)
 *     --chain A,B,... | none   releases in order, Godwit between each two (default 5.2,7.2,10.0,11.1,5.2)
 *     --machine min|base       pc-i440fx-5.2, bare or as it is (default min)
 *     --guest linux|bios       Debian's kernel counting ticks, or SeaBIOS with nothing to boot (default linux)
 *     --cpu qemu64|pentium3    64-bit or 32-bit guest (default qemu64)
 *     --transport unix|tcp|file
 *     --compare                QEMU saves what it took from Godwit before it runs; both streams are compared field by field
 *     --no-reference           without the same moves between two QEMUs, which the figures are to be read against
 *     --no-born                without guests that are booted in Godwit and go to a QEMU
 *     --json FILE              everything as JSON
 * QEMUs are looked for in QEMU_LAB (default ~/.cache/qemu-lab); `sh scripts/lab-install.sh` puts them there.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { NoPackages } from '../guests/packages.mjs'
import { MACHINES, guestOf } from './lab/guests.mjs'
import { TRANSPORTS } from './lab/hop.mjs'
import { journey } from './lab/journey.mjs'
import { GODWIT, HOW_TO_INSTALL, endAll, installed } from './lab/peers.mjs'

const terminal = process.stdout.isTTY === true
const say = (line) => console.log(`${terminal ? '\r\x1b[K' : ''}${line}`)
const progress = (line) =>
  terminal && process.stdout.write(`\r\x1b[K${line.slice(0, (process.stdout.columns ?? 80) - 1)}`)

function stop(message, status) {
  console.error(`lab: ${message}`)
  process.exit(status)
}

const CHOICES = {
  machine: Object.keys(MACHINES),
  guest: ['linux', 'bios'],
  cpu: ['qemu64', 'pentium3'],
  transport: TRANSPORTS,
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        pairs: { type: 'string', default: 'all' },
        chain: { type: 'string', default: '5.2,7.2,10.0,11.1,5.2' },
        machine: { type: 'string', default: 'min' },
        guest: { type: 'string', default: 'linux' },
        cpu: { type: 'string', default: 'qemu64' },
        transport: { type: 'string', default: 'unix' },
        compare: { type: 'boolean', default: false },
        'no-reference': { type: 'boolean', default: false },
        'no-born': { type: 'boolean', default: false },
        json: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) {
      // the comment above is the help
      const text = readFileSync(new URL(import.meta.url), 'utf8')
      console.log(
        text
          .slice(3, text.indexOf('*/'))
          .replace(/^ \* ?/gm, '')
          .trim(),
      )
      process.exit(0)
    }
    for (const [name, known] of Object.entries(CHOICES)) {
      if (!known.includes(values[name])) throw new Error(`--${name} ${values[name]}: expected ${known.join(' or ')}`)
    }
    return values
  } catch (e) {
    return stop(e.message, 2)
  }
}

const options = readOptions()
const there = installed()
if (there.length === 0) stop(HOW_TO_INSTALL, 3)

const missing = (releases) => releases.filter((release) => !there.includes(release))
function journeys() {
  const pairs =
    options.pairs === 'all'
      ? there.flatMap((a) => there.map((b) => [a, b]))
      : options.pairs === 'none'
        ? []
        : options.pairs.split(',').map((pair) => pair.split(':'))
  const born = options['no-born'] ? [] : [...new Set(pairs.map(([, b]) => b))]
  const reference = options['no-reference'] ? [] : pairs
  const chain = options.chain === 'none' ? [] : options.chain.split(',')
  const wanted = [...pairs.flat(), ...(options.pairs === 'all' ? [] : chain)]
  if (missing(wanted).length > 0) {
    stop(`QEMU ${[...new Set(missing(wanted))].join(', ')} is not installed; there are ${there.join(', ')}`, 3)
  }
  const steps = chain.filter((release) => there.includes(release))
  if (steps.length < chain.length) say(`without QEMU ${missing(chain).join(', ')}, which is not installed`)
  return [
    ...pairs.map(([a, b]) => ({ kind: 'pair', way: [a, GODWIT, b] })),
    ...reference.map(([a, b]) => ({ kind: 'reference', way: [a, b] })),
    ...born.map((release) => ({ kind: 'born in Godwit', way: [GODWIT, release] })),
    ...(steps.length > 1 ? [{ kind: 'chain', way: steps.flatMap((r, i) => (i === 0 ? [r] : [GODWIT, r])) }] : []),
  ]
}

const folder = mkdtempSync(join(tmpdir(), 'godwit-lab-'))
process.on('exit', () => {
  endAll()
  rmSync(folder, { recursive: true, force: true })
})
process.on('SIGINT', () => process.exit(130))
process.on('SIGTERM', () => process.exit(143))

const ms = (value) => String(value ?? '-').padStart(6)
function tell({ kind, way, faults, hops, clock, position, rates }, seconds) {
  const mark = faults.length === 0 ? 'ok  ' : 'FAIL'
  say(
    `${mark} ${way.join(' -> ')}  (${kind}, ${seconds.toFixed(0)} s, ${position}${clock === undefined ? '' : `, clock ${clock}`})`,
  )
  for (const { peer, rate } of rates ?? [])
    if (Math.abs(rate - 1) > 0.05) say(`       guest time ran at ${rate} of wall time in ${peer}`)
  for (const h of hops) {
    say(
      `       ${`${h.from} -> ${h.to}`.padEnd(24)} downtime ${ms(h.downtime)} ms, stopped ${ms(h.inspected ? undefined : h.stopped)} ms, total ${ms(h.total)} ms, ` +
        `${String(h.mib).padStart(4)} MiB  ${h.before} -> ${h.after}`,
    )
    for (const d of h.differences) say(`         differs: ${d}`)
  }
  for (const fault of faults) say(`       ${fault}`)
}

function median(values) {
  const sorted = values.filter((v) => v !== undefined).sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}

/** The middle figures of moves by where they go. */
function summary(results) {
  const kinds = { 'QEMU -> Godwit': [], 'Godwit -> QEMU': [], 'QEMU -> QEMU': [] }
  for (const { hops } of results) {
    for (const h of hops) kinds[`${h.from.split(' ')[0]} -> ${h.to.split(' ')[0]}`]?.push(h)
  }
  say('')
  say(
    `${'median of'.padEnd(20)} ${'moves'.padStart(6)} ${'downtime'.padStart(9)} ${'stopped'.padStart(9)} ${'total'.padStart(9)}  in ms`,
  )
  for (const [name, hops] of Object.entries(kinds)) {
    if (hops.length === 0) continue
    const figure = (key) =>
      String(median(hops.map((h) => (key === 'stopped' && h.inspected ? undefined : h[key]))) ?? '-').padStart(9)
    say(
      `${name.padEnd(20)} ${String(hops.length).padStart(6)} ${figure('downtime')} ${figure('stopped')} ${figure('total')}`,
    )
  }
}

const all = journeys()
const { machine, guest: kind, cpu, transport, compare } = options
say(
  `${all.length} journeys of a ${kind} guest: ${MACHINES[machine]}, ${cpu}, over ${transport}${compare ? ', streams compared' : ''}`,
)
const saves = new Map()
const results = []
try {
  const vmstate = compare ? await import('../packages/vmstate/dist/index.js') : undefined
  const guest = await guestOf(kind, { folder, machine, cpu, say })
  for (const { kind: why, way } of all) {
    const started = Date.now()
    const onProgress = (line) => progress(`${way.join(' -> ')}: ${line}`)
    const told = {
      ...{ folder, guest, transport, vmstate, saves, onProgress },
      compare: compare && why !== 'reference',
    }
    const result = {
      kind: why,
      way,
      ...(await journey(way, told).catch((e) => ({ hops: [], faults: [e.message], position: 'not started' }))),
    }
    results.push(result)
    tell(result, (Date.now() - started) / 1000)
  }
} catch (e) {
  if (e instanceof NoPackages) stop(`${e.message}; the guests of the lab come from Debian packages`, 3)
  throw e
}
summary(results)
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ options, results }, undefined, 1)}\n`)
const failed = results.filter((r) => r.faults.length > 0).length
say(failed === 0 ? 'every guest lived on' : `${failed} of ${results.length} journeys failed`)
process.exit(failed === 0 ? 0 : 1)
