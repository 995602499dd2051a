/** A whole stream as text and as JSON, for any machine. */
import type { StreamDescription } from './describe.ts'
import { describedDecoder, findDescription } from './stream/generic.ts'
import type { Tree, TreeField, TreeValue } from './stream/generic.ts'
import type { Configuration, LiveType, StreamItem } from './stream/format.ts'
import { StreamReader } from './stream/reader.ts'
import type { StreamLimits } from './stream/reader.ts'

export interface BlockReport {
  readonly name: string
  readonly length: number
  pages: number
  zeroPages: number
  deltas: number
}

export type ElementReport = { readonly offset: number } & (
  | { readonly kind: 'command'; readonly command: string; readonly data: Uint8Array }
  | { readonly kind: 'ram'; readonly type: LiveType; pages: number; zeroPages: number; deltas: number; flushes: number }
  | {
      readonly kind: 'device'
      readonly idstr: string
      readonly instance: number
      readonly version: number
      readonly sectionId: number
      readonly size: number
      readonly tree: Tree
    }
  | { readonly kind: 'eof' }
  | { readonly kind: 'vmdescription'; readonly size: number }
)

export interface StreamReport {
  readonly bytes: number
  readonly configuration: Configuration
  readonly blocks: readonly BlockReport[]
  readonly elements: readonly ElementReport[]
  /** Whether sections were decoded by the stream's own description, or are raw bytes. */
  readonly described: boolean
}

interface Whole {
  readonly reader: StreamReader<Tree>
  readonly description: StreamDescription | null
}

function openWhole(bytes: Uint8Array, limits: Partial<StreamLimits> = {}): Whole {
  const description = findDescription(bytes, limits.maxDescriptionBytes)?.description ?? null
  const reader = new StreamReader<Tree>({ decode: describedDecoder(description), limits })
  reader.feed(bytes)
  reader.end()
  return { reader, description }
}

/** Every item of a whole stream, device sections as trees. Throws StreamError. */
export function readWhole(bytes: Uint8Array, limits?: Partial<StreamLimits>): StreamItem<Tree>[] {
  const { reader } = openWhole(bytes, limits)
  const items: StreamItem<Tree>[] = []
  for (let item = reader.next(); item; item = reader.next()) items.push(item)
  return items
}

/** Reads a whole stream into a report. Throws StreamError. */
export function inspectStream(bytes: Uint8Array, limits?: Partial<StreamLimits>): StreamReport {
  const { reader, description } = openWhole(bytes, limits)
  let configuration: Configuration = { machine: '' }
  const blocks = new Map<string, BlockReport>()
  const elements: ElementReport[] = []
  let ram: Extract<ElementReport, { kind: 'ram' }> | null = null
  const page = (block: string, what: 'pages' | 'zeroPages' | 'deltas'): void => {
    blocks.get(block)![what]++
    ram![what]++
  }
  for (let item = reader.next(); item; item = reader.next()) {
    const { offset } = item
    switch (item.kind) {
      case 'configuration':
        configuration = configurationFrom(item)
        break
      case 'command':
        elements.push({ offset, kind: 'command', command: item.command, data: item.data })
        break
      case 'sectionStart':
        ram = { offset, kind: 'ram', type: item.type, pages: 0, zeroPages: 0, deltas: 0, flushes: 0 }
        elements.push(ram)
        break
      case 'ramBlockList':
        for (const { name, length } of item.blocks)
          blocks.set(name, { name, length, pages: 0, zeroPages: 0, deltas: 0 })
        break
      case 'ramPage':
        page(item.block, 'pages')
        break
      case 'ramZero':
        page(item.block, 'zeroPages')
        break
      case 'ramXbzrle':
        page(item.block, 'deltas')
        break
      case 'ramFlush':
        ram!.flushes++
        break
      case 'device': {
        const { kind, idstr, instance, version, sectionId } = item
        elements.push({
          offset,
          kind,
          idstr,
          instance,
          version,
          sectionId,
          size: item.payload.length,
          tree: item.value,
        })
        break
      }
      case 'eof':
        elements.push({ offset, kind: 'eof' })
        break
      case 'vmdescription':
        elements.push({ offset, kind: 'vmdescription', size: item.json.length })
        break
      case 'header':
      case 'ramEos':
      case 'sectionEnd':
    }
  }
  return { bytes: bytes.length, configuration, blocks: [...blocks.values()], elements, described: description !== null }
}

function configurationFrom({ machine, targetPageBits, capabilities, uuid }: Configuration): Configuration {
  return {
    machine,
    ...(targetPageBits === undefined ? {} : { targetPageBits }),
    ...(capabilities === undefined ? {} : { capabilities }),
    ...(uuid === undefined ? {} : { uuid }),
  }
}

