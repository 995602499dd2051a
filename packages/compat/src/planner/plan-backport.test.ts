import { compareVersions, knownFamilies, type Family } from '@godwit/machines'
import { expect, test } from 'vitest'
import { checkRows, rowFindingText } from '../rows/check.ts'
import { presentWorld } from '../rows/world.ts'
import { parseChange, type ProposedChange } from './plan.ts'
import { planBackport } from './plan-backport.ts'
import { planText, rowText } from './plan-text.ts'

/** The families as they were when a release was the newest, without bugfix versions. */
const familiesAt = (release: string): Family[] =>
  knownFamilies.map((f) => ({
    ...f,
    versions: f.versions.filter((v) => v.from === undefined && compareVersions(v.version, release) <= 0),
  }))

test('4.0, 4.0.1, 4.1: the split irqchip of 4.0 is taken back on q35, in the next release and on the stable branch', () => {
  const change: ProposedChange = {
    what: 'board kernel-irqchip-split',
    kind: 'default',
    was: 'on',
    becomes: 'off',
    landed: '4.1',
    into: ['4.0.1'],
    families: ['pc-q35'],
  }
  const plan = planBackport(change, { families: familiesAt('4.1'), today: '2019-06-03' })
  expect(plan).toMatchObject({
    answer: 'bugfix-version',
    rows: [{ version: '4.0', line: 'board kernel-irqchip-split=on' }],
    machines: [
      {
        name: 'pc-q35-4.0.1',
        from: '4.0',
        difference: ['board kernel-irqchip-split=off'],
        between: ['4.1', '4.0'],
        knownTo: ['4.0.1', '4.1'],
        deletedIn: '10.1',
      },
    ],
    warnings: [],
  })
  expect(plan.steps.map((s) => s.branch)).toEqual(['mainline', '4.0', '4.0'])
  const q35 = knownFamilies.find((f) => f.name === 'pc-q35')!
  const row = q35.versions.find((v) => v.version === '4.0.1')!
  expect({ from: row.from, knownTo: row.knownTo, board: row.board }).toEqual({
    from: '4.0',
    knownTo: ['4.0.1', '4.1'],
    board: { 'kernel-irqchip-split': 'off' },
  })
})

const archCapabilities: ProposedChange = {
  what: 'x86_64-cpu.x-arch-cap-always-on',
  kind: 'default',
  was: 'true',
  becomes: 'false',
  landed: '10.1',
  into: ['10.0.4'],
}

test('10.0.4: ARCH_CAPABILITIES is hidden in 10.1; a backport needs a version between 10.0 and 10.1', () => {
  const plan = planBackport(archCapabilities, { families: familiesAt('10.0'), today: '2025-07-20' })
  expect(plan.rows).toEqual([{ version: '10.0', line: 'x86_64-cpu.x-arch-cap-always-on=true' }])
  expect(plan.machines.map((m) => [m.name, m.between, m.knownTo])).toEqual([
    ['pc-i440fx-10.0.4', ['10.1', '10.0'], ['10.0.4', '10.1']],
    ['pc-q35-10.0.4', ['10.1', '10.0'], ['10.0.4', '10.1']],
  ])
  expect(planText(plan)).toContain(
    `{ version: '10.0.4', from: '10.0', fix: '…', on: '…', knownTo: ['10.0.4', '10.1'], compat: { 'x86_64-cpu': { 'x-arch-cap-always-on': 'false' } } }`,
  )
})

test('10.0.4 as it happened: it changed 10.0 itself, and taking that back needs no machine', () => {
  const plan = planBackport(
    { ...archCapabilities, kind: 'fix', into: ['10.0.6'], repairs: '10.0.4' },
    { families: familiesAt('10.1'), today: '2025-10-14' },
  )
  expect([plan.answer, plan.machines, plan.rows]).toEqual(['none', [], []])
  expect(plan.reasons[0]).toMatch(/^regression fix: 10\.0\.4 changed machine versions/)
  expect(plan.warnings).toEqual([
    expect.stringMatching(/started by 10\.0\.4 and before 10\.0\.6 of that branch.*until they are powered off/),
  ])
})

test('10.1 as it happened: out without the row, so the row is late', () => {
  const without = familiesAt('10.1').map((f) => ({
    ...f,
    versions: f.versions.map((v) => ({ ...v, compat: {} })),
  }))
  const plan = planBackport({ ...archCapabilities, into: ['10.1.2'] }, { families: without, today: '2025-09-23' })
  expect(plan.answer).toBe('row')
  expect(plan.steps.at(-1)).toEqual({ branch: '10.1', todo: '10.1.2: the row of 10.0' })
  expect(plan.warnings[0]).toMatch(/^late: 10\.1 is out without the row\. Guests started with it under 10\.0/)
})

const three: ProposedChange = {
  what: 'hpet.msi',
  kind: 'default',
  was: 'off',
  becomes: 'on',
  landed: '11.0',
  into: ['10.0.8', '10.2.1', '10.1.4'],
}
const in2026 = { families: familiesAt('10.2'), today: '2026-02-21' }

