import { expect, test } from 'vitest'
import type { Family } from './family.ts'
import { changesIn, knownAt, lifecycleOf, machineTypesAt } from './lifecycle.ts'
import { findMachine, machineTypes } from './registry.ts'
import { compareVersions, dateOf, newestRelease, nextRelease, releaseAt, releases } from './releases.ts'

test('the calendar is in order, by number and by date', () => {
  const sorted = [...releases].sort((a, b) => compareVersions(a.version, b.version))
  expect(sorted).toEqual(releases)
  expect([...releases].sort((a, b) => (a.date < b.date ? -1 : 1))).toEqual(releases)
})

test('2.10 is newer than 2.9, and 4.0.1 lies between 4.0 and 4.1', () => {
  expect(['4.1', '2.10', '4.0.1', '2.9', '4.0'].sort(compareVersions)).toEqual(['2.9', '2.10', '4.0', '4.0.1', '4.1'])
})

test('a day means the release that is newest on it', () => {
  expect(releaseAt('2026-08-10')).toBe('11.0')
  expect(releaseAt('2026-08-11')).toBe('11.1')
  expect(releaseAt('2030-09-01')).toBe('15.1')
  expect(newestRelease().version).toBe('11.1')
  expect(() => releaseAt('2026-02-30')).toThrow(/2026-02-30.*11\.2.*2026-11-22/)
  expect(() => releaseAt('99999999999999999999.0')).toThrow('expected a release such as 11.2')
  expect(() => newestRelease('banana')).toThrow('"banana": expected a date such as 2026-11-22')
  expect(() => releaseAt('next year')).toThrow(/next year.*11\.2.*2026-11-22/)
  expect([nextRelease('11.2'), nextRelease('2.12'), nextRelease('15.2')]).toEqual(['12.0', '3.0', '16.0'])
  expect(dateOf('17.0')).toBe('2032-04-15')
})

test('a version is deprecated at three years and deleted at six', () => {
  expect(lifecycleOf('pc-i440fx-5.2', '11.1')).toMatchObject({
    bornOn: '2020-12-08',
    deprecatedIn: '9.1',
    deletedIn: '11.2',
    deletedOn: '2026-12-15',
    state: 'deprecated',
  })
  expect(lifecycleOf('pc-i440fx-5.2', '2026-12-16').state).toBe('deleted')
  expect(lifecycleOf('pc-i440fx-8.2', '11.1').state).toBe('current')
  expect(lifecycleOf('pc-i440fx-8.2', '11.2').state).toBe('deprecated')
  expect(lifecycleOf('pc-i440fx-11.1', '11.0').state).toBe('planned')
})

test('what a release ends and warns of', () => {
  expect(changesIn('12.0').deleted.map((t) => t.name)).toContain('pc-i440fx-6.0')
  expect(changesIn('12.0').deprecated.map((t) => t.name)).toContain('pc-i440fx-9.0')
})

const bugfix: Family = {
  name: 'pc-q35',
  doc: '',
  alias: 'q35',
  versions: [
    { version: '4.1', compat: {} },
    { version: '4.0.1', from: '4.0', on: '2019-08-15', knownTo: ['4.0.1', '4.1'], compat: {} },
    { version: '4.0', compat: {} },
  ],
}

test('a bugfix version is known to its branch from its release on, and to every later branch', () => {
  const { version } = findMachine('pc-q35-4.0.1', [bugfix])
  expect(['4.0', '4.0.1', '4.0.2', '4.1', '5.0'].map((r) => knownAt(version, r))).toEqual([
    false,
    true,
    true,
    true,
    true,
  ])
  expect(machineTypesAt('4.0.1', machineTypes([bugfix])).map((t) => t.name)).toEqual(['pc-q35-4.0.1', 'pc-q35-4.0'])
  expect(lifecycleOf(findMachine('pc-q35-4.0.1', [bugfix]), '10.1')).toMatchObject({
    bornOn: '2019-08-15',
    state: 'deleted',
  })
})
