/** The ledger: every line of state that is or was in a stream, with its life, as plain data. */
import { lifeOf, type AnyVMState, type LifeLine, type Past } from '@godwit/vmstate'

export interface LedgerGate {
  readonly type: string
  readonly property: string
  /** The value that switches the line off; absent where the history does not tell. */
  readonly value?: string
  readonly offFor: string | null
  readonly until?: string
  readonly settled?: string
  readonly note?: string
}

export interface LedgerLine extends Omit<LifeLine, 'reuses' | 'gate' | 'past' | 'born' | 'died' | 'formerly'> {
  readonly born: string
  readonly died?: string
  readonly gate?: LedgerGate
  readonly formerly?: Readonly<Record<string, string>>
  readonly past?: LedgerPast
  /** Past meanings of bytes that mean something else now, and whether each has a decoder. */
  readonly reuses?: readonly (LedgerPast & { readonly decoder: boolean })[]
  /** Godwit's description, QEMU's history, or both. */
  readonly from: 'godwit' | 'history' | 'both'
  readonly commit?: string
  /** Release, what, commit. */
  readonly changed?: readonly (readonly [string, string, string])[]
  readonly how?: string
  readonly note?: string
  readonly confidence?: string
  /** Born and dead within one development cycle: never in a released stream. */
  readonly neverReleased?: boolean
}

export interface LedgerPast extends Omit<Past, 'lastWriter' | 'settled'> {
  readonly lastWriter: string | null
  readonly settled?: string
  /** Newest release that reads something out of the bytes. */
  readonly lastReader?: string
  /** The bytes are only in sections of this version and older. */
  readonly upToVersion?: number
  /** Bytes that are skipped as the data wants it, and no slot. */
  readonly noSlot?: boolean
}

export interface Ledger {
  readonly lines: readonly LedgerLine[]
}

/** The full name of a line: "piix4_pm.acpi_pci_hotplug.acpi_index", "fw_cfg/acpi_mr/table_mr_size". */
export function lineName({ description, path }: Pick<LedgerLine, 'description' | 'path'>): string {
  return path.startsWith(`${description}/`) ? path : `${description}.${path}`
}

export function ledgerOf(descriptions: Iterable<AnyVMState>): Ledger {
  const seen = new Set<string>()
  const lines: LedgerLine[] = []
  for (const vmstate of descriptions) {
    for (const { reuses, ...line } of lifeOf(vmstate)) {
      const one: LedgerLine = {
        ...line,
        from: 'godwit',
        ...(reuses ? { reuses: reuses.map((past) => ({ ...dataOf(past), decoder: 'decode' in past })) } : {}),
      }
      const text = JSON.stringify(one)
      if (seen.has(text)) continue
      seen.add(text)
      lines.push(one)
    }
  }
  return { lines }
}

const dataOf = ({ was, lastWriter, unversioned, fork, settled }: Past): LedgerPast => ({
  was,
  lastWriter,
  unversioned,
  ...(fork ? { fork } : {}),
  ...(settled ? { settled } : {}),
})

/** Descriptions are the truth of what is sent; the history adds commits, changes and what Godwit does not have. */
export function merged(ours: Ledger, history: Ledger): Ledger {
  const known = new Map<string, LedgerLine[]>()
  for (const line of history.lines) {
    const key = lineName(line)
    known.set(key, [...(known.get(key) ?? []), line])
  }
  const used = new Set<LedgerLine>()
  const lines = ours.lines.map((line): LedgerLine => {
    const same = (known.get(lineName(line)) ?? []).filter((l) => (l.died === undefined) === (line.died === undefined))
    const theirs = same.find((l) => l.born === line.born && !used.has(l)) ?? same.find((l) => !used.has(l)) ?? same[0]
    if (theirs === undefined) return line
    used.add(theirs)
    return {
      ...theirs,
      ...line,
      ...(line.gate && theirs.gate?.note ? { gate: { ...line.gate, note: theirs.gate.note } } : {}),
      ...(line.past ? { past: { ...theirs.past, ...line.past } } : {}),
      from: theirs.born === line.born ? 'both' : 'godwit',
    }
  })
  return { lines: [...lines, ...history.lines.filter((line) => !used.has(line))] }
}
