/** Properties that are not the same on both sides though the machine type is. */
import type { Build, BuildMachine } from '../build.ts'
import { CHECKED_ON_LOAD, isNeutral } from './knowledge-properties.ts'
import { same, Side } from './resolve.ts'
import type { Verdict } from './verdict.ts'

export function compareProperties(source: Side, destination: Side, types: readonly string[]): Verdict[] {
  const out: Verdict[] = []
  const seen = new Set<string>()
  const strangers = source.build.engine !== destination.build.engine
  const named = new Set(strangers ? [source, destination].flatMap((s) => s.machine.compat.map((c) => c.property)) : [])
  for (const type of types) {
    if (type === 'migration' || type.endsWith('-x86_64-cpu')) continue
    for (const property of propertiesOf(source, destination, type)) {
      if (isNeutral(type, property)) continue
      // Of another emulator's properties only those can be compared that machine types set: boards set the rest.
      if (strangers && !named.has(property)) continue
      const found = compareProperty(source, destination, type, property)
      // One default of a parent differs for all its children; the verdict stands once.
      const owner = ownerOf(source, destination, type, property)
      if (found === undefined || seen.has(`${owner}.${property}`)) continue
      seen.add(`${owner}.${property}`)
      out.push({ ...found, path: `${owner}.${property}` })
    }
  }
  return out
}

function propertiesOf(source: Side, destination: Side, type: string): Set<string> {
  const names = new Set<string>()
  for (const side of [source, destination]) {
    for (const t of side.chain(type)) for (const p of Object.keys(side.build.devices[t]?.defaults ?? {})) names.add(p)
  }
  return names
}

const ownerOf = (source: Side, destination: Side, type: string, property: string): string =>
  [source, destination]
    .flatMap((s) => s.chain(type).filter((t) => s.build.devices[t]?.defaults[property] !== undefined))
    .at(-1) ?? type

function compareProperty(source: Side, destination: Side, type: string, property: string): Verdict | undefined {
  const a = source.resolve(type, property)
  const b = destination.resolve(type, property)
  const x = a.known || a.by === 'option' ? a.value : impliedBy(source, destination, type, property)
  const y = b.known || b.by === 'option' ? b.value : impliedBy(destination, source, type, property)
  if (x === null || y === null || same(x, y)) return undefined
  if (isQueue(source, type, property, y) || isQueue(destination, type, property, x)) return undefined
  const checked = CHECKED_ON_LOAD.has(property)
  const without = (side: Side, known: boolean, value: string): string =>
    known ? `${value} in ${side.name}` : `what ${value} means in ${side.name}, which has no such property`
  return {
    ...{ kind: checked ? 'refused' : 'loads-but-differs', code: 'property-differs', path: `${type}.${property}` },
    reason:
      `${without(source, a.known, x)}, and ${without(destination, b.known, y)}, for ${source.machine.name}` +
      (checked ? '; the destination compares configuration space with its own' : ''),
    remedy: b.known
      ? `set ${type}.${property}=${x} on the destination; a compat row ${property}=${x} for this machine type is missing`
      : `set ${type}.${property}=${y} on the source if the guest was not started with it`,
  }
}

/** Whether queues are as long as the other side has them, whatever the property says. */
function isQueue(side: Side, type: string, property: string, value: string): boolean {
  const facts = side.build.devices[type]?.facts ?? {}
  return facts['virtqueue.property'] === property && facts['virtqueue.sent'] === value
}

/**
 * What a build does that lacks a property: the same as the newest machine type of its release does where the property
 * is known. Null where that cannot be said (another emulator, or no machine type of its time).
 */
function impliedBy(lacking: Side, having: Side, type: string, property: string): string | null {
  if (lacking.build.engine !== having.build.engine) return null
  const machine = contemporary(having.build, lacking.build, having.machine)
  return machine === undefined ? null : sideOf(having.build, machine).resolve(type, property).value
}

const sides = new WeakMap<BuildMachine, Side>()

function sideOf(build: Build, machine: BuildMachine): Side {
  const there = sides.get(machine) ?? new Side(build, machine)
  sides.set(machine, there)
  return there
}

/** The machine type in `build` that stands for what `other` did by itself. */
function contemporary(build: Build, other: Build, machine: BuildMachine): BuildMachine | undefined {
  const family = /^(.*-)\d[\d.]*$/.exec(machine.name)?.[1]
  if (family === undefined) return undefined
  const release = other.release.split('.').slice(0, 2).join('.')
  const named = build.machines.find((m) => m.name === `${family}${release}`)
  // A later build has lost what only old machine types needed: it does as this one's newest.
  return named ?? build.machines.find((m) => m.name.startsWith(family))
}
