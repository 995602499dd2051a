import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { addToRow, openVersion, setDefaultIn } from './edit.ts'
import type { Frozen } from './frozen.ts'
import { setDefault, type DefaultChange, type Sources } from './set-default.ts'
import { presentWorld } from './world.ts'

const root = fileURLToPath(new URL('../../../..', import.meta.url))
const ROWS = 'packages/machines/src/pc/rows.ts'
const frozen = JSON.parse(readFileSync(join(root, 'packages/compat/data/released-rows.json'), 'utf8')) as Frozen
const world = presentWorld(frozen)

function sourcesIn(folder: string): Sources {
  const devices = readdirSync(join(folder, 'packages/devices/src'), { recursive: true, encoding: 'utf8' })
    .filter((f) => f.endsWith('.ts') && !f.endsWith('.test.ts'))
    .map((f) => `packages/devices/src/${f}`)
  const read = (path: string) => ({ path, text: readFileSync(join(folder, path), 'utf8') })
  return { rows: read(ROWS), devices: devices.map(read) }
}
const sources = sourcesIn(root)
const edited = (change: DefaultChange): string =>
  setDefault(change, sources, world)
    .files.map((f) => f.text)
    .join('\n')

test('the default changes in the device, the newest release keeps the old value, and the next version is opened', () => {
  const { files, said } = setDefault({ property: 'PIIX4_PM.smm-compat', value: 'on' }, sources, world)
  expect(files.map((f) => f.path)).toEqual([ROWS, 'packages/devices/src/acpi/piix4-pm.ts'])
  expect(files[0]!.text).toContain(
    `  { version: '11.2', compat: {} },\n  { version: '11.1', compat: { PIIX4_PM: { 'smm-compat': 'off' } } },\n`,
  )
  expect(files[1]!.text).toContain(`'smm-compat': flag(true, `)
  expect(said.join('\n')).toMatch(/opened 11\.2.*\n11\.1 keeps PIIX4_PM\.smm-compat=off.*\nPIIX4_PM\.smm-compat is on/)
})

test('numbers and texts keep their kind', () => {
  expect(edited({ property: 'fw_cfg_io.x-file-slots', value: '0x40' })).toMatch(/'x-file-slots': num\(0x40, /)
  expect(edited({ property: 'mc146818rtc.lost_tick_policy', value: 'slew' })).toMatch(/oneOf\(\[[^\]]*\], 'slew', /)
})

test.each<[string, DefaultChange, RegExp]>([
  [
    'a device that is none',
    { property: 'PIIX4PM.smm-compat', value: 'on' },
    /no device "PIIX4PM"; the nearest are PIIX4_PM/,
  ],
  ['a property that is none', { property: 'PIIX4_PM.smm-compt', value: 'on' }, /no property "smm-compt".*smm-compat/],
  ['a value that is none', { property: 'PIIX4_PM.smm-compat', value: 'maybe' }, /expected on or off, came "maybe"/],
  ['the present default', { property: 'PIIX4_PM.smm-compat', value: 'false' }, /is off by default already/],
  ['a release that is out', { property: 'hpet.msi', value: 'on', landed: '11.1' }, /11\.1 is out.*late.*plan-backport/],
  [
    'a release that is not made',
    { property: 'hpet.msi', value: 'on', landed: '12.0' },
    /being made is 11\.2, not 12\.0/,
  ],
  [
    'the row of an older release',
    { property: 'hpet.msi', value: 'on', row: '11.0' },
    /belongs into the row of 11\.1, not 11\.0: 11\.1 is out with the old value/,
  ],
  ['the row of the next release', { property: 'hpet.msi', value: 'on', row: '11.2' }, /11\.2 is not released/],
  ['half a name', { property: 'msi', value: 'on' }, /expected TYPE\.PROPERTY/],
  ['a default that is computed', { property: 'vmport.vmware-vmx-version', value: '7' }, /not a plain value.*by hand/],
])('%s is refused', (_what, change, message) => {
  expect(() => setDefault(change, sources, world)).toThrow(message)
})

test('a type with sisters is refused for its parent', () => {
  const io = world.devices.find((d) => d.type === 'fw_cfg_io')!
  const sisters = { ...world, devices: [...world.devices, { ...io, type: 'fw_cfg_mem' }] }
  expect(() => setDefault({ property: 'fw_cfg_io.dma_enabled', value: 'off' }, sources, sisters)).toThrow(
    /fw_cfg_io is one of several types below fw_cfg; fw_cfg_mem has dma_enabled as well.*fw_cfg\.dma_enabled/,
  )
})

test('a second change in the same cycle is refused: the row is there', () => {
  const open = { version: '11.2', compat: {} }
  const families = world.families.map((f) => ({
    ...f,
    versions: [open, ...f.versions.map((v) => (v.version === '11.1' ? { ...v, compat: { hpet: { msi: 'off' } } } : v))],
  }))
  expect(() => setDefault({ property: 'hpet.msi', value: 'on' }, sources, { ...world, families })).toThrow(
    /row of pc-i440fx-11\.1 says hpet\.msi=off already/,
  )
})

test('rows take entries beside others, in one line and in several', () => {
  const table = `const rows = [\n  {\n    version: '1.1',\n    compat: {\n      chip: {\n        a: '1',\n      },\n    },\n  },\n  { version: '1.0', compat: { 'a-b': { x: '1' } } },\n]\n`
  expect(addToRow(table, '1.1', 'chip', 'b', '2')).toContain(`a: '1', b: '2'`)
  expect(addToRow(table, '1.1', 'other', 'c-d', "it's")).toContain(`}, other: { 'c-d': 'it\\'s' }`)
  expect(addToRow(table, '1.0', 'a-b', 'y', '2')).toContain(`'a-b': { x: '1', y: '2' }`)
  expect(openVersion(table, '1.2')).toContain(`[\n  { version: '1.2', compat: {} },\n  {\n    version: '1.1'`)
  expect(() => addToRow(table, '0.9', 'chip', 'b', '2')).toThrow('no row of 0.9')
  expect(setDefaultIn('', 'chip', 'a', '1')).toBeUndefined()
})

const copy = mkdtempSync(join(tmpdir(), 'godwit-default-'))
afterAll(() => rmSync(copy, { recursive: true, force: true }))

test('on a copy of the source the check is content after the change, and not without the row', () => {
  for (const path of ['packages', 'scripts/machines.mjs', 'package.json', 'tsconfig.base.json', 'node_modules']) {
    const filter = (from: string): boolean => !/\/(dist|test|manifests)$/.test(relative(root, from))
    if (path === 'node_modules') execFileSync('ln', ['-s', join(root, path), join(copy, path)])
    else cpSync(join(root, path), join(copy, path), { recursive: true, filter, verbatimSymlinks: true })
  }
  const check = (): string => {
    const args = ['--conditions=@godwit/source', '--import', 'tsx', 'scripts/machines.mjs']
    try {
      return execFileSync(process.execPath, args, { cwd: copy, encoding: 'utf8', stdio: 'pipe' })
    } catch (thrown) {
      return (thrown as { stderr: string }).stderr
    }
  }
  const { files } = setDefault({ property: 'PIIX4_PM.smm-compat', value: 'on' }, sourcesIn(copy), world)
  const rowsBefore = readFileSync(join(copy, ROWS), 'utf8')
  for (const f of files) writeFileSync(join(copy, f.path), f.text)
  expect(check()).toBe('67 released rows\n')
  writeFileSync(join(copy, ROWS), rowsBefore)
  expect(check()).toMatch(/PIIX4_PM\.smm-compat is on by default and was off in 11\.1/)
}, 120_000)
