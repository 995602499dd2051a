import { expect, test } from 'vitest'
import type { Build, BuildDevice } from './build.ts'
import { RELEASES, qemu } from './check/qemu.fixture.ts'
import { matrixHtml } from './matrix-html.ts'
import { matrixText } from './matrix-text.ts'
import { matrix, type Matrix } from './matrix.ts'

const builds = RELEASES.map(qemu)
const cellOf = (m: Matrix, from: string, to: string) =>
  m.machines[0]!.cells.find((c) => c.from === `QEMU ${from}` && c.to === `QEMU ${to}`)!

test('every machine type of every release is in the matrix, and versioned ones are fine in all directions', () => {
  const found = matrix(builds)
  const names = new Set(builds.flatMap((b) => b.machines.map((m) => m.name)))
  expect(found.machines.length).toBe(names.size)
  const bad = found.machines
    .filter((m) => m.versioned)
    .flatMap((m) => m.cells.filter((c) => !/^fine/.test(c.kind)).map((c) => `${m.machine} ${c.from} → ${c.to}`))
  expect(bad).toEqual([])
  const old = found.machines.find((m) => m.machine === 'pc-q35-4.0.1')!
  expect(old.builds).toEqual(['QEMU 5.2', 'QEMU 7.2.22', 'QEMU 10.0.13'])
}, 60_000)

test('a way over other builds is named where it helps, and not for what the guest takes along', () => {
  const net = matrix(builds, { machines: ['pc-i440fx-5.2'], devices: ['virtio-net-pci'], startedInSource: true })
  expect(cellOf(net, '10.0.13', '11.1.3').kind).toBe('refused')
  expect(cellOf(net, '10.0.13', '11.1.3').via).toBeUndefined()
  // A build that loads no section of 5.2 any more, and sends and loads what 11.1 does.
  const [old, , , newest] = builds as [Build, Build, Build, Build]
  const piix = newest.devices['PIIX3']!
  const strict = { ...piix, schema: { ...piix.schema!, version: 4, minVersion: 4 } }
  const middle = { ...piix, schema: { ...piix.schema!, version: 4 } }
  const raised = (release: string, device: BuildDevice): Build => ({
    ...{ ...newest, release, devices: { ...newest.devices, PIIX3: device } },
    boards: mapBoards(newest, 4),
  })
  const found = matrix([old, raised('12.0', middle), raised('13.0', strict)], { machines: ['pc-i440fx-5.2'] })
  expect(cellOf(found, '5.2', '13.0')).toMatchObject({ kind: 'refused', via: ['QEMU 12.0'] })
})

/** The boards, with a version of PIIX3's section. */
const mapBoards = (build: Build, version: number): Build['boards'] =>
  Object.fromEntries(
    Object.entries(build.boards).map(([name, board]) => [
      name,
      { ...board, sections: board.sections.map((s) => (s.type === 'PIIX3' ? { ...s, version } : s)) },
    ]),
  )

test('the text and the page name the reason, and the page needs nothing from elsewhere', () => {
  const found = matrix(builds, { machines: ['isapc', 'microvm', 'pc-i440fx-11.1'] })
  expect(matrixText(found)).toMatch(/QEMU 7\.2\.22 → QEMU 5\.2.*: ioapic 1: /)
  expect(matrixText(found)).toContain('only in QEMU 11.1.3')
  const page = matrixHtml(found)
  expect(page).toMatch(/^<!doctype html>/)
  expect(page).toContain('pc.bios')
  expect(page).not.toMatch(/<script|src=|href=|url\(/)
})
