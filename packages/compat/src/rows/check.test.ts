import { readFileSync } from 'node:fs'
import { flag, num } from '@godwit/hw'
import { compatOf, findMachine, parentsOf, type Family, type Version } from '@godwit/machines'
import { describe, expect, test } from 'vitest'
import { checkRows, rowFindingText, type RowWorld } from './check.ts'
import { freeze, type Frozen } from './frozen.ts'
import { missedBy, ourDevices, type OurDevice } from './our-devices.ts'
import { presentWorld } from './world.ts'

const data = (name: string): unknown => JSON.parse(readFileSync(new URL(`../../data/${name}`, import.meta.url), 'utf8'))
const frozen = data('released-rows.json') as Frozen

test('the tables as they are have no fault', () => {
  expect(checkRows(presentWorld(frozen)).map(rowFindingText)).toEqual([])
})

// -- what QEMU says ---------------------------------------------------------------------------------------------------
interface QemuRows {
  /** "type.property=value" */
  readonly rows: readonly string[]
  readonly machines: readonly { readonly name: string; readonly compat: readonly number[] }[]
}

const qemu = { '10.0': data('qemu/10.0.json') as QemuRows, '11.1': data('qemu/11.1.json') as QemuRows }
const types = ourDevices().flatMap((d) => [d.type, ...parentsOf(d.type)])
/** Models that we have, and what they inherit from. */
const MODELS = ['x86_64-cpu', ...['qemu64', 'qemu32', 'kvm64', 'Opteron_G1'].map((m) => `${m}-x86_64-cpu`)]
const ours = new Set([...types, ...MODELS, 'migration'])

/** Properties of devices and models that we have. */
function linesOf(lines: readonly string[]): string[] {
  const last = new Map<string, string>()
  for (const line of lines) if (ours.has(line.slice(0, line.indexOf('.')))) last.set(line.split('=')[0]!, line)
  return [...last.values()].sort()
}
const linesOfVersion = (family: Family, version: Version): string[] =>
  Object.entries(compatOf(family, version)).flatMap(([type, props]) =>
    Object.entries(props).map(([property, value]) => `${type}.${property}=${value}`),
  )

describe.each(['10.0', '11.1'] as const)('QEMU %s', (release) => {
  const { rows, machines } = qemu[release]
  const pc = machines.filter((m) => /^pc-(i440fx|q35)-/.test(m.name))
  // 10.0 does not know what later releases changed; 11.1 does not know the versions it has deleted
  test.each(pc.map((m) => [m.name, m] as const))('%s sets on our devices what the row says', (name, machine) => {
    const { family, version } = findMachine(name)
    const later = linesOfVersion(
      family,
      family.versions.find((v) => v.version === release)!,
    )
    const here = linesOf(linesOfVersion(family, version)).filter((l) => release === '11.1' || !later.includes(l))
    expect(here).toEqual(linesOf(machine.compat.map((i) => rows[i]!)))
  })
})

// -- faults that are injected ----------------------------------------------------------------------------------------
const chip = (props: OurDevice['props'], type = 'chip', parents = ['chip-base', 'device']): OurDevice => ({
  type,
  props,
  parents,
})
const rows: readonly Version[] = [
  { version: '11.1', compat: {} },
  { version: '11.0', compat: { chip: { fast: 'off' } } },
  { version: '10.2', compat: {} },
]
const family = (versions: readonly Version[], more: Partial<Family> = {}): Family => ({
  name: 'pc-test',
  doc: '',
  alias: 'test',
  versions,
  ...more,
})
const devices = [chip({ fast: flag(true, ''), size: num(4, '') })]
const was = freeze([family(rows)], devices, '11.1')
const world = (change: Partial<RowWorld> = {}): RowWorld => ({
  families: [family(rows)],
  devices,
  frozen: was,
  released: '11.1',
  next: '11.2',
  withoutEffect: {},
  boardValues: { 'entry-point': '' },
  migrationProps: ['send-it'],
  takesFromMachine: (p) => p === 'model',
  ...change,
})
const told = (change: Partial<RowWorld>): string => checkRows(world(change)).map(rowFindingText).join('\n')
const versions = (...list: readonly Version[]): Partial<RowWorld> => ({ families: [family(list)] })

test('the small world has no fault', () => {
  expect(told({})).toBe('')
})

