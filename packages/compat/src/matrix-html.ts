/** A matrix as one HTML page that needs nothing else: no script, no font, no image from elsewhere. */
import type { Verdict } from './check/verdict.ts'
import type { Matrix, MatrixCell, MatrixMachine } from './matrix.ts'
import { MARKS } from './matrix-text.ts'

const STYLE = `
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; color: #222; background: #fff }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin: 2rem 0 .4rem; overflow-wrap: anywhere }
table { border-collapse: collapse } th, td { border: 1px solid #bbb; padding: .3rem .6rem; text-align: left; vertical-align: top }
th { background: #f3f3f3; font-weight: 600 }
.fine { background: #d9f2dd } .fine-if { background: #eef5c8 } .loads-but-differs { background: #ffe7b8 }
.refused { background: #ffd2cc } .unreachable { background: #e4e4e4; color: #666 }
details { margin: .2rem 0 } summary { cursor: pointer } dl { margin: .2rem 0 .6rem 1rem } dt { font-weight: 600 } dd { margin: 0 0 .4rem 1rem }
small { color: #555 }
@media (prefers-color-scheme: dark) {
  body { color: #ddd; background: #181818 } th { background: #2a2a2a } th, td { border-color: #555 } small { color: #aaa }
  .fine { background: #1e4426 } .fine-if { background: #3d4417 } .loads-but-differs { background: #5a4311 }
  .refused { background: #5c241d } .unreachable { background: #333; color: #999 }
}`

const LEGEND: readonly (readonly [string, string])[] = [
  ['fine', 'works'],
  ['fine-if', 'works unless the guest is in a rare state'],
  ['loads-but-differs', 'runs on, but the guest sees other hardware or loses state'],
  ['refused', 'does not load'],
  ['unreachable', 'one of the builds has no such machine type'],
]

export function matrixHtml({ builds, machines }: Matrix): string {
  const groups = new Map<string, MatrixMachine[]>()
  for (const row of machines) {
    const key = JSON.stringify([row.builds, row.cells])
    groups.set(key, [...(groups.get(key) ?? []), row])
  }
  const legend = LEGEND.map(([kind, text]) => `<td class="${kind}">${MARKS[kind as keyof typeof MARKS]}: ${text}</td>`)
  const body = [...groups.values()].map((rows) => sectionOf(rows, builds))
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>What migrates to what</title><style>${STYLE}</style></head><body>
<h1>What migrates to what</h1>
<p>Rows are sources, columns destinations. Open a cell to read why.</p>
<table><tr>${legend.join('')}</tr></table>
${body.join('\n')}
</body></html>
`
}

function sectionOf(rows: readonly MatrixMachine[], builds: readonly string[]): string {
  const { cells } = rows[0]!
  const head = `<tr><th>from \\ to</th>${builds.map((b) => `<th>${escaped(b)}</th>`).join('')}</tr>`
  const lines = builds.map((a) => {
    const columns = builds.map((b) => (a === b ? '<td></td>' : cellOf(cells.find((c) => c.from === a && c.to === b))))
    return `<tr><th>${escaped(a)}</th>${columns.join('')}</tr>`
  })
  return `<h2>${escaped(rows.map((r) => r.machine).join(', '))}</h2>\n<table>${head}${lines.join('')}</table>`
}

function cellOf(cell: MatrixCell | undefined): string {
  if (cell === undefined) return '<td class="unreachable">-</td>'
  const { kind, via, verdicts } = cell
  const mark = `${MARKS[kind]}${via === undefined ? '' : ` <small>via ${escaped(via.join(', '))}</small>`}`
  const telling = verdicts.filter((v) => v.kind !== 'fine')
  if (telling.length === 0) return `<td class="${kind}">${mark}</td>`
  return `<td class="${kind}"><details><summary>${mark}</summary><dl>${telling.map(partOf).join('')}</dl></details></td>`
}

function partOf(v: Verdict): string {
  const more = [
    v.reason,
    ...(v.condition === undefined ? [] : [`fine ${v.condition}`]),
    ...(v.remedy === undefined ? [] : [`remedy: ${v.remedy}`]),
  ]
  return `<dt>${escaped(v.path)} <small>${v.code}</small></dt>${more.map((m) => `<dd>${escaped(m)}</dd>`).join('')}`
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
