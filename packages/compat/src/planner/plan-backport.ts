/**
 * Plans a change over branches. The rules: a machine version means for ever what it meant when it was released; a
 * backport that broke one is repaired without a new one; what the guest and the stream cannot tell needs none; and what
 * they can tell needs one bugfix version, made from the oldest branch's, known to every branch from there on.
 */
import {
  compareVersions,
  lifecycleOf,
  minorOf,
  newestRelease,
  nextRelease,
  releases,
  typeName,
  type Family,
  type Version,
} from '@godwit/machines'
import { BUGFIX_BUDGET } from '../rows/check-shape.ts'
import {
  PlanRefused,
  type BackportPlan,
  type PlannedMachine,
  type PlannedRow,
  type PlanWorld,
  type ProposedChange,
} from './plan.ts'

export function planBackport(change: ProposedChange, world: PlanWorld): BackportPlan {
  const families = familiesOf(change, world)
  const into = branchesOf(change)
  if (change.repairs !== undefined) return regression(change, into)
  const visible = change.visible ?? change.kind !== 'fix'
  if (!visible) return invisible(change, into)
  needValues(change)
  return tellable(change, into, families, world)
}

/** Releases to take it, newest branch first. */
function branchesOf({ into = [], landed }: ProposedChange): string[] {
  const bad = into.find((r) => !/^\d+\.\d+\.\d+$/.test(r))
  if (bad !== undefined) {
    throw new PlanRefused(`"${bad}": expected a release of a branch with three numbers, such as ${minorOf(landed)}.1`)
  }
  const sorted = [...into].sort((a, b) => compareVersions(b, a))
  const twice = sorted.find((r, i) => sorted[i + 1] !== undefined && minorOf(r) === minorOf(sorted[i + 1]!))
  if (twice !== undefined)
    throw new PlanRefused(`the branch ${minorOf(twice)} is named twice; its first release with the change counts`)
  return sorted
}

function familiesOf({ families }: ProposedChange, world: PlanWorld): Family[] {
  if (families === undefined) return [...world.families]
  return families.map((name) => {
    const found = world.families.find((f) => f.name === name)
    if (found === undefined) {
      throw new PlanRefused(`no family "${name}"; there are ${world.families.map((f) => f.name).join(', ')}`)
    }
    return found
  })
}

function needValues({ what, was, becomes, kind }: ProposedChange): void {
  if (was === undefined || becomes === undefined) {
    const switched = kind === 'default' ? '' : ': what a guest or the stream can tell is switched by a property'
    throw new PlanRefused(`${what}: say its value before and after (was, becomes)${switched}`)
  }
  if (!/^(board )?[\w-]+(\.[\w-]+)?$/.test(what) || (!what.startsWith('board ') && !what.includes('.'))) {
    throw new PlanRefused(`"${what}": expected TYPE.PROPERTY or "board NAME"`)
  }
}

/** Berrangé's rule. */
function regression(change: ProposedChange, into: readonly string[]): BackportPlan {
  const broke = change.repairs!
  const repairedIn = into.find((r) => minorOf(r) === minorOf(broke))
  return {
    answer: 'none',
    reasons: [
      `regression fix: ${broke} changed machine versions that were released before it. They never meant what ${broke} made of them, so the repair gives them back what they were, under their own names`,
    ],
    rows: [],
    machines: [],
    steps: [
      { branch: 'mainline', todo: `make sure that ${change.what} is right for every version up to ${minorOf(broke)}` },
      ...into.map((r) => ({ branch: minorOf(r), todo: `${r}: repair it` })),
    ],
    warnings: [
      `guests that were started by ${broke}${repairedIn === undefined ? ' or a later release' : ` and before ${repairedIn}`} of that branch run with what it broke until they are powered off: moved to a repaired release, they see other hardware or are refused`,
      ...(repairedIn === undefined
        ? [`the branch ${minorOf(broke)} is broken and is not among those that get the repair`]
        : []),
    ],
  }
}

function invisible(change: ProposedChange, into: readonly string[]): BackportPlan {
  return {
    answer: 'none',
    reasons: ['neither a guest nor the stream can tell: no machine version means anything else'],
    rows: [],
    machines: [],
    steps: [
      { branch: 'mainline', todo: `${change.what}: ${minorOf(change.landed)}` },
      ...into.map((r) => ({ branch: minorOf(r), todo: `${r}: take the fix` })),
    ],
    warnings: [],
  }
}

