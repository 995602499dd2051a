/** The long form of the mutation test: see scripts/mutate-streams.mjs. */
import { parseArgs } from 'node:util'
import { campaign, draftOfRecorded, RECORDED, type Recorded, type Tally } from './campaign.ts'
import { runOnAll } from './run-on.ts'

const INSTRUCTIONS = 20_000

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    machine: { type: 'string' },
    'run-on': { type: 'string', default: '40' },
  },
})

function number(name: 'count' | 'seed' | 'run-on'): number {
  const value = Number(values[name])
  if (Number.isInteger(value) && value >= 0) return value
  throw new Error(`--${name}: expected a count, came ${values[name]}`)
}

const [count, seed, runs] = [number('count'), number('seed'), number('run-on')]
const chosen = RECORDED.filter((r) => values.machine === undefined || r.name === `${values.machine}.mig`)
if (chosen.length === 0) {
  const names = RECORDED.map((r) => r.name.replace('.mig', '')).join(', ')
  throw new Error(`--machine: no ${String(values.machine)}; there are ${names}`)
}
const donors = RECORDED.map(draftOfRecorded)
const say = (line: string): void => void process.stdout.write(`${line}\n`)
const seconds = (from: number): string => `${((performance.now() - from) / 1000).toFixed(0)} s`
const listed = (map: ReadonlyMap<string, number>): string =>
  [...map]
    .sort((a, b) => b[1] - a[1])
    .map(([name, n]) => `${name} ${n}`)
    .join(', ')

let bugs = 0
const exceptions = new Map<string, number>()
const begun = performance.now()
for (const recorded of chosen) await one(recorded)
say(`written back otherwise, as QEMU does: ${listed(exceptions)}`)
say(
  `${chosen.length} machines, ${seconds(begun)}, ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB at most, ${bugs} wrong`,
)
process.exitCode = bugs > 0 ? 1 : 0

async function one(recorded: Recorded): Promise<void> {
  const name = recorded.name.replace('.mig', '')
  const start = performance.now()
  let told = start
  const onProgress = ({ mutants, accepted }: Tally): void => {
    if (performance.now() - told < 20_000) return
    told = performance.now()
    say(`  ${name}: ${mutants} of ${count}, ${accepted} accepted, ${seconds(start)}`)
  }
  const tally = await campaign(recorded, donors, { first: seed, count, onProgress })
  const refused = [...tally.refused.values()].reduce((a, b) => a + b, 0)
  say(
    `${name}: ${tally.mutants} mutants, ${tally.accepted} accepted (${tally.excepted} with an exception), ` +
      `${refused} refused: ${listed(tally.refused)}; ${seconds(start)}`,
  )
  for (const [key, n] of tally.exceptions) exceptions.set(key, (exceptions.get(key) ?? 0) + n)
  for (const [why, bug] of tally.bugs) {
    bugs += bug.count
    say(`  WRONG ${bug.count}x ${why}; seed ${bug.seed}: ${bug.deeds.join('; ')}\n    ${bug.detail.slice(0, 500)}`)
  }
  if (runs === 0 || tally.taken.length === 0) return
  const every = Math.max(1, Math.floor(tally.taken.length / runs))
  const seeds = tally.taken.filter((_, i) => i % every === 0).slice(0, runs)
  const ran = performance.now()
  const result = await runOnAll(recorded, donors, seeds, INSTRUCTIONS)
  say(
    `  ${result.ran} of the accepted ran for ${INSTRUCTIONS} instructions, ${result.bugs.length} wrong; ${seconds(ran)}`,
  )
  for (const bug of result.bugs) {
    bugs++
    say(`  WRONG run of seed ${bug.seed}: ${bug.deeds.join('; ')}\n    ${bug.what.slice(0, 500)}`)
  }
}
