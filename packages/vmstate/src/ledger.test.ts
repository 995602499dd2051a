import { Reader } from '@godwit/bits'
import { expect, test } from 'vitest'
import { u16, u32, u8 } from './codecs.ts'
import { struct } from './compound.ts'
import { born, derived, inside, named, since, unused, when } from './field.ts'
import type { Subsection, VMState } from './field.ts'
import { lifeOf } from './ledger.ts'
import { printDescription } from './print.ts'
import { load, saveBytes } from './vmstate.ts'

interface Inner {
  a: number
}
interface Chip {
  first: number
  second: number
  third: number
  fourth: number
  inner: Inner
  late: number
  later: number
  slot: number
  mood: string
}

const inner: VMState<Inner> = { name: 'inner', version: 1, minVersion: 1, life: { born: '2.0' }, fields: { a: u8 } }
const more: Subsection<Chip> = {
  name: 'chip/more',
  version: 2,
  minVersion: 1,
  born: '3.0',
  versions: { 2: '3.1' },
  gate: { type: 'chip', property: 'more', value: 'off', offFor: '2.12' },
  when: 'late is not 0',
  needed: (s) => s.late !== 0,
}
const chip: VMState<Chip> = {
  name: 'chip',
  version: 3,
  minVersion: 2,
  life: {
    born: '1.0',
    versions: { 2: '1.3', 3: '2.1' },
    minVersions: { 2: '5.0' },
    dead: { gone: { wire: 'uint8', born: '1.0', died: '2.6', became: 'unused@0' } },
  },
  fields: {
    first: u8,
    second: since(3, u8),
    third: born('1.4', named('3rd', u16), { formerly: { '2.9': 'three' } }),
    fourth: when('mood is good', (s) => s.mood === 'good', u32, {
      type: 'chip',
      property: 'fourth',
      value: 'off',
      offFor: null,
    }),
    unused0: unused(4, { born: '2.6', was: 'gone', lastWriter: '2.5', unversioned: ['isapc'] }),
    inner: struct(inner),
    late: inside(more, u8),
    later: inside(more, since(2, u8)),
    slot: born('4.0', u8, {
      reuses: [
        {
          was: 'a level, 1 to 3',
          lastWriter: '3.1',
          unversioned: [],
          decode: (came: number, _state, version) => (version < 3 ? came * 10 : undefined),
        },
      ],
    }),
    mood: derived('the weather'),
  },
}

test('A line has the nearest birth: its own, that of its version, its subsection or its description.', () => {
  expect(lifeOf(chip).map((l) => `${l.description} ${l.path} ${l.born}${l.died ? `-${l.died}` : ''}`)).toEqual([
    'chip @version 1.0',
    'chip first 1.0',
    'chip second 2.1',
    'chip 3rd 1.4',
    'chip fourth 1.0',
    'chip unused@0 2.6',
    'chip inner 1.0',
    'inner @version 2.0',
    'inner a 2.0',
    'chip slot 4.0',
    'chip chip/more 3.0',
    'chip chip/more/@version 3.0',
    'chip chip/more/late 3.0',
    'chip chip/more/later 3.1',
    'chip gone 1.0-2.6',
  ])
})

test('A line says when it is sent, what switches it off, what it was called and what its bytes once held.', () => {
  const line = (path: string) => lifeOf(chip).find((l) => l.path === path)!
  expect(line('chip/more/later')).toMatchObject({ needed: 'with its subsection, since version 2', gate: more.gate })
  expect(line('fourth')).toMatchObject({ needed: 'when mood is good', gate: { property: 'fourth', offFor: null } })
  expect(line('3rd').formerly).toEqual({ '2.9': 'three' })
  expect(line('unused@0')).toMatchObject({ bytes: 4, past: { lastWriter: '2.5', unversioned: ['isapc'] } })
  expect(line('@version')).toMatchObject({ version: 3, minVersion: 2, minVersions: { 2: '5.0' } })
})

test('Bytes that are used again are read by the decoder of their past, and as they are when it says so.', () => {
  const fresh = (): Chip => ({
    first: 1,
    second: 2,
    third: 3,
    fourth: 4,
    inner: { a: 5 },
    late: 0,
    later: 0,
    slot: 7,
    mood: 'bad',
  })
  for (const [version, slot] of [
    [2, 70],
    [3, 7],
  ] as const) {
    const copy = { ...fresh(), inner: { a: 0 }, slot: 0 }
    load(chip, copy, new Reader(saveBytes(chip, fresh(), version)), version)
    expect(copy.slot).toBe(slot)
  }
})

test('A description is printed with births, deaths and gates when that is asked for.', () => {
  expect(printDescription(chip, { life: true }))
    .toBe(`chip  version 3, loads from 2, born 1.0, version 2 in 1.3, version 3 in 2.1
  first: uint8
  second: uint8, since version 3, born 2.1
  third (3rd): uint16, born 1.4
  fourth: uint32, when mood is good, off by chip.fourth=off
  unused: 4 unused bytes, born 2.6, once gone
  inner: struct inner version 1
    a: uint8
  slot: uint8, born 4.0
  subsection chip/more  version 2, loads from 1, born 3.0, off up to 2.12 by chip.more=off, when late is not 0
    late: uint8
    later: uint8, since version 2, born 3.1
  (gone: uint8, 1.0 until 2.6)
  mood: not on the wire, from the weather
`)
  expect(printDescription(chip)).not.toContain('born')
})

test('A description without its life does not compile.', () => {
  // @ts-expect-error life is missing
  const homeless: VMState<Inner> = { name: 'inner', version: 1, minVersion: 1, fields: { a: u8 } }
  // @ts-expect-error a subsection has a birth too
  const part: Subsection<Inner> = { name: 'inner/part', version: 1, needed: () => true }
  // @ts-expect-error bytes that are given up say what they held
  const pad = () => unused(4)
  expect([homeless.name, part.name, typeof pad]).toEqual(['inner', 'inner/part', 'function'])
})
