/**
 * A stream taken apart so far that every part of it can be changed into something no sender would write. Unlike the
 * product's writer this one checks nothing.
 */
import { Writer } from '../../../packages/bits/src/index.ts'
import {
  configurationOf,
  configurationState,
  readWhole,
  saveInner,
  type Tree,
  type TreeField,
  type TreeValue,
} from './product.ts'

/** Fields of one element of a value: raw bytes, or a struct. */
export interface Leaf {
  name: string
  type: string
  /** Bytes on the wire. */
  bytes: Uint8Array
}
export interface Level {
  name: string
  version: number
  parts: (Leaf | Level)[]
  subsections: Level[]
}
export const isLevel = (part: Leaf | Level): part is Level => 'parts' in part

export interface RamRecord {
  flags: number
  offset: number
  /** Undefined: no name on the wire. */
  block: string | undefined
  body: Uint8Array
}

export type Part =
  | { kind: 'raw'; what: string; bytes: Uint8Array }
  | { kind: 'command'; number: number; length: number; data: Uint8Array }
  | {
      kind: 'device'
      type: number
      id: number
      idstr: string
      instance: number
      version: number
      payload: Level
      footer: number
      footerId: number
    }
  | { kind: 'ram'; type: number; id: number; version: number; records: RamRecord[]; footer: number; footerId: number }
  | { kind: 'end'; type: number; length: number; json: Uint8Array }

export interface Draft {
  readonly parts: Part[]
}

const LIVE = { start: 1, part: 2, end: 3 } as const

/** The parts of a recorded stream. Of its pages only every `keep`-th with data stays, and one zero page in 1024. */
export function draftOf(bytes: Uint8Array, keep: number): Draft {
  const parts: Part[] = []
  let ram: Extract<Part, { kind: 'ram' }> | undefined
  let pages = 0
  let zeros = 0
  let last: string | undefined
  const page = (flag: number, item: { block: string; pageOffset: number }, body: Uint8Array): void => {
    const same = item.block === last
    last = item.block
    const flags = flag | (same ? 0x20 : 0)
    ram!.records.push({ flags, offset: item.pageOffset, block: same ? undefined : item.block, body })
  }
  for (const item of readWhole(bytes)) {
    switch (item.kind) {
      case 'header':
        parts.push({ kind: 'raw', what: 'header', bytes: bytes.slice(0, 8) })
        break
      case 'configuration': {
        const w = new Writer()
        w.u8(7)
        saveInner(configurationState, configurationOf(item), w, 1)
        parts.push({ kind: 'raw', what: 'configuration', bytes: w.bytes().slice() })
        break
      }
      case 'command':
        parts.push({ kind: 'command', number: 11, length: item.data.length, data: item.data })
        break
      case 'sectionStart':
        ram = {
          kind: 'ram',
          type: LIVE[item.type],
          id: item.sectionId,
          version: item.version,
          records: [],
          footer: 0x7e,
          footerId: item.sectionId,
        }
        break
      case 'ramBlockList': {
        const w = new Writer()
        let total = 0
        for (const { name, length } of item.blocks) {
          w.str8(name)
          w.u64(BigInt(length))
          total += length
        }
        ram!.records.push({ flags: 4, offset: total, block: undefined, body: w.bytes().slice() })
        break
      }
      case 'ramPage':
        if (pages++ % keep === 0) page(8, item, item.data.slice())
        break
      case 'ramZero':
        if (zeros++ % 1024 === 0) page(2, item, Uint8Array.of(0))
        break
      case 'ramFlush':
        ram!.records.push({ flags: 0x200, offset: 0, block: undefined, body: new Uint8Array(0) })
        break
      case 'ramEos':
        ram!.records.push({ flags: 0x10, offset: 0, block: undefined, body: new Uint8Array(0) })
        break
      case 'sectionEnd':
        // rounds that lost all their pages say nothing
        if (ram!.type !== LIVE.part || ram!.records.length > 1) parts.push(ram!)
        break
      case 'device': {
        const { sectionId: id, idstr, instance, version } = item
        const payload = levelOf(item.value, bytes)
        parts.push({ kind: 'device', type: 4, id, idstr, instance, version, payload, footer: 0x7e, footerId: id })
        break
      }
      case 'eof':
        parts.push({ kind: 'raw', what: 'eof', bytes: Uint8Array.of(0) })
        break
      case 'vmdescription':
        parts.push({ kind: 'end', type: 6, length: 2, json: Uint8Array.of(0x7b, 0x7d) })
        break
      case 'ramXbzrle':
        throw new Error('a recorded stream with deltas')
    }
  }
  return { parts }
}

