/** Many mutants of one recorded machine. */
import { Bench, type Shape, type Verdict } from './bench.ts'
import { bytesOf, draftOf, type Draft } from './draft.ts'
import { mutantOf } from './mutant.ts'
import { stream, type Archive } from '../fixtures.ts'

export interface Recorded {
  readonly name: string
  readonly archive: Archive
  readonly shape: Shape
}

const SMALL = { hpet: 'off', vmport: 'off', acpi: 'off', smm: 'off' }

/** The recorded machines that this board models: two sizes, four releases, in firmware and in Linux. */
export const RECORDED: readonly Recorded[] = ['bios', 'linux'].flatMap((guest) =>
  ['min', 'base'].flatMap((size) =>
    ['5.2', '7.2', '10.0', '11.1'].map((release) => ({
      name: `i440fx-${size}-${guest}-${release}.mig`,
      archive: guest === 'bios' ? ('reference' as const) : ('linux-sections' as const),
      shape: { type: 'pc-i440fx-5.2', cpu: 'qemu64', props: size === 'min' ? SMALL : {} },
    })),
  ),
)

/** One page in so many is kept: about ten of a firmware guest. */
const KEEP = 60

export const draftOfRecorded = ({ archive, name }: Recorded): Draft =>
  draftOf(new Uint8Array(stream(archive, name)), KEEP)

/** What the RTC was last updated at less the virtual time: so the machine that loads lives in the time of the recording. */
export function epochOf(draft: Draft): bigint {
  const leaf = (idstr: string, name: string): bigint => {
    for (const p of draft.parts) {
      if (p.kind !== 'device' || p.idstr !== idstr) continue
      const found = p.payload.parts.find((l) => l.name === name)
      if (found !== undefined && 'bytes' in found) return Buffer.from(found.bytes).readBigInt64BE()
    }
    throw new Error(`no ${idstr}/${name} was recorded`)
  }
  return leaf('mc146818rtc', 'last_update') - leaf('timer', 'cpu_clock_offset')
}

export interface Tally {
  mutants: number
  accepted: number
  /** Those of them that were written back otherwise in something QEMU, too, changes. */
  excepted: number
  readonly refused: Map<string, number>
  readonly exceptions: Map<string, number>
  readonly bugs: Map<string, { count: number; seed: number; deeds: readonly string[]; detail: string }>
  readonly samples: Map<string, string>
  /** Seeds of accepted mutants. */
  readonly taken: number[]
}

export const newTally = (): Tally => ({
  mutants: 0,
  accepted: 0,
  excepted: 0,
  refused: new Map(),
  exceptions: new Map(),
  bugs: new Map(),
  samples: new Map(),
  taken: [],
})

const more = (map: Map<string, number>, key: string): void => void map.set(key, (map.get(key) ?? 0) + 1)

export async function campaign(
  recorded: Recorded,
  donors: readonly Draft[],
  options: { readonly first: number; readonly count: number; readonly onProgress?: (tally: Tally) => void },
): Promise<Tally> {
  const original = draftOfRecorded(recorded)
  const bench = await Bench.of({ ...recorded.shape, epochNs: epochOf(original) }, bytesOf(original).bytes)
  const tally = newTally()
  for (let i = 0; i < options.count; i++) {
    const seed = options.first + i
    const mutant = mutantOf(seed, original, donors)
    count(tally, seed, mutant.deeds, await bench.judge(mutant))
    if (i % 200 === 199) options.onProgress?.(tally)
  }
  return tally
}

function count(tally: Tally, seed: number, deeds: readonly string[], verdict: Verdict): void {
  tally.mutants++
  if (verdict.outcome === 'refused') {
    tally.samples.set(verdict.code, verdict.message)
    return more(tally.refused, verdict.code)
  }
  if (verdict.outcome === 'accepted') {
    tally.accepted++
    tally.taken.push(seed)
    if (verdict.exceptions.length > 0) tally.excepted++
    for (const e of verdict.exceptions) more(tally.exceptions, e)
    return
  }
  const known = tally.bugs.get(verdict.why)
  if (known !== undefined) known.count++
  else tally.bugs.set(verdict.why, { count: 1, seed, deeds, detail: verdict.detail })
}
