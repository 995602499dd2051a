/** Which sections a machine sends, which the other side expects, and what is in each. */
import type { BoardSection, Schema } from '../build.ts'
import { compareSection } from './layout.ts'
import type { Side } from './resolve.ts'
import type { Verdict } from './verdict.ts'

/** A section with its description, if the build has one. */
interface Placed extends BoardSection {
  readonly schema: Schema | undefined
}

/** Types of all objects that both sides have: the board's, the devices', and what they bring. */
export function devicesOn(source: Side, destination: Side, devices: readonly string[]): string[] {
  const [a, b] = [source, destination].map((s) => new Set([...boardOf(s).devices, ...broughtBy(s, devices)]))
  return [...a!].filter((type) => b!.has(type)).sort()
}

const boardOf = (side: Side) => side.build.boards[side.machine.board] ?? { devices: [], sections: [], ram: [] }

export const broughtBy = (side: Side, devices: readonly string[]): string[] => [
  ...new Set(devices.flatMap((d) => [d, ...(side.build.devices[d]?.brings ?? [])])),
]

/** Type and description, its own or that of what it inherits from. */
function describedBy(side: Side, type: string): { type: string; schema: Schema } | undefined {
  for (const t of side.chain(type)) {
    const schema = side.build.devices[t]?.schema
    if (schema !== undefined) return { type: t, schema }
  }
  return undefined
}

function sectionsOf(side: Side, devices: readonly string[]): Placed[] {
  const board = boardOf(side).sections.map((s) => ({
    ...s,
    schema: s.type === undefined ? side.build.sections[s.idstr] : describedBy(side, s.type)?.schema,
  }))
  const counts = new Map<string, number>()
  for (const s of board) counts.set(s.idstr, Math.max(counts.get(s.idstr) ?? 0, s.instance + 1))
  const added = broughtBy(side, devices).flatMap((type) => {
    const found = describedBy(side, type)
    if (found === undefined) return []
    const { schema } = found
    const instance = counts.get(schema.name) ?? 0
    counts.set(schema.name, instance + 1)
    return [{ idstr: schema.name, instance, version: schema.version, type, schema }]
  })
  return [...board, ...added]
}

export function compareSections(source: Side, destination: Side, devices: readonly string[]): Verdict[] {
  const sent = sectionsOf(source, devices)
  const expected = sectionsOf(destination, devices)
  const left = [...expected]
  const out: Verdict[] = []
  const lost: Placed[] = []
  for (const section of sent) {
    const at = left.findIndex((s) => s.idstr === section.idstr && s.instance === section.instance)
    if (at < 0) {
      lost.push(section)
      continue
    }
    const [there] = left.splice(at, 1)
    if (section.schema === undefined || there!.schema === undefined) continue
    const sides = { source, destination, type: section.type }
    out.push(...compareSection(section.schema, there!.schema, section.version, sides))
  }
  out.push(
    ...lost.map((section) =>
      sent.find((s) => s.idstr === section.idstr && s.instance === section.instance) === section
        ? unknownSection(section, left, destination)
        : sentTwice(section, destination),
    ),
  )
  for (const s of left) {
    if (lost.some((l) => l.idstr === s.idstr || (l.type !== undefined && l.type === s.type))) continue
    const reason = `${source.name} does not send it: it stays as at reset in ${destination.name}`
    const remedy = `let ${destination.name} leave it out for this machine type, by a property of the device`
    out.push({ kind: 'loads-but-differs', code: 'section-not-sent', path: pathOf(s), reason, remedy })
  }
  return out
}

const pathOf = ({ idstr, instance }: BoardSection): string => (instance === 0 ? idstr : `${idstr} ${instance}`)

/** A build that gives two devices one id sends both as the same section. */
function sentTwice(section: Placed, destination: Side): Verdict {
  return {
    ...{ kind: 'loads-but-differs', code: 'section-twice', path: pathOf(section) },
    reason: `sent twice under one id: ${destination.name} loads both into one device and leaves the other as at reset`,
    remedy: 'register each device under an instance of its own',
  }
}

function unknownSection(section: Placed, left: readonly Placed[], destination: Side): Verdict {
  const path = pathOf(section)
  const other = left.find((s) => s.idstr === section.idstr)
  if (other !== undefined) {
    return {
      ...{ kind: 'refused', code: 'instance-shifted', path },
      reason: `sent as instance ${section.instance}, which is instance ${other.instance} in ${destination.name}`,
      remedy: 'give the old machine types their old instance ids',
    }
  }
  const renamed = left.find((s) => s.type !== undefined && s.type === section.type)
  if (renamed !== undefined) {
    return {
      ...{ kind: 'refused', code: 'section-renamed', path },
      reason: `${destination.name} calls the section of ${section.type} "${renamed.idstr}"`,
      remedy: 'keep the name, or let the loader know the old one as well',
    }
  }
  return {
    ...{ kind: 'refused', code: 'section-missing', path },
    reason: `${destination.name} has no section ${path} on this machine`,
    remedy:
      section.type === undefined
        ? 'leave it out by a gate'
        : `give ${section.type} a property that leaves the section out`,
  }
}
