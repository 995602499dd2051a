/**
 * Holds the ledger of the descriptions against the committed one: nothing that was released changes its life, and what
 * is new says since when it is there.
 */
import { compareVersions } from '@godwit/machines'
import { deletionsOf, machinesOf } from './calendar.ts'
import { verdictOf } from './free.ts'
import { lineName, type Ledger, type LedgerGate, type LedgerLine } from './ledger.ts'

export interface FrozenLedger {
  /** The newest release when it was written. */
  readonly release: string
  /** Machine types that there were. */
  readonly machines: readonly string[]
  /** By name: one text for each line of that name, sorted. */
  readonly lines: Readonly<Record<string, readonly string[]>>
}

export interface LedgerFinding {
  readonly code:
    | 'no-entry'
    | 'inherited-birth'
    | 'changed-life'
    | 'removed'
    | 'version'
    | 'gate'
    | 'sentence'
    | 'reuse'
    | 'unsettled'
  /** The line of state, or the machine type. */
  readonly name: string
  readonly what: string
  readonly fix: string
}

export const ledgerFindingText = ({ name, what, fix }: LedgerFinding): string => `${name}: ${what}\n    ${fix}`

/** What of a line may not change once it is released. */
export function lifeText(line: LedgerLine): string {
  const { past } = line
  return [
    line.bytes === undefined ? line.wire : `${line.wire}, ${line.bytes} bytes`,
    ...(line.since === undefined ? [] : [`since version ${line.since}`]),
    `born ${line.born}`,
    ...(line.died === undefined ? [] : [`died ${line.died}`]),
    ...(line.gate ? [`gate ${gateText(line.gate)}`] : []),
    ...(past ? [`last written by ${past.lastWriter ?? 'none'}, once ${past.was}`] : []),
    ...(line.reuses ?? []).map((p) => `reused, once ${p.was}`),
  ].join(' | ')
}

const gateText = (g: LedgerGate): string =>
  `${g.type}.${g.property}=${g.value ?? '?'}${g.offFor === null ? '' : ` up to ${g.offFor}`}${g.until ? ` until ${g.until}` : ''}`

export function freezeLedger(ledger: Ledger, release: string, machines: readonly string[]): FrozenLedger {
  const lines: Record<string, string[]> = {}
  for (const line of ledger.lines) (lines[lineName(line)] ??= []).push(lifeText(line))
  for (const texts of Object.values(lines)) texts.sort()
  return { release, machines, lines: Object.fromEntries(Object.entries(lines).sort(([a], [b]) => (a < b ? -1 : 1))) }
}

export interface LedgerWorld {
  readonly ledger: Ledger
  readonly frozen: FrozenLedger
  /** What is known of QEMU: a line that is new to Godwit may be old there. */
  readonly history: Ledger
  /** The release that is being made. */
  readonly next: string
  readonly machines: readonly string[]
}

export function checkLedger(world: LedgerWorld): LedgerFinding[] {
  return [...added(world), ...kept(world), ...rules(world), ...settled(world)]
}