test.each<[string, Partial<RowWorld>, RegExp]>([
  [
    'a released row that lost an entry',
    versions(rows[0]!, { version: '11.0', compat: {} }, rows[2]!),
    /pc-test-11\.0: was released, and its row is now without chip\.fast=off\n {2}remedy: restore the row.*row of 11\.1 \(godwit machine set-default\)/,
  ],
  [
    'a released row that got an entry',
    versions(rows[0]!, rows[1]!, { version: '10.2', compat: { chip: { size: '2' } } }),
    /pc-test-10\.2: was released, and its row is now with chip\.size=2/,
  ],
  [
    'a released row that is gone',
    versions(rows[0]!, rows[1]!),
    /pc-test-10\.2: was released and is gone.*\n.*calendar/,
  ],
  [
    'a release that nobody froze',
    { released: '11.2', next: '12.0', ...versions({ version: '11.2', compat: {} }, ...rows) },
    /pc-test-11\.1: is released and not frozen\n.*machines\.mjs --freeze/,
  ],
  [
    'frozen lines that were edited',
    { frozen: { ...was, rows: { ...was.rows, 'pc-test-10.2': { digest: 'x', lines: [] } } } },
    /pc-test-10\.2: .*edited by hand/,
  ],
  [
    'a default without a row, no version being open',
    { devices: [chip({ fast: flag(true, ''), size: num(8, '') })] },
    /chip\.size is 8 by default and was 4 in 11\.1: no version is open .*\n.*godwit machine set-default chip\.size=8/,
  ],
  [
    'a default without a row',
    {
      devices: [chip({ fast: flag(true, ''), size: num(8, '') })],
      ...versions({ version: '11.2', compat: {} }, ...rows),
    },
    /pc-test-11\.1: chip\.size is 8 by default and was 4 in 11\.1: pc-test-11\.1 would change/,
  ],
  [
    'an entry for what has not changed: late, or of another version',
    versions({ version: '11.2', compat: {} }, { version: '11.1', compat: { chip: { size: '4' } } }, rows[1]!, rows[2]!),
    /chip\.size=4, which is the default and was it in 11\.1: the entry is late/,
  ],
  [
    'an entry with another value than was released',
    {
      devices: [chip({ fast: flag(true, ''), size: num(8, '') })],
      ...versions(
        { version: '11.2', compat: {} },
        { version: '11.1', compat: { chip: { size: '2' } } },
        rows[1]!,
        rows[2]!,
      ),
    },
    /chip\.size=2, but 11\.1 came out with 4\n.*write '4'/,
  ],
  [
    'a property that is misspelt',
    versions({ version: '11.1', compat: { chip: { fats: 'off' } } }, rows[1]!, rows[2]!),
    /pc-test-11\.1: chip\.fats=off is a property that chip has not\n.*nearest: fast, size/,
  ],
  [
    'a type that is misspelt',
    versions({ version: '11.1', compat: { chop: { fast: 'off' } } }, rows[1]!, rows[2]!),
    /chop\.fast=off names a type.*\n.*nearest: chip/,
  ],
  [
    'a value that the property does not take',
    versions({ version: '11.1', compat: { chip: { size: 'big' } } }, rows[1]!, rows[2]!),
    /chip\.size=big is no value of chip\.size: expected a number, came "big"/,
  ],
  [
    'a board value that is misspelt',
    versions({ version: '11.1', compat: {}, board: { 'enrty-point': '1' } }, rows[1]!, rows[2]!),
    /board enrty-point is no value.*\n.*nearest: entry-point/,
  ],
  [
    'a reason for what no row names',
    { withoutEffect: { 'chip.slow': 'never' } },
    /chip\.slow: has a reason.*no row names it/,
  ],
  [
    'a reason for what has an effect',
    { withoutEffect: { 'chip.fast': 'none' } },
    /chip\.fast=off has an effect, but a reason says that it has none/,
  ],
  [
    'an entry for one of two sisters',
    { devices: [...devices, chip({ fast: flag(true, '') }, 'chip-transitional')] },
    /chip\.fast=off misses chip-transitional.*\n.*'chip-base': \{ 'fast': 'off' \}/,
  ],
  [
    'rows out of order',
    versions(rows[0]!, rows[2]!, rows[1]!),
    /pc-test-11\.0: stands below 10\.2, which is not newer/,
  ],
  ['a release without a row', versions(rows[0]!, rows[2]!), /pc-test-11\.0: is missing: every release has a row/],
  ['a newest row that is too old', versions(rows[1]!, rows[2]!), /pc-test-11\.0: is the newest row, but 11\.1 is out/],
  [
    'properties in a version that is not released',
    versions({ version: '11.2', compat: { chip: { fast: 'off' } } }, ...rows),
    /pc-test-11\.2: has properties, but.*\n.*the row of 11\.1/,
  ],
  [
    'an alias whose machine is not there',
    { families: [family(rows, { aliases: { xenfv: '4.2' } })] },
    /xenfv: stands for pc-test-4\.2, which is not there.*\n.*point the alias/,
  ],
  [
    'an alias that is a machine',
    { families: [family(rows, { aliases: { 'pc-test-10.2': '11.0' } })] },
    /pc-test-10\.2: is an alias in pc-test and a name of pc-test-10\.2 already/,
  ],
])('%s is found, with what to do', (_what, change, message) => {
  expect(told(change)).toMatch(message)
})

