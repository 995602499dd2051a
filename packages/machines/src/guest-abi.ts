/**
 * What a guest, or the other side of a migration, can see of a machine that has just been made, as lines of text in
 * parts. Two machines with equal lines are the same hardware; manifests freeze them. A line is `name = value`.
 */
import { cpuidLines, cpuModel, MODELS, resetRegisterLines, type Processor } from '@godwit/cpu-x86'
import type { FwCfg, PciFunction } from '@godwit/devices'
import type { AddressSpace, RamBlock } from '@godwit/memory'
import { printDescription } from '@godwit/vmstate'
import type { Board, PropTexts, Section } from './board.ts'
import { Digest } from './digest.ts'

export const ABI_PARTS = [
  'properties',
  'memory',
  'ports',
  'ram-blocks',
  'pci',
  'firmware',
  'acpi',
  'sections',
  'registers',
  'cpuid',
] as const
export type AbiPart = (typeof ABI_PARTS)[number]
export type GuestAbi = Readonly<Record<AbiPart, readonly string[]>>

/** The pieces of a machine that the lines are made from. */
export interface Visible {
  readonly board: Board
  readonly config: FwCfg
  readonly functions: ReadonlyMap<number, PciFunction>
  readonly memory: AddressSpace
  readonly ports: AddressSpace
  readonly ramBlocks: readonly RamBlock[]
  readonly sections: readonly Section[]
  readonly processor: Processor
  readonly compat: PropTexts
  readonly boardValues: Readonly<Record<string, string>>
}

export function guestAbiOf(m: Visible): GuestAbi {
  return {
    properties: properties(m),
    memory: spans(m.memory, 10),
    ports: spans(m.ports, 4),
    'ram-blocks': m.ramBlocks.map((b) => `${b.name} = ${b.usedSize} bytes, at most ${b.maxSize}`),
    pci: [...m.functions].sort(([a], [b]) => a - b).flatMap(([at, fn]) => configSpace(at, fn)),
    firmware: m.config
      .files()
      .map(({ name, bytes }, i) => `${name} = file ${i}, ${bytes.length} bytes ${digestOf(bytes)}`),
    acpi: acpiLines(m.config),
    sections: m.sections.flatMap(sectionLines),
    registers: resetRegisterLines(m.processor.cpu),
    cpuid: Object.keys(MODELS).flatMap((name) => {
      const model = cpuModel(name, m.compat)
      return cpuidLines(model).map((line) => `${name} ${line.replace('  ', ' = ')}`)
    }),
  }
}

function properties({ board, compat, boardValues }: Visible): string[] {
  return [
    ...board
      .devices()
      .flatMap(({ id, type, props }) =>
        Object.entries(props).map(([name, value]) => `${id} ${type}.${name} = ${String(value)}`),
      ),
    ...Object.entries(boardValues).map(([name, value]) => `board ${name} = ${value}`),
    ...Object.entries(compat['migration'] ?? {}).map(([name, value]) => `migration ${name} = ${value}`),
  ].sort()
}

function spans(space: AddressSpace, digits: number): string[] {
  const hex = (n: number): string => n.toString(16).padStart(digits, '0')
  return space.map().map(({ start, end, region, base }) => {
    const from = region.kind === 'io' ? '' : ` of ${region.block.name}`
    const offset = start - base + (region.kind === 'io' ? 0 : (region.blockOffset ?? 0))
    return `${hex(start)}-${hex(end - 1)} = ${region.kind} ${region.name}${offset === 0 ? '' : ` +0x${offset.toString(16)}`}${from}`
  })
}

function configSpace(at: number, fn: PciFunction): string[] {
  const place = `${(at >> 3).toString(16).padStart(2, '0')}.${at & 7}`
  const { config, wmask, w1cmask, cmask } = fn.state
  return Object.entries({ config, wmask, w1cmask, cmask }).flatMap(([name, bytes]) =>
    hexRows(bytes, 16).map((row) => `${place} ${name} ${row.slice(0, 4)} = ${row.slice(5)}`),
  )
}

const ACPI_FILE = 'etc/acpi/tables'

function acpiLines(config: FwCfg): string[] {
  const file = config.files().find((f) => f.name === ACPI_FILE)
  return file === undefined
    ? ['size = none']
    : [`size = ${file.bytes.length}`, ...hexRows(file.bytes, 32).map((row) => row.replace(' ', ' = '))]
}

/** "0040 00ff…", a line a row; rows of nought only are left out. */
function hexRows(bytes: Uint8Array, width: number): string[] {
  const rows: string[] = []
  for (let at = 0; at < bytes.length; at += width) {
    const row = bytes.subarray(at, at + width)
    if (row.every((b) => b === 0)) continue
    rows.push(`${at.toString(16).padStart(4, '0')} ${[...row].map((b) => b.toString(16).padStart(2, '0')).join('')}`)
  }
  return rows
}

/** A line a section, then a line a field with its whole path, in wire order. */
function sectionLines({ idstr, instance, vmstate }: Section): string[] {
  const [head, ...fields] = printDescription(vmstate).trimEnd().split('\n')
  const path: string[] = []
  const lines = [`${idstr}#${instance} = ${head!.replace(/ +/g, ' ')}`]
  for (const field of fields) {
    const depth = (field.length - field.trimStart().length) / 2
    const [, name, rest] = /^(subsection .*?(?= {2})|[^:]+?)(?::| ) *(.*)$/.exec(field.trim())!
    path.length = depth - 1
    path.push(name!.replace(/^subsection /, ''))
    lines.push(
      `${idstr}#${instance}/${path.join('/')} = ${name!.startsWith('subsection ') ? 'subsection, ' : ''}${rest!}`,
    )
  }
  return lines
}

function digestOf(bytes: Uint8Array): string {
  const digest = new Digest()
  digest.update(bytes)
  return digest.hex()
}