function tellable(
  change: ProposedChange,
  into: readonly string[],
  families: readonly Family[],
  world: PlanWorld,
): BackportPlan {
  const { what, was = '', becomes = '' } = change
  const landed = minorOf(change.landed)
  const before = releaseBefore(landed)
  const now = newestRelease(world.today).version
  const rows: PlannedRow[] = [{ version: before, line: `${what}=${was}` }]
  const warnings: string[] = []
  const reasons: string[] = []
  if (compareVersions(landed, now) <= 0 && !hasRow(families, before, what, was)) {
    warnings.push(
      `late: ${landed} is out without the row. Guests started with it under ${before} and older versions have ${what}=${becomes}; the row changes what those versions mean from its release on`,
    )
  }
  reasons.push(`guests of ${before} and older versions keep ${what}=${was}; versions from ${landed} on have ${becomes}`)
  const older = into.filter((r) => compareVersions(minorOf(r), landed) < 0)
  const steps = [
    { branch: 'mainline', todo: `${landed}: the default ${becomes}, and ${what}=${was} in the row of ${before}` },
  ]
  if (older.length === 0) {
    for (const r of into) steps.push({ branch: minorOf(r), todo: `${r}: the row of ${before}` })
    return { answer: 'row', reasons, rows, machines: [], steps, warnings }
  }
  const first = older.at(-1)!
  const knownTo = reach(change, into, first, landed, now)
  const machines = families.map((family) => machineOf(family, first, `${what}=${becomes}`, knownTo, now))
  reasons.push(
    `versions of ${minorOf(first)} were released with ${was}: on that branch the new value needs a name of its own`,
    older.length === 1
      ? 'one bugfix version is enough'
      : `one bugfix version is enough for ${older.length} branches: made from the oldest, ${minorOf(first)}, all of them can run it`,
  )
  if ((change.ended ?? []).length > 0) {
    warnings.push(`guests of ${first} cannot move to ${change.ended!.join(', ')}, which will not know it`)
  }
  warnings.push(...budgetOf(families, first, world.today))
  const names = machines.map((m) => m.name).join(' and ')
  steps[0]!.todo += `; ${names} as ${minorOf(first)} with ${what}=${becomes}`
  for (const r of [...knownTo].reverse().filter((r) => /\..*\./.test(r))) {
    const fresh = compareVersions(minorOf(r), landed) >= 0
    steps.push({ branch: minorOf(r), todo: `${r}: ${names}${fresh ? `, and the row of ${before}` : ''}` })
  }
  steps.push({
    branch: minorOf(first),
    todo: `${first} comes out after all of the above: until then a guest of ${names} has nowhere newer to go`,
  })
  return { answer: 'bugfix-version', reasons, rows, machines, steps, warnings }
}

/** Every branch from the first on has to know a version: a guest of it may go to any. */
function reach(change: ProposedChange, into: readonly string[], first: string, landed: string, now: string): string[] {
  const known: string[] = []
  const missing: string[] = []
  const last = compareVersions(landed, now) > 0 ? landed : nextRelease(now)
  for (let branch = minorOf(first); compareVersions(branch, last) < 0; branch = nextRelease(branch)) {
    const release = into.find((r) => minorOf(r) === branch)
    if (release !== undefined) known.push(release)
    else if (change.ended?.includes(branch) !== true) missing.push(branch)
  }
  if (missing.length > 0) {
    throw new PlanRefused(
      `${missing.join(' and ')} ${missing.length === 1 ? 'lies' : 'lie'} between ${minorOf(first)} and ${last}: a guest of the new version could not move there. ` +
        `Name the next release of each (into: "${missing[0]}.N"), or say that it gets no more (ended: "${missing[0]}")`,
    )
  }
  return [...known, last]
}

function machineOf(
  family: Family,
  version: string,
  line: string,
  knownTo: readonly string[],
  now: string,
): PlannedMachine {
  const from = minorOf(version)
  const base = family.versions.find((v) => v.version === from)
  const name = `${family.name}-${version}`
  if (base === undefined) throw new PlanRefused(`${family.name} has no version ${from} to make ${version} from`)
  if (family.versions.some((v) => v.version === version)) {
    throw new PlanRefused(
      `${name} is there already. If its release is not out, the change joins its row; if it is, take the next number`,
    )
  }
  const last = nextRelease(now)
  const life = lifecycleOf({ family, version: base, name: typeName(family, base) }, last)
  if (life.state === 'deleted') {
    throw new PlanRefused(
      `${typeName(family, base)} is deleted in ${life.deletedIn}: a version made from it would not outlive it`,
    )
  }
  const ordered = [...family.versions].sort((a, b) => compareVersions(b.version, a.version))
  const older = ordered.find((v) => compareVersions(v.version, version) < 0)!
  const newer = ordered.filter((v) => compareVersions(v.version, version) > 0).at(-1)
  return {
    name,
    version,
    from,
    difference: [line],
    between: [newer?.version ?? nextRelease(from), older.version],
    knownTo,
    deprecatedIn: life.deprecatedIn,
    deletedIn: life.deletedIn,
  }
}

function hasRow(families: readonly Family[], version: string, what: string, was: string): boolean {
  return families.some((f) => {
    const row = f.versions.find((v) => v.version === version)
    return row !== undefined && valueOf(row, what) === was
  })
}

function valueOf(row: Version, what: string): string | undefined {
  if (what.startsWith('board ')) return row.board?.[what.slice('board '.length)]
  const dot = what.indexOf('.')
  return row.compat[what.slice(0, dot)]?.[what.slice(dot + 1)]
}

function budgetOf(families: readonly Family[], version: string, today: string): string[] {
  const year = today.slice(0, 4)
  const there = new Set(
    families
      .flatMap((f) => f.versions)
      .filter((v) => v.from !== undefined && v.on?.startsWith(year) === true && (v.waiver ?? '') === '')
      .map((v) => v.version),
  )
  there.delete(version)
  if (there.size + 1 <= BUGFIX_BUDGET) return []
  return [
    `the budget of ${BUGFIX_BUDGET} bugfix version a year is spent by ${[...there].join(', ')}: join them, wait, or write a waiver into the row`,
  ]
}

function releaseBefore(release: string): string {
  const at = releases.findIndex((r) => r.version === release)
  if (at > 0) return releases[at - 1]!.version
  throw new PlanRefused(
    at === 0
      ? `the calendar begins with ${release}`
      : `"${release}": the calendar knows ${releases[0]!.version} to ${releases.at(-1)!.version}`,
  )
}
