/** Runs every ```ts block of the packages' READMEs: an example that throws or does not compile fails. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, readdirSync, existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = new URL('..', import.meta.url).pathname
let failed = 0
let count = 0
for (const group of ['packages', 'apps']) {
  for (const name of readdirSync(join(root, group))) {
    const folder = join(root, group, name)
    const readme = join(folder, 'README.md')
    if (!existsSync(join(folder, 'package.json'))) continue
    if (!existsSync(readme)) {
      console.error(`${group}/${name}: no README.md`)
      failed++
      continue
    }
    const blocks = [...readFileSync(readme, 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)].map((m) => m[1])
    if (blocks.length === 0 && group === 'packages') {
      console.error(`${group}/${name}/README.md: no example`)
      failed++
    }
    const place = join(folder, '.examples')
    blocks.forEach((code, i) => {
      mkdirSync(place, { recursive: true })
      const file = join(place, `example-${i + 1}.ts`)
      writeFileSync(file, code)
      try {
        execFileSync(process.execPath, ['--conditions=@godwit/source', '--import', 'tsx', file], {
          cwd: folder,
          stdio: 'pipe',
          timeout: 120_000,
        })
        count++
      } catch (e) {
        console.error(`${group}/${name}/README.md: example ${i + 1} fails:\n${e.stderr}`)
        failed++
      }
    })
    rmSync(place, { recursive: true, force: true })
  }
}
console.log(`${count} README examples ran`)
if (failed > 0) process.exit(1)
