/** Mutations that know what they change. Each returns what it did, or undefined if there was nothing to do it to. */
import { clonePart, cloneLevel, isLevel, levelsOf, type Draft, type Leaf, type Level, type Part } from './draft.ts'
import type { Random } from './random.ts'

type Device = Extract<Part, { kind: 'device' }>
type Ram = Extract<Part, { kind: 'ram' }>

export interface Donor {
  readonly draft: Draft
}

export type Mutation = (draft: Draft, r: Random, donor: Donor) => string | undefined

const devices = (d: Draft): Device[] => d.parts.filter((p) => p.kind === 'device')
const rams = (d: Draft): Ram[] => d.parts.filter((p) => p.kind === 'ram')
const leavesOf = (l: Level): Leaf[] => levelsOf(l).flatMap((x) => x.parts.filter((p): p is Leaf => !isLevel(p)))

/** A value at a border of a type of so many bytes, or near the one that is there. */
function border(bytes: Uint8Array, r: Random): Uint8Array {
  const size = bytes.length
  const bits = BigInt(8 * size)
  const old = bytes.reduce((v, b) => (v << 8n) | BigInt(b), 0n)
  const all = (1n << bits) - 1n
  const half = 1n << (bits - 1n)
  const values = [
    0n,
    1n,
    2n,
    3n,
    5n,
    0x7fn,
    0x80n,
    0xffn,
    0x100n,
    all,
    all - 1n,
    half,
    half - 1n,
    half + 1n,
    old + 1n,
    old - 1n,
    old ^ (1n << BigInt(r.below(8 * size))),
    old << 1n,
    ~old,
    BigInt(r.below(2 ** 31)) * BigInt(r.below(2 ** 31)),
    1n << BigInt(r.below(8 * size)),
  ]
  let v = r.pick(values) & all
  const out = new Uint8Array(size)
  for (let i = size - 1; i >= 0; i--, v >>= 8n) out[i] = Number(v & 0xffn)
  return out
}

function setLeaf(leaf: Leaf, r: Random): string {
  if (leaf.bytes.length <= 8 && leaf.bytes.length > 0) leaf.bytes = border(leaf.bytes, r)
  else if (leaf.bytes.length > 0) {
    for (let n = 1 + r.below(4); n > 0; n--)
      leaf.bytes[r.below(leaf.bytes.length)] = r.pick([0, 1, 0x7f, 0x80, 0xff, r.byte()])
  }
  return leaf.name
}

const COUNTS = /num|count|size|len|ptr|head|index|nb_|pos|offset|state|mode|idx|version|cmd|cur/i

const field: Mutation = (d, r) => {
  const device = r.pick(devices(d))
  const leaves = leavesOf(device.payload)
  if (leaves.length === 0) return undefined
  return `field ${device.idstr}/${device.instance} ${setLeaf(r.pick(leaves), r)}`
}

const countField: Mutation = (d, r) => {
  const device = r.pick(devices(d))
  const leaves = leavesOf(device.payload).filter((l) => COUNTS.test(l.name))
  if (leaves.length === 0) return undefined
  return `count ${device.idstr}/${device.instance} ${setLeaf(r.pick(leaves), r)}`
}

const header: Mutation = (d, r, donor) => {
  const device = r.pick(devices(d))
  const name = `${device.idstr}/${device.instance}`
  const at = r.below(8)
  if (at === 0) device.type = r.pick([0, 1, 2, 3, 5, 6, 7, 8, 0x7e, 0xff])
  if (at === 1) device.id = r.pick([0, 1, 2, device.id + 1, 0xffff_ffff, r.pick(devices(d)).id])
  if (at === 2) device.idstr = spoilt(device.idstr, r)
  if (at === 3) device.idstr = r.pick(devices(r.chance(2) ? donor.draft : d)).idstr
  if (at === 4) device.instance = r.pick([0, 1, 2, 0x7fff_ffff, 0xffff_ffff])
  if (at === 5) device.version = r.pick([0, 1, 2, device.version - 1, device.version + 1, 0x7fff_ffff, 0xffff_ffff])
  if (at === 6) device.footerId = r.pick([0, device.id + 1, r.pick(devices(d)).id, 0xffff_ffff])
  if (at === 7) device.footer = r.pick([0, 1, 4, 5, 0x7f, 0xff])
  return `header ${name} ${['type', 'id', 'idstr', 'idstr of another', 'instance', 'version', 'footer id', 'footer'][at]}`
}

