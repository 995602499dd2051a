/** Machine types and their life, for people and as JSON. */
import {
  boardOf,
  changesIn,
  dateOf,
  findMachine,
  knownFamilies,
  lifecycleOf,
  machineTypes,
  machineTypesAt,
  namesOf,
  nextRelease,
  refusalsOf,
  releaseAt,
  rowsOf,
  type MachineType,
} from '@godwit/machines'

interface Answer {
  readonly json: unknown
  readonly text: string
}

/** Releases that `deprecations` looks ahead: two years. */
const AHEAD = 6

const columns = (rows: readonly (readonly string[])[]): string => {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((r) => r[i]!.length)))
  return rows
    .map(
      (r) =>
        `${r
          .map((cell, i) => cell.padEnd(widths[i]!))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}

const factsOf = (type: MachineType, at: string) => ({
  name: type.name,
  aliases: namesOf(type),
  ...lifecycleOf(type, at),
  made: refusalsOf(type).length === 0,
})

export function listed(at: string): Answer {
  const release = releaseAt(at)
  const machines = machineTypesAt(release).map((t) => factsOf(t, release))
  const rows = machines.map((m) => [
    m.name,
    m.state,
    `${m.bornOn} with ${m.born}`,
    m.deprecatedIn,
    m.deletedIn,
    [...m.aliases, ...(m.made ? [] : ['not made here'])].join(', '),
  ])
  return {
    json: { release, machines },
    text: `Machine types of ${release}\n${columns([['name', 'state', 'born', 'deprecated', 'deleted', ''], ...rows])}`,
  }
}

export function shown(name: string, at: string): Answer {
  const type = findMachine(name)
  const release = releaseAt(at)
  const facts = factsOf(type, release)
  const { family, version } = type
  const properties = new Map<string, { value: string; row: string }>()
  for (const row of rowsOf(family, version)) {
    for (const [t, props] of Object.entries(row.compat)) {
      for (const [p, value] of Object.entries(props)) properties.set(`${t}.${p}`, { value, row: row.version })
    }
  }
  const board = boardOf(family, version)
  const refusals = refusalsOf(type)
  const list = [...properties].map(([property, said]) => ({ property, ...said }))
  const from = version.from === undefined ? {} : { from: version.from, fix: version.fix, knownTo: version.knownTo }
  const head = [
    `${facts.name}: ${family.doc}${facts.aliases.length === 0 ? '' : ` (also: ${facts.aliases.join(', ')})`}`,
    `  ${facts.state} in ${release}; born ${facts.bornOn} with ${facts.born}`,
    `  deprecated in ${facts.deprecatedIn} (${facts.deprecatedOn}), deleted in ${facts.deletedIn} (${facts.deletedOn})`,
    ...(version.from === undefined
      ? []
      : [
          `  ${version.from} with a difference: ${version.fix ?? 'of its own'}`,
          `  known to ${version.knownTo?.join(', ') ?? release} and all later`,
        ]),
    ...refusals.map((why) => `  cannot be made here: ${why}`),
  ]
  const rows = [
    ...list.map((p) => [`  ${p.property}=${p.value}`, `row of ${p.row}`]),
    ...Object.entries(board).map(([n, v]) => [`  board ${n}=${v}`, '']),
  ]
  return {
    json: { ...facts, ...from, properties: list, board, refusals },
    text: `${head.join('\n')}\n${rows.length === 0 ? '  sets nothing: it has every newest default\n' : columns(rows)}`,
  }
}

export function deprecations(at: string): Answer {
  const first = releaseAt(at)
  const releases: string[] = [first]
  while (releases.length < AHEAD + 1) releases.push(nextRelease(releases.at(-1)!))
  const changes = releases.slice(1).map((release) => {
    const { deprecated, deleted } = changesIn(release)
    const names = (types: readonly MachineType[]): string[] => types.map((t) => t.name)
    return { release, date: dateOf(release), deprecated: names(deprecated), deleted: names(deleted) }
  })
  const state = (s: string): string[] =>
    machineTypes(knownFamilies)
      .filter((t) => lifecycleOf(t, first).state === s)
      .map((t) => t.name)
  const rows = changes.map((c) => [c.release, c.date, c.deprecated.join(', '), c.deleted.join(', ')])
  const deprecated = state('deprecated')
  return {
    json: { release: first, deprecated, changes },
    text:
      `${first} warns of ${deprecated.length === 0 ? 'none' : deprecated.join(', ')}\n\n` +
      columns([['release', 'due', 'deprecates', 'deletes'], ...rows]),
  }
}