/** Lines that the committed ledger has not got. */
function added({ ledger, frozen, history, next }: LedgerWorld): LedgerFinding[] {
  const out: LedgerFinding[] = []
  const known = new Set(history.lines.map((l) => `${lineName(l)} ${l.born} ${l.died ?? ''}`))
  const descriptions = new Set(Object.keys(frozen.lines).filter((n) => n.endsWith('.@version')))
  for (const line of ledger.lines) {
    const name = lineName(line)
    if (frozen.lines[name] !== undefined || known.has(`${name} ${line.born} ${line.died ?? ''}`)) continue
    if (line.died !== undefined) continue // its removal is judged by what was frozen
    if (formerNames(line).some((former) => frozen.lines[former] !== undefined)) continue
    if (line.path === '@version' || !descriptions.has(`${line.description}.@version`)) {
      if (compareVersions(line.born, next) < 0 && line.path === '@version') {
        out.push({
          code: 'no-entry',
          name: line.description,
          what: `a description that no release had says it was born in ${line.born}`,
          fix: `life: { born: '${next}' }; or, if it is an old section of QEMU's, add its lines to data/history.json; renamed? then life.formerly and the old name's death`,
        })
      }
      continue
    }
    if (compareVersions(line.born, next) >= 0) {
      if (line.kind === 'subsection' && !line.gate && !line.ungated) {
        out.push({
          code: 'gate',
          name,
          what: 'a new subsection without a gate: a machine version of old would send it to a receiver that refuses it',
          fix: `give the device a property, set it off in the newest released machine version's row, and write gate: { type, property, value, offFor }; or ungated: 'why no old machine ever needs it'`,
        })
      }
      if (line.kind === 'field' && !line.gate && !line.reuses && !newHome(line, frozen)) {
        out.push({
          code: 'gate',
          name,
          what: 'a new field that is always sent: every receiver of old reads what comes behind it wrongly',
          fix: `put it into a subsection of its own, born: '${next}', with a gate; or behind when(sentence, exists, codec, gate)`,
        })
      }
      continue
    }
    out.push({
      code: 'inherited-birth',
      name,
      what: `is new, and its birth would be ${line.born}, that of what it stands in`,
      fix: line.path.includes('/')
        ? `put it into a subsection of its own, born: '${next}', with a gate`
        : `a released description takes no new field; put it into a subsection with born: '${next}' and a gate (a field of a new version: since(n, ...), and life.versions: { n: '${next}' })`,
    })
  }
  return out
}

/** Whether a line stands in a version or a subsection that is new as well. */
function newHome({ description, path, since }: LedgerLine, frozen: FrozenLedger): boolean {
  const under = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : ''
  const head = under === '' ? `${description}.@version` : lineName({ description, path: `${under}/@version` })
  const texts = frozen.lines[head]
  return texts === undefined || texts.every((t) => Number(/version (\d+)/.exec(t)?.[1]) < (since ?? 0))
}

/** Lines that the committed ledger has. */
function kept({ ledger, frozen, next, machines }: LedgerWorld): LedgerFinding[] {
  const out: LedgerFinding[] = []
  const now = new Map<string, LedgerLine[]>()
  for (const line of ledger.lines) now.set(lineName(line), [...(now.get(lineName(line)) ?? []), line])
  for (const [name, texts] of Object.entries(frozen.lines)) {
    const lines = now.get(name) ?? []
    if (lines.length === 0) {
      const renamed = ledger.lines.find((l) => formerNames(l).includes(name))
      if (renamed && texts.includes(lifeText(renamed))) continue
      out.push(gone(name, texts, next, now))
      continue
    }
    const fresh = lines.filter((l) => !texts.includes(lifeText(l)))
    const left = texts.filter((t) => !lines.some((l) => lifeText(l) === t))
    fresh.forEach((line, i) => {
      const before = left[i]
      if (before === undefined || allowed(line, before, next, machines)) return
      const raised = line.kind === 'version' && !before.startsWith(`${line.wire} `)
      out.push({
        code: raised ? 'version' : 'changed-life',
        name,
        what: `was released as "${before}", and is now "${lifeText(line)}"`,
        fix: raised
          ? `a raised version says when: life.versions: { ${line.version}: '${next}' }, a raised minimum life.minVersions: { ${line.minVersion}: '${next}' }`
          : 'put its life back; what a release wrote cannot be changed. A new form of a value is a new line, and the old one dies',
      })
    })
  }
  return out
}

/** Names on the wire that a line once had, in full. */
function formerNames({ description, path, formerly }: LedgerLine): string[] {
  const under = path.includes('/') ? path.slice(0, path.lastIndexOf('/') + 1) : ''
  return Object.values(formerly ?? {}).map((name) => lineName({ description, path: under + name }))
}

function gone(
  name: string,
  texts: readonly string[],
  next: string,
  now: ReadonlyMap<string, readonly LedgerLine[]>,
): LedgerFinding {
  if (name.endsWith('.@version')) {
    const description = name.slice(0, -'.@version'.length)
    const same = [...now.values()].flat().find((l) => l.path === '@version' && lifeText(l) === texts[0])
    return {
      code: 'removed',
      name: description,
      what: `the description is gone${same ? `; is it now ${same.description}?` : ''}: every stream of the past has it`,
      fix: 'put it back. A section keeps its name for ever; a file or a variable may be renamed, the name on the wire not',
    }
  }
  const field = name.split(/[./]/).at(-1)!
  return {
    code: 'removed',
    name,
    what: `is gone without a word (${texts[0]})`,
    fix: `leave unused(BYTES, { born: '${next}', was, lastWriter, unversioned }) in its place and write dead: { '${field}': { wire, born, died: '${next}', became } } into life; renamed: born(RELEASE, ..., { formerly: { '${next}': '${field}' } })`,
  }
}

