import { readFileSync } from 'node:fs'
import { born, inside, since, u16, u32, u8, unused, type Subsection, type VMState } from '@godwit/vmstate'
import { knownFamilies, machineTypes } from '@godwit/machines'
import { expect, test } from 'vitest'
import { checkLedger, freezeLedger, ledgerFindingText, type LedgerWorld } from './check.ts'
import { ledgerOfHistory, parseHistory } from './history.ts'
import { ledgerOf, type Ledger } from './ledger.ts'
import { ourLedger } from './our-ledger.ts'

interface Chip {
  level: number
  mode: number
  old: number
  extra: number
}
const extra: Subsection<Chip> = {
  name: 'chip/extra',
  version: 1,
  born: '6.1',
  gate: { type: 'chip', property: 'send-extra', value: 'off', offFor: '6.0' },
  when: 'extra is not 0',
  needed: (s) => s.extra !== 0,
}
const chip: VMState<Chip> = {
  name: 'chip',
  version: 2,
  minVersion: 1,
  life: { born: '2.4', versions: { 2: '3.0' } },
  fields: {
    level: u8,
    mode: since(2, u16),
    old: u32,
    unused0: unused(4, { born: '5.0', was: 'the colour', lastWriter: '4.2', unversioned: [] }),
    extra: inside(extra, u8),
  },
}
const MACHINES = ['pc-i440fx-11.1', 'pc-i440fx-6.0', 'pc-i440fx-4.2', 'pc-q35-6.0', 'pc-q35-4.2']
const frozen = freezeLedger(ledgerOf([chip]), '11.1', MACHINES)
const nothing: Ledger = { lines: [] }

/** What the check says of the chip after a change. */
function says(vmstate: VMState<Chip> | VMState<Chip>[], world: Partial<LedgerWorld> = {}): string[] {
  const ledger = ledgerOf([vmstate].flat())
  return checkLedger({ ledger, frozen, history: nothing, next: '11.2', machines: MACHINES, ...world }).map(
    ledgerFindingText,
  )
}
const changed = (change: object): VMState<Chip> => ({ ...chip, ...change })
const without = <T extends object, K extends keyof T>(from: T, key: K): Omit<T, K> =>
  Object.fromEntries(Object.entries(from).filter(([k]) => k !== key)) as Omit<T, K>
const withFields = (fields: object): VMState<Chip> => changed({ fields: { ...chip.fields, ...fields } })

test('The committed ledger is that of the descriptions.', () => {
  const data = (name: string): string => readFileSync(new URL(`../../data/${name}`, import.meta.url), 'utf8')
  const machines = machineTypes(knownFamilies).map((t) => t.name)
  const committed = JSON.parse(data('ledger.json')) as LedgerWorld['frozen']
  const history = ledgerOfHistory(parseHistory(data('history.json')))
  const ledger = ourLedger()
  expect(checkLedger({ ledger, frozen: committed, history, next: '11.2', machines })).toEqual([])
  const now = freezeLedger(ledger, committed.release, machines)
  expect(Object.keys(now.lines).filter((name) => committed.lines[name] === undefined)).toEqual([])
})

test('What is unchanged is fine.', () => expect(says(chip)).toEqual([]))

test('A field that is new but would inherit an old birth.', () => {
  expect(says(withFields({ mood: u8 }))).toEqual([
    `chip.mood: is new, and its birth would be 2.4, that of what it stands in
    a released description takes no new field; put it into a subsection with born: '11.2' and a gate (a field of a new version: since(n, ...), and life.versions: { n: '11.2' })`,
  ])
  expect(says(withFields({ mood: inside(extra, u8) }))).toEqual([
    `chip/extra/mood: is new, and its birth would be 6.1, that of what it stands in
    put it into a subsection of its own, born: '11.2', with a gate`,
  ])
  const always = says(withFields({ mood: born('11.2', u8) }))
  expect(always).toEqual([
    `chip.mood: a new field that is always sent: every receiver of old reads what comes behind it wrongly
    put it into a subsection of its own, born: '11.2', with a gate; or behind when(sentence, exists, codec, gate)`,
  ])
  const life = { ...chip.life, versions: { 2: '3.0', 3: '11.2' } }
  expect(says({ ...withFields({ mood: since(3, u8) }), version: 3, life } as VMState<Chip>)).toEqual([])
  // the newest release is out: it cannot have had the line
  expect(says(withFields({ mood: born('11.1', u8) })).length).toBe(1)
})

