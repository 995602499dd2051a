/** The modules of a machine's thread as one file, which loads in half the time. `pnpm build` does this last. */
import { writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = 'apps/runner/dist/thread'

const { build } = await import('esbuild').catch(() => ({}))
if (build === undefined) {
  console.error('bundle: esbuild is not installed (pnpm install): godwit loads its modules one by one')
  process.exit(0)
}
const { metafile, outputFiles } = await build({
  absWorkingDir: root,
  entryPoints: [`${folder}/machine-thread.js`],
  outfile: `${folder}/whole.js`,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  metafile: true,
  write: false,
})
const packages = new Set(Object.keys(metafile.inputs).map((file) => file.replace(/\/dist\/.*/, '/dist/.tsbuildinfo')))
const parts = [...packages].map((file) => relative(folder, file))
// what says whether the file is of use comes first
writeFileSync(`${root}${folder}/whole.json`, `${JSON.stringify(parts)}\n`)
for (const { path, contents } of outputFiles) writeFileSync(path, contents)
