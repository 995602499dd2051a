/** When a line of state was born, what switches it off, what its bytes once held. */
import { distance } from '@godwit/bits'
import { compareVersions } from '@godwit/machines'
import { deletionsOf, knownReleases, machinesOf, releaseDate } from './calendar.ts'
import { lineName, type Ledger, type LedgerLine } from './ledger.ts'

export interface Why extends LedgerLine {
  readonly name: string
  /** Day of the release of its birth; absent before the first known. */
  readonly bornOn?: string
  /** Machine types named after that release. */
  readonly machines: readonly string[]
  /** Oldest machine version whose streams can have it; absent when all can. */
  readonly sentSince?: string
  /** Of a dead line or unused bytes: the last release that wrote them; null if none ever did. */
  readonly lastWriter?: string | null
  /** When the newest machine that the last writer knew goes. */
  readonly writerGone?: string
}

export interface Found {
  readonly lines: readonly Why[]
  /** Names like the one that was asked for, when there is no such line. */
  readonly near: readonly string[]
}

/** @param path "piix4_pm.acpi_index", "piix4_pm/cpuhp/cpuhp_state", "acpi_index", or a description: "piix4_pm". */
export function why(ledger: Ledger, path: string): Found {
  const released = ledger.lines.filter((l) => !l.neverReleased)
  const exact = (l: LedgerLine): boolean => lineName(l) === path || l.path === path
  const chosen =
    [
      released.filter(exact),
      released.filter((l) => matches(l, path)),
      ledger.lines.filter((l) => exact(l) || matches(l, path)),
    ].find((lines) => lines.length > 0) ?? []
  return { lines: chosen.map(whyOf), near: chosen.length > 0 ? [] : near(ledger, path) }
}

function matches(line: LedgerLine, path: string): boolean {
  if (line.description === path) return line.path === '@version'
  const [description, rest] = split(line.description, path)
  if (description !== line.description) return tail(line, path)
  return tail(line, rest) || line.path === `${description}/${rest}`
}

function split(description: string, path: string): [string | undefined, string] {
  const next = path[description.length]
  return path.startsWith(description) && (next === '.' || next === '/')
    ? [description, path.slice(description.length + 1)]
    : [undefined, path]
}

/** The last words of a path, or a name it once had. */
function tail({ path, formerly }: LedgerLine, words: string): boolean {
  const names = [path, ...Object.values(formerly ?? {})]
  return names.some((name) => name === words || name.endsWith(`.${words}`) || name.endsWith(`/${words}`))
}

export function whyOf(line: LedgerLine): Why {
  const bornOn = releaseDate(line.born)
  const lastWriter = lastWriterOf(line)
  const gone =
    typeof lastWriter === 'string'
      ? deletionsOf(lastWriter)
          .map((d) => d.deletedIn)
          .sort((a, b) => compareVersions(b, a))[0]
      : undefined
  const sentSince = oldestSender(line)
  return {
    ...line,
    name: lineName(line),
    machines: machinesOf(line.born),
    ...(bornOn === undefined ? {} : { bornOn }),
    ...(sentSince === undefined ? {} : { sentSince }),
    ...(lastWriter === undefined ? {} : { lastWriter }),
    ...(gone === undefined ? {} : { writerGone: gone }),
  }
}

function lastWriterOf({ past, died, neverReleased }: LedgerLine): string | null | undefined {
  if (past) return past.lastWriter
  if (died === undefined) return undefined
  return neverReleased ? null : before(died)
}

function oldestSender({ gate }: LedgerLine): string | undefined {
  const offFor = gate?.offFor
  if (typeof offFor !== 'string') return undefined
  return knownReleases().find((release) => compareVersions(release, offFor) > 0)
}

/** The release before another. */
function before(release: string): string {
  const older = knownReleases().filter((r) => compareVersions(r, release) < 0)
  return older.at(-1) ?? release
}

const NEAR = 6

function near(ledger: Ledger, path: string): string[] {
  const wanted = path.toLowerCase()
  const last = wanted.split(/[./]/).at(-1)!
  const scored = new Map<string, number>()
  for (const line of ledger.lines) {
    if (line.neverReleased || line.path.endsWith('@version')) continue
    const name = lineName(line)
    const leaf = line.path.split(/[./]/).at(-1)!.toLowerCase()
    const description = wanted.startsWith(line.description.toLowerCase()) ? -3 : 0
    const score = Math.min(distance(wanted, name.toLowerCase()), distance(last, leaf) + 1) + description
    scored.set(name, Math.min(score, scored.get(name) ?? Infinity))
  }
  const limit = Math.max(3, Math.ceil(last.length / 2))
  return [...scored]
    .filter(([, score]) => score <= limit)
    .sort((a, b) => a[1] - b[1] || (a[0] < b[0] ? -1 : 1))
    .slice(0, NEAR)
    .map(([name]) => name)
}
