/**
 * Real QEMUs as peers: one living guest goes QEMU -> Godwit -> QEMU, for pairs of releases and along a chain of all.
 *   node scripts/lab.mjs [OPTIONS]
 *     --pairs all|none|A:B,... releases before and after (default all of what is installed)
 *     --chain A,B,... | none   releases in order, Godwit between each two (default 5.2,7.2,10.0,11.1,5.2)
 *     --type 5.2|7.2|10.0|11.1 version of pc-i440fx; older releases are left out (default 5.2)
 *     --machine min|base       the machine bare or as it is (default min)
 *     --guest linux|bios       Debian's kernel counting ticks, or SeaBIOS with nothing to boot (default linux)
 *     --cpu qemu64|pentium3    64-bit or 32-bit guest (default qemu64)
 *     --way plain|return-path|multifd   how memory travels (default return-path)
 *     --transport unix|tcp|file
 *     --ticks N                how long the guest lives after each move (default 4)
 *     --compare                QEMU saves what it took from Godwit before it runs; both streams are compared field by field
 *     --no-reference           without the same moves between two QEMUs, which the figures are to be read against
 *     --no-born                without guests that are booted in Godwit and go to a QEMU
 *     --json FILE              everything as JSON, written after each journey; --resume leaves out what is in it and went well
 *     --markdown FILE          the matrix as a page
 * --type, --machine, --guest, --cpu and --way take several, with commas between. Faults: node scripts/lab/faults.mjs
 * QEMUs are looked for in QEMU_LAB (default ~/.cache/qemu-lab); `sh scripts/lab-install.sh` puts them there.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NoPackages } from '../guests/packages.mjs'
import { guestOf } from './lab/guests.mjs'
import { journey } from './lab/journey.mjs'
import { WAYS, cellsOf, journeysOf, readOptions } from './lab/options.mjs'
import { HOW_TO_INSTALL, endAll, installed } from './lab/peers.mjs'
import { linesOf, markdownOf, summaryLines, titleOf } from './lab/report.mjs'

const terminal = process.stdout.isTTY === true
const say = (line) => console.log(`${terminal ? '\r\x1b[K' : ''}${line}`)
const progress = (line) =>
  terminal && process.stdout.write(`\r\x1b[K${line.slice(0, (process.stdout.columns ?? 80) - 1)}`)

function stop(message, status) {
  console.error(`lab: ${message}`)
  process.exit(status)
}
function orStop(work) {
  try {
    return work()
  } catch (e) {
    return stop(e.message, 2)
  }
}

const options = orStop(() => readOptions(process.argv.slice(2)))
if (options.help) {
  // the comment above is the help
  const text = readFileSync(new URL(import.meta.url), 'utf8')
  const help = text.slice(3, text.indexOf('*/')).replace(/^ \* ?/gm, '')
  console.log(help.trim())
  process.exit(0)
}
const there = installed()
if (there.length === 0) stop(HOW_TO_INSTALL, 3)

process.on('exit', endAll)
process.on('SIGINT', () => process.exit(130))
process.on('SIGTERM', () => process.exit(143))

const results = options.resume && existsSync(options.json) ? JSON.parse(readFileSync(options.json, 'utf8')).results : []
const keyOf = (r) => `${titleOf(r)}: ${r.kind} ${r.stops.join(' ')}`
const done = new Set(results.filter((r) => r.faults.length === 0).map(keyOf))
/** Takes the place of an earlier result of the same journey. */
function enter(result) {
  const at = results.findIndex((r) => keyOf(r) === keyOf(result))
  results.splice(at < 0 ? results.length : at, at < 0 ? 0 : 1, result)
}

function keep() {
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ options, results }, undefined, 1)}\n`)
  if (options.markdown !== undefined) {
    writeFileSync(options.markdown, markdownOf(results, new Date().toISOString().slice(0, 10)))
  }
}

async function runCell(cell, vmstate) {
  const todo = cell.ways
    .flatMap((way) =>
      orStop(() => journeysOf(options, cell, there)).map((j) => ({ ...cell, ways: undefined, way, ...j })),
    )
    .filter((r) => !done.has(keyOf(r)))
  if (todo.length === 0) return
  const folder = mkdtempSync(join(tmpdir(), 'godwit-lab-'))
  try {
    const guest = await guestOf(cell.guest, { ...cell, folder, say })
    const saves = new Map()
    let title = ''
    for (const task of todo) {
      if (titleOf(task) !== title) say(`\n${(title = titleOf(task))}`)
      const started = Date.now()
      const { ticks, transport } = options
      const found = await journey(task.stops, {
        ...{ folder, guest, transport, vmstate, saves, ticks, way: WAYS[task.way] },
        compare: vmstate !== undefined && task.kind !== 'reference',
        onProgress: (line) => progress(`${task.stops.join(' -> ')}: ${line}`),
      }).catch((e) => ({ hops: [], faults: [e.message], position: 'not started' }))
      const result = { ...task, ...found, seconds: (Date.now() - started) / 1000 }
      enter(result)
      for (const line of linesOf(result)) say(line)
      keep()
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

try {
  const vmstate = options.compare ? await import('../packages/vmstate/dist/index.js') : undefined
  for (const cell of cellsOf(options)) await runCell(cell, vmstate)
} catch (e) {
  if (e instanceof NoPackages) stop(`${e.message}; the guests of the lab come from Debian packages`, 3)
  throw e
}
keep()
for (const line of summaryLines(results)) say(line)
const failed = results.filter((r) => r.faults.length > 0).length
const differ = results.flatMap((r) => r.hops).filter((h) => h.differences.length > 0).length
say(failed === 0 ? 'every guest lived on' : `${failed} of ${results.length} journeys failed`)
if (differ > 0) say(`${differ} streams differ from what QEMU made of them`)
process.exit(failed + differ === 0 ? 0 : 1)
