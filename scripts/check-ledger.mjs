/**
 * The ledger of the descriptions against the committed one.
 *
 *   pnpm ledger            every line of state has its entry, and nothing released changed its life
 *   pnpm ledger --record   adds what is new; refuses what the check refuses
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  checkLedger,
  freezeLedger,
  ledgerFindingText,
  ledgerOfHistory,
  ourLedger,
  parseHistory,
} from '../packages/compat/src/index.ts'
import { knownFamilies, machineTypes, newestRelease, nextRelease } from '../packages/machines/src/index.ts'

const data = (name) => fileURLToPath(new URL(`../packages/compat/data/${name}`, import.meta.url))
const [mode = '--check'] = process.argv.slice(2)
if (!['--check', '--record'].includes(mode)) {
  console.error('pnpm ledger [--record]')
  process.exit(1)
}
const ledger = ourLedger()
const released = newestRelease().version
const machines = machineTypes(knownFamilies).map((t) => t.name)
const frozen = JSON.parse(readFileSync(data('ledger.json'), 'utf8'))
const history = ledgerOfHistory(parseHistory(readFileSync(data('history.json'), 'utf8')))
const findings = checkLedger({ ledger, frozen, history, next: nextRelease(released), machines })
if (findings.length > 0) {
  console.error(findings.map(ledgerFindingText).join('\n'))
  console.error(`\n${findings.length} findings; docs/compat/ledger.md tells what to do with each kind`)
  process.exit(1)
}
const present = freezeLedger(ledger, released, machines)
const fresh = Object.keys(present.lines).filter((name) => frozen.lines[name] === undefined)
if (mode === '--record') {
  // a life that ended stays in the book
  const lines = { ...frozen.lines, ...present.lines }
  writeFileSync(data('ledger.json'), ledgerText({ ...present, lines }))
  console.log(`${fresh.length} new names, ${Object.keys(lines).length} in all`)
} else if (fresh.length > 0) {
  const some = `${fresh.slice(0, 5).join(', ')}${fresh.length > 5 ? ` and ${fresh.length - 5} more` : ''}`
  console.error(`not in the committed ledger: ${some}\n    pnpm ledger --record, and commit what it wrote`)
  process.exit(1)
}

function ledgerText({ release, machines, lines }) {
  const rows = Object.entries(lines)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, texts]) => `${JSON.stringify(name)}:${JSON.stringify(texts)}`)
  return `{"release":${JSON.stringify(release)},\n"machines":${JSON.stringify(machines)},\n"lines":{\n${rows.join(',\n')}\n}}\n`
}
