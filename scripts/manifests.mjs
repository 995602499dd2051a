/**
 * Frozen manifests of machine types.
 *
 *   pnpm manifests                        checks every machine type against its manifest
 *   pnpm manifests --record               writes manifests of machine types that have none, and of unreleased ones
 *   pnpm manifests --correct "REASON"     takes a change of released ones: only where they were not what QEMU's are
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { ABI_PARTS, machineTypes } from '../packages/machines/src/index.ts'
import {
  compareWithFrozen,
  findingText,
  grouped,
  linesOfPart,
  manifestOf,
  partText,
  visibleLines,
} from '../packages/compat/src/index.ts'

const folder = fileURLToPath(new URL('../packages/compat/manifests', import.meta.url))
const index = `${folder}/manifests.json`
const partFile = (part, digest) => `${folder}/${part}/${digest}.txt`
const [mode = 'check', reason] = process.argv.slice(2).map((a) => a.replace(/^--/, ''))
if (!['check', 'record', 'correct'].includes(mode) || (mode === 'correct' && !reason)) {
  console.error('pnpm manifests [--record | --correct "REASON"]')
  process.exit(1)
}

const known = existsSync(index) ? JSON.parse(readFileSync(index, 'utf8')) : { manifests: {}, corrections: [] }
const types = machineTypes().filter((t) => t.family.noBoard === undefined)
const findings = []
const missing = []
const manifests = {}
for (const { name, family } of types) {
  let abi
  try {
    abi = visibleLines(name)
  } catch (thrown) {
    if (thrown?.name !== 'UnmodelledVersion') throw thrown
    continue // a version whose properties our devices do not honour; creating it says which
  }
  const current = await manifestOf(name, abi)
  const frozen = known.manifests[name]
  const found = frozen === undefined ? [] : findingsOf(family, { machine: name, ...frozen }, current, abi)
  if (frozen === undefined) missing.push(name)
  findings.push(...found)
  // a property that is new changes nothing while no other line does
  const harmless = found.every((f) => f.part === 'properties' && f.change.kind === 'added')
  const take = mode === 'correct' || frozen === undefined || (mode === 'record' && harmless)
  manifests[name] = take ? { digest: current.digest, parts: current.parts } : frozen
  if (mode !== 'check' && take) {
    for (const part of ABI_PARTS) {
      mkdirSync(`${folder}/${part}`, { recursive: true })
      writeFileSync(partFile(part, current.parts[part]), partText(abi[part]))
    }
  }
}
function findingsOf(family, frozen, current, abi) {
  const newest = `${family.name}-${family.versions[0].version}`
  const lines = (part, digest) => linesOfPart(readFileSync(partFile(part, digest), 'utf8'))
  return compareWithFrozen(frozen, current, abi, lines, newest)
}

const gone = Object.keys(known.manifests).filter((name) => !(name in manifests))

if (mode === 'check') {
  for (const name of missing) {
    console.error(`${name} has no manifest\n  remedy: pnpm manifests --record, and commit what it writes`)
  }
  for (const name of gone) {
    console.error(
      `${name} was released and is gone\n  remedy: put it back; a machine type is deleted by its calendar (godwit machine deprecations)`,
    )
  }
  for (const { machines, finding } of grouped(findings)) {
    console.error(
      findingText({
        ...finding,
        machine: machines.length > 1 ? `${machines[0]} and ${machines.length - 1} more` : machines[0],
      }),
    )
  }
  if (findings.length > 0) {
    console.error(
      '\nA released machine type never changes. If it was not what QEMU has, and only then: pnpm manifests --correct "why"',
    )
  }
  process.exit(missing.length + gone.length + findings.length === 0 ? 0 : 1)
}
if (mode === 'correct') {
  const machines = [...new Set(findings.map((f) => f.machine))]
  if (machines.length > 0)
    known.corrections.push({
      reason,
      machines,
      changes: grouped(findings).map((g) => `${g.finding.part}: ${g.finding.change.name}`),
    })
}
mkdirSync(folder, { recursive: true })
writeFileSync(index, `${JSON.stringify({ manifests, corrections: known.corrections }, null, 2)}\n`)
const used = new Set(Object.values(manifests).flatMap((m) => ABI_PARTS.map((part) => partFile(part, m.parts[part]))))
for (const part of ABI_PARTS) {
  for (const file of existsSync(`${folder}/${part}`) ? readdirSync(`${folder}/${part}`) : []) {
    if (!used.has(`${folder}/${part}/${file}`)) rmSync(`${folder}/${part}/${file}`)
  }
}
console.log(`${Object.keys(manifests).length} manifests`)
