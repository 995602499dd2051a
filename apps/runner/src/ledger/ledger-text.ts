/** What the ledger knows, as text. */
import {
  lineName,
  oldestMachine,
  releaseDate,
  type Ledger,
  type LedgerGate,
  type LedgerLine,
  type SlotVerdict,
  type Why,
} from '@godwit/compat'

const row = (word: string, text: string): string => `  ${word.padEnd(10)}${text}`

/** A paragraph for each line of state. */
export function whyText(lines: readonly Why[]): string {
  return lines.map((line) => paragraph(line).join('\n')).join('\n\n') + '\n'
}

function paragraph(line: Why): string[] {
  const out = [line.name, row('wire', wireText(line))]
  out.push(row('born', `${line.born}${dated(line.bornOn)}${machinesText(line.machines)}`))
  for (const [version, release] of Object.entries(line.versions ?? {}))
    out.push(row('version', `${version} in ${release}`))
  for (const [version, release] of Object.entries(line.minVersions ?? {}))
    out.push(row('minimum', `version ${version} since ${release}: what is older is refused`))
  if (line.died !== undefined) {
    const became = line.became === undefined ? (line.how ?? 'removed') : `its place is ${line.became} now`
    out.push(row('died', `${line.died}${dated(releaseDate(line.died))}, ${became}`))
  } else out.push(row('sent', line.needed))
  if (line.gate) {
    out.push(row('gate', gateText(line.gate)))
    if (line.sentSince !== undefined) out.push(row('machines', `${line.sentSince} and newer have it`))
  }
  for (const [release, name] of Object.entries(line.formerly ?? {})) out.push(row('name', `${name} before ${release}`))
  for (const past of [...(line.past ? [line.past] : []), ...(line.reuses ?? [])]) out.push(row('once', past.was))
  if (line.lastWriter !== undefined) {
    const gone = line.writerGone === undefined ? '' : `, whose newest machine type goes in ${line.writerGone}`
    out.push(row('written', line.lastWriter === null ? 'by no release' : `last by ${line.lastWriter}${gone}`))
  }
  if (line.past && line.past.unversioned.length > 0) {
    out.push(row('held', `also by machines without versions: ${line.past.unversioned.join(', ')}`))
  }
  for (const [release, what, commit] of line.changed ?? [])
    out.push(row('changed', `${release}: ${what}${commit ? ` (${commit})` : ''}`))
  if (line.note !== undefined) out.push(row('note', line.note))
  if (line.commit) out.push(row('commit', line.commit))
  const sure = line.confidence === undefined ? '' : `, ${line.confidence}`
  out.push(row('source', `${SOURCE[line.from]}${sure}`))
  return out
}

const wireText = ({ wire, bytes }: LedgerLine): string => (bytes === undefined ? wire : `${wire}, ${bytes} bytes`)

const SOURCE = {
  godwit: "Godwit's description",
  history: "QEMU's history; Godwit has no such line",
  both: "Godwit's description, and QEMU's history agrees",
}

const dated = (day: string | undefined): string => (day === undefined ? '' : ` (${day})`)

function machinesText(machines: readonly string[]): string {
  return machines.length === 0 ? ', before or between named machine types' : `, with ${machines.join(', ')}`
}

function gateText(gate: LedgerGate): string {
  const off = `${gate.type}.${gate.property}${gate.value === undefined ? '' : `=${gate.value}`}`
  const who = gate.offFor === null ? 'set by users alone' : `for machine versions up to ${gate.offFor}`
  const until = gate.until === undefined ? '' : `; the property went in ${gate.until}`
  return `off by ${off} ${who}${until}${gate.note === undefined ? '' : `; ${gate.note}`}`
}

/** The slots, those that are free first. */
export function freeText(slots: readonly SlotVerdict[], at: string): string {
  const oldest = oldestMachine(at)
  const head = `at ${at}${dated(releaseDate(at))}; the oldest machine version of the PC is ${oldest ?? 'none of the calendar'}`
  const order = ['free', 'one-way', 'after', 'kept', 'nothing']
  const sorted = [...slots].sort((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict))
  const parts = sorted.map((s) => {
    const size = s.bytes === undefined ? '' : `, ${s.bytes} ${s.bytes === 1 ? 'byte' : 'bytes'}`
    const why = s.reasons.map((r) => `           ${r.text}`)
    return [`${WORDS[s.verdict].padEnd(11)}${s.slot}${size}`, `           once: ${s.was}`, ...why].join('\n')
  })
  return `${[head, ...parts].join('\n\n')}\n`
}

const WORDS: Readonly<Record<SlotVerdict['verdict'], string>> = {
  free: 'FREE',
  'one-way': 'ONE WAY',
  after: 'NOT YET',
  kept: 'KEPT',
  nothing: 'NO SLOT',
}

/** A description as a table: one line of state a row. */
export function ledgerText(ledger: Ledger, description: string): string {
  const lines = ledger.lines.filter((l) => l.description === description && !l.neverReleased)
  const rows = lines.map((l) => [
    lineName(l).slice(description.length + 1) || description,
    wireText(l),
    l.born,
    l.died ?? '',
    [
      l.gate ? `off up to ${l.gate.offFor ?? 'none'} by ${l.gate.type}.${l.gate.property}` : '',
      l.past ? `once ${l.past.was}` : '',
    ]
      .filter((t) => t !== '')
      .join('; '),
  ])
  const table = [['line', 'wire', 'born', 'died', ''], ...rows]
  const widths = [0, 1, 2, 3].map((i) => Math.max(...table.map((cells) => cells[i]!.length)))
  const texts = table.map((cells) =>
    cells
      .map((c, i) => c.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  return `${description}\n\n${texts.join('\n')}\n`
}
