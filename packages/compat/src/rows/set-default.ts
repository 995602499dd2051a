/**
 * A changed default as edits of the source: the device's property gets the new value, and the newest released version
 * keeps the old one in its row. Refuses what would change a machine that guests were started under.
 */
import { compareVersions, newestOf } from '@godwit/machines'
import type { Prop } from '@godwit/hw'
import { nearest, sameValue } from './check-properties.ts'
import type { RowWorld } from './check.ts'
import { valueIn } from './check-released.ts'
import { holdersOf, missedBy, textOf, type OurDevice } from './our-devices.ts'
import { addToRow, openVersion, setDefaultIn } from './edit.ts'

export interface DefaultChange {
  /** "PIIX4_PM.smm-compat"; the type may be a parent, so that all its devices change. */
  readonly property: string
  readonly value: string
  /** Release that brings the new default. Default: the one being made. */
  readonly landed?: string
  /** Version that is to keep the old value. Only for being told when it is the wrong one. */
  readonly row?: string
}

/** Texts of the source by path. The rows are one file; devices are looked for in all others. */
export interface Sources {
  readonly rows: { readonly path: string; readonly text: string }
  readonly devices: readonly { readonly path: string; readonly text: string }[]
}

export interface DefaultEdit {
  readonly files: readonly { readonly path: string; readonly text: string }[]
  /** What was done, a sentence each. */
  readonly said: readonly string[]
}

/** A change that may not be made so; the message says what would be right. */
export class ChangeRefused extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ChangeRefused'
  }
}

export function setDefault(change: DefaultChange, sources: Sources, world: RowWorld): DefaultEdit {
  const { released, next } = world
  const dot = change.property.indexOf('.')
  const [type, property] = [change.property.slice(0, dot), change.property.slice(dot + 1)]
  if (dot <= 0 || property === '') throw new ChangeRefused(`"${change.property}": expected TYPE.PROPERTY`)
  const holders = holdersFor(world, type, property)
  checkCalendar(change, released, next)
  checkSisters(world, type, property, released)
  const olds = new Set<string>()
  for (const { type: holder, props } of holders) {
    const prop = props[property] as Prop<unknown>
    try {
      prop.parse(change.value)
    } catch (thrown) {
      throw new ChangeRefused(`${holder}.${property}: ${(thrown as Error).message}`)
    }
    const old = textOf(prop.default)
    if (sameValue(prop, old, change.value))
      throw new ChangeRefused(`${holder}.${property} is ${old} by default already`)
    const was = world.frozen.defaults[`${holder}.${property}`]
    if (was !== undefined && !sameValue(prop, was, old)) {
      throw new ChangeRefused(
        `${holder}.${property} changed already: ${released} came out with ${was} and the source says ${old}. ` +
          `${released} keeps its value in its row; change the default alone`,
      )
    }
    olds.add(old)
  }
  const [old, ...others] = olds
  if (others.length > 0) {
    throw new ChangeRefused(`devices below ${type} have several defaults of ${property}; change them one by one`)
  }
  for (const family of world.families) {
    const row = family.versions.find((v) => v.version === released)
    const said = row?.compat[type]?.[property]
    if (said !== undefined) {
      throw new ChangeRefused(
        `the row of ${family.name}-${released} says ${type}.${property}=${said} already: the default was changed in this ` +
          'cycle. Guests of it keep that value whatever the default becomes: change the default alone',
      )
    }
    const older = valueIn(family, released, holders[0]!.type, property)
    if (older !== undefined) {
      throw new ChangeRefused(
        `${family.name}-${released} has ${property}=${older} by a newer row or another type: an entry for ${type} would say a second thing`,
      )
    }
  }
  let rows = sources.rows.text
  const said: string[] = []
  if (world.families.every((f) => newestOf(f).version === released)) {
    rows = openVersion(rows, next)
    said.push(`opened ${next}: it is the newest version now, and the aliases name it`)
  }
  rows = addToRow(rows, released, type, property, old!)
  said.push(`${released} keeps ${type}.${property}=${old!} in its row`)
  const files = [{ path: sources.rows.path, text: rows }]
  for (const { type: holder } of holders) {
    const source = sources.devices.find((f) => new RegExp(`^ {2}type: '${holder}',`, 'm').test(f.text))
    if (source === undefined) throw new ChangeRefused(`no source file defines ${holder}`)
    const before = files.find((f) => f.path === source.path)?.text ?? source.text
    const text = setDefaultIn(before, holder, property, change.value)
    if (text === undefined) {
      throw new ChangeRefused(
        `${source.path}: the default of ${holder}.${property} is not a plain value there; edit it by hand, and give ${released} the row { ${type}: { '${property}': '${old!}' } }`,
      )
    }
    const at = files.findIndex((f) => f.path === source.path)
    if (at >= 0) files[at] = { path: source.path, text }
    else files.push({ path: source.path, text })
    said.push(`${holder}.${property} is ${change.value} by default from ${next} on`)
  }
  return { files, said }
}

function holdersFor(world: RowWorld, type: string, property: string): OurDevice[] {
  const holders = holdersOf(world.devices, type, property)
  if (holders.length > 0) return holders
  const below = world.devices.filter((d) => d.type === type || d.parents.includes(type))
  if (below.length === 0) {
    throw new ChangeRefused(
      `no device "${type}"; the nearest are ${nearest(
        type,
        world.devices.flatMap((d) => [d.type, ...d.parents]),
      )}`,
    )
  }
  const names = below.flatMap((d) => Object.keys(d.props))
  const near = names.length === 0 ? 'it has none' : `the nearest are ${nearest(property, names)}`
  throw new ChangeRefused(`${type} has no property "${property}"; ${near}`)
}

function checkCalendar({ landed, row, property }: DefaultChange, released: string, next: string): void {
  if (landed !== undefined && compareVersions(landed, released) <= 0) {
    throw new ChangeRefused(
      `${landed} is out: if ${property} changed in it without a row, guests that were started with ${landed} have the new ` +
        `value under older machine types, and a row now would change theirs. The row is late; see what can be done: ` +
        `godwit machine plan-backport --what ${property} --landed ${landed}`,
    )
  }
  if (landed !== undefined && landed !== next) {
    throw new ChangeRefused(
      `the release being made is ${next}, not ${landed}: a default changes when its release is made`,
    )
  }
  if (row !== undefined && row !== released) {
    const why =
      compareVersions(row, released) < 0
        ? `${released} is out with the old value and would lose it; what an older row says, ${released} does not have`
        : `${row} is not released and has the new value`
    throw new ChangeRefused(`the old value belongs into the row of ${released}, not ${row}: ${why}`)
  }
}

/** A row for one type misses its sisters, which then change under released machines. */
function checkSisters(world: RowWorld, type: string, property: string, released: string): void {
  const missed = missedBy(
    type,
    property,
    world.devices.map((d) => ({ type: d.type, parents: d.parents, has: Object.keys(d.props) })),
  )
  if (missed === undefined) return
  throw new ChangeRefused(
    `${type} is one of several types below ${missed.parent}; ${missed.missed.join(', ')} has ${property} as well, and a row of ` +
      `${released} for ${type} alone would miss it. Say it of the parent: ${missed.parent}.${property}`,
  )
}
