import { expect, test } from 'vitest'
import { boardOf, compatOf, newestOf, rowsOf, type Family } from './family.ts'
import { createMachine } from './index.ts'
import { pcI440fx, pcQ35 } from './pc/versions.ts'
import { childrenOf, isParent, parentsOf } from './parents.ts'
import { families, findMachine, knownFamilies, machineTypes } from './registry.ts'

const MIB = 2 ** 20
const empty = (type: string) => createMachine({ type, memoryBytes: 16 * MIB, incoming: true, time: {} })

test('the alias names the newest version', () => {
  expect([findMachine('pc').name, findMachine('q35').name]).toEqual(['pc-i440fx-11.1', 'pc-q35-11.1'])
})

test('an alias never reaches the wire', () => {
  expect(empty('pc').machineType).toBe('pc-i440fx-11.1')
})

test('an older version has the properties of all newer rows', () => {
  const { family, version } = findMachine('pc-i440fx-9.2')
  expect(compatOf(family, version)).toMatchObject({
    migration: { 'send-switchover-start': 'off', 'switchover-ack-legacy': 'on' },
    'x86_64-cpu': { 'x-consistent-cache': 'false' },
  })
  expect(compatOf(family, version)['i8042']).toBeUndefined()
})

test('an unknown type names the nearest', () => {
  expect(() => findMachine('pc-i440fx-52')).toThrow(/pc-i440fx-5\.2/)
})

test('every version from 2.4 to 11.1 is there', () => {
  const names = machineTypes().map((t) => t.name)
  expect(names.length).toBe(34)
  expect([names[0], names.at(-1)]).toEqual(['pc-i440fx-11.1', 'pc-i440fx-2.4'])
  expect(machineTypes(knownFamilies).length).toBe(69)
})

test('the board of q35 is not here: its versions are known, and none can be made', () => {
  expect(families).not.toContain(pcQ35)
  expect(() => empty('pc-q35-8.2')).toThrow(/pc-q35-8\.2 cannot be made here: the board q35 .*not modelled/)
})

test('pc-q35-4.0.1 is 4.0 with its difference, and no other row has it', () => {
  const names = machineTypes([pcQ35]).map((t) => t.name)
  expect(names.slice(names.indexOf('pc-q35-4.1'), names.indexOf('pc-q35-4.1') + 3)).toEqual([
    'pc-q35-4.1',
    'pc-q35-4.0.1',
    'pc-q35-4.0',
  ])
  const board = (name: string): string | undefined => {
    const { family, version } = findMachine(name)
    return boardOf(family, version)['kernel-irqchip-split']
  }
  expect(['4.1', '4.0.1', '4.0', '3.1', '2.4'].map((v) => board(`pc-q35-${v}`))).toEqual([
    undefined,
    'off',
    'on',
    'off',
    'off',
  ])
  const { family, version } = findMachine('pc-q35-3.1')
  expect(rowsOf(family, version).map((v) => v.version)).not.toContain('4.0.1')
})

const distro: Family = {
  ...pcI440fx,
  aliases: { ubuntu: 'noble-v2' },
  tags: [
    {
      version: 'noble-v2',
      from: '8.2',
      owner: 'Ubuntu',
      on: '2026-04-23',
      compat: { 'x86_64-cpu': { 'x-arch-cap-always-on': 'false' } },
    },
  ],
}

test('a tag is a version of the family and a difference, under its own name and alias', () => {
  const type = findMachine('pc-i440fx-noble-v2', [distro])
  expect(findMachine('ubuntu', [distro]).name).toBe('pc-i440fx-noble-v2')
  expect(compatOf(type.family, type.version)['x86_64-cpu']!['x-arch-cap-always-on']).toBe('false')
  expect(compatOf(type.family, type.version)['migration']!['zero-page-detection']).toBe('legacy')
  expect(newestOf(distro).version).toBe('11.1')
})

test('a base that is not there is an error that names it', () => {
  const lost = { version: '7.2.1', from: '7.3', compat: {} }
  expect(() => rowsOf({ ...pcI440fx, versions: [lost] }, lost)).toThrow('pc-i440fx-7.2.1 is made from pc-i440fx-7.3')
})

test('types above and below', () => {
  expect(parentsOf('fw_cfg_io')).toContain('fw_cfg')
  expect(parentsOf('kvm64-x86_64-cpu')).toContain('x86_64-cpu')
  expect(childrenOf('pci-device')).toEqual(['PIIX3', 'PIIX4_PM', 'i440FX', 'piix3-ide'])
  expect([isParent('pci-device'), isParent('hpet')]).toEqual([true, false])
})

// What QEMU 10.0's streams of the empty machine show when one version is set beside the next.
test.each([
  ['5.1', '5.0', ['PCIHost']],
  ['2.8', '2.7', ['pcspk']],
])('%s has sections that %s has not', (newer, older, sections) => {
  const names = (v: string) => empty(`pc-i440fx-${v}`).sections.map((s) => s.idstr)
  expect(names(newer).filter((n) => !names(older).includes(n))).toEqual(sections)
})

test.each([
  ['pc-i440fx-5.0', /vmport.x-read-set-eax = false/],
  ['pc-i440fx-4.2', /fw_cfg_io.acpi-mr-restore = false/],
  ['pc-i440fx-3.1', /PIIX4_PM.migrate-smbus = false/],
  ['pc-i440fx-2.11', /hpet.hpet-offset-saved = false/],
  ['pc-i440fx-2.8', /fw_cfg_io.x-file-slots = 16/],
  ['pc-i440fx-2.7', /ioapic.version = 17/],
])('%s sets its properties on the devices', (type, line) => {
  const lines = (name: string): string => empty(name).guestAbi().properties.join('\n')
  expect(lines(type)).toMatch(line)
  expect(lines('pc-i440fx-5.2')).not.toMatch(line)
})

test.each([
  ['pc-i440fx-2.5', /pc-i440fx-2\.5 cannot be made here: .*fw-cfg-order=legacy: files/],
  ['pc-i440fx-2.4', /save-tsc-khz=off/],
])('%s asks for what the board has not, and is refused by name', (type, message) => {
  expect(() => empty(type)).toThrow(message)
})
