import { readFileSync } from 'node:fs'
import { compareVersions, lifecycleOf, machineTypesAt } from '@godwit/machines'
import { expect, test } from 'vitest'

interface Listed {
  readonly machines: readonly { readonly name: string; readonly deprecated?: string }[]
}

// What -M help of the real releases lists and marks, of the families and from the versions that we know.
test.each(['5.2', '7.2', '10.0', '11.1'])('the calendar lists and deprecates what QEMU %s does', (release) => {
  const url = new URL(`../../data/qemu/${release}.json`, import.meta.url)
  const { machines } = JSON.parse(readFileSync(url, 'utf8')) as Listed
  const known = (name: string): boolean => {
    const [, version] = /^pc-(?:i440fx|q35)-(\d.*)$/.exec(name) ?? []
    return version !== undefined && compareVersions(version, '2.4') >= 0
  }
  const theirs = machines.filter((m) => known(m.name))
  const ours = machineTypesAt(release)
  expect(ours.map((t) => t.name).sort()).toEqual(theirs.map((m) => m.name).sort())
  const deprecated = ours.filter((t) => lifecycleOf(t, release).state === 'deprecated').map((t) => t.name)
  expect(deprecated.sort()).toEqual(
    theirs
      .filter((m) => m.deprecated !== undefined)
      .map((m) => m.name)
      .sort(),
  )
})
