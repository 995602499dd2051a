/**
 * Tables of machine versions: order, aliases, properties, released rows, changed defaults, the year's budget.
 *
 *   node scripts/machines.mjs             checks
 *   node scripts/machines.mjs --freeze    takes rows that have been released since, and the defaults of that release
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { checkRows, freeze, presentWorld, rowFindingText } from '../packages/compat/src/index.ts'

const file = fileURLToPath(new URL('../packages/compat/data/released-rows.json', import.meta.url))
const [mode] = process.argv.slice(2)
if (mode !== undefined && mode !== '--freeze') {
  console.error('node scripts/machines.mjs [--freeze]')
  process.exit(1)
}
const frozen = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { release: '', rows: {}, defaults: {} }
const world = presentWorld(frozen)

if (mode === '--freeze') {
  const now = freeze(world.families, world.devices, world.released)
  // what was released stays as it was; defaults are those of the newest release, taken once
  const next = {
    release: world.released,
    rows: { ...now.rows, ...frozen.rows },
    defaults: frozen.release === world.released ? frozen.defaults : now.defaults,
  }
  writeFileSync(file, `${JSON.stringify(next, null, 2)}\n`)
  console.log(`${Object.keys(next.rows).length} rows, defaults of ${next.release}`)
} else {
  const findings = checkRows(world)
  for (const finding of findings) console.error(rowFindingText(finding))
  if (findings.length > 0) process.exit(1)
  console.log(`${Object.keys(frozen.rows).length} released rows`)
}
