/** A report as text for people, and good enough as Markdown. */
import { GROUPS } from './workloads.mjs'

const number = (n) => (n === undefined || Number.isNaN(n) ? '-' : n >= 100 ? n.toFixed(0) : n.toFixed(2))
const percent = (n) => `${Math.round(100 * n)} %`

/** @param {ReturnType<typeof import('./summary.mjs').summarise>} report */
export function table(report) {
  const { engines, workloads, boot, memory, groups, all } = report
  const title = (name) => engines.find((e) => e.name === name).title
  const kinds = Object.keys(all).filter((k) => k !== 'n')
  const label = (kind) => kind.split('/').map(title).join(' / ')
  const seconds = (times) => engines.map(({ name }) => cell(times[name]))
  const ratios = (of) => kinds.map((kind) => number(of[kind]))
  const blank = kinds.map(() => '')
  const rows = [
    [report.options.by === 'cpu' ? 'CPU seconds' : 'seconds', ...engines.map((e) => e.title), ...kinds.map(label)],
    ...Object.entries(workloads).map(([name, w]) => [name, ...seconds(w.times), ...ratios(w.ratios)]),
    ['boot to init', ...seconds(boot.times), ...ratios(boot.ratios)],
    ['memory at end, MiB', ...engines.map((e) => number(memory.end[e.name]?.median)), ...blank],
    ['memory at most, MiB', ...engines.map((e) => number(memory.peak[e.name]?.max)), ...blank],
  ]
  const means = [
    ['geometric means', 'workloads', ...kinds.map(label)],
    ...Object.entries(groups).map(([group, g]) => [GROUPS[group], String(g.n), ...ratios(g)]),
    ['all', String(all.n), ...ratios(all)],
  ]
  return [
    ...engines.map((e) => `${e.title}: ${e.version}`),
    `${report.host.cpu}, ${report.host.processors} processors, Node ${report.host.node}; ${report.seconds} s in all`,
    '',
    ...lines(rows),
    '',
    ...(kinds.length > 0 ? [...lines(means), ''] : []),
    noise(report),
    ...disturbed(report),
    ...report.failures.map((f) => `WRONG: ${f.what} on ${title(f.engine)}, round ${f.round}: ${f.message}`),
    report.failures.length === 0 ? 'Every checksum is right.' : `${report.failures.length} failures.`,
  ].join('\n')
}

const cell = (t) => (t === undefined ? '-' : `${number(t.median)}${t.noise === null ? '' : ` (${percent(t.noise)})`}`)

function noise({ noise, options }) {
  if (noise === null) return 'Noise: unknown, as each figure is of one run.'
  const runs = options.rounds * options.reps
  return (
    `Medians of ${runs} runs; in brackets the distance between the fastest and the slowest in parts of the median: ` +
    `${percent(noise.median)} at the middle workload, ${percent(noise.max)} at most.`
  )
}

/** Engines are busy with one processor all the time but for pauses of the guest. */
function disturbed({ busy, options }) {
  if (busy === null || busy > 0.85 || options.by === 'cpu') return []
  const advice = 'measure again when it is quiet, or with --by cpu'
  return [
    `The machine was busy with other things: at the middle run an engine had a processor for ${percent(busy)} of the time; ${advice}.`,
  ]
}

function lines(rows) {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((r) => r[i].length)))
  const line = (row) => `| ${row.map((c, i) => (i === 0 ? c.padEnd(widths[i]) : c.padStart(widths[i]))).join(' | ')} |`
  const rule = `| ${widths.map((w, i) => (i === 0 ? '-'.repeat(w) : `${'-'.repeat(w - 1)}:`)).join(' | ')} |`
  return [line(rows[0]), rule, ...rows.slice(1).map(line)]
}
