/** Compiles and runs every ```ts block of the packages' READMEs: an example that does not compile or throws fails. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, readdirSync, existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = new URL('..', import.meta.url).pathname
const problems = []
const examples = []

for (const group of ['packages', 'apps']) {
  for (const name of readdirSync(join(root, group))) {
    const folder = join(root, group, name)
    const readme = join(folder, 'README.md')
    if (!existsSync(join(folder, 'package.json'))) continue
    if (!existsSync(readme)) {
      problems.push(`${group}/${name}: no README.md`)
      continue
    }
    const blocks = [...readFileSync(readme, 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)].map((m) => m[1])
    if (blocks.length === 0 && group === 'packages') problems.push(`${group}/${name}/README.md: no example`)
    blocks.forEach((code, i) => {
      const place = join(folder, '.examples')
      mkdirSync(place, { recursive: true })
      writeFileSync(join(place, `example-${i + 1}.ts`), code)
      examples.push({
        name: `${group}/${name}/README.md: example ${i + 1}`,
        folder,
        place,
        file: `example-${i + 1}.ts`,
      })
    })
  }
}

const output = (e) => `${e.stdout ?? ''}${e.stderr ?? ''}`.trim()
try {
  execFileSync(join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.examples.json'], { cwd: root, stdio: 'pipe' })
} catch (e) {
  problems.push(`examples do not compile:\n${output(e)}`)
}
for (const { name, folder, place, file } of examples) {
  try {
    execFileSync(process.execPath, ['--conditions=@godwit/source', '--import', 'tsx', join(place, file)], {
      cwd: folder,
      stdio: 'pipe',
      timeout: 120_000,
    })
  } catch (e) {
    problems.push(`${name} fails:\n${output(e)}`)
  }
}
for (const { place } of examples) rmSync(place, { recursive: true, force: true })

for (const p of problems) console.error(p)
if (problems.length > 0) process.exit(1)
console.log(`${examples.length} README examples ran`)
