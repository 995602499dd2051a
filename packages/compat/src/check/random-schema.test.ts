import { loadBytes, type VMState } from '@godwit/vmstate'
import { expect, test } from 'vitest'
import type { Build, BuildMachine, Schema } from '../build.ts'
import { schemaOf } from '../godwit-build.ts'
import { compareSection } from './layout.ts'
import {
  bytesOf,
  evolved,
  FLAGS,
  makerOf,
  randomOf,
  randomSchema,
  stateOf,
  vmstateOf,
  type Random,
} from './random-schema.fixture.ts'
import { Side } from './resolve.ts'
import type { Verdict } from './verdict.ts'

type State = Record<string, unknown>
type Outcome = 'fine' | 'loads-but-differs' | 'refused'

const MACHINE: BuildMachine = { name: 'test-1.0', versioned: true, compat: [], board: 'test' }
const BUILD: Build = {
  format: 1,
  engine: 'qemu',
  release: '1.0',
  machines: [],
  boards: {},
  devices: {},
  sections: {},
  cpus: {},
}
/** More with COMPAT_SEEDS=20000. */
const SEEDS = Number(process.env['COMPAT_SEEDS'] ?? 1000)
const side = new Side(BUILD, MACHINE)
const SIDES = { source: side, destination: side, type: undefined }

/** What the verdicts say of one state: conditions are read out of their sentences. */
function expected(verdicts: readonly Verdict[], state: State): Outcome {
  let worst: Outcome = 'fine'
  for (const v of verdicts) {
    const kind = v.kind === 'fine-if' ? (isFine(v.condition!, state) ? 'fine' : v.otherwise!) : v.kind
    if (kind === 'refused') return 'refused'
    if (kind === 'loads-but-differs') worst = kind
  }
  return worst
}

function isFine(condition: string, state: State): boolean {
  const holds = (sentence: string): boolean => state[/flag\d/.exec(sentence)![0]] === 1
  const both = /only one of the two holds: (.*); (.*)/.exec(condition)
  if (both !== null) return holds(both[1]!) === holds(both[2]!)
  return condition.startsWith('when ') ? holds(condition) : !holds(condition)
}

/** What the codec does: bytes of `a` read by `b`. */
function measured(a: Schema, b: Schema, state: State): Outcome {
  const into = stateOf(b, () => 0)
  try {
    loadBytes(vmstateOf(b) as VMState<State>, into, bytesOf(a, state), a.version)
  } catch {
    return 'refused'
  }
  return sameValues(a, b, state, into) ? 'fine' : 'loads-but-differs'
}

/** Whether every line that was sent and that both have arrived as it was. */
function sameValues(a: Schema, b: Schema, sent: State, got: State): boolean {
  return a.fields.every((f) => {
    const there = b.fields.find((g) => g.name === f.name)
    if (there === undefined || f.type === 'unused_buffer' || f.since > a.version) return true
    if (f.when !== undefined && sent[/flag\d/.exec(JSON.stringify(f.when))![0]] !== 1) return true
    if (f.struct !== undefined && there.struct !== undefined) {
      return sameValues(f.struct, there.struct, sent[f.name] as State, got[f.name] as State)
    }
    return text(sent[f.name]) === text(got[f.name])
  })
}

/** One byte is the same byte as a number and as a buffer. */
const text = (value: unknown): string =>
  JSON.stringify(typeof value === 'number' ? [value] : value, (_, v: unknown) =>
    typeof v === 'bigint' ? `${v}n` : v instanceof Uint8Array ? [...v] : v,
  )

function scenario(seed: number): { a: Schema; b: Schema; draw: Random } {
  const draw = randomOf(seed)
  const maker = makerOf(draw)
  const a = randomSchema(maker)
  let b = a
  for (let n = draw(4); n > 0; n--) b = evolved(b, maker)
  return draw(2) === 0 ? { a, b, draw } : { a: b, b: a, draw }
}

/** Loading well is fine, and also what the checker cannot call harmless: equal bytes under other names. */
const agrees = (said: Outcome, did: Outcome): boolean =>
  said === 'refused' ? did === 'refused' : said === 'fine' ? did === 'fine' : did !== 'refused'

test('the verdict on random evolutions is what the codec does with the bytes', () => {
  const count: Record<string, number> = {}
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { a, b, draw } = scenario(seed)
    const verdicts = compareSection(a, b, a.version, SIDES)
    for (let n = 0; n < 3; n++) {
      const state = stateOf(a, draw)
      const [said, did] = [expected(verdicts, state), measured(a, b, state)]
      const flags = FLAGS.map((f) => String(state[f])).join('')
      const told = verdicts.map((v) => `${v.kind} ${v.code} ${v.path.slice(0, 40)} ${v.condition ?? ''}`).join('; ')
      expect(agrees(said, did), `seed ${seed}, flags ${flags}: said ${said}, the codec: ${did}. ${told}`).toBe(true)
      count[`${said}/${did}`] = (count[`${said}/${did}`] ?? 0) + 1
    }
  }
  // Each outcome really occurred, often.
  for (const kind of ['fine/fine', 'refused/refused', 'loads-but-differs/loads-but-differs']) {
    expect(count[kind], kind).toBeGreaterThan(100)
  }
})

test('a description made from data gives the same data back', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const { a } = scenario(seed)
    const again = schemaOf(vmstateOf(a))
    expect(compareSection(a, again, a.version, SIDES).filter((v) => v.kind === 'refused')).toEqual([])
    const bytes = bytesOf(
      a,
      stateOf(a, () => 0),
    )
    expect(measuredLength(again)).toBe(bytes.length - sentSubsections(a))
  }
})

/** Bytes of the unconditional fields of a schema. */
function measuredLength(s: Schema): number {
  return s.fields.reduce((n, f) => {
    if (f.since > s.version || f.when !== undefined) return n
    const one = f.struct === undefined ? f.size : measuredLength(f.struct)
    return n + one * Number(f.count ?? 1)
  }, 0)
}

/** Bytes of the subsections that are always sent, with their heads. */
const sentSubsections = (s: Schema): number =>
  s.subsections
    .filter((sub) => sub.when.kind === 'always')
    .reduce((n, sub) => n + 2 + sub.name.length + 4 + measuredLength(sub), 0)