/** The report as lines of text. `short` leaves the fields of device sections out. */
export function reportText(report: StreamReport, options: { readonly short?: boolean } = {}): string {
  const { configuration } = report
  const out = [`${report.bytes} bytes, machine ${configuration.machine}`]
  if (configuration.capabilities) out.push(`capabilities ${configuration.capabilities.join(', ')}`)
  if (configuration.uuid) out.push(`uuid ${hexOf(configuration.uuid)}`)
  if (!report.described) out.push('no description in the stream: sections are shown as raw bytes')
  for (const b of report.blocks) {
    const deltas = b.deltas > 0 ? `, ${b.deltas} deltas` : ''
    out.push(`block ${b.name}  ${b.length} bytes, ${b.pages} pages, ${b.zeroPages} zero pages${deltas}`)
  }
  for (const e of report.elements) {
    switch (e.kind) {
      case 'command':
        out.push(`@${e.offset} command ${e.command}${e.data.length > 0 ? ' ' + hexOf(e.data) : ''}`)
        break
      case 'ram':
        out.push(
          `@${e.offset} ram ${e.type}  ${e.pages} pages, ${e.zeroPages} zero pages` +
            (e.flushes ? `, ${e.flushes} flushes` : ''),
        )
        break
      case 'device':
        out.push(
          `@${e.offset} ${e.idstr}  instance ${e.instance}, version ${e.version}, id ${e.sectionId}, ${e.size} bytes`,
        )
        if (!options.short) treeText(e.tree, '  ', out)
        break
      case 'eof':
        out.push(`@${e.offset} end`)
        break
      case 'vmdescription':
        out.push(`@${e.offset} description  ${e.size} bytes`)
    }
  }
  return out.join('\n') + '\n'
}

function treeText(tree: Tree, indent: string, out: string[]): void {
  for (const f of tree.fields) fieldText(f, indent, out)
  for (const s of tree.subsections) {
    out.push(`${indent}subsection ${s.name}  version ${s.version}`)
    treeText(s, indent + '  ', out)
  }
}

function fieldText(f: TreeField, indent: string, out: string[]): void {
  const many = Array.isArray(f.value)
  const values = many ? f.value : [f.value]
  const head = `${indent}@${f.offset} ${f.name} (${f.type} ${f.size}${many ? ` x ${values.length}` : ''})`
  if (!isTree(values[0])) return void out.push(`${head} = ${valueText(f.value)}`)
  out.push(head)
  for (let i = 0; i < values.length;) {
    let next = i + 1
    while (next < values.length && same(values[i]!, values[next]!)) next++
    if (many) out.push(`${indent}  [${i}]${next - i > 1 ? `, the same to [${next - 1}]` : ''}`)
    treeText(values[i] as Tree, indent + (many ? '    ' : '  '), out)
    i = next
  }
}

/** Whether two elements hold the same values; their offsets differ. */
function same(a: TreeValue, b: TreeValue): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((v, i) => same(v, b[i]!))
  if (a instanceof Uint8Array && b instanceof Uint8Array) return a.length === b.length && a.every((v, i) => v === b[i])
  if (isTree(a) && isTree(b)) {
    return (
      a.name === b.name &&
      a.fields.length === b.fields.length &&
      a.subsections.length === b.subsections.length &&
      a.fields.every((f, i) => same(f.value, b.fields[i]!.value)) &&
      a.subsections.every((s, i) => same(s, b.subsections[i]!))
    )
  }
  return a === b
}

const SHOWN = 64

function valueText(value: TreeValue): string {
  if (value instanceof Uint8Array) return bytesText(value)
  if (Array.isArray(value)) {
    const texts = value.map(valueText)
    if (texts.length > 8 && texts.every((t) => t === texts[0])) return `${texts[0]} x ${texts.length}`
    return `[${texts.slice(0, SHOWN).join(' ')}${texts.length > SHOWN ? ' ...' : ''}]`
  }
  if (isTree(value)) return value.name
  return value > 9 || value < 0
    ? `${value} (${value < 0 ? '-' : ''}0x${(value < 0 ? -value : value).toString(16)})`
    : String(value)
}

function bytesText(bytes: Uint8Array): string {
  if (bytes.length > 8 && bytes.every((b) => b === bytes[0])) return `${hexOf(bytes.subarray(0, 1))} x ${bytes.length}`
  return hexOf(bytes.subarray(0, SHOWN)) + (bytes.length > SHOWN ? ` ... (${bytes.length} bytes)` : '')
}

function isTree(value: TreeValue | undefined): value is Tree {
  return typeof value === 'object' && !Array.isArray(value) && !(value instanceof Uint8Array)
}

function hexOf(bytes: Uint8Array): string {
  let text = ''
  for (const b of bytes) text += b.toString(16).padStart(2, '0')
  return text
}

/** The report as plain data for JSON.stringify: bytes as hex, 64-bit numbers as decimal strings. */
export function reportJson(report: StreamReport): unknown {
  return plain(report)
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  if (value instanceof Uint8Array) return hexOf(value)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]))
  }
  return value
}
