import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test, vi } from 'vitest'
import { setDefaultHere } from '../machine/set-default-here.ts'
import { UsageError } from '../usage-error.ts'
import { machine } from './machine.ts'

const root = fileURLToPath(new URL('../../../..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'godwit-machine-'))
afterAll(() => rmSync(folder, { recursive: true }))

function printed(...args: readonly string[]): string {
  let text = ''
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk)
    return true
  })
  try {
    expect(machine.run(args)).toBe(0)
  } finally {
    write.mockRestore()
  }
  return text
}

test('the list has what a release has, with the life of each', () => {
  const text = printed('list', '--at', '11.1')
  expect(text).toMatch(/^Machine types of 11\.1\nname {2,}state/)
  expect(text).toMatch(/pc-i440fx-11\.1 +current +2026-08-11 with 11\.1 +14\.1 +17\.1 +pc\n/)
  expect(text).toMatch(/pc-q35-5\.2 +deprecated .* 11\.2 +not made here\n/)
  expect(text).not.toContain('pc-i440fx-5.1')
  expect(JSON.parse(printed('list', '--at', '2019-10-20', '--json'))).toMatchObject({ release: '4.1' })
})

test('a machine type shows every property and the row that says it', () => {
  expect(printed('show', 'pc', '--at', '11.1')).toMatch(/^pc-i440fx-11\.1: .*\(also: pc\)\n.*\n.*\n {2}sets nothing/)
  expect(printed('show', 'pc-i440fx-6.0')).toMatch(/ {2}i8042\.extended-state=false +row of 6\.0\n/)
  expect(printed('show', 'pc-q35-4.0.1', '--at', '4.1')).toMatch(
    /4\.0 with a difference: .*\n {2}known to 4\.0\.1, 4\.1/,
  )
  expect(printed('show', 'pc-i440fx-2.4')).toMatch(/cannot be made here: board save-tsc-khz=off/)
  expect(JSON.parse(printed('show', 'pc-i440fx-7.2', '--json'))).toMatchObject({ deletedIn: '13.2', made: true })
})

test('deprecations look two years ahead', () => {
  const { changes } = JSON.parse(printed('deprecations', '--at', '11.1', '--json')) as {
    changes: { release: string; deprecated: string[]; deleted: string[] }[]
  }
  expect(changes.map((c) => c.release)).toEqual(['11.2', '12.0', '12.1', '12.2', '13.0', '13.1'])
  expect(changes[0]!.deleted).toEqual(['pc-i440fx-5.2', 'pc-q35-5.2'])
  expect(printed('deprecations', '--at', '11.1')).toMatch(
    /11\.2 +2026-12-15 +pc-i440fx-8\.2, pc-q35-8\.2 +pc-i440fx-5\.2/,
  )
})

const options = ['--what', 'hpet.msi', '--was', 'off', '--becomes', 'on', '--landed', '11.2', '--on', '2026-11-22']

test('a plan comes from options or from a file, the same', () => {
  const branches = ['--into', '11.0.4', '--into', '11.1.1', '--family', 'pc-i440fx']
  const text = printed('plan-backport', ...options, ...branches)
  expect(text).toMatch(/^A compat row and a bugfix version\./)
  expect(text).toContain('pc-i440fx-11.0.4: 11.0 with hpet.msi=on; between 11.0 and 11.1')
  const change = { what: 'hpet.msi', kind: 'default', was: 'off', becomes: 'on', landed: '11.2' }
  const file = join(folder, 'change.json')
  writeFileSync(file, JSON.stringify({ ...change, into: ['11.0.4', '11.1.1'], families: ['pc-i440fx'] }))
  expect(printed('plan-backport', file, '--on', '2026-11-22')).toBe(text)
  expect(JSON.parse(printed('plan-backport', ...options, ...branches, '--json'))).toMatchObject({
    answer: 'bugfix-version',
  })
})

test('a repair of a backport needs no machine', () => {
  const repair = ['--what', 'ARCH_CAPABILITIES', '--landed', '10.1', '--repairs', '10.0.4', '--into', '10.0.6']
  expect(printed('plan-backport', ...repair)).toMatch(/^No machine version is needed\.\n\nWhy\n {2}regression fix/)
})

/** The few files of a checkout that set-default reads and writes. */
function checkout(): string {
  const copy = join(folder, 'checkout')
  for (const path of ['packages/machines/src/pc/rows.ts', 'packages/compat/data/released-rows.json']) {
    mkdirSync(dirname(join(copy, path)), { recursive: true })
    copyFileSync(join(root, path), join(copy, path))
  }
  cpSync(join(root, 'packages/devices/src'), join(copy, 'packages/devices/src'), { recursive: true })
  return copy
}

test('set-default edits a checkout, from any folder in it', () => {
  const copy = checkout()
  const inside = join(copy, 'packages/devices/src')
  const change = { property: 'hpet.msi', value: 'on' }
  const rows = (): string => readFileSync(join(copy, 'packages/machines/src/pc/rows.ts'), 'utf8')
  const before = rows()
  expect(setDefaultHere(change, inside, true).text).toMatch(/^Would do\n/)
  expect(rows()).toBe(before)
  expect(setDefaultHere(change, inside, false).text).toMatch(/^Done\n.*\n {2}11\.1 keeps hpet\.msi=off in its row\n/)
  expect(rows()).toContain(`{ version: '11.1', compat: { hpet: { msi: 'off' } } },`)
  expect(readFileSync(join(inside, 'timer/hpet.ts'), 'utf8')).toMatch(/msi: flag\(true, /)
  expect(() => setDefaultHere(change, folder, true)).toThrow(
    /is in no checkout of Godwit's source.*nothing was changed/,
  )
})

test.each<[string, readonly string[], RegExp]>([
  ['a verb that is none', ['lst'], /no command "machine lst"; the nearest is list/],
  ['a machine that is none', ['show', 'pc-i440fx-5.3'], /unknown machine type "pc-i440fx-5\.3"; the nearest are/],
  ['no machine', ['show'], /takes the name of one machine type/],
  ['a date that is none', ['list', '--at', 'soon'], /"soon": expected a release such as 11\.2 or a date/],
  ['an option that is none', ['list', '--on', 'x'], /no option --on; the nearest are --at/],
  ['an option without a value', ['list', '--at'], /--at needs a value/],
  ['a default without a value', ['set-default', 'hpet.msi'], /takes TYPE\.PROPERTY=VALUE, such as hpet\.msi=on/],
  ['a default that is late', ['set-default', 'hpet.msi=on', '--landed', '11.1', '--dry-run'], /11\.1 is out.*late/],
  ['no change', ['plan-backport'], /takes one FILE\.json, or --what NAME/],
  ['a file that is not there', ['plan-backport', '/none.json'], /cannot read \/none\.json/],
  ['a branch between', ['plan-backport', ...options, '--into', '11.0.4'], /11\.1 lies between 11\.0 and 11\.2/],
])('%s is refused in a line', (_what, args, message) => {
  expect(() => machine.run(args)).toThrow(UsageError)
  expect(() => machine.run(args)).toThrow(message)
})

test('without a verb there is help, with an example', () => {
  expect(printed()).toBe(machine.help)
  expect(machine.help).toMatch(/Example: /)
})
