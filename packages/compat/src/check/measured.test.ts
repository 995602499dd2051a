import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { godwitBuild } from '../godwit-build.ts'
import { check } from './check.ts'
import { measuredPage } from './measured-page.ts'
import { compareMeasured } from './measured.ts'
import { qemu, RELEASES } from './qemu.fixture.ts'
import { worstOf } from './verdict.ts'

const compared = compareMeasured(qemu)

test('every measured hop is computed from the data as it was measured', () => {
  const wrong = compared.filter((c) => !c.agrees)
  const told = wrong.map(({ hop, computed, verdicts }) => {
    const codes = verdicts.filter((v) => v.kind !== 'fine').map((v) => `${v.kind} ${v.code} ${v.path}`)
    return `${hop.setup} ${hop.from} → ${hop.to}: ${hop.works ? 'works' : hop.error}, computed ${computed}: ${codes.join(', ')}`
  })
  expect(told).toEqual([])
  expect(compared.filter((c) => !c.hop.works).length).toBeGreaterThan(20)
})

test('the page of measured hops is the present one', () => {
  const page = readFileSync(new URL('../../../../docs/compat/hops.md', import.meta.url), 'utf8')
  expect(page).toBe(measuredPage(compared))
})

test('Godwit goes to and from every release, as the lab has measured it', () => {
  const godwit = godwitBuild()
  for (const release of RELEASES) {
    for (const [a, b] of [
      [godwit, qemu(release)],
      [qemu(release), godwit],
    ] as const) {
      const verdicts = check(a, b, 'pc-i440fx-5.2')
      const bad = verdicts.filter((v) => v.kind !== 'fine' && v.kind !== 'fine-if')
      expect(bad, `${a.engine} ${a.release} → ${b.engine} ${b.release}`).toEqual([])
    }
  }
}, 60_000)

test('Godwit and QEMU 11.1 have every machine type of pc-i440fx in common, unharmed', () => {
  const godwit = godwitBuild()
  const other = qemu('11.1')
  const shared = godwit.machines.map((m) => m.name).filter((n) => other.machines.some((m) => m.name === n))
  expect(shared.length).toBeGreaterThan(15)
  for (const name of shared) expect(worstOf(check(godwit, other, name)), name).toMatch(/^fine/)
}, 60_000)
