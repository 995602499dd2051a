import { expect, test } from 'vitest'
import { summarise } from '../../bench/summary.mjs'
import { table } from '../../bench/table.mjs'

const ENGINES = [
  { name: 'godwit', title: 'Godwit', version: '1' },
  { name: 'v86', title: 'v86', version: '2' },
]
const SIEVE = 'b0dddfb7'

const runsOf = (engine: string, seconds: readonly number[], chk = SIEVE) =>
  seconds.map((host_s, i) => ({ name: 'sieve', engine, round: i + 1, rep: 1, host_s, cpu_s: host_s / 2, chk, rc: 0 }))

function summaryOf(runs: readonly object[], by = 'wall') {
  const measured = { boots: [], runs: [...runs], ends: [], failures: [] }
  return summarise(ENGINES, measured, { workloads: ['sieve'], by })
}

test('Ratios are of medians, and noise is the distance of the farthest runs in parts of the median', () => {
  const { workloads, all, failures } = summaryOf([...runsOf('godwit', [1, 9, 2]), ...runsOf('v86', [4, 4.4, 3.6])])
  expect(workloads['sieve']!.ratios).toEqual({ 'godwit/v86': 0.5 })
  expect(workloads['sieve']!.times['godwit']).toMatchObject({ median: 2, min: 1, max: 9, noise: 4, n: 3 })
  expect(workloads['sieve']!.times['v86']!.noise).toBeCloseTo(0.2)
  expect(all['godwit/v86']).toBeCloseTo(0.5)
  expect(failures).toEqual([])
})

test('A wrong checksum and a workload that failed are named with engine and round', () => {
  const wrong = runsOf('godwit', [1], 'deadbeef')
  const failed = runsOf('v86', [1]).map((r) => ({ ...r, rc: 139 }))
  const { failures } = summaryOf([...wrong, ...failed])
  expect(failures.map((f) => `${f.engine} ${f.round} ${f.what}: ${f.message}`)).toEqual([
    `godwit 1 sieve: checksum deadbeef, expected ${SIEVE}`,
    'v86 1 sieve: status 139',
  ])
})

test('The table says what an engine lacks, and that the machine was busy', () => {
  const summary = summaryOf(runsOf('godwit', [1, 2]))
  const host = { cpu: 'X', processors: 2, node: 'v20' }
  const text = table({ ...summary, host, seconds: 3, options: { by: 'wall', rounds: 2, reps: 1 } })
  expect(text).toContain('| sieve               | 1.50 (67 %) |   - |')
  expect(text).toContain('an engine had a processor for 50 % of the time')
  expect(text).toContain('Every checksum is right.')
})
