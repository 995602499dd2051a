import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { AbiPart, GuestAbi } from '@godwit/machines'
import { changesBetween } from './changes.ts'
import { compareWithFrozen, grouped } from './check.ts'
import { manifestOf, visibleLines } from './manifest.ts'
import { findingText } from './remedy.ts'

const MACHINE = 'pc-i440fx-10.0'
const released = visibleLines(MACHINE)

/** Findings when the lines of one part become others. */
async function findingsWhen(part: AbiPart, edit: (lines: string[]) => string[]) {
  const lines = edit([...released[part]])
  expect(lines, 'the edit does nothing').not.toEqual(released[part])
  const abi: GuestAbi = { ...released, [part]: lines }
  const [frozen, current] = [await manifestOf(MACHINE, released), await manifestOf(MACHINE, abi)]
  return compareWithFrozen(frozen, current, abi, (p) => released[p], 'pc-i440fx-11.1')
}

const replaced = (from: string, to: string) => (lines: string[]) => lines.map((l) => (l.startsWith(from) ? to : l))
const after = (where: string, added: string) => (lines: string[]) =>
  lines.flatMap((l) => (l.startsWith(where) ? [l, added] : [l]))

/** What may happen to a released machine type, and how the check says it. docs/compat/manifests.md shows the same. */
const FAULTS: readonly (readonly [what: string, part: AbiPart, edit: (lines: string[]) => string[]])[] = [
  [
    'a default changed without a row',
    'properties',
    replaced('i8042 i8042.extended-state', 'i8042 i8042.extended-state = false'),
  ],
  [
    'a subsection without a gate',
    'sections',
    after('i8254#0/irq_disabled', 'i8254#0/i8254/gate = subsection, version 1'),
  ],
  ['a field in the middle', 'sections', after('fdc#0/state/srb', 'fdc#0/state/dor2 = uint8')],
  ['a field removed', 'sections', (lines) => lines.filter((l) => !l.startsWith('mc146818rtc#0/cmos_index'))],
  ['a field of another size', 'sections', replaced('fdc#0/state/srb', 'fdc#0/state/srb = uint16')],
  [
    'two fields in the wrong order',
    'sections',
    (lines) => {
      const at = lines.findIndex((l) => l.startsWith('fdc#0/state/srb'))
      return [...lines.slice(0, at), lines[at + 1]!, lines[at]!, ...lines.slice(at + 2)]
    },
  ],
  ['a section renamed', 'sections', (lines) => lines.map((l) => l.replace(/^i8254#0/, 'pit#0'))],
  ['an instance id shifted', 'sections', (lines) => lines.map((l) => l.replace(/^i8259#1/, 'i8259#2'))],
  [
    'a version raised',
    'sections',
    (lines) => lines.map((l) => (l.startsWith('fdc#0 = ') ? l.replace(/version \d+,/, 'version 9,') : l)),
  ],
  [
    'a RAM block resized',
    'ram-blocks',
    replaced('/rom@etc/table-loader', '/rom@etc/table-loader = 8192 bytes, at most 65536'),
  ],
  ['a PCI mask changed', 'pci', replaced('00.0 wmask 0000', '00.0 wmask 0000 = 000000000745000000000000ff000000')],
  [
    'a processor model with another feature',
    'cpuid',
    replaced('qemu64 00000001.0', 'qemu64 00000001.0 = 00060fb1 00000800 80802001 078bfbfd'),
  ],
  ['a device at another port', 'ports', (lines) => lines.map((l) => l.replace(/^0092-0092/, '0093-0093'))],
]

test.each(FAULTS)('%s is found and told once for the cause', async (_what, part, edit) => {
  const findings = await findingsWhen(part, edit)
  expect(findings.length).toBeGreaterThan(0)
  expect(new Set(findings.map((f) => f.part))).toEqual(new Set([part]))
})

test('The page of the manifests shows the messages as they are', async () => {
  const page = readFileSync(new URL('../../../../docs/compat/manifests.md', import.meta.url), 'utf8')
  for (const [what, part, edit] of FAULTS) {
    const [first] = await findingsWhen(part, edit)
    expect(page, `the page lacks, for "${what}":\n\n${findingText(first!)}\n`).toContain(findingText(first!))
  }
})

test('A machine type that did not change has no findings', async () => {
  const frozen = await manifestOf(MACHINE, released)
  const again = visibleLines(MACHINE)
  const current = await manifestOf(MACHINE, again)
  expect(current).toEqual(frozen)
  expect(compareWithFrozen(frozen, current, again, (p) => released[p], 'x')).toEqual([])
})

test('The same change in several machine types is one group', async () => {
  const [a] = await findingsWhen('ports', (lines) => lines.map((l) => l.replace(/^0092-0092/, '0093-0093')))
  const groups = grouped([a!, { ...a!, machine: 'pc-i440fx-9.2' }])
  expect(groups.map((g) => g.machines)).toEqual([[MACHINE, 'pc-i440fx-9.2']])
})

test('Only the lines that left their order are called moved', () => {
  const before = ['a = 1', 'b = 1', 'c = 1', 'd = 1']
  expect(changesBetween(before, ['b = 1', 'c = 1', 'd = 1', 'a = 1'], true)).toEqual([
    { kind: 'moved', name: 'a', neighbours: ['the beginning', 'd'] },
  ])
  expect(changesBetween(before, ['b = 1', 'c = 1', 'd = 1', 'a = 1'], false)).toEqual([])
})
