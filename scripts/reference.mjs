/** Writes docs/reference anew: pnpm ref. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { referencePages } from '../tests/support/reference.ts'

const folder = fileURLToPath(new URL('../docs/reference', import.meta.url))
rmSync(join(folder, 'vmstate'), { recursive: true, force: true })
for (const [path, text] of referencePages()) {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), text)
}
