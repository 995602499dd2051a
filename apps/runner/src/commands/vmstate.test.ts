import { expect, test, vi } from 'vitest'
import { UsageError } from '../usage-error.ts'
import { vmstate } from './vmstate.ts'

async function printed(...args: string[]): Promise<string> {
  let text = ''
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk)
    return true
  })
  try {
    expect(await vmstate.run(args)).toBe(0)
  } finally {
    write.mockRestore()
  }
  return text
}

test('why tells the machine types of a birth, the gate and what was repaired.', async () => {
  const text = await printed('why', 'piix4_pm.acpi_index')
  expect(text).toContain('piix4_pm.acpi_pci_hotplug.acpi_index')
  expect(text).toContain('born      6.0 (2021-04-29), with pc-i440fx-6.0, pc-q35-6.0')
  expect(text).toContain('off by PIIX4_PM.x-not-migrate-acpi-index=true for machine versions up to 6.2')
  expect(text).toContain('machines  7.0 and newer have it')
  expect(text).toContain('changed   7.0: presence test repaired')
})

test.each([
  ['piix4_pm/cpuhp/cpuhp_state', 'piix4_pm/cpuhp/cpuhp_state', 'born      2.7'],
  ['acpi_index', 'piix4_pm.acpi_pci_hotplug.acpi_index', 'born      6.0'],
  ['ps2kbd.common', 'ps2kbd.parent_obj', 'name      common before 7.1'],
  ['mc146818rtc.second_timer', 'mc146818rtc.second_timer', 'died      1.3 (2012-12-03), its place is unused@1 now'],
  ['e1000.tx.tso_props.mss', 'e1000/tx_tso_state/tx.tso_props.mss', 'Godwit has no such line'],
])('why finds %s.', async (asked, name, tells) => {
  const text = await printed('why', asked)
  expect(text).toContain(name)
  expect(text).toContain(tells)
})

test('A name that is not there is answered with those that are near.', async () => {
  await expect(printed('why', 'piix4_pm.acpi_indx')).rejects.toThrow(
    /no line of state "piix4_pm.acpi_indx"; the nearest are piix4_pm.acpi_pci_hotplug.acpi_index/,
  )
  await expect(printed('ledger', 'mc146818')).rejects.toThrow(/nearest are mc146818rtc/)
  await expect(printed('free', '--at', 'soon')).rejects.toThrow(UsageError)
  await expect(printed('fre')).rejects.toThrow(/the nearest is free/)
})

test('free lists our slots at a release, and with --all those of QEMU besides.', async () => {
  const text = await printed('free', '--at', '11.2')
  expect(text).toContain('FREE       I440FX.unused@0, 1 byte')
  expect(text).toContain('KEPT       timer.unused@0, 8 bytes')
  expect(text).not.toContain('sd-card')
  expect(await printed('free', '--at', '11.2', '--all')).toContain('sd-card.unused@1, 512 bytes')
})

test('Everything can be had as JSON.', async () => {
  expect(JSON.parse(await printed('why', 'fw_cfg/acpi_mr', '--json'))).toMatchObject([
    { name: 'fw_cfg/acpi_mr', born: '5.0', sentSince: '5.0', machines: ['pc-i440fx-5.0', 'pc-q35-5.0'] },
  ])
  expect(JSON.parse(await printed('free', '--at', '2026-11-22', '--json'))).toMatchObject({ at: '11.1' })
  expect((JSON.parse(await printed('why', '--all', '--json')) as unknown[]).length).toBeGreaterThan(1300)
  expect((JSON.parse(await printed('ledger', 'hpet', '--json')) as unknown[]).length).toBeGreaterThan(8)
})

test('ledger is a table of every line that a description has or had.', async () => {
  const text = await printed('ledger', 'mc146818rtc')
  expect(text).toMatch(/unused@0 +unused, 28 bytes +1\.3 +once the broken-down time/)
  expect(text).toMatch(/next_second_time +int64 +0\.6\.0 +1\.3/)
})
