/** Which properties a user may name: a slip would change nothing and look like a cure. */
import { nearest } from '@godwit/bits'
import type { Build, CompatProperty } from '@godwit/compat'
import { UsageError } from '../usage-error.ts'

type Schema = Build['sections'][string]

interface Names {
  readonly types: ReadonlySet<string>
  readonly properties: ReadonlySet<string>
}

/** @throws UsageError for a property that no build mentions. */
export function mustBeKnown(builds: readonly Build[], named: readonly CompatProperty[]): void {
  if (named.length === 0) return
  const { types, properties } = namesOf(builds)
  for (const { type, property } of named) {
    const known = properties.has(property)
    if (known && (types.has(type) || type.endsWith('-x86_64-cpu'))) continue
    const near = known ? nearest(type, types) : nearest(property, properties)
    throw new UsageError(
      `no build has ${type}.${property}, so it would change nothing; the nearest are ${near.join(', ')}`,
    )
  }
}

/** Every type and every property that a build mentions. A property may be named at any type: aliases pass it on. */
function namesOf(builds: readonly Build[]): Names {
  const types = new Set<string>()
  const properties = new Set<string>()
  const conditions = ({ when, fields, subsections }: Schema): void => {
    for (const condition of [when, ...fields.map((f) => f.when)]) {
      if (condition?.kind !== 'property') continue
      types.add(condition.type)
      properties.add(condition.property)
    }
    for (const { struct } of fields) if (struct !== undefined) conditions(struct)
    for (const subsection of subsections) conditions(subsection)
  }
  for (const { devices, machines, cpus, sections } of builds) {
    for (const [type, { parents, defaults, facts, schema }] of Object.entries(devices)) {
      for (const name of [type, ...parents]) types.add(name)
      for (const name of Object.keys(defaults)) properties.add(name)
      const queue = facts?.['virtqueue.property']
      if (queue !== undefined) properties.add(queue)
      if (schema !== undefined) conditions(schema)
    }
    for (const schema of Object.values(sections)) conditions(schema)
    for (const row of machines.flatMap((m) => m.compat)) {
      types.add(row.type)
      properties.add(row.property)
    }
    for (const name of Object.values(cpus).flatMap((cpu) => Object.keys(cpu))) properties.add(name)
  }
  return { types, properties }
}
