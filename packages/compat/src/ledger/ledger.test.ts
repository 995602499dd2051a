import { readFileSync } from 'node:fs'
import { compareVersions, compatOf, knownFamilies } from '@godwit/machines'
import { expect, test } from 'vitest'
import { knownReleases } from './calendar.ts'
import { parseHistory, ledgerOfHistory } from './history.ts'
import { lineName, type LedgerLine } from './ledger.ts'
import { ourLedger, wholeLedger } from './our-ledger.ts'
import { why } from './why.ts'

const entries = parseHistory(readFileSync(new URL('../../data/history.json', import.meta.url), 'utf8'))
const history = ledgerOfHistory(entries)
const ours = ourLedger()
const whole = wholeLedger(entries)

const theirs = new Map<string, LedgerLine[]>()
for (const line of history.lines) theirs.set(lineName(line), [...(theirs.get(lineName(line)) ?? []), line])

const gateText = ({ gate }: LedgerLine): string =>
  gate ? `${gate.type}.${gate.property} up to ${gate.offFor}` : 'none'

test('Every line of every description has the birth, death, gate and last writer that the history has.', () => {
  const differences: string[] = []
  const differ = (line: LedgerLine, what: string, here: unknown, there: unknown): void => {
    if (here !== there) differences.push(`${lineName(line)}: ${what} ${String(here)}, history ${String(there)}`)
  }
  for (const line of ours.lines) {
    const all = theirs.get(lineName(line)) ?? []
    const same = all.filter((l) => (l.died === undefined) === (line.died === undefined))
    const other = same.find((l) => l.born === line.born) ?? same[0]
    if (other === undefined) {
      differences.push(`${lineName(line)}: not in the history`)
      continue
    }
    differ(line, 'born', line.born, other.born)
    differ(line, 'died', line.died, other.died)
    differ(line, 'kind', line.kind, other.kind)
    // the history writes a subsection's or a section's gate into some of its lines and leaves it out of others
    if (other.gate !== undefined || line.path === '@version') {
      const around = ours.lines.find((l) => l.description === line.description && l.path === '@version')
      if (gateText(line) !== gateText(other))
        differ(line, 'gate', gateText({ ...line, gate: line.gate ?? around!.gate! }), gateText(other))
    }
    if (line.kind === 'subsection') differ(line, 'gate', gateText(line), gateText(other))
    differ(line, 'last writer', line.past?.lastWriter, other.past?.lastWriter)
    differ(line, 'bytes', line.bytes, other.bytes)
    expect(line.past?.unversioned).toEqual(other.past?.unversioned)
  }
  expect(differences).toEqual([])
  expect(ours.lines.length).toBeGreaterThan(480)
})

test('Of our descriptions the history knows nothing more than parts that Godwit has not got, and what never was released.', () => {
  const described = new Set(ours.lines.map((l) => l.description))
  const have = new Set(ours.lines.map(lineName))
  const parts = new Set(ours.lines.filter((l) => l.kind === 'subsection').map((l) => l.path))
  const missing = history.lines.filter(
    (l) => described.has(l.description) && !have.has(lineName(l)) && !l.neverReleased,
  )
  const inside = missing.filter((l) => {
    const part = l.kind === 'subsection' ? l.path : l.path.slice(0, l.path.lastIndexOf('/'))
    return l.path.includes('/') && !parts.has(part)
  })
  // the longer configuration space of PCI Express
  expect(missing.filter((l) => !inside.includes(l)).map(lineName)).toEqual(['PCIDevice.config[1]'])
})

test('why answers for every line of every description, and of the sections of QEMU that Godwit has not got.', () => {
  for (const line of whole.lines) {
    const { lines } = why(whole, lineName(line))
    expect(lines.length, lineName(line)).toBeGreaterThan(0)
    // where two lines would fit, the one that was released is meant
    if (line.neverReleased) continue
    for (const found of lines) expect(lineName(found)).toBe(lineName(line))
  }
  expect(why(whole, 'e1000.tx.tso_props.mss').lines.length).toBe(1)
})

test('A gate is the property that the machine version of its offFor sets, and the next one does not.', () => {
  const family = knownFamilies.find((f) => f.name === 'pc-i440fx')!
  const on = new Set(['on', 'true'])
  const same = (a: string | undefined, b: string): boolean => a !== undefined && on.has(a) === on.has(b)
  const value = (at: string, type: string, property: string): string | undefined => {
    const version = family.versions.find((v) => v.version === at)!
    return compatOf(family, version)[type]?.[property]
  }
  const asked = new Set<string>()
  const differences: string[] = []
  for (const { gate } of ours.lines) {
    if (!gate || gate.type === 'machine' || gate.offFor === null || compareVersions(gate.offFor, '2.4') < 0) continue
    const next = knownReleases().find((r) => compareVersions(r, gate.offFor!) > 0)!
    const name = `${gate.type}.${gate.property}`
    const [last, first] = [gate.offFor, next].map((at) => value(at, gate.type, gate.property))
    if (!asked.has(name) && !same(last, gate.value!)) differences.push(`${name} is ${last} at ${gate.offFor}`)
    if (!asked.has(name) && first !== undefined) differences.push(`${name} is ${first} at ${next}`)
    asked.add(name)
  }
  // set by no row: the tables of old machines do not switch the interface, and the guest that does is not asked its age
  expect(differences).toEqual(['PIIX4_PM.cpu-hotplug-legacy is undefined at 2.6'])
  expect(asked.size).toBeGreaterThan(6)
})
