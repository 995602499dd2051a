/** What CI checks besides the tests: types, lint, formatting, arrows, the picture, README examples, packages. */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'

const published = ['packages', 'apps'].flatMap((group) => readdirSync(group).map((p) => `${group}/${p}`))
const steps = [
  ['types', ['tsc', '-b']],
  ['types of tests', ['tsc', '-p', 'tsconfig.tests.json']],
  ['lint', ['eslint', '.']],
  ['formatting', ['prettier', '--check', '--log-level', 'warn', '.']],
  ['arrows', ['node', 'scripts/check-arrows.mjs']],
  ['picture', ['node', 'scripts/picture.mjs', '--check']],
  ['machines', ['node', '--conditions=@godwit/source', '--import', 'tsx', 'scripts/machines.mjs']],
  ['manifests', ['node', '--conditions=@godwit/source', '--import', 'tsx', 'scripts/manifests.mjs']],
  ['ledger', ['node', '--conditions=@godwit/source', '--import', 'tsx', 'scripts/check-ledger.mjs']],
  ['README examples', ['node', 'scripts/readme-examples.mjs']],
  ...published.map((p) => [`publint ${p}`, ['publint', '--strict', p]]),
  ...published.map((p) => [`attw ${p}`, ['attw', '--pack', p, '--profile', 'esm-only', '--quiet']]),
]
const only = process.argv[2]
if (only !== undefined && !steps.some(([name]) => name.startsWith(only))) {
  console.error(`no check begins with "${only}"; there are ${steps.map(([name]) => name).join(', ')}`)
  process.exit(1)
}
let failed = 0
for (const [name, [command, ...args]] of steps) {
  if (only !== undefined && !name.startsWith(only)) continue
  const started = performance.now()
  const direct = command === 'node'
  const done = spawnSync(direct ? process.execPath : `node_modules/.bin/${command}`, args, { encoding: 'utf8' })
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(`${done.status === 0 ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)`)
  if (done.status !== 0) {
    failed++
    console.log(`${done.stdout ?? ''}${done.stderr ?? ''}`.trimEnd())
  }
}
process.exit(failed === 0 ? 0 : 1)
