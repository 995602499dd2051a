import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { checkBoth } from './check/check.ts'
import { godwitBuild } from './godwit-build.ts'
import { BuildError, parseBuild } from './qemu-build.ts'

const own = JSON.stringify(godwitBuild())
type Tree = Record<string, unknown>

/** The build with one place changed: "boards.*.ram.0" is the first block of the first board. */
function spoiled(path: string, value: unknown): string {
  const build = JSON.parse(own) as Tree
  let at = build
  const steps = path.split('.')
  const keyOf = (step: string): string => (step === '*' ? Object.keys(at)[0]! : step)
  for (const step of steps.slice(0, -1)) at = at[keyOf(step)] as Tree
  at[keyOf(steps.at(-1)!)] = value
  return JSON.stringify(build)
}

test.each([
  ['release', 5, /^build\.release: expected a release such as 11\.2$/],
  ['engine', 'bochs', /^build\.engine: expected qemu or godwit/],
  ['machines', 5, /^build\.machines: expected a list, came a number$/],
  ['machines.1', null, /^build\.machines\[1\]: expected an object, came null$/],
  ['machines.0.compat', 'x', /^build\.machines\[0\]\.compat: expected a list, came a string$/],
  [
    'machines.0.compat',
    [{ type: 'a' }],
    /^build\.machines\[0\]\.compat\[0\]\.property: expected a string, came nothing$/,
  ],
  ['boards', null, /^build\.boards: expected an object, came null$/],
  ['boards.*.ram.0', null, /^build\.boards\..*\.ram\[0\]: expected an object, came null$/],
  ['boards.*.sections.0', {}, /\.sections\[0\]\.idstr: expected a string, came nothing$/],
  ['devices.PIIX4_PM', null, /^build\.devices\.PIIX4_PM: expected an object, came null$/],
  ['devices.PIIX4_PM.defaults', [null], /\.defaults: expected an object, came a list$/],
  ['devices.PIIX4_PM.defaults.smm-compat', 5, /smm-compat: expected a text or null, came a number$/],
  ['devices.PIIX4_PM.schema.fields', {}, /schema\.fields: expected a list, came an object$/],
  ['devices.PIIX4_PM.schema.fields.0', 7, /schema\.fields\[0\]: expected an object, came a number$/],
  ['devices.PIIX4_PM.schema.subsections.0.when', { kind: 'moon' }, /when: expected a condition of kind always/],
  ['sections.timer', null, /^build\.sections\.timer: expected an object, came null$/],
  ['cpus.base', [null], /^build\.cpus\.base: expected an object, came a list$/],
])('a build with another %s is refused by the place', (path, value, message) => {
  expect(() => parseBuild(spoiled(path, value))).toThrow(BuildError)
  expect(() => parseBuild(spoiled(path, value))).toThrow(message)
})

test('descriptions inside each other without end are refused', () => {
  const fields = (inner: unknown) => [{ name: 'f', size: 0, since: 0, ...(inner === null ? {} : { struct: inner }) }]
  let schema: unknown = null
  for (let i = 0; i < 200; i++)
    schema = { name: 's', version: 1, minVersion: 1, fields: fields(schema), subsections: [] }
  expect(() => parseBuild(spoiled('sections.timer', schema))).toThrow(/more than 64 descriptions inside each other$/)
})

test('what this Godwit and every QEMU say of themselves has the shape', () => {
  expect(checkBoth(parseBuild(own), godwitBuild(), 'pc-i440fx-10.0').there).toEqual([])
  for (const release of ['5.2', '7.2', '10.0', '11.1']) {
    const json = readFileSync(new URL(`../data/qemu/${release}.json`, import.meta.url), 'utf8')
    expect(parseBuild(json).release.startsWith(release)).toBe(true)
  }
})
