/** The generated pages of docs/reference: what the code says of itself, so that a change of wire is a line in review. */
import * as devices from '../../packages/devices/src/index.ts'
import type { DeviceDef, Model, Props } from '../../packages/hw/src/index.ts'
import { compatOf, createMachine, families, typeName, type Family } from '../../packages/machines/src/index.ts'
import { printDescription, type AnyVMState } from '../../packages/vmstate/src/index.ts'

const GENERATED = '<!-- Written by pnpm ref. -->\n\n'

type AnyDef = DeviceDef<unknown, Props, string, Model>

/** Text of every page by its path below docs/reference. */
export function referencePages(): Map<string, string> {
  const pages = new Map<string, string>()
  for (const [name, vmstate] of boardDescriptions()) pages.set(`vmstate/${name}.md`, vmstatePage(vmstate))
  pages.set('machines.md', machinesPage())
  pages.set('devices.md', devicesPage())
  return pages
}

/** Descriptions of the sections that the board's newest version sends, by file name. */
export function boardDescriptions(): Map<string, AnyVMState> {
  const machine = createMachine({ type: families[0]!.alias, memoryBytes: 2 ** 24, incoming: true, time: {} })
  return new Map(machine.sections.map((s) => [fileNameOf(s.idstr), s.vmstate]))
}

/** "0000:00:01.1/ide" is kept as "ide". */
export const fileNameOf = (idstr: string): string => idstr.slice(idstr.lastIndexOf('/') + 1)

function vmstatePage(vmstate: AnyVMState): string {
  return `${GENERATED}# ${vmstate.name}\n\n\`\`\`\n${printDescription(vmstate, { life: true })}\`\`\`\n`
}

function machinesPage(): string {
  const parts = families.map((family) => {
    const rows = family.versions.map((v) => `| \`${typeName(family, v)}\` | ${changes(family, v.version)} |`)
    const oldest = family.versions.at(-1)!
    const sum = Object.entries(compatOf(family, oldest)).flatMap(([type, props]) =>
      Object.entries(props).map(([name, value]) => `- \`${type}.${name}=${value}\``),
    )
    return [
      `## ${family.name}\n\n${family.doc}. \`${family.alias}\` is \`${typeName(family, family.versions[0]!)}\`.\n`,
      `| type | otherwise than the row above |\n|---|---|\n${rows.join('\n')}\n`,
      `All of it together, as \`${typeName(family, oldest)}\` has it:\n\n${sum.join('\n')}\n`,
    ].join('\n')
  })
  return `${GENERATED}# Machine types\n\n${parts.join('\n')}`
}

function changes(family: Family, version: string): string {
  const row = family.versions.find((v) => v.version === version)!
  const texts = Object.entries(row.compat).flatMap(([type, props]) =>
    Object.entries(props).map(([name, value]) => `\`${type}.${name}=${value}\``),
  )
  for (const [name, value] of Object.entries(row.board ?? {})) texts.push(`board \`${name}=${value}\``)
  return texts.join('<br>')
}

function devicesPage(): string {
  const defs = Object.values(devices as Record<string, unknown>)
    .filter(isDefinition)
    .sort((a, b) => (a.type < b.type ? -1 : 1))
  return `${GENERATED}# Devices\n\n${defs.map(deviceText).join('\n')}`
}

function isDefinition(value: unknown): value is AnyDef {
  return typeof value === 'object' && value !== null && 'type' in value && 'props' in value && 'create' in value
}

function deviceText(def: AnyDef): string {
  const wire = def.vmstate === 'stateless' ? 'no state' : `state \`${def.vmstate.name}\` version ${def.vmstate.version}`
  const wires = def.wires.length > 0 ? `, wires ${def.wires.map((w) => `\`${w}\``).join(' ')}` : ''
  const head = `## ${def.type}\n\n${def.doc}. ${wire[0]!.toUpperCase()}${wire.slice(1)}${wires}.\n`
  const rows = Object.entries(def.props).map(([name, p]) => `| \`${name}\` | ${valueText(p.default)} | ${p.doc} |`)
  return rows.length === 0 ? head : `${head}\n| property | default | |\n|---|---|---|\n${rows.join('\n')}\n`
}

function valueText(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off'
  if (typeof value === 'string') return value === '' ? '' : `\`${value}\``
  return String(value)
}