function spoilt(name: string, r: Random): string {
  const at = r.below(name.length + 1)
  return r.pick([
    '',
    name + name.slice(-1),
    name.slice(0, at),
    name.slice(0, at) + String.fromCharCode(r.byte()) + name.slice(at + 1),
    name.toUpperCase(),
    'x'.repeat(255),
  ])
}

/** Removed, doubled, moved, or put in the place of another. */
const sections: Mutation = (d, r, donor) => {
  const all = devices(d)
  const one = r.pick(all)
  const at = d.parts.indexOf(one)
  const name = `${one.idstr}/${one.instance}`
  switch (r.below(6)) {
    case 0:
      d.parts.splice(at, 1)
      return `section ${name} removed`
    case 1:
      d.parts.splice(r.below(d.parts.length + 1), 0, clonePart(one))
      return `section ${name} doubled`
    case 2: {
      const copy = clonePart(one) as Device
      copy.id = copy.footerId = 0x1000 + r.below(1000)
      if (r.chance(2)) copy.instance++
      d.parts.splice(r.below(d.parts.length + 1), 0, copy)
      return `section ${name} doubled under its own id`
    }
    case 3:
      d.parts.splice(at, 1)
      d.parts.splice(r.below(d.parts.length + 1), 0, one)
      return `section ${name} moved`
    case 4: {
      const other = r.pick(all)
      const keep = one.payload
      one.payload = other.payload
      other.payload = keep
      return `payloads of ${name} and ${other.idstr}/${other.instance} exchanged`
    }
    default: {
      const other = clonePart(r.pick(devices(donor.draft))) as Device
      if (r.chance(2)) d.parts.splice(at, 1, other)
      else d.parts.splice(at, 0, other)
      return `section ${other.idstr}/${other.instance} of another stream`
    }
  }
}

const subsection: Mutation = (d, r, donor) => {
  const device = r.pick(devices(d))
  const levels = levelsOf(device.payload)
  const withSubs = levels.filter((l) => l.subsections.length > 0)
  const name = `${device.idstr}/${device.instance}`
  if (withSubs.length === 0 || r.chance(4)) {
    const given = r.pick(devices(donor.draft))
    const foreign = levelsOf((r.chance(2) ? device : given).payload).flatMap((l) => l.subsections)
    const into = r.pick(levels)
    if (foreign.length === 0) {
      const sub = { name: r.pick([`${into.name}/nothing`, into.name, '']), version: 1, parts: [], subsections: [] }
      into.subsections.push(sub)
      return `subsection ${sub.name} into ${name}`
    }
    const sub = cloneLevel(r.pick(foreign))
    into.subsections.splice(r.below(into.subsections.length + 1), 0, sub)
    return `subsection ${sub.name} into ${name}`
  }
  const { subsections } = r.pick(withSubs)
  const at = r.below(subsections.length)
  const sub = subsections[at]!
  switch (r.below(6)) {
    case 0:
      subsections.splice(at, 1)
      return `subsection ${sub.name} removed`
    case 1:
      subsections.splice(r.below(subsections.length + 1), 0, cloneLevel(sub))
      return `subsection ${sub.name} doubled`
    case 2:
      subsections.reverse()
      return `subsections of ${name} reversed`
    case 3:
      sub.name = spoilt(sub.name, r)
      return `subsection of ${name} renamed`
    case 4:
      sub.version = r.pick([0, sub.version - 1, sub.version + 1, 0xffff_ffff])
      return `version of subsection ${sub.name}`
    default: {
      const leaves = leavesOf(sub)
      if (leaves.length === 0) return undefined
      return `field <${sub.name}> ${setLeaf(r.pick(leaves), r)}`
    }
  }
}

/** Bytes put in or taken out at the border of a field. */
const length: Mutation = (d, r) => {
  const device = r.pick(devices(d))
  const level = r.pick(levelsOf(device.payload))
  if (level.parts.length === 0) return undefined
  const at = r.below(level.parts.length)
  const name = `${device.idstr}/${device.instance}`
  if (r.chance(2)) {
    level.parts.splice(at, 1)
    return `a field of ${name} left out`
  }
  const bytes = Uint8Array.from({ length: 1 + r.below(9) }, () => r.pick([0, 1, 5, 0x7e, r.byte()]))
  level.parts.splice(at, 0, { name: 'inserted', type: 'buffer', bytes })
  return `${bytes.length} bytes put into ${name}`
}

