/** Medians, noise and ratios of what was measured. */
import { GROUPS, WORKLOADS } from './workloads.mjs'

/** Whose time stands over whose. */
const RATIOS = [
  ['godwit', 'v86'],
  ['godwit', 'qemu'],
  ['v86', 'qemu'],
]

export function median(list) {
  const sorted = [...list].sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

export const geomean = (list) => Math.exp(list.reduce((sum, n) => sum + Math.log(n), 0) / list.length)

/** Median and the distance of the farthest two in parts of it. */
function figures(list) {
  const middle = median(list)
  return { median: middle, min: Math.min(...list), max: Math.max(...list), noise: spread(list, middle), n: list.length }
}
const spread = (list, middle) => (list.length > 1 ? (Math.max(...list) - Math.min(...list)) / middle : null)

function ratiosOf(byEngine) {
  const have = RATIOS.filter(([a, b]) => byEngine[a] !== undefined && byEngine[b] !== undefined)
  return Object.fromEntries(have.map(([a, b]) => [`${a}/${b}`, byEngine[a].median / byEngine[b].median]))
}

/** @param {{ boots: object[], runs: object[], ends: object[], failures: object[] }} measured */
export function summarise(engines, { boots, runs, ends, failures }, { workloads: names, by }) {
  const of = (list, engine, key) => list.filter((r) => r.engine === engine.name).map((r) => r[key])
  const perEngine = (list, key) =>
    Object.fromEntries(
      engines.flatMap((e) => {
        const values = of(list, e, key)
        return values.length === 0 ? [] : [[e.name, figures(values)]]
      }),
    )
  const workloads = {}
  const wrong = [...failures]
  for (const name of names) {
    const mine = runs.filter((r) => r.name === name)
    const { group, chk } = WORKLOADS[name]
    for (const r of mine) {
      if (r.rc !== 0) wrong.push({ ...where(r), message: `status ${r.rc}` })
      else if (r.chk !== chk) wrong.push({ ...where(r), message: `checksum ${r.chk}, expected ${chk}` })
    }
    const times = perEngine(mine, by === 'cpu' ? 'cpu_s' : 'host_s')
    workloads[name] = { group, times, ratios: ratiosOf(times) }
  }
  const boot = perEngine(boots, by === 'cpu' ? 'cpu_s' : 'seconds')
  const kinds = [...new Set(Object.values(workloads).flatMap((w) => Object.keys(w.ratios)))]
  const mean = (chosen) =>
    Object.fromEntries(
      kinds.flatMap((kind) => {
        const list = chosen.map((w) => w.ratios[kind]).filter((n) => n !== undefined)
        return list.length === 0 ? [] : [[kind, geomean(list)]]
      }),
    )
  const groups = {}
  for (const group of Object.keys(GROUPS)) {
    const members = Object.values(workloads).filter((w) => w.group === group)
    if (members.length > 0) groups[group] = { n: members.length, ...mean(members) }
  }
  const noises = Object.values(workloads).flatMap((w) => Object.values(w.times).map((t) => t.noise))
  const known = noises.filter((n) => n !== null)
  const shares = runs.filter((r) => r.host_s > 0.2).map((r) => r.cpu_s / r.host_s)
  return {
    engines: engines.map(({ name, title, version }) => ({ name, title, version })),
    boot: { times: boot, ratios: ratiosOf(boot) },
    memory: { end: perEngine(ends, 'end_mib'), peak: perEngine(ends, 'peak_mib') },
    workloads,
    groups,
    all: { n: names.length, ...mean(Object.values(workloads)) },
    noise: known.length === 0 ? null : { median: median(known), max: Math.max(...known) },
    /** Part of the time in which the engines had a processor. */
    busy: shares.length === 0 ? null : median(shares),
    failures: wrong,
    measured: { boots, runs, ends },
  }
}

const where = ({ engine, round, rep, name }) => ({ engine, round, rep, what: name })