test('A subsection without a gate.', () => {
  const mood: Subsection<Chip> = { name: 'chip/mood', version: 1, born: '11.2', when: 'moody', needed: () => true }
  expect(says(withFields({ mood: inside(mood, u8) }))).toEqual([
    `chip/mood: a new subsection without a gate: a machine version of old would send it to a receiver that refuses it
    give the device a property, set it off in the newest released machine version's row, and write gate: { type, property, value, offFor }; or ungated: 'why no old machine ever needs it'`,
  ])
  const gate = { type: 'chip', property: 'mood', value: 'off', offFor: '11.1' } as const
  expect(says(withFields({ mood: inside({ ...mood, gate }, u8) }))).toEqual([])
  expect(says(withFields({ mood: inside({ ...mood, ungated: 'no machine has a mood yet' }, u8) }))).toEqual([])
})

test('A subsection that does not say when it is sent.', () => {
  const mute = without(extra, 'when')
  expect(says(withFields({ extra: inside(mute, u8) }))).toEqual([
    `chip/extra: does not say when it is sent
    write what \`needed\` asks as a sentence: when: 'the level is not 0'`,
  ])
})

test('A birth that changes after its release.', () => {
  expect(says(withFields({ level: born('2.5', u8) }))).toEqual([
    `chip.level: was released as "uint8 | born 2.4", and is now "uint8 | born 2.5"
    put its life back; what a release wrote cannot be changed. A new form of a value is a new line, and the old one dies`,
  ])
})

test('A field that goes without a word, and one whose death is written down.', () => {
  const rest = without(chip.fields, 'old')
  expect(says(changed({ fields: rest }))).toEqual([
    `chip.old: is gone without a word (uint32 | born 2.4)
    leave unused(BYTES, { born: '11.2', was, lastWriter, unversioned }) in its place and write dead: { 'old': { wire, born, died: '11.2', became } } into life; renamed: born(RELEASE, ..., { formerly: { '11.2': 'old' } })`,
  ])
  const pad = unused(4, { born: '11.2', was: 'the old', lastWriter: '11.1', unversioned: [] })
  const life = { ...chip.life, dead: { old: { wire: 'uint32', born: '2.4', died: '11.2', became: 'unused@1' } } }
  expect(says(changed({ life, fields: { ...rest, unused1: pad } }))).toEqual([])
})

test('A field that is renamed, with and without its former name.', () => {
  const { old, ...rest } = chip.fields
  const found = says(changed({ fields: { ...rest, aged: old } }))
  expect(found.map((f) => f.split(':')[0])).toEqual(['chip.aged', 'chip.old'])
  const renamed = born<Chip, number>('2.4', u32, { formerly: { '11.2': 'old' } })
  expect(says(changed({ fields: { ...rest, aged: renamed } }))).toEqual([])
})

test('A description that is renamed.', () => {
  expect(says(changed({ name: 'chip2' })).filter((t) => /^chip2?: /.test(t))).toEqual([
    `chip2: a description that no release had says it was born in 2.4
    life: { born: '11.2' }; or, if it is an old section of QEMU's, add its lines to data/history.json; renamed? then life.formerly and the old name's death`,
    `chip: the description is gone; is it now chip2?: every stream of the past has it
    put it back. A section keeps its name for ever; a file or a variable may be renamed, the name on the wire not`,
  ])
})