test('one fix, three branches: one version, from the oldest, known to all; the newest branch goes first', () => {
  const plan = planBackport({ ...three, families: ['pc-i440fx'] }, in2026)
  expect(plan.machines).toMatchObject([
    { name: 'pc-i440fx-10.0.8', from: '10.0', knownTo: ['10.0.8', '10.1.4', '10.2.1', '11.0'] },
  ])
  expect(plan.rows).toEqual([{ version: '10.2', line: 'hpet.msi=off' }])
  expect(plan.steps.map((s) => s.branch)).toEqual(['mainline', '10.2', '10.1', '10.0', '10.0'])
  expect(plan.reasons.at(-1)).toMatch(/enough for 3 branches: made from the oldest, 10\.0/)
})

test('one fix, three branches, that no guest can tell: no version', () => {
  const plan = planBackport(
    { what: 'a leak in the TLS channel', kind: 'fix', landed: '11.0', into: three.into! },
    in2026,
  )
  expect([plan.answer, plan.steps.length]).toEqual(['none', 4])
})

test('a branch between that is not served is asked for; one that has ended is warned of', () => {
  const gap = { ...three, into: ['10.0.8', '10.2.1'] }
  expect(() => planBackport(gap, in2026)).toThrow(
    /10\.1 lies between 10\.0 and 11\.0.*into: "10\.1\.N".*ended: "10\.1"/,
  )
  const plan = planBackport({ ...gap, ended: ['10.1'] }, in2026)
  expect(plan.machines[0]!.knownTo).toEqual(['10.0.8', '10.2.1', '11.0'])
  expect(plan.warnings[0]).toBe('guests of 10.0.8 cannot move to 10.1, which will not know it')
})

test('what the plan says passes the check of rows', () => {
  const [m] = planBackport({ ...three, families: ['pc-i440fx'] }, in2026).machines
  expect(rowText(m!)).toMatch(/^\{ version: '10\.0\.8', from: '10\.0', /)
  const row = { version: m!.version, from: m!.from, fix: 'x', on: '2026-03-01', knownTo: m!.knownTo, compat: {} }
  const [family] = familiesAt('10.2')
  const at = family!.versions.findIndex((v) => v.version === '10.0')
  const versions = [...family!.versions.slice(0, at), row, ...family!.versions.slice(at)]
  const world = presentWorld({ release: '10.2', rows: {}, defaults: {} })
  const found = checkRows({ ...world, families: [{ ...family!, versions }], released: '10.2', next: '11.0' })
  expect(found.map(rowFindingText).filter((t) => t.includes('10.0.8'))).toEqual([])
})

test('a second version in a year is over the budget', () => {
  const families = familiesAt('10.2').map((f) => ({
    ...f,
    versions: f.versions.flatMap((v) =>
      v.version === '10.1'
        ? [{ version: '10.1.3', from: '10.1', on: '2026-01-10', knownTo: ['10.1.3', '10.2.1', '11.0'], compat: {} }, v]
        : [v],
    ),
  }))
  expect(planBackport(three, { ...in2026, families }).warnings).toEqual([
    expect.stringMatching(/budget of 1 .* spent by 10\.1\.3.*waiver/),
  ])
})

test.each<[string, Partial<ProposedChange>, RegExp]>([
  ['a branch instead of its release', { into: ['10.0'] }, /"10\.0": expected a release of a branch with three numbers/],
  ['a branch twice', { into: ['10.0.8', '10.0.9'] }, /branch 10\.0 is named twice/],
  ['no values', { was: undefined as never }, /say its value before and after/],
  ['no property', { what: 'the timer' }, /expected TYPE\.PROPERTY or "board NAME"/],
  ['a family that is none', { families: ['pc-microvm'] }, /no family "pc-microvm"; there are pc-i440fx, pc-q35/],
  ['a release that nobody knows', { landed: '19.0', into: [] }, /"19\.0": the calendar knows/],
  [
    'a base that dies',
    { into: ['5.1.1', '5.2.1'], ended: releasesFrom('6.0', '11.0') },
    /pc-i440fx-5\.1 is deleted in 11\.1/,
  ],
])('a plan for %s is refused', (_what, more, message) => {
  expect(() => planBackport({ ...three, ...more }, { families: familiesAt('11.0'), today: '2026-05-01' })).toThrow(
    message,
  )
})

function releasesFrom(first: string, last: string): string[] {
  return knownFamilies[0]!.versions
    .map((v) => v.version)
    .filter((v) => compareVersions(v, first) >= 0 && compareVersions(v, last) <= 0)
}

test.each<[string, unknown, RegExp]>([
  ['no object', [], /is an object/],
  ['a word that is none', { what: 'a.b', kind: 'default', landed: '11.2', branch: '10.0' }, /no "branch".*into/],
  ['a wrong kind of value', { what: 'a.b', kind: 'default', landed: 11.2 }, /"landed": 11\.2 is not what it takes/],
  ['nothing that landed', { what: 'a.b', kind: 'default' }, /has a "landed"/],
  [
    'a kind that is none',
    { what: 'a.b', kind: 'repair', landed: '11.2' },
    /expected default, state or fix, came "repair"/,
  ],
])('a change with %s is refused', (_what, value, message) => {
  expect(() => parseChange(value)).toThrow(message)
})