const PAGE = 4096

const ram: Mutation = (d, r) => {
  const sections = rams(d)
  if (sections.length === 0) return undefined
  const section = r.pick(sections)
  const { records } = section
  if (records.length === 0) return undefined
  const record = r.pick(records)
  const at = records.indexOf(record)
  switch (r.below(14)) {
    case 0:
      record.flags = r.pick([0, 1, 2, 4, 8, 0x10, 0x18, 0x20, 0x28, 0x40, 0x60, 0x80, 0x100, 0x200, 0x400, 0xfff])
      return 'record flags'
    case 1:
      record.flags ^= 1 << r.below(12)
      return 'record flag bit'
    case 2:
      record.offset =
        PAGE * r.pick([0, 1, 0x7fff, 0x8000, 0x3f, 0x40, 0xf_ffff, 0x10_0000, 2 ** 40, 2 ** 51, r.below(2 ** 31)])
      return 'record offset'
    case 3:
      if (record.block === undefined) record.block = r.pick(['pc.ram', 'pc.bios', 'pc.rom', 'nothing', ''])
      else record.block = r.pick([undefined, spoilt(record.block, r), 'pc.ram', 'pc.bios', '/rom@etc/acpi/tables'])
      if (r.chance(2)) record.flags ^= 0x20
      return 'record block'
    case 4:
      records.splice(at, 1)
      return 'record removed'
    case 5:
      records.splice(r.below(records.length + 1), 0, { ...record })
      return 'record doubled'
    case 6:
      records.reverse()
      return 'records reversed'
    case 7: {
      const size = r.pick([0, 1, 4095, 4096, 4097])
      record.body = Uint8Array.from({ length: size }, () => r.byte())
      return 'record body'
    }
    case 8: {
      const list = sections.flatMap((s) => s.records).find((x) => x.flags === 4)
      if (list === undefined) return undefined
      if (r.chance(3)) list.offset = PAGE * r.pick([0, 1, list.offset / PAGE - 1, list.offset / PAGE + 1, 2 ** 40])
      else list.body[r.below(list.body.length)] = r.byte()
      return 'block list'
    }
    case 9:
      section.type = r.pick([0, 1, 2, 3, 4, 5])
      return 'type of a ram section'
    case 10:
      section.id = r.pick([0, section.id + 1, 3, 0xffff_ffff])
      return 'id of a ram section'
    case 11: {
      const data = Uint8Array.from({ length: r.pick([0, 1, 3, 20, 4096]) }, () =>
        r.pick([0, 1, 2, 0x7f, 0x80, r.byte()]),
      )
      const body = Uint8Array.of(r.chance(8) ? 2 : 1, data.length >> 8, data.length & 0xff, ...data)
      records.splice(at, 0, { flags: 0x40, offset: PAGE * r.below(0x8000), block: 'pc.ram', body })
      return 'a delta'
    }
    case 12:
      // a good one: 2 bytes left alone, 3 changed
      records.splice(at, 0, {
        flags: 0x40,
        offset: PAGE * r.below(0x8000),
        block: 'pc.ram',
        body: Uint8Array.of(1, 0, 5, 2, 3, r.byte(), r.byte(), r.byte()),
      })
      return 'a delta that fits'
    default:
      if (r.chance(2)) section.footerId = r.pick([0, section.id + 1])
      else section.version = r.pick([0, 3, 5, 0xffff_ffff])
      return 'frame of a ram section'
  }
}

const ramSection: Mutation = (d, r) => {
  const sections = rams(d)
  if (sections.length === 0) return undefined
  const section = r.pick(sections)
  d.parts.splice(d.parts.indexOf(section), 1)
  if (r.chance(3)) return 'a ram section removed'
  d.parts.splice(r.below(d.parts.length + 1), 0, section)
  if (r.chance(3)) d.parts.splice(r.below(d.parts.length + 1), 0, clonePart(section))
  return 'a ram section moved or doubled'
}

