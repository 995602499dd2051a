/** Every property that a row names is a device's, or has its reason. */
import { isParent, parentsOf, typeName, type Version } from '@godwit/machines'
import type { Prop } from '@godwit/hw'
import type { RowFinding, RowWorld } from './check.ts'
import { holdersOf, missedBy } from './our-devices.ts'

const PROTOCOL = 'migration'
const CPU = /^(.*-)?x86_64-cpu$/

export function checkProperties(world: RowWorld): RowFinding[] {
  const found: RowFinding[] = []
  const named = new Set<string>()
  for (const family of world.families) {
    for (const version of [...family.versions, ...(family.tags ?? [])]) {
      const where = typeName(family, version)
      for (const [type, props] of Object.entries(version.compat)) {
        for (const [property, value] of Object.entries(props)) {
          named.add(`${type}.${property}`)
          const fault = faultOf(world, version, type, property, value)
          if (fault !== undefined)
            found.push({ where, what: `${type}.${property}=${value} ${fault[0]}`, remedy: fault[1] })
        }
      }
      for (const name of Object.keys(version.board ?? {})) {
        if (name in world.boardValues) continue
        found.push({
          where,
          what: `board ${name} is no value that boards know`,
          remedy: `misspelt? nearest: ${nearest(name, Object.keys(world.boardValues))}; a new one is added to BOARD_VALUES and read by the board`,
        })
      }
    }
  }
  for (const key of Object.keys(world.withoutEffect).filter((k) => !named.has(k))) {
    found.push({
      where: key,
      what: 'has a reason for being without effect, but no row names it',
      remedy: 'take it out of WITHOUT_EFFECT in packages/machines/src/unmodelled.ts',
    })
  }
  return found
}

function faultOf(
  world: RowWorld,
  version: Version,
  type: string,
  property: string,
  value: string,
): [what: string, remedy: string] | undefined {
  const key = `${type}.${property}`
  const holders = holdersOf(world.devices, type, property)
  const taken =
    holders.length > 0 ||
    (CPU.test(type) && world.takesFromMachine(property)) ||
    (type === PROTOCOL && world.migrationProps.includes(property))
  if (taken && key in world.withoutEffect) {
    return ['has an effect, but a reason says that it has none', 'take it out of WITHOUT_EFFECT in unmodelled.ts']
  }
  if (!taken && !(key in world.withoutEffect)) return unknown(world, type, property)
  for (const { type: holder, props } of holders) {
    try {
      props[property]!.parse(value)
    } catch (thrown) {
      return [`is no value of ${holder}.${property}: ${(thrown as Error).message}`, 'write one that the property takes']
    }
  }
  const missed = missedBy(
    type,
    property,
    world.devices.map((d) => ({ type: d.type, parents: d.parents, has: Object.keys(d.props) })),
  )
  const left = missed?.missed.filter((m) => version.compat[m]?.[property] === undefined) ?? []
  if (left.length > 0) {
    return [
      `misses ${left.join(', ')}, which has the property as well`,
      `say it of the parent type: '${missed!.parent}': { '${property}': '${value}' }`,
    ]
  }
  return undefined
}

function unknown(world: RowWorld, type: string, property: string): [what: string, remedy: string] {
  const known = world.devices.some((d) => d.type === type) || isParent(type) || CPU.test(type) || type === PROTOCOL
  if (!known) {
    const names = [...world.devices.flatMap((d) => [d.type, ...d.parents]), PROTOCOL]
    return [
      'names a type that no device of ours is or inherits from',
      `misspelt? nearest: ${nearest(type, names)}; rows of devices that we have not belong to the data of @godwit/compat`,
    ]
  }
  const names = [
    ...world.devices.filter((d) => d.type === type || d.parents.includes(type)).flatMap((d) => Object.keys(d.props)),
    ...parentsOf(type).flatMap((p) => reasons(world, p)),
    ...reasons(world, type),
    ...(type === PROTOCOL ? world.migrationProps : []),
  ]
  const near = names.length === 0 ? '' : `misspelt? nearest: ${nearest(property, names)}; `
  return [
    `is a property that ${type} has not`,
    `${near}if QEMU has it and here it needs nothing, write why into WITHOUT_EFFECT in packages/machines/src/unmodelled.ts`,
  ]
}

const reasons = (world: RowWorld, type: string): string[] =>
  Object.keys(world.withoutEffect)
    .filter((k) => k.startsWith(`${type}.`))
    .map((k) => k.slice(type.length + 1))

export function nearest(name: string, names: readonly string[]): string {
  const score = (other: string): number => {
    const pairs = (t: string): Set<string> => new Set([...t].map((c, i) => c + (t[i + 1] ?? '')))
    const [a, b] = [pairs(name.toLowerCase()), pairs(other.toLowerCase())]
    return [...a].filter((p) => b.has(p)).length / Math.max(a.size, b.size)
  }
  return [...new Set(names)]
    .sort((a, b) => score(b) - score(a))
    .slice(0, 2)
    .join(', ')
}

/** Whether two texts are one value of a property. */
export function sameValue(prop: Prop<unknown>, a: string, b: string): boolean {
  try {
    return prop.parse(a) === prop.parse(b)
  } catch {
    return a === b
  }
}
