/**
 * Migrations over a link that breaks, between real QEMUs and Godwit, both ways: at random offsets of the stream and where
 * each of its parts begins. The source's guest must go on every time, and the other end must say why it has none.
 *   node scripts/lab/faults.mjs [OPTIONS]
 *     --releases A,B,...   QEMUs (default all that are installed)
 *     --offsets N          random offsets each way, over all releases (default 200); every other one behind the memory
 *     --flips N            offsets at which a byte is turned instead, each way (default 50)
 *     --no-borders         without the beginnings of sections
 *     --way in|out|both    in: from QEMU to Godwit (default both)
 *     --multifd N          channels beside the main one (default 0); then half of the offsets lie in them
 *     --seed N
 *     --json FILE
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Victim, injure } from './injury.mjs'
import { GODWIT, HOW_TO_INSTALL, endAll, installed } from './peers.mjs'

const { values: options } = parseArgs({
  options: {
    releases: { type: 'string' },
    offsets: { type: 'string', default: '200' },
    flips: { type: 'string', default: '50' },
    'no-borders': { type: 'boolean', default: false },
    way: { type: 'string', default: 'both' },
    multifd: { type: 'string', default: '0' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
if (options.help) {
  const text = readFileSync(new URL(import.meta.url), 'utf8')
  const help = text.slice(3, text.indexOf('*/')).replace(/^ \* ?/gm, '')
  console.log(help.trim())
  process.exit(0)
}
const releases = options.releases?.split(',') ?? installed()
if (releases.length === 0) {
  console.error(`faults: ${HOW_TO_INSTALL}`)
  process.exit(3)
}

const folder = mkdtempSync(join(tmpdir(), 'godwit-faults-'))
process.on('exit', () => {
  endAll()
  rmSync(folder, { recursive: true, force: true })
})
process.on('SIGINT', () => process.exit(130))
process.on('SIGTERM', () => process.exit(143))

/** The same numbers for the same seed. */
function randomFrom(seed) {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

const [vmstate, machines, migration, node] = await Promise.all(
  ['vmstate/dist/index', 'machines/dist/index', 'migration-net/dist/index', 'migration-net/dist/node/index'].map(
    (name) => import(`../../packages/${name}.js`),
  ),
)
const packages = { folder, vmstate, machines, migration, node }
const random = randomFrom(Number(options.seed))
const results = []

function placesOf(borders, lengths, share) {
  const [rest, eof] = ['ram end', 'eof'].map((name) => borders.get(name))
  const beside = [...lengths.keys()].filter((name) => name !== 'main').sort()
  const place = (i) => (i % 2 === 0 ? random(eof) : rest + random(eof - rest))
  const besides = (channel) => ({ channel, at: random(lengths.get(channel)) })
  const offsets = (n, fault) =>
    Array.from({ length: n }, (_, i) =>
      beside.length > 0 && i % 4 < 2
        ? { fault, ...besides(beside[Math.floor(i / 4) % beside.length]) }
        : { fault, at: place(i) },
    )
  return [
    ...(options['no-borders'] ? [] : [...borders.keys()].map((border) => ({ fault: 'cut', border }))),
    ...offsets(share(Number(options.offsets)), 'cut'),
    ...offsets(share(Number(options.flips)), 'flip'),
  ]
}

async function round(from, to, share) {
  const way = `${from === GODWIT ? 'Godwit' : `QEMU ${from}`} -> ${to === GODWIT ? 'Godwit' : `QEMU ${to}`}`
  const start = () => Victim.start(from, { ...packages, multifd: Number(options.multifd) })
  let victim = await start()
  try {
    const borders = await victim.borders()
    const places = placesOf(borders, victim.lengths, share)
    console.log(`${way}: ${places.length} faults, ${borders.size} parts in a stream of ${borders.get('eof')} bytes`)
    for (const [i, place] of places.entries()) {
      const result = { way, ...(await injure(victim, to, place).catch((e) => ({ ...place, wrong: [e.message] }))) }
      results.push(result)
      const where = place.border ?? `${place.channel ?? 'main'} offset ${place.at}`
      for (const w of result.wrong) {
        console.log(`  WRONG ${place.fault} at ${where}: ${w} (${result.source}; ${result.sourceSays}; ${result.says})`)
      }
      if ((i + 1) % 20 === 0) console.log(`  ${i + 1} of ${places.length}, tick ${victim.watch.last}`)
      if (options.json !== undefined) writeFileSync(options.json, JSON.stringify({ options, results }, undefined, 1))
      if (result.outcome === 'hangs' || victim.peer.done !== undefined) {
        await victim.end()
        victim = await start()
      }
    }
  } finally {
    await victim.end()
  }
}

console.log(`seed ${options.seed}`)
for (const [i, release] of releases.entries()) {
  const share = (n) => Math.floor(n / releases.length) + (i < n % releases.length ? 1 : 0)
  if (options.way !== 'out') await round(release, GODWIT, share)
  if (options.way !== 'in') await round(GODWIT, release, share)
}

for (const way of [...new Set(results.map((r) => r.way))]) {
  for (const fault of ['cut', 'flip']) {
    const own = results.filter((r) => r.way === way && r.fault === fault)
    if (own.length === 0) continue
    const kinds = [...new Set(own.map((r) => r.outcome ?? 'error'))].map(
      (kind) => `${kind} ${own.filter((r) => (r.outcome ?? 'error') === kind).length}`,
    )
    const longest = Math.max(...own.map((r) => r.ms ?? 0))
    console.log(
      `${way.padEnd(22)} ${fault.padEnd(5)} ${String(own.length).padStart(4)}: ${kinds.join(', ')}; longest ${longest} ms`,
    )
  }
}
const wrong = results.filter((r) => r.wrong.length > 0)
console.log(wrong.length === 0 ? 'every source went on' : `${wrong.length} of ${results.length} went wrong`)
process.exit(wrong.length === 0 ? 0 : 1)