test('a version that the calendar has ended may go, one that it has not may not', () => {
  const before = freeze(
    [family([...rows, { version: '10.1', compat: {} }, { version: '5.1', compat: {} }])],
    devices,
    '11.1',
  )
  const text = told({ frozen: before })
  expect(text).toMatch(/pc-test-10\.1: was released and is gone/)
  expect(text).not.toContain('pc-test-5.1')
})

test('an alias that loses its machine by the calendar is found in the release that deletes it', () => {
  const old: readonly Version[] = [...rows, { version: '5.2', compat: {} }]
  const aliased = [family(old, { aliases: { xenfv: '5.2' } })]
  const gone = /xenfv: stands for pc-test-5\.2, which was deleted in 11\.2/
  expect(told({ families: aliased })).not.toMatch(gone)
  expect(told({ families: aliased, released: '11.2', next: '12.0' })).toMatch(gone)
})

const fix = (version: string, more: Partial<Version> = {}): Version => ({
  version,
  from: version.slice(0, version.lastIndexOf('.')),
  fix: 'a fault',
  knownTo: [version, '11.0.2', '11.1'],
  on: '2026-05-01',
  compat: {},
  ...more,
})
const withFix = (...fixes: readonly Version[]): Partial<RowWorld> =>
  versions(rows[0]!, rows[1]!, ...[...fixes].reverse(), rows[2]!)

test('a bugfix version is right when it lies between neighbours and every later branch has it', () => {
  const only = told(withFix(fix('10.2.3')))
  expect(only).toMatch(/^pc-test-10\.2\.3: is released and not frozen\n.*$/)
})

test.each<[string, Partial<RowWorld>, RegExp]>([
  [
    'a branch between that does not know it',
    withFix(fix('10.2.3', { knownTo: ['10.2.3', '11.1'] })),
    /pc-test-10\.2\.3: is not known to the branch 11\.0: a guest of it could not move there/,
  ],
  ['no date', withFix({ ...fix('10.2.3'), on: undefined as never }), /pc-test-10\.2\.3: has no date/],
  ['no word of what it corrects', withFix(fix('10.2.3', { fix: '' })), /does not say what it corrects/],
  ['a base that is not there', withFix(fix('10.1.3')), /is made from 10\.1, which is no version/],
  [
    'a number of another branch',
    withFix(fix('10.2.3', { from: '11.0' })),
    /number does not lie between 11\.0 and 11\.1/,
  ],
  [
    'a micro number without a base',
    versions(rows[0]!, rows[1]!, { version: '10.2.3', compat: {} }, rows[2]!),
    /has no base/,
  ],
  [
    'two in a year',
    withFix(fix('10.2.3'), fix('10.2.4')),
    /2026: has 2 bugfix versions \(10\.2\.3, 10\.2\.4\); the budget is 1\n.*waiver: 'reason'/,
  ],
])('a bugfix version with %s is found', (_what, change, message) => {
  expect(told(change)).toMatch(message)
})

test('a written waiver makes room in the budget', () => {
  expect(told(withFix(fix('10.2.3'), fix('10.2.4', { waiver: 'guests lose data' })))).not.toMatch(/budget/)
})

test('a row for one of two sisters: virtio-net-pci, and the APIC under KVM', () => {
  const net = (type: string) => ({ type, parents: ['virtio-net-pci-base', 'pci-device'], has: ['vectors'] })
  const nets = ['virtio-net-pci', 'virtio-net-pci-transitional', 'virtio-net-pci-non-transitional'].map(net)
  expect(missedBy('virtio-net-pci', 'vectors', nets)).toEqual({
    parent: 'virtio-net-pci-base',
    missed: ['virtio-net-pci-transitional', 'virtio-net-pci-non-transitional'],
  })
  const apics = ['apic', 'kvm-apic'].map((type) => ({ type, parents: ['apic-common'], has: ['legacy-instance-id'] }))
  expect(missedBy('apic', 'legacy-instance-id', apics)?.missed).toEqual(['kvm-apic'])
  expect(missedBy('virtio-net-pci', 'other', nets)).toBeUndefined()
})
