/** Descriptions as text for readers. */
import type { AnyVMState, Codec } from './field.ts'
import type { Gate, Release, UnusedLife } from './life.ts'
import { planOf } from './plan.ts'
import type { Level } from './plan.ts'

type AnyCodec = Codec<unknown>

/** How a description is printed. */
export interface PrintOptions {
  /** With births, deaths and gates. */
  readonly life?: boolean
}

/** A description for readers: one line per field in wire order, the insides of structs indented. */
export function printDescription(vmstate: AnyVMState, options: PrintOptions = {}): string {
  const lines: string[] = []
  const print: Print = { out: lines, open: new Set(), life: options.life === true }
  lines.push(`${vmstate.name}  version ${vmstate.version}, loads from ${vmstate.minVersion}${bornText(print, vmstate)}`)
  printPlan(vmstate, '  ', print)
  return lines.join('\n') + '\n'
}

interface Print {
  readonly out: string[]
  readonly open: Set<AnyVMState>
  readonly life: boolean
}

function bornText({ life: shown }: Print, { life }: AnyVMState): string {
  if (!shown) return ''
  const versions = Object.entries(life.versions ?? {}).map(([v, release]) => `version ${v} in ${release}`)
  return [`, born ${life.born}`, ...versions].join(', ') + gateText(life.gate)
}

const gateText = (gate: Gate | null | undefined): string =>
  gate
    ? `, off ${gate.offFor === null ? '' : `up to ${gate.offFor} `}by ${gate.type}.${gate.property}=${gate.value}`
    : ''

function printPlan(vmstate: AnyVMState, indent: string, print: Print): void {
  const { out, open } = print
  if (open.has(vmstate)) return void out.push(`${indent}(as above)`)
  open.add(vmstate)
  const plan = planOf(vmstate)
  printLevel(plan, vmstate.life.born, vmstate.life.versions, indent, print)
  if (print.life) {
    for (const [name, dead] of Object.entries(vmstate.life.dead ?? {}))
      out.push(`${indent}(${name}: ${dead.wire}, ${dead.born} until ${dead.died})`)
  }
  for (const { key, from } of plan.derived) out.push(`${indent}${key}: not on the wire, from ${from}`)
  open.delete(vmstate)
}

function printLevel(
  level: Level,
  born: Release,
  versions: Readonly<Record<number, Release>> | undefined,
  indent: string,
  print: Print,
): void {
  const { out } = print
  for (const line of level.lines) {
    const own = line.life?.born ?? (line.since > 0 ? versions?.[line.since] : undefined) ?? born
    const conditions = [
      line.since > 0 && `since version ${line.since}`,
      line.exists && `when ${line.sentence}`,
      print.life && own !== born && `born ${own}`,
    ]
    const tail =
      conditions
        .filter(Boolean)
        .map((c) => `, ${c as string}`)
        .join('') + (print.life ? gateText(line.gate) : '')
    if (line.codec === null) {
      const was = print.life ? `, once ${(line.life as UnusedLife).was}` : ''
      out.push(`${indent}${line.name}: ${line.unused} unused bytes${tail}${was}`)
      continue
    }
    const name = line.name === line.key ? line.key : `${line.key} (${line.name})`
    out.push(`${indent}${name}: ${codecText(line.codec)}${tail}`)
    const inner = innerOf(line.codec)
    if (inner) printPlan(inner, indent + '  ', print)
  }
  for (const { sub, ...inner } of level.subsections) {
    const oldest =
      sub.minVersion === undefined || sub.minVersion === sub.version ? '' : `, loads from ${sub.minVersion}`
    const life = print.life ? `, born ${sub.born}${gateText(sub.gate)}${sub.when ? `, when ${sub.when}` : ''}` : ''
    out.push(`${indent}subsection ${sub.name}  version ${sub.version}${oldest}${life}`)
    printLevel(inner, sub.born, sub.versions, indent + '  ', print)
  }
}

export function codecText(codec: AnyCodec): string {
  const { shape, type } = codec
  switch (shape?.kind) {
    case undefined:
      return type
    case 'bytes':
      return `${type}[${shape.length}]`
    case 'array':
      return `${codecText(shape.element)}[${shape.length}]`
    case 'list':
      return `${type} of ${codecText(shape.element)}`
    case 'struct':
    case 'tmp':
      return `${type} ${shape.vmstate.name} version ${('version' in shape ? shape.version : undefined) ?? shape.vmstate.version}`
  }
}

export function innerOf(codec: AnyCodec): AnyVMState | null {
  const { shape } = codec
  if (shape?.kind === 'struct' || shape?.kind === 'tmp') return shape.vmstate
  if (shape?.kind === 'array' || shape?.kind === 'list') return innerOf(shape.element)
  return null
}