test('A version or a minimum that is raised without its release.', () => {
  expect(says(changed({ minVersion: 2 }))).toEqual([
    `chip.@version: was released as "version 2, loads from 1 | born 2.4", and is now "version 2 | born 2.4"
    a raised version says when: life.versions: { 2: '11.2' }, a raised minimum life.minVersions: { 2: '11.2' }`,
  ])
  expect(says(changed({ minVersion: 2, life: { ...chip.life, minVersions: { 2: '11.2' } } }))).toEqual([])
  expect(says(changed({ version: 3 })).length).toBe(1)
  expect(says(changed({ version: 3, life: { ...chip.life, versions: { 2: '3.0', 3: '11.2' } } }))).toEqual([])
})

test('A gate that goes while its machine versions are there, and one that outlives them.', () => {
  const open = without(extra, 'gate')
  expect(says(withFields({ extra: inside(open, u8) })).length).toBeGreaterThan(0)
  const young = MACHINES.filter((m) => m.endsWith('11.1'))
  const world = { machines: young, frozen: { ...frozen, machines: young } }
  expect(says(withFields({ extra: inside(open, u8) }), world)).toEqual([])
})

test('Bytes that are used again need a decoder for their past, or the proof that none is alive.', () => {
  const again = (lastWriter: '4.2' | '11.0', unversioned: string[], decode?: (came: number) => number) =>
    withFields({
      unused0: undefined,
      colour: born<Chip, number>('11.2', u32, {
        reuses: [{ was: 'the colour', lastWriter, unversioned, ...(decode ? { decode } : {}) }],
      }),
    })
  const clean = (vmstate: VMState<Chip>): VMState<Chip> => {
    const fields = without(vmstate.fields, 'unused0')
    const life = { ...chip.life, dead: { 'unused@0': { wire: 'unused', born: '5.0' as const, died: '11.2' as const } } }
    return changed({ fields, life })
  }
  expect(says(clean(again('4.2', [])))).toEqual([])
  expect(says(clean(again('11.0', [])))).toEqual([
    `chip.colour: its bytes once held the colour, and such streams can still come: 11.0 wrote it, and the newest machine it knew, pc-i440fx-11.0, lives until 17.0
    give that past meaning a decode(came, state, version), or leave the bytes unused`,
  ])
  expect(says(clean(again('4.2', ['isapc'])))[0]).toContain('machines without versions can hold it (isapc)')
  expect(says(clean(again('11.0', ['isapc'], (came) => came & 1)))).toEqual([])
})

test('A machine version that is deleted while lines speak of it.', () => {
  const machines = MACHINES.filter((m) => !/-(4\.2|6\.0)$/.test(m))
  const found = says(chip, { machines })
  expect(found[0])
    .toBe(`pc-i440fx-6.0: is deleted, and chip/extra is switched off for it by chip.send-extra=off up to 6.0
    drop the property and write until: 'RELEASE' into the gate, or settled: 'RELEASE' if the property stays for users`)
  expect(found)
    .toContain(`pc-i440fx-4.2: is deleted; it was the newest machine that the last writer of chip.unused@0 (4.2) knew
    see godwit vmstate free --at RELEASE, decide, and write settled: 'RELEASE' beside lastWriter`)
  // one family may go before the other
  expect(says(chip, { machines: MACHINES.filter((m) => m !== 'pc-i440fx-4.2') })).toEqual([])
  const decided = withFields({
    unused0: unused(4, { born: '5.0', was: 'the colour', lastWriter: '4.2', unversioned: [], settled: '11.2' }),
    extra: inside({ ...extra, gate: { ...extra.gate!, settled: '11.2' } }, u8),
  })
  expect(says(decided, { machines })).toEqual([])
})

test('A section of QEMU that is new here comes with the births of the history.', () => {
  const history = ledgerOf([{ ...chip, name: 'e1000' }])
  expect(says([chip, { ...chip, name: 'e1000' }], { history })).toEqual([])
  expect(says([chip, { ...chip, name: 'e1000' }]).length).toBe(1)
})
