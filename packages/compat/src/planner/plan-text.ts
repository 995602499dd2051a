/** A plan for people, and the row to paste. */
import { compareVersions } from '@godwit/machines'
import type { BackportPlan, PlannedMachine } from './plan.ts'

const ANSWERS = {
  none: 'No machine version is needed.',
  row: 'A compat row, and no machine version besides the next.',
  'bugfix-version': 'A compat row and a bugfix version.',
} as const

export function planText(plan: BackportPlan): string {
  const list = (title: string, lines: readonly string[]): string =>
    lines.length === 0 ? '' : `\n${title}\n${lines.map((l) => `  ${l}\n`).join('')}`
  return (
    `${ANSWERS[plan.answer]}\n` +
    list('Why', plan.reasons) +
    list(
      'Rows',
      plan.rows.map((r) => `${r.version}: ${r.line}`),
    ) +
    list(
      'Machines',
      plan.machines.flatMap((m) => [
        `${m.name}: ${m.from} with ${m.difference.join(', ')}; between ${m.between[1]} and ${m.between[0]}`,
        `  known to ${m.knownTo.join(', ')} and all later; deprecated in ${m.deprecatedIn}, deleted in ${m.deletedIn}`,
        `  ${rowText(m)}`,
      ]),
    ) +
    list(
      'In this order',
      plan.steps.map((s, i) => `${i + 1}. ${s.branch}: ${s.todo}`),
    ) +
    list('Mind', plan.warnings)
  )
}

/** The row as it is written in the table. */
export function rowText(m: PlannedMachine): string {
  const [board, compat] = [
    m.difference.filter((d) => d.startsWith('board ')).map((d) => d.slice('board '.length)),
    m.difference.filter((d) => !d.startsWith('board ')),
  ]
  const pair = (line: string): string => {
    const at = line.indexOf('=')
    return `'${line.slice(0, at)}': '${line.slice(at + 1)}'`
  }
  const types = compat.map((line) => {
    const dot = line.indexOf('.')
    return `'${line.slice(0, dot)}': { ${pair(line.slice(dot + 1))} }`
  })
  const known = [...m.knownTo].sort(compareVersions).map((k) => `'${k}'`)
  return [
    `{ version: '${m.version}', from: '${m.from}', fix: '…', on: '…', knownTo: [${known.join(', ')}]`,
    types.length === 0 ? 'compat: {}' : `compat: { ${types.join(', ')} }`,
    ...(board.length === 0 ? [] : [`board: { ${board.map(pair).join(', ')} }`]),
  ]
    .join(', ')
    .concat(' }')
}
