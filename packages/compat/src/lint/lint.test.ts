import { expect, test } from 'vitest'
import { createMachine, machineTypes, refusalsOf, type Section } from '@godwit/machines'
import { inside, u8, type Subsection, type VMState } from '@godwit/vmstate'
import { lintSections } from './lint.ts'

const made = (type: string): readonly Section[] =>
  createMachine({ type, memoryBytes: 1 << 20, bios: new Uint8Array(0x1_0000), time: {} }).sections

test('No machine type has a fault', () => {
  for (const { name } of machineTypes()
    .filter((t) => refusalsOf(t).length === 0)
    .slice(0, 3)) {
    expect(lintSections(made(name), made(name)), name).toEqual([])
  }
})

interface Chip {
  a: number
  b: number
}
function chip(...subs: readonly Partial<Subsection<Chip>>[]): Section {
  const [first, second] = subs.map((s): Subsection<Chip> => ({
    name: 'chip/one',
    version: 1,
    born: '11.1',
    needed: () => false,
    ...s,
  }))
  const vmstate: VMState<Chip> = {
    ...{ name: 'chip', version: 1, minVersion: 1, life: { born: '11.1' } },
    fields: { a: inside(first!, u8), b: inside(second ?? first!, u8) },
  }
  return { idstr: 'chip', instance: 0, version: 1, vmstate: vmstate, state: { a: 0, b: 0 } }
}
const whats = (section: Section) => lintSections([section], [section]).map((f) => f.what)

test('Two sections of one name, and one state in two sections, are found', () => {
  const [a, b] = [chip({}), chip({})]
  expect(lintSections([a, b], [a, b]).map((f) => f.what)).toEqual([expect.stringContaining('two sections have this')])
  const again = { ...a, idstr: 'wrapper' }
  expect(lintSections([a, again], [a, again]).map((f) => f.what)).toEqual([
    expect.stringContaining('also that of chip#0'),
  ])
})

test('Two subsections of one name are found, and one outside its parent', () => {
  expect(whats(chip({}, {}))).toEqual([expect.stringContaining('two subsections have this name')])
  expect(whats(chip({ name: 'chop/one' }))).toEqual([expect.stringContaining('does not begin with "chip"')])
})

test('A condition that fails, or that reads something else than the state, is found', () => {
  const fails = (): boolean => {
    throw new TypeError('stream is null')
  }
  expect(whats(chip({ needed: fails }))).toEqual([expect.stringContaining('stream is null')])
  let n = 0
  expect(whats(chip({ needed: () => n++ % 2 === 0 }))).toEqual([expect.stringContaining('says this and that')])
})