/** Changes that a release may make. */
function allowed(line: LedgerLine, before: string, next: string, machines: readonly string[]): boolean {
  const newer = (release: string | undefined): boolean => release !== undefined && compareVersions(release, next) >= 0
  if (newer(line.died)) return true
  if (newer(line.gate?.until)) return true
  if (line.reuses !== undefined && newer(line.born)) return true
  // a gate whose machine versions are gone may go
  const gate = / \| gate \S+ up to (\S+)[^|]*/.exec(before)
  if (gate && !line.gate && !machines.some((m) => reaches(m, gate[1]!))) {
    const without = before.replace(gate[0].trimEnd(), '')
    return lifeText(line) === without || allowed(line, without, next, machines)
  }
  if (line.kind === 'version') {
    const [, version, min] = /version (\d+)(?:, loads from (\d+))?/.exec(before) ?? []
    const raised = Number(line.version) > Number(version)
    const raisedMin = Number(line.minVersion) > Number(min ?? version)
    if (!raised && !raisedMin) return false
    return (
      (!raised || newer(line.versions?.[line.version!])) && (!raisedMin || newer(line.minVersions?.[line.minVersion!]))
    )
  }
  return false
}

/** Whether a machine type is of a version, or older. */
const reaches = (machine: string, version: string): boolean => {
  const own = /-(\d+\.\d+(?:\.\d+)?)$/.exec(machine)?.[1]
  return own !== undefined && compareVersions(own, version) <= 0
}

/** What must hold of any ledger. */
function rules({ ledger }: LedgerWorld): LedgerFinding[] {
  const out: LedgerFinding[] = []
  for (const line of ledger.lines) {
    const name = lineName(line)
    if (line.kind === 'subsection' && line.needed === 'as the guest has it') {
      out.push({
        code: 'sentence',
        name,
        what: 'does not say when it is sent',
        fix: "write what `needed` asks as a sentence: when: 'the level is not 0'",
      })
    }
    for (const past of line.reuses ?? []) {
      const judged = verdictOf(ledger, line, past, line.born)
      if (past.decoder || judged.verdict === 'free') continue
      out.push({
        code: 'reuse',
        name,
        what: `its bytes once held ${past.was}, and such streams can still come: ${judged.reasons.map((r) => r.text).join('; ')}`,
        fix: 'give that past meaning a decode(came, state, version), or leave the bytes unused',
      })
    }
  }
  return out
}

/** Machine types that were deleted since, while a line of the ledger still speaks of them. */
function settled({ ledger, frozen, machines }: LedgerWorld): LedgerFinding[] {
  const out: LedgerFinding[] = []
  for (const machine of frozen.machines.filter((m) => !machines.includes(m))) {
    const version = /-(\d+\.\d+(?:\.\d+)?)$/.exec(machine)?.[1]
    // another family may still have the version
    if (version === undefined || machines.some((m) => reaches(m, version))) continue
    for (const line of ledger.lines) {
      const { gate, past } = line
      if (gate?.offFor === version && gate.until === undefined && gate.settled === undefined) {
        out.push({
          code: 'unsettled',
          name: machine,
          what: `is deleted, and ${lineName(line)} is switched off for it by ${gateText(gate)}`,
          fix: "drop the property and write until: 'RELEASE' into the gate, or settled: 'RELEASE' if the property stays for users",
        })
      }
      const writer = past?.lastWriter
      if (typeof writer !== 'string' || past!.settled !== undefined) continue
      if (!machinesOf(writer).includes(machine) && !deletionsOf(writer).some((d) => d.machine === machine)) continue
      out.push({
        code: 'unsettled',
        name: machine,
        what: `is deleted; it was the newest machine that the last writer of ${lineName(line)} (${writer}) knew`,
        fix: `see godwit vmstate free --at RELEASE, decide, and write settled: 'RELEASE' beside lastWriter`,
      })
    }
  }
  return out
}
