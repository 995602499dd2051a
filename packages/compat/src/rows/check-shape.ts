/** Order of versions, aliases and the budget of bugfix machines. */
import {
  compareVersions,
  lifecycleOf,
  machineTypes,
  minorOf,
  nextRelease,
  type Family,
  type Version,
} from '@godwit/machines'
import type { RowFinding, RowWorld } from './check.ts'

/** Bugfix machines a year. Each is a hardware that every later branch has to know for six years. */
export const BUGFIX_BUDGET = 1

export function checkOrder({ families, released, next }: RowWorld): RowFinding[] {
  return families.flatMap((family) => {
    const found: RowFinding[] = []
    const say = (version: string, what: string, remedy: string): void =>
      void found.push({ where: `${family.name}-${version}`, what, remedy })
    family.versions.forEach((v, i) => {
      const above = family.versions[i - 1]
      if (above !== undefined && compareVersions(above.version, v.version) <= 0) {
        say(v.version, `stands below ${above.version}, which is not newer`, 'put the rows in order, newest first')
      }
    })
    const main = family.versions.filter((v) => v.from === undefined)
    main.slice(1).forEach((v, i) => {
      const due = nextRelease(v.version)
      if (due !== main[i]!.version && compareVersions(main[i]!.version, v.version) > 0) {
        say(due, 'is missing: every release has a row, be it empty', `add { version: '${due}', compat: {} }`)
      }
    })
    const top = main[0]
    if (top === undefined || ![released, next].includes(top.version)) {
      say(
        top?.version ?? released,
        `is the newest row, but ${released} is out`,
        `the newest row is ${released} or, while ${next} is made, ${next}: add { version: '${released}', compat: {} }`,
      )
    } else if (top.version === next && Object.keys(top.compat).length > 0) {
      say(
        next,
        'has properties, but a version that is not released has the newest defaults',
        `move them into the row of ${released}: what it keeps of the past is said there`,
      )
    }
    for (const v of [...family.versions, ...(family.tags ?? [])]) {
      for (const [what, remedy] of shapeOf(family, v, released)) say(v.version, what, remedy)
    }
    return found
  })
}

/** A bugfix version lies right above its base and is known to its branch and to every later one. */
function shapeOf(family: Family, v: Version, released: string): [what: string, remedy: string][] {
  const isTag = family.tags?.some((t) => t.version === v.version) === true
  if (v.from === undefined) {
    if (/^\d+\.\d+$/.test(v.version)) return []
    return [[`has no base`, `a version with a micro number or a name says what it is made from: from: '${released}'`]]
  }
  const found: [string, string][] = []
  if (!family.versions.some((b) => b.version === v.from && b.from === undefined)) {
    return [[`is made from ${v.from}, which is no version of ${family.name}`, 'name a version without a micro number']]
  }
  if (v.on === undefined) found.push(['has no date', "say on which day it came out: on: '2026-11-22'"])
  if (isTag) return found
  if (minorOf(v.version) !== v.from || compareVersions(v.version, v.from) <= 0) {
    found.push([
      `is made from ${v.from} but its number does not lie between ${v.from} and ${nextRelease(v.from)}`,
      `call it ${v.from}.N, N being the number of the branch's release that brings it`,
    ])
  }
  const known = v.knownTo ?? []
  for (
    let branch = v.from;
    compareVersions(branch, minorOf(known.at(-1) ?? v.from)) <= 0;
    branch = nextRelease(branch)
  ) {
    if (known.some((k) => minorOf(k) === branch) || v.ended?.includes(branch) === true) continue
    found.push([
      `is not known to the branch ${branch}: a guest of it could not move there`,
      `name that branch's first release with it in knownTo, as "${branch}.N"; if it gets no more releases, name it in ended`,
    ])
  }
  if (v.fix === undefined || v.fix === '') found.push(['does not say what it corrects', "add fix: 'a few words'"])
  return found
}

export function checkAliases({ families, released }: RowWorld): RowFinding[] {
  const found: RowFinding[] = []
  const types = machineTypes(families)
  const owners = new Map<string, string>()
  for (const family of families) {
    for (const alias of [family.alias, ...Object.keys(family.aliases ?? {})]) {
      const other = owners.get(alias) ?? types.find((t) => t.name === alias)?.name
      if (other !== undefined) {
        found.push({
          where: alias,
          what: `is an alias in ${family.name} and a name of ${other} already`,
          remedy: 'a name means one machine: choose another alias',
        })
      }
      owners.set(alias, family.name)
    }
    for (const [alias, target] of Object.entries(family.aliases ?? {})) {
      const type = types.find((t) => t.family === family && t.version.version === target)
      const gone = type === undefined ? 'is not there' : goneSince(type, released)
      if (gone === undefined) continue
      found.push({
        where: alias,
        what: `stands for ${family.name}-${target}, which ${gone}: who starts a machine by this name gets an error`,
        remedy: `point the alias to a version that lives, or delete the alias in the same change and say so in a changeset`,
      })
    }
  }
  return found
}

function goneSince(type: Parameters<typeof lifecycleOf>[0], released: string): string | undefined {
  const life = lifecycleOf(type, released)
  return life.state === 'deleted' ? `was deleted in ${life.deletedIn}` : undefined
}

export function checkBudget({ families }: RowWorld): RowFinding[] {
  const years = new Map<string, Map<string, boolean>>()
  for (const v of families.flatMap((f) => f.versions).filter((v) => v.from !== undefined && v.on !== undefined)) {
    const numbers = years.get(v.on!.slice(0, 4)) ?? new Map<string, boolean>()
    numbers.set(v.version, (v.waiver ?? '') !== '' || numbers.get(v.version) === true)
    years.set(v.on!.slice(0, 4), numbers)
  }
  return [...years].flatMap(([year, numbers]) => {
    const counted = [...numbers].filter(([, waived]) => !waived).map(([version]) => version)
    if (counted.length <= BUGFIX_BUDGET) return []
    return [
      {
        where: year,
        what: `has ${counted.length} bugfix versions (${counted.sort(compareVersions).join(', ')}); the budget is ${BUGFIX_BUDGET}`,
        remedy: `join the fixes in one version; repair a broken backport without any (godwit machine plan-backport); or write why it must be in the row: waiver: 'reason'`,
      },
    ]
  })
}