const command: Mutation = (d, r) => {
  const number = r.pick([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0xff, 0xffff])
  const size = r.pick([0, 0, 1, 4, 8, 16, 300])
  const data = Uint8Array.from({ length: size }, () => r.pick([0, 0, 1, r.byte()]))
  const length = r.chance(4) ? r.pick([0, size + 1, 0xffff]) : size
  d.parts.splice(r.below(d.parts.length + 1), 0, { kind: 'command', number, length, data })
  return `command ${number}`
}

const end: Mutation = (d, r) => {
  const last = d.parts.find((p) => p.kind === 'end')
  const eof = d.parts.find((p) => p.kind === 'raw' && p.what === 'eof')
  switch (r.below(5)) {
    case 0:
      if (eof === undefined) return undefined
      d.parts.splice(d.parts.indexOf(eof), 1)
      if (r.chance(2)) return 'EOF removed'
      d.parts.splice(r.below(d.parts.length + 1), 0, eof)
      return 'EOF moved'
    case 1:
      d.parts.push({
        kind: 'raw',
        what: 'trailing',
        bytes: Uint8Array.from({ length: 1 + r.below(99) }, () => r.byte()),
      })
      return 'bytes behind the end'
    case 2:
      if (last === undefined) return undefined
      last.length = r.pick([0, 1, 3, 0xffff, 0x0100_0001, 0xffff_ffff])
      return 'length of the description'
    case 3:
      if (last === undefined) return undefined
      last.json = Uint8Array.from({ length: Math.min(last.length, 5000) }, () => r.byte())
      return 'description'
    default:
      if (last === undefined) return undefined
      if (r.chance(2)) d.parts.splice(d.parts.indexOf(last), 1)
      else last.type = r.byte()
      return 'description left out or something else'
  }
}

const preamble: Mutation = (d, r) => {
  const config = d.parts.find((p) => p.kind === 'raw' && p.what === 'configuration')
  const head = d.parts[0]
  if (config?.kind !== 'raw' || head?.kind !== 'raw') return undefined
  const sub = (name: string, ...body: number[]): number[] => [5, name.length, ...Buffer.from(name), 0, 0, 0, 1, ...body]
  switch (r.below(6)) {
    case 0:
      head.bytes = head.bytes.slice()
      head.bytes[r.below(head.bytes.length)] = r.byte()
      return 'magic or version'
    case 1:
      config.bytes = config.bytes.slice()
      config.bytes[r.below(config.bytes.length)] = r.pick([0, 1, 0xff, r.byte()])
      return 'configuration byte'
    case 2:
      config.bytes = Uint8Array.of(
        ...config.bytes,
        ...sub('configuration/target-page-bits', 0, 0, 0, r.pick([12, 12, 13, 255])),
      )
      return 'page bits'
    case 3: {
      const names = r
        .pick([[], ['x-ignore-shared'], ['mapped-ram'], ['nothing']])
        .map((n) => [n.length, ...Buffer.from(n)])
      const count = r.chance(3) ? 0xff : names.length
      config.bytes = Uint8Array.of(
        ...config.bytes,
        ...sub('configuration/capabilities', 0, 0, 0, count, ...names.flat()),
      )
      return 'capabilities'
    }
    case 4:
      config.bytes = Uint8Array.of(
        ...config.bytes,
        ...sub('configuration/uuid', ...Array.from({ length: 16 }, () => (r.chance(2) ? 0 : r.byte()))),
      )
      return 'uuid'
    default:
      d.parts.splice(r.below(2), 1)
      return 'header or configuration removed'
  }
}

/** Weighted by how much of what a machine must judge is behind them. */
const STRUCTURED: readonly (readonly [number, Mutation])[] = [
  [30, field],
  [14, countField],
  [10, header],
  [8, sections],
  [10, subsection],
  [5, length],
  [10, ram],
  [2, ramSection],
  [3, command],
  [3, end],
  [3, preamble],
]
const TOTAL = STRUCTURED.reduce((sum, [weight]) => sum + weight, 0)

/** Changes a draft once; returns what it did. */
export function mutateOnce(draft: Draft, r: Random, donor: Donor): string | undefined {
  if (draft.parts.every((p) => p.kind !== 'device')) return undefined
  let at = r.below(TOTAL)
  for (const [weight, mutation] of STRUCTURED) {
    if (at < weight) return mutation(draft, r, donor)
    at -= weight
  }
  return undefined
}
