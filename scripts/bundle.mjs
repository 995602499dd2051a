/** The programs of `godwit run` and of a machine's thread as one file each, which load in a quarter of the time. `pnpm build` does this last. */
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = 'apps/runner/dist'
const folder = `${dist}/whole`

const { build } = await import('esbuild').catch(() => ({}))
if (build === undefined) {
  console.error('bundle: esbuild is not installed (pnpm install): godwit loads its modules one by one')
  process.exit(0)
}

/** What is not wanted by everybody is loaded when it is asked for. */
const lazily = {
  name: 'lazily',
  setup: ({ onResolve }) =>
    onResolve({ filter: /./ }, ({ kind, path }) => (kind === 'dynamic-import' ? { path, external: true } : undefined)),
}

const packages = new Set()
async function bundle(entry, { banner, footer }) {
  const { metafile, outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [`${dist}/${entry}`],
    outfile: 'one.cjs',
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    metafile: true,
    write: false,
    plugins: [lazily],
    define: { 'import.meta.url': 'moduleUrl' },
    banner: { js: banner },
    footer: { js: footer },
  })
  for (const file of Object.keys(metafile.inputs)) packages.add(file.replace(/\/dist\/.*/, '/dist/.tsbuildinfo'))
  return outputFiles[0].text
}

// a program is a function, for node:vm, behind a line that tells it from every other
const program = async (entry) => {
  const text = await bundle(entry, {
    banner: '(function (require, moduleUrl) { "use strict"; const module = { exports: {} }',
    footer: 'return module.exports })',
  })
  return `/* ${createHash('sha256').update(text).digest('hex')} */\n${text}`
}
const script = (entry) =>
  bundle(entry, {
    banner:
      "const moduleUrl = require('node:url').pathToFileURL(require('node:path').join(__dirname, '../thread/spawn.js')).href",
    footer: '',
  })

const files = {
  'program.code.cjs': await program('whole/program.js'),
  'machine.code.cjs': await program('thread/machine-thread.js'),
  'thread.cjs': await script('whole/thread.js'),
  'proceed.cjs': await script('whole/proceed.js'),
  'begin.cjs': await script('whole/begin.js'),
}
const parts = [...packages].map((file) => relative(folder, file))
mkdirSync(root + folder, { recursive: true })
// what says whether the files are of use comes first
writeFileSync(`${root}${folder}/parts.json`, `${JSON.stringify(parts)}\n`)
for (const [name, text] of Object.entries(files)) writeFileSync(`${root}${folder}/${name}`, text)
