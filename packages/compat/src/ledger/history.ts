/** The history of QEMU's descriptions, of Godwit's devices and others, as a ledger. */
import type { Ledger, LedgerGate, LedgerLine, LedgerPast } from './ledger.ts'

export interface HistoryEntry {
  readonly description: string
  readonly path: string
  readonly kind: LedgerLine['kind']
  readonly wire: string
  readonly born: string
  readonly commit: string
  readonly needed?: string
  readonly died?: string
  readonly how?: string
  readonly neverReleased?: boolean
  readonly changed?: readonly (readonly [string, string, string])[]
  readonly was?: string
  readonly gate?: LedgerGate
  readonly confidence?: string
  readonly note?: string
  readonly bytes?: number
  readonly lastWriter?: string | null
  readonly unversioned?: readonly string[]
  readonly fork?: { readonly name: string; readonly version: number }
  readonly lastReader?: string
  readonly upToVersion?: number
  readonly noSlot?: boolean
  /** What people who read the history said of the slot at 11.2. */
  readonly verdict?: string
}

/** The entries of data/history.json. @throws Error if the text is something else. */
export function parseHistory(text: string): HistoryEntry[] {
  const { format, entries } = JSON.parse(text) as { format?: unknown; entries?: unknown }
  if (format !== 1 || !Array.isArray(entries)) {
    throw new Error(`a history has format 1 and entries, came format ${String(format)}`)
  }
  return entries as HistoryEntry[]
}

export function ledgerOfHistory(entries: readonly HistoryEntry[]): Ledger {
  return { lines: entries.map(lineOf) }
}

function lineOf(entry: HistoryEntry): LedgerLine {
  const { was, lastWriter, unversioned, fork, lastReader, upToVersion, noSlot, verdict, ...line } = entry
  void verdict
  const past: LedgerPast | undefined =
    unversioned === undefined
      ? undefined
      : {
          was: was ?? '',
          lastWriter: lastWriter ?? null,
          unversioned,
          ...(fork ? { fork } : {}),
          ...(lastReader === undefined ? {} : { lastReader }),
          ...(upToVersion === undefined ? {} : { upToVersion }),
          ...(noSlot ? { noSlot } : {}),
        }
  return {
    ...line,
    needed: entry.needed ?? 'always',
    from: 'history',
    ...(past ? { past } : {}),
    ...(entry.kind === 'version' ? versionsOf(entry) : {}),
  }
}

/** What a line of changes says of versions: "version_id 1 -> 2". Steps that were turned back are not in. */
function versionsOf({ wire, changed = [] }: HistoryEntry): Partial<LedgerLine> {
  const [, version = '0', min = version] = /version (\d+)(?:, loads from (\d+))?/.exec(wire) ?? []
  const versions: Record<number, string> = {}
  const minVersions: Record<number, string> = {}
  for (const [release, what] of changed) {
    const step = /^(section version|version|version_id|minimum_version_id):? (\d+) -> (\d+)/.exec(what)
    if (step === null || Number(step[3]) <= Number(step[2])) continue
    const minimum = step[1] === 'minimum_version_id'
    if (Number(step[3]) > Number(minimum ? min : version)) continue
    if (minimum) minVersions[Number(step[3])] = release
    else for (let v = Number(step[2]) + 1; v <= Number(step[3]); v++) versions[v] ??= release
  }
  return {
    version: Number(version),
    minVersion: Number(min),
    ...(Object.keys(versions).length > 0 ? { versions: versions as Record<number, `${number}.${number}`> } : {}),
    ...(Object.keys(minVersions).length > 0
      ? { minVersions: minVersions as Record<number, `${number}.${number}`> }
      : {}),
  }
}
