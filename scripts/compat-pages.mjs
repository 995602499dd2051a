/** Writes docs/compat/hops.md anew. */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { measuredPage } from '../packages/compat/src/check/measured-page.ts'
import { compareMeasured } from '../packages/compat/src/check/measured.ts'
import { parseBuild } from '../packages/compat/src/qemu-build.ts'

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url))
const builds = new Map()
const buildOf = (release) => {
  if (!builds.has(release)) {
    builds.set(release, parseBuild(readFileSync(at(`packages/compat/data/qemu/${release}.json`), 'utf8')))
  }
  return builds.get(release)
}
writeFileSync(at('docs/compat/hops.md'), measuredPage(compareMeasured(buildOf)))
