/** The rows joined, and indexed for the decoder. */
import { ONE_BYTE } from './one-byte.ts'
import type { Row } from './rows.ts'
import { TWO_BYTE } from './two-byte.ts'
import { VECTOR } from './vector.ts'
import { X87 } from './x87.ts'

export const ROWS: readonly Row[] = [...ONE_BYTE, ...TWO_BYTE, ...X87, ...VECTOR]

/** Names of all meanings that the tables ask for; rows that only raise #UD are not among them. */
export const ALL_OPS: readonly string[] = [
  ...new Set([...ROWS.filter((r) => !r.ud).flatMap((r) => [r.name, r.wideName]), 'nop', 'pause']),
].sort()

/** What an opcode stands for. */
export interface Entry {
  /** The only row, when neither prefixes nor mode nor ModRM decide. */
  readonly only: Row | undefined
  /** A row is chosen by ModRM, or every candidate has one. */
  readonly modrm: boolean
  /** By choice(): 2 modes, 4 prefixes, 8 memory digits and 64 register bytes. */
  readonly rows: readonly (Row | undefined)[]
}

/** Number of the choice. Prefix: 0 none, 1 66, 2 F3, 3 F2. */
export const choice = (long: boolean, prefix: number, modrm: number): number =>
  ((long ? 4 : 0) + prefix) * 72 + (modrm >= 0xc0 ? 8 + (modrm & 63) : (modrm >> 3) & 7)

function entry(rows: readonly Row[]): Entry | undefined {
  if (rows.length === 0) return undefined
  const first = rows[0]!
  const plain = (r: Row): boolean =>
    r.prefixes === 15 && r.digit < 0 && r.form === '' && r.exact < 0 && !r.legacyOnly && !r.longOnly
  if (rows.length === 1 && plain(first)) return { only: first, modrm: first.modrm, rows: [] }
  const chosen: (Row | undefined)[] = Array.from({ length: 8 * 72 })
  // Later rows win, so the special ones come last.
  const special = (r: Row): number => (r.exact >= 0 ? 4 : 0) + (r.prefixes === 15 ? 0 : 2) + (r.form === '' ? 0 : 1)
  for (const row of [...rows].sort((a, b) => special(a) - special(b))) fill(chosen, row)
  return { only: undefined, modrm: rows.some((r) => r.modrm), rows: chosen }
}

function fill(chosen: (Row | undefined)[], row: Row): void {
  for (const long of [false, true]) {
    if (long ? row.legacyOnly : row.longOnly) continue
    for (let prefix = 0; prefix < 4; prefix++) {
      if ((row.prefixes & (1 << prefix)) === 0) continue
      for (let slot = 0; slot < 72; slot++) {
        const modrm = slot < 8 ? slot << 3 : 0xc0 | (slot - 8)
        if (row.exact >= 0 && row.exact !== modrm) continue
        if (row.digit >= 0 && row.digit !== ((modrm >> 3) & 7)) continue
        if (row.form !== '' && (row.form === 'm') !== slot < 8) continue
        chosen[choice(long, prefix, modrm)] = row
      }
    }
  }
}

/** Number of an opcode: map * 256 + opcode. */
const numberOf = ({ map, opcode }: Row): number => map * 256 + opcode

const BY_NUMBER = new Map<number, Row[]>()
for (const row of ROWS) {
  const known = BY_NUMBER.get(numberOf(row))
  if (known === undefined) BY_NUMBER.set(numberOf(row), [row])
  else known.push(row)
}

const made: (Entry | undefined)[] = Array.from({ length: 4 * 256 })

/** What an opcode stands for, by its number. Made when it is first met: few are, and all of them take a while. */
export const entryOf = (number: number): Entry | undefined => (made[number] ??= entry(BY_NUMBER.get(number) ?? []))
