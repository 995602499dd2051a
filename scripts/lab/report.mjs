/** The results of the lab for people: lines as they come, a summary, and a page of Markdown. */

const ms = (value) => String(value ?? '-').padStart(5)

export function linesOf({ kind, stops, faults, hops, clock, position, rates, lateTicks, seconds }) {
  const lines = [
    `${faults.length === 0 ? 'ok  ' : 'FAIL'} ${stops.join(' -> ')}  (${kind}, ${seconds.toFixed(0)} s, ${position}${clock === undefined ? '' : `, clock ${clock}`})`,
  ]
  for (const { peer, rate } of rates ?? []) {
    if (Math.abs(rate - 1) > 0.1) lines.push(`       guest time ran at ${rate} of wall time in ${peer}`)
  }
  if (lateTicks) lines.push('       a timer interrupt came so late that Linux doubts its TSC')
  for (const h of hops) {
    lines.push(
      `       ${`${h.from} -> ${h.to}`.padEnd(24)} downtime ${ms(h.downtime)} ms, stopped ${ms(h.stopped)} ms, total ${ms(h.total)} ms, ` +
        `${String(h.mib).padStart(4)} MiB, clock off by ${ms(h.clockError)} ms  ${h.before} -> ${h.after}${h.compared ? ', compared' : ''}`,
    )
    for (const d of h.differences) lines.push(`         differs: ${d}`)
  }
  for (const fault of faults) lines.push(`       ${fault}`)
  return lines
}

function median(values) {
  const sorted = values.filter((v) => v !== undefined).sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}

const kindOf = (name) => name.split(' ')[0]
const DIRECTIONS = ['QEMU -> Godwit', 'Godwit -> QEMU', 'QEMU -> QEMU']

/** The middle figures of moves by where they go. */
export function figuresOf(results) {
  return DIRECTIONS.map((direction) => {
    const hops = results.flatMap((r) => r.hops).filter((h) => `${kindOf(h.from)} -> ${kindOf(h.to)}` === direction)
    const middle = (key) => median(hops.map((h) => h[key]))
    const rate = median(hops.map((h) => (h.total > 0 ? Math.round((h.mib * 1000) / h.total) : undefined)))
    const worst = Math.max(0, ...hops.map((h) => Math.abs(h.clockError ?? 0)))
    const longest = Math.max(0, ...hops.map((h) => h.downtime ?? 0))
    const figures = { downtime: middle('downtime'), stopped: middle('stopped'), total: middle('total'), rate }
    return { direction, moves: hops.length, ...figures, worst, longest }
  }).filter(({ moves }) => moves > 0)
}

const HEADS = ['moves', 'downtime', 'longest', 'stopped', 'total', 'MiB/s', 'clock off by']
const rowOf = (f) => [f.moves, f.downtime, f.longest, f.stopped, f.total, f.rate, f.worst].map((v) => String(v ?? '-'))

export function summaryLines(results) {
  const wide = (cells) => cells.map((c) => c.padStart(13)).join('')
  return [
    '',
    `${'medians in ms'.padEnd(16)}${wide(HEADS)}`,
    ...figuresOf(results).map((f) => `${f.direction.padEnd(16)}${wide(rowOf(f))}`),
  ]
}

const table = (heads, rows) =>
  [heads, heads.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

export const titleOf = ({ type, guest, cpu, machine, way }) =>
  `${guest === 'bios' ? 'SeaBIOS' : 'Linux'}, ${cpu}, pc-i440fx-${type}${machine === 'min' ? ' bare' : ''}, ${way}`

function cellOf(result) {
  if (result === undefined) return ''
  const figures = result.hops.map((h) => h.downtime ?? '-').join(' + ')
  const differs = result.hops.some((h) => h.differences.length > 0)
  return `${result.faults.length === 0 ? (differs ? 'differs' : 'ok') : 'FAIL'} ${figures}`
}

function matrixOf(results) {
  const pairs = results.filter((r) => r.kind === 'pair')
  const others = results.filter((r) => r.kind !== 'pair')
  const before = [...new Set(pairs.map((r) => r.stops[0]))]
  const after = [...new Set(pairs.map((r) => r.stops.at(-1)))]
  const find = (kind, ...stops) => results.find((r) => r.kind === kind && r.stops.join() === stops.join())
  const rows = before.map((a) => [
    `QEMU ${a} → Godwit`,
    ...after.map((b) => `${cellOf(find('pair', a, 'godwit', b))} (${cellOf(find('reference', a, b)) || '-'})`),
  ])
  if (others.some((r) => r.kind === 'born')) {
    rows.push(['born in Godwit', ...after.map((b) => cellOf(find('born', 'godwit', b)))])
  }
  const chains = others
    .filter((r) => r.kind === 'chain')
    .map((r) => `Chain ${r.stops.map((s) => (s === 'godwit' ? 'G' : s)).join(' → ')}: ${cellOf(r)}, ${r.position}.`)
  return [before.length === 0 ? '' : table(['', ...after.map((b) => `→ QEMU ${b}`)], rows), ...chains].filter(Boolean)
}

/** @param {object[]} results of all cells @param {string} when a date */
export function markdownOf(results, when) {
  const titles = [...new Set(results.map(titleOf))]
  const failed = results.filter((r) => r.faults.length > 0)
  const compared = results.flatMap((r) => r.hops).filter((h) => h.compared)
  const parts = [
    '# The matrix, as measured',
    `Written by \`node scripts/lab.mjs\` on ${when}. A cell has the downtime in ms of each move, as the source says it; in ` +
      'brackets the move from QEMU to QEMU without Godwit in the same run.',
    `${results.length} journeys, ${results.flatMap((r) => r.hops).length} moves; ${failed.length} journeys failed. ` +
      `${compared.length} streams were compared with what QEMU made of them; ${compared.filter((h) => h.differences.length > 0).length} differed in more than is free.`,
    ...['linux', 'bios'].flatMap((guest) => {
      const own = figuresOf(results.filter((r) => r.guest === guest)).map((f) => [f.direction, ...rowOf(f)])
      return own.length === 0 ? [] : [table([`${guest}, medians in ms`, ...HEADS], own)]
    }),
  ]
  for (const title of titles) {
    const own = results.filter((r) => titleOf(r) === title)
    parts.push(`## ${title}`, ...matrixOf(own))
    const troubles = own.flatMap((r) => [
      ...r.faults.map((f) => `- ${r.stops.join(' → ')}: ${f}`),
      ...r.hops.flatMap((h) => h.differences.map((d) => `- ${h.from} → ${h.to}: ${d}`)),
    ])
    if (troubles.length > 0) parts.push([...new Set(troubles)].slice(0, 20).join('\n'))
  }
  return `${parts.join('\n\n')}\n`
}
