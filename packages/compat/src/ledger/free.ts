/** Which unused bytes may get a new meaning at a release, and why the others may not. */
import { compareVersions } from '@godwit/machines'
import { deletionsOf } from './calendar.ts'
import { lineName, type Ledger, type LedgerLine, type LedgerPast } from './ledger.ts'

export type Reclaim =
  /** No stream with data in these bytes can be loaded any more, or there never was one. */
  | 'free'
  /** Free once something is done first. */
  | 'after'
  /** Free to be written, but old receivers would read it. */
  | 'one-way'
  /** A stream with data in these bytes can still come. */
  | 'kept'
  /** There is nothing to reclaim. */
  | 'nothing'

export type Reason =
  | 'never-written'
  | 'version-gate'
  | 'machine-deleted'
  | 'machine-alive'
  | 'unversioned'
  | 'fork'
  | 'old-reader'
  | 'old-version-only'
  | 'no-slot'

export interface SlotVerdict {
  readonly slot: string
  readonly description: string
  readonly path: string
  readonly bytes?: number
  readonly was: string
  readonly lastWriter: string | null
  readonly verdict: Reclaim
  readonly reasons: readonly { readonly code: Reason; readonly text: string }[]
  /** Where Godwit's own description has the slot. */
  readonly ours: boolean
}

/** @param at A release: "11.2". */
export function free(ledger: Ledger, at: string): SlotVerdict[] {
  return ledger.lines
    .filter((l) => l.past !== undefined && l.died === undefined && compareVersions(l.born, at) <= 0)
    .map((l) => ({
      slot: lineName(l),
      description: l.description,
      path: l.path,
      ...(l.bytes === undefined ? {} : { bytes: l.bytes }),
      was: l.past!.was,
      lastWriter: l.past!.lastWriter,
      ours: l.from !== 'history',
      ...verdictOf(ledger, l, l.past!, at),
    }))
}

type Judged = Pick<SlotVerdict, 'verdict' | 'reasons'>

/** Whether a stream in which the bytes have a past meaning can still be loaded by a release. */
export function verdictOf(ledger: Ledger, line: LedgerLine, past: LedgerPast, at: string): Judged {
  const one = (verdict: Reclaim, code: Reason, text: string): Judged => ({ verdict, reasons: [{ code, text }] })
  if (past.noSlot) return one('nothing', 'no-slot', 'its length depends on the data: no slot')
  const { min, versionAt } = versionsOf(ledger, line, at)
  if (past.upToVersion !== undefined) {
    return one(
      'nothing',
      'old-version-only',
      `only sections of version ${past.upToVersion} have these bytes; they go when the minimum version is raised`,
    )
  }
  if (past.fork && past.fork.version >= min) {
    return one(
      'after',
      'fork',
      `${past.fork.name} wrote data in sections of version ${past.fork.version}, and ${min} and newer are loaded: raise the minimum version to ${past.fork.version + 1} first`,
    )
  }
  if (past.lastWriter === null) return neverWritten(past)
  const wrote = versionAt(past.lastWriter)
  if (wrote < min) {
    const gate = `sections of version ${wrote}, which ${past.lastWriter} wrote, are refused: the minimum is ${min}`
    return {
      verdict: 'free',
      reasons: [{ code: 'version-gate', text: gate }, ...trap(past, 'would not have freed it')],
    }
  }
  const alive = deletionsOf(past.lastWriter).filter((d) => compareVersions(d.deletedIn, at) > 0)
  const last = deletionsOf(past.lastWriter).sort((a, b) => compareVersions(b.deletedIn, a.deletedIn))[0]
  const reasons = [
    ...(alive.length > 0
      ? [
          {
            code: 'machine-alive' as const,
            text: `${past.lastWriter} wrote it, and the newest machine it knew, ${last!.machine}, lives until ${last!.deletedIn}`,
          },
        ]
      : []),
    ...trap(past, 'never frees it'),
  ]
  if (reasons.length > 0) return { verdict: 'kept', reasons }
  const gone = last
    ? `${past.lastWriter} was the last to write it; the newest machine it knew, ${last.machine}, was deleted in ${last.deletedIn}`
    : `${past.lastWriter} was the last to write it, before machines had versions`
  return one('free', 'machine-deleted', `${gone}; every machine that can hold it has a version`)
}

function neverWritten(past: LedgerPast): Judged {
  const zero = { code: 'never-written' as const, text: 'no release ever wrote anything but zeros; 0 must mean absent' }
  if (past.lastReader === undefined) return { verdict: 'free', reasons: [zero] }
  const text = `receivers up to ${past.lastReader} read it; where machines have no version (${past.unversioned.join(', ')}) they may still be asked to`
  return { verdict: 'one-way', reasons: [zero, { code: 'old-reader', text }] }
}

const trap = ({ unversioned }: LedgerPast, what: string): { code: 'unversioned'; text: string }[] =>
  unversioned.length === 0
    ? []
    : [
        {
          code: 'unversioned',
          text: `machines without versions can hold it (${unversioned.join(', ')}): deleting machine versions ${what}`,
        },
      ]

/** The minimum version at a release, and the version that a release wrote. */
function versionsOf(ledger: Ledger, line: LedgerLine, at: string) {
  const under = line.path.includes('/') ? line.path.slice(0, line.path.lastIndexOf('/') + 1) : ''
  const head = ledger.lines.find((l) => l.description === line.description && l.path === `${under}@version`)
  const versions = Object.entries(head?.versions ?? {}).map(([v, release]) => ({ v: Number(v), release }))
  const minima = Object.entries(head?.minVersions ?? {}).map(([v, release]) => ({ v: Number(v), release }))
  const first = versions.length > 0 ? Math.min(...versions.map((s) => s.v)) - 1 : (head?.version ?? 0)
  const reached = (steps: typeof versions, release: string, start: number): number =>
    steps.filter((s) => compareVersions(s.release, release) <= 0).reduce((top, s) => Math.max(top, s.v), start)
  return {
    min: reached(minima, at, minima.length > 0 ? 0 : (head?.minVersion ?? 0)),
    versionAt: (release: string) => reached(versions, release, first),
  }
}
