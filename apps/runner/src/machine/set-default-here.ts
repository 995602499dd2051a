/** `godwit machine set-default` on the checkout around a folder. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { presentWorld, setDefault, type DefaultChange, type Frozen, type Sources } from '@godwit/compat'
import { UsageError } from '../usage-error.ts'

const ROWS = 'packages/machines/src/pc/rows.ts'
const DEVICES = 'packages/devices/src'
const FROZEN = 'packages/compat/data/released-rows.json'

const NEXT = [
  'node scripts/check.mjs machines    is content',
  'pnpm ref                           the row in docs/reference/machines.md is what a reviewer reads',
  'pnpm manifests                     released machine types are as they were',
  'pnpm manifests --record            if a version was opened: its manifest',
]

export function setDefaultHere(
  change: DefaultChange,
  folder: string,
  dryRun: boolean,
): { readonly json: unknown; readonly text: string } {
  const root = checkoutAround(folder)
  const frozen = JSON.parse(readFileSync(join(root, FROZEN), 'utf8')) as Frozen
  const { files, said } = setDefault(change, sourcesIn(root), presentWorld(frozen))
  const paths = files.map((f) => f.path)
  if (!dryRun) {
    for (const { path, text } of files) writeFileSync(join(root, path), text)
    const prettier = join(root, 'node_modules/.bin/prettier')
    if (existsSync(prettier)) spawnSync(prettier, ['--write', '--log-level', 'silent', ...paths], { cwd: root })
  }
  const list = (title: string, lines: readonly string[]): string => `${title}\n${lines.map((l) => `  ${l}\n`).join('')}`
  return {
    json: { written: !dryRun, files: paths, said },
    text:
      list(dryRun ? 'Would do' : 'Done', said) +
      list(dryRun ? 'Would write' : 'Wrote', paths) +
      (dryRun ? '' : list('Next', NEXT)),
  }
}

function checkoutAround(folder: string): string {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, ROWS)) && existsSync(join(at, FROZEN))) return at
    if (dirname(at) === at) {
      throw new UsageError(
        `${folder} is in no checkout of Godwit's source, and set-default edits that; nothing was changed`,
      )
    }
  }
}

function sourcesIn(root: string): Sources {
  const read = (path: string) => ({ path, text: readFileSync(join(root, path), 'utf8') })
  const devices = readdirSync(join(root, DEVICES), { recursive: true, encoding: 'utf8' })
    .filter((f) => f.endsWith('.ts') && !f.endsWith('.test.ts'))
    .sort()
    .map((f) => read(`${DEVICES}/${f}`))
  return { rows: read(ROWS), devices }
}
