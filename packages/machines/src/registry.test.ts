import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { compatOf } from './family.ts'
import { pcI440fx } from './pc/versions.ts'
import { findMachine, machineTypes } from './registry.ts'

test('the alias names the newest version', () => {
  expect(findMachine('pc').name).toBe('pc-i440fx-11.1')
})

test('the newest row is empty', () => {
  expect(pcI440fx.versions[0]!.compat).toEqual({})
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

test('every version from 5.2 to 11.1 is there', () => {
  const names = machineTypes().map((t) => t.name)
  expect(names.length).toBe(18)
  expect([names[0], names.at(-1)]).toEqual(['pc-i440fx-11.1', 'pc-i440fx-5.2'])
})

test('released rows have not changed', () => {
  const rows = pcI440fx.versions.slice(1).map((v) => JSON.stringify([v.version, v.compat, v.board ?? {}]))
  expect(createHash('sha256').update(rows.join('\n')).digest('hex').slice(0, 16)).toMatchInlineSnapshot(
    `"3eb38ec3bceb3aa9"`,
  )
})
