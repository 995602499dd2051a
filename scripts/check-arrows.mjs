/** Holds the arrows of arrows.json: who may import whom. Names a forbidden import with its file, and a cycle as a path. */
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'

const root = new URL('..', import.meta.url).pathname
const { scope, arrows } = JSON.parse(readFileSync(join(root, 'arrows.json'), 'utf8'))
const problems = []

const nameOf = (folder) => scope + folder.split('/')[1]
const folderOf = Object.fromEntries(Object.keys(arrows).map((f) => [nameOf(f), f]))

function* sources(folder) {
  for (const entry of readdirSync(folder)) {
    const path = join(folder, entry)
    if (entry === 'dist' || entry === 'node_modules') continue
    if (statSync(path).isDirectory()) yield* sources(path)
    else if (/\.(ts|mts|mjs|js)$/.test(entry)) yield path
  }
}

for (const [folder, allowed] of Object.entries(arrows)) {
  const may = new Set(allowed.map(nameOf))
  for (const file of sources(join(root, folder))) {
    const text = readFileSync(file, 'utf8')
    const where = relative(root, file)
    for (const [, from] of text.matchAll(/(?:from|import|import\()\s*['"]([^'"]+)['"]/g)) {
      if (from.startsWith('.')) {
        const target = relative(root, join(file, '..', from))
        if (!target.startsWith(`${folder}/`)) problems.push(`${where}: reaches out of its package to ${target}`)
      } else if (from.startsWith(scope)) {
        const [pkg, ...rest] = from.slice(scope.length).split('/')
        const name = scope + pkg
        if (rest[0] === 'src' || rest[0] === 'dist') problems.push(`${where}: reaches into ${from}`)
        if (name !== nameOf(folder) && !may.has(name))
          problems.push(`${where}: ${nameOf(folder)} may not import ${name}`)
      }
    }
  }
  const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
  const declared = Object.keys(manifest.dependencies ?? {}).filter((d) => d.startsWith(scope))
  for (const d of declared) if (!may.has(d)) problems.push(`${folder}/package.json: may not depend on ${d}`)
  const references = JSON.parse(readFileSync(join(root, folder, 'tsconfig.json'), 'utf8')).references.map((r) => r.path)
  const expected = declared.map((d) => `../../${folderOf[d]}`)
  if ([...references].sort().join() !== [...expected].sort().join()) {
    problems.push(`${folder}/tsconfig.json: references ${references.join(', ')}, expected ${expected.join(', ')}`)
  }
}

function findCycle(folder, path) {
  if (path.includes(folder)) return [...path.slice(path.indexOf(folder)), folder]
  for (const next of arrows[folder] ?? []) {
    const cycle = findCycle(next, [...path, folder])
    if (cycle) return cycle
  }
  return undefined
}
for (const folder of Object.keys(arrows)) {
  const cycle = findCycle(folder, [])
  if (cycle) {
    problems.push(`cycle: ${cycle.join(' -> ')}`)
    break
  }
}

for (const p of problems) console.error(p)
if (problems.length > 0) process.exit(1)
console.log(`arrows: ${Object.keys(arrows).length} packages, all point down`)