function levelOf(tree: Tree, bytes: Uint8Array): Level {
  const parts = tree.fields.flatMap((f) => partsOf(f, f.value, bytes, { at: f.offset }))
  return { name: tree.name, version: tree.version, parts, subsections: tree.subsections.map((s) => levelOf(s, bytes)) }
}

function partsOf(f: TreeField, value: TreeValue, bytes: Uint8Array, place: { at: number }): (Leaf | Level)[] {
  if (Array.isArray(value)) return value.flatMap((v) => partsOf(f, v, bytes, place))
  const from = place.at
  place.at += f.size
  if (typeof value === 'object' && !(value instanceof Uint8Array)) return [levelOf(value, bytes)]
  return [{ name: f.name, type: f.type, bytes: bytes.slice(from, from + f.size) }]
}

export const cloneLevel = (l: Level): Level => ({
  ...l,
  parts: l.parts.map((p) => (isLevel(p) ? cloneLevel(p) : { ...p, bytes: p.bytes.slice() })),
  subsections: l.subsections.map(cloneLevel),
})

export const clonePart = (p: Part): Part => {
  if (p.kind === 'device') return { ...p, payload: cloneLevel(p.payload) }
  if (p.kind === 'ram') return { ...p, records: p.records.map((x) => ({ ...x, body: x.body.slice() })) }
  return { ...p }
}

export const cloneDraft = (draft: Draft): Draft => ({ parts: draft.parts.map(clonePart) })

/** The bytes of a draft, whatever they are, and where each part begins. */
export function bytesOf(draft: Draft): { bytes: Uint8Array; offsets: number[] } {
  const w = new Writer(1 << 16)
  const offsets: number[] = []
  for (const p of draft.parts) {
    offsets.push(w.length)
    writePart(p, w)
  }
  return { bytes: w.bytes().slice(), offsets }
}

function writePart(p: Part, w: Writer): void {
  switch (p.kind) {
    case 'raw':
      return w.raw(p.bytes)
    case 'command':
      w.u8(8)
      w.u16(p.number & 0xffff)
      w.u16(p.length & 0xffff)
      return w.raw(p.data)
    case 'device':
      w.u8(p.type)
      w.u32(p.id >>> 0)
      if (p.type === 1 || p.type === 4) {
        w.str8(p.idstr)
        w.u32(p.instance >>> 0)
        w.u32(p.version >>> 0)
      }
      writeLevel(p.payload, w)
      w.u8(p.footer)
      return w.u32(p.footerId >>> 0)
    case 'ram':
      w.u8(p.type)
      w.u32(p.id >>> 0)
      if (p.type === 1 || p.type === 4) {
        w.str8('ram')
        w.u32(0)
        w.u32(p.version >>> 0)
      }
      for (const r of p.records) {
        w.uint(Math.floor(r.offset / 2 ** 32) >>> 0, 4)
        w.uint(((r.offset % 2 ** 32) + r.flags) >>> 0, 4)
        if (r.block !== undefined) w.str8(r.block)
        w.raw(r.body)
      }
      w.u8(p.footer)
      return w.u32(p.footerId >>> 0)
    case 'end':
      w.u8(p.type)
      w.u32(p.length >>> 0)
      return w.raw(p.json)
  }
}

function writeLevel(l: Level, w: Writer): void {
  for (const part of l.parts) {
    if (isLevel(part)) writeLevel(part, w)
    else w.raw(part.bytes)
  }
  for (const s of l.subsections) {
    w.u8(5)
    w.str8(s.name)
    w.u32(s.version >>> 0)
    writeLevel(s, w)
  }
}

/** Every level of a section: the section itself, structs and subsections. */
export function levelsOf(l: Level): Level[] {
  return [l, ...l.parts.filter(isLevel).flatMap(levelsOf), ...l.subsections.flatMap(levelsOf)]
}
