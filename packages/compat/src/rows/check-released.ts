/** Rows and defaults against what was released. */
import { compatOf, lifecycleOf, newestOf, parentsOf, typeName, type Family } from '@godwit/machines'
import { sameValue } from './check-properties.ts'
import type { RowFinding, RowWorld } from './check.ts'
import { digestOfRow, isFrozen, linesOf } from './frozen.ts'
import { holdersOf, textOf } from './our-devices.ts'

const FREEZE = 'node scripts/machines.mjs --freeze, and commit packages/compat/data/released-rows.json'

export function checkFrozen({ families, frozen, released }: RowWorld): RowFinding[] {
  const found: RowFinding[] = []
  const there = new Set<string>()
  for (const family of families) {
    for (const version of [...family.versions, ...(family.tags ?? [])]) {
      const where = typeName(family, version)
      there.add(where)
      const was = frozen.rows[where]
      if (was === undefined) {
        if (isFrozen(version, released)) found.push({ where, what: 'is released and not frozen', remedy: FREEZE })
        continue
      }
      if (digestOfRow(where, was.lines) !== was.digest) {
        found.push({
          where,
          what: 'its frozen lines do not give its frozen digest: released-rows.json was edited by hand',
          remedy: 'restore packages/compat/data/released-rows.json; only the freezing script writes it',
        })
      }
      const now = linesOf(version)
      const gone = was.lines.filter((l) => !now.includes(l)).map((l) => `without ${l}`)
      const came = now.filter((l) => !was.lines.includes(l)).map((l) => `with ${l}`)
      if (gone.length + came.length === 0) continue
      found.push({
        where,
        what: `was released, and its row is now ${[...gone, ...came].join(', ')}`,
        remedy:
          `restore the row: guests that run under ${where} would come back to other hardware. A default that changes now ` +
          `goes into the row of ${released} (godwit machine set-default); a fix of an old version is a bugfix version ` +
          `(godwit machine plan-backport)`,
      })
    }
  }
  for (const where of Object.keys(frozen.rows).filter(
    (name) => !there.has(name) && !mayBeGone(families, name, released),
  )) {
    found.push({
      where,
      what: 'was released and is gone',
      remedy: `put it back; the calendar says when it may go (godwit machine deprecations)`,
    })
  }
  if (frozen.release !== released) {
    found.push({ where: released, what: `is out, and the frozen rows are those of ${frozen.release}`, remedy: FREEZE })
  }
  return found
}

/** Whether the calendar has ended a version whose row is not there any more. */
function mayBeGone(families: readonly Family[], name: string, released: string): boolean {
  const family = families.find((f) => name.startsWith(`${f.name}-`))
  const version = name.slice((family?.name.length ?? 0) + 1)
  if (family === undefined || !/^\d+\.\d+(\.\d+)?$/.test(version)) return false
  return lifecycleOf({ family, name, version: { version, compat: {} } }, released).state === 'deleted'
}

/** The row of the newest release: each entry keeps what that release had, of a default that has changed since. */
export function checkOpenRow({ families, devices, frozen, released }: RowWorld): RowFinding[] {
  return families.flatMap((family) => {
    const version = family.versions.find((v) => v.version === released)
    if (version === undefined || frozen.release !== released) return []
    const where = typeName(family, version)
    return Object.entries(version.compat).flatMap(([type, props]) =>
      Object.entries(props).flatMap(([property, value]): RowFinding[] => {
        const found: RowFinding[] = []
        for (const holder of holdersOf(devices, type, property)) {
          const prop = holder.props[property]!
          const was = frozen.defaults[`${holder.type}.${property}`]
          const entry = `${type}.${property}=${value}`
          if (was !== undefined && !sameValue(prop, was, value)) {
            found.push({
              where,
              what: `${entry}, but ${released} came out with ${was}`,
              remedy: `write '${was}': the row keeps what ${released} had`,
            })
          } else if (was !== undefined && sameValue(prop, textOf(prop.default), value)) {
            found.push({
              where,
              what: `${entry}, which is the default and was it in ${released}: the entry is late or belongs to another version`,
              remedy: `take it out. If the default changed before ${released}, guests of ${released} have it: it is late, and godwit machine plan-backport says what can be done`,
            })
          }
        }
        return found
      }),
    )
  })
}

/** A default that is not what the newest release had needs the old value in that release's row. */
export function checkDefaults({ families, devices, frozen, released }: RowWorld): RowFinding[] {
  if (frozen.release !== released) return []
  return families.flatMap((family) =>
    devices.flatMap(({ type, props }) =>
      Object.entries(props).flatMap(([property, prop]): RowFinding[] => {
        const was = frozen.defaults[`${type}.${property}`]
        const now = textOf(prop.default)
        if (was === undefined || sameValue(prop, was, now)) return []
        if (newestOf(family).version !== released) {
          const kept = valueIn(family, released, type, property)
          if (kept !== undefined && sameValue(prop, kept, was)) return []
        }
        const version = family.versions.find((v) => v.version === released)
        const where = version === undefined ? family.name : typeName(family, version)
        const open = newestOf(family).version === released
        return [
          {
            where,
            what: `${type}.${property} is ${now} by default and was ${was} in ${released}: ${open ? 'no version is open that could have the new value' : `${where} would change`}`,
            remedy: `put the default back and say: godwit machine set-default ${type}.${property}=${now}`,
          },
        ]
      }),
    ),
  )
}

/** What a version says of a device's property, by its type or a parent. */
export function valueIn(family: Family, version: string, type: string, property: string): string | undefined {
  const row = family.versions.find((v) => v.version === version)
  if (row === undefined) return undefined
  const compat = compatOf(family, row)
  return [type, ...parentsOf(type)].map((t) => compat[t]?.[property]).find((v) => v !== undefined)
}
