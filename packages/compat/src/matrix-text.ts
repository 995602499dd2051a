/** A matrix, and the verdicts of a check, for readers. */
import type { Verdict, VerdictKind } from './check/verdict.ts'
import type { Matrix, MatrixCell, MatrixMachine } from './matrix.ts'

export const MARKS: Readonly<Record<VerdictKind, string>> = {
  ...{ fine: 'ok', 'fine-if': 'if', 'loads-but-differs': 'differs', refused: 'REFUSED', unreachable: '-' },
}

/** One paragraph per verdict. */
export function verdictText(v: Verdict): string {
  const lines = [`${v.kind}  ${v.path}  (${v.code})`, `    ${v.reason}`]
  if (v.condition !== undefined) lines.push(`    fine ${v.condition}`)
  if (v.remedy !== undefined) lines.push(`    remedy: ${v.remedy}`)
  return lines.join('\n')
}

/** A table per machine type; equal tables stand once, with all their machine types. */
export function matrixText({ machines }: Matrix): string {
  const groups = new Map<string, MatrixMachine[]>()
  for (const row of machines) {
    const key = JSON.stringify([row.builds, row.cells.map((c) => [c.kind, c.via])])
    groups.set(key, [...(groups.get(key) ?? []), row])
  }
  const parts = [...groups.values()].map((rows) => {
    const [first] = rows
    const title = rows.map((r) => r.machine).join(' ')
    if (first!.builds.length < 2) return `${title}\n  only in ${first!.builds.join('')}\n`
    return `${wrapped(title)}\n${tableOf(first!)}${notesOf(rows)}`
  })
  const legend =
    'from the left to the top.  ok: works   if: unless the guest is in a rare state   differs: the guest sees other ' +
    'hardware   REFUSED: does not load; "via" names a way round\n\n'
  return legend + parts.join('\n')
}

function wrapped(text: string): string {
  const lines: string[] = ['']
  for (const word of text.split(' ')) {
    if (lines.at(-1)!.length + word.length > 110) lines.push('')
    lines[lines.length - 1] += `${lines.at(-1) === '' ? '' : ' '}${word}`
  }
  return lines.join('\n')
}

function tableOf({ builds, cells }: MatrixMachine): string {
  const textOf = (a: string, b: string): string => {
    if (a === b) return '.'
    const cell = cells.find((c) => c.from === a && c.to === b)
    return cell === undefined ? '-' : MARKS[cell.kind] + (cell.via === undefined ? '' : ' via')
  }
  const rows = [['', ...builds], ...builds.map((a) => [a, ...builds.map((b) => textOf(a, b))])]
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((r) => r[i]!.length)))
  return rows
    .map(
      (r) =>
        '  ' +
        r
          .map((t, i) => t.padEnd(widths[i]!))
          .join('  ')
          .trimEnd() +
        '\n',
    )
    .join('')
}

/** Why cells are not fine, each reason once. */
function notesOf(rows: readonly MatrixMachine[]): string {
  const notes = new Map<string, string[]>()
  for (const cell of rows[0]!.cells) {
    for (const v of cell.verdicts) {
      if (v.kind === 'fine' || v.kind === 'fine-if') continue
      const key = `${v.path}: ${v.reason}`
      notes.set(key, [...(notes.get(key) ?? []), hopOf(cell)])
    }
  }
  return [...notes].map(([reason, hops]) => `    ${[...new Set(hops)].join(', ')}: ${reason}\n`).join('')
}

const hopOf = ({ from, to, via }: MatrixCell): string =>
  `${from} → ${to}${via === undefined ? '' : ` (via ${via.join(', ')})`}`
