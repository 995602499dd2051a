import type { AnyVMState, Codec, Field, Inside, Subsection, Unused, When } from './field.ts'
import type { FieldLife, Gate, UnusedLife } from './life.ts'

/** One field, with its fates taken apart. */
export interface Line {
  readonly key: string
  /** Name in the embedded description; numbered "[0]", "[1]" when the description has it twice. */
  readonly name: string
  readonly codec: Codec<unknown> | null
  /** Bytes written as zeroes when there is no codec. */
  readonly unused: number
  readonly since: number
  readonly exists: ((state: never, version: number) => boolean) | null
  readonly sentence: string
  readonly gate: Gate | null
  /** What is said of this line alone; null if it has the life of what it stands in. */
  readonly life: FieldLife | UnusedLife | null
}

/** Fields and subsections of one level: a description or a subsection. */
export interface Level {
  readonly lines: readonly Line[]
  readonly subsections: readonly PlannedSubsection[]
}

export interface PlannedSubsection extends Level {
  readonly sub: Subsection<unknown>
}

export interface Plan extends Level {
  /** Every key of the state, also those that are not on the wire. */
  readonly keys: readonly string[]
  readonly derived: readonly { readonly key: string; readonly from: string }[]
}

interface Draft {
  lines: Line[]
  subsections: (Draft & { sub: Subsection<unknown> })[]
}

type AnyField = Field<unknown, unknown> | Unused | Inside<unknown, unknown>

const plans = new WeakMap<object, Plan>()

/** Takes a description's table apart, once. */
export function planOf(vmstate: AnyVMState): Plan {
  const known = plans.get(vmstate)
  if (known) return known
  const top: Draft = { lines: [], subsections: [] }
  const drafts = new Map<Subsection<unknown>, Draft>()
  const keys: string[] = []
  const derived: { key: string; from: string }[] = []

  const draftOf = (sub: Subsection<unknown>): Draft => {
    const there = drafts.get(sub)
    if (there) return there
    const draft = { sub, lines: [], subsections: [] }
    const parent = sub.parent ? draftOf(sub.parent) : top
    parent.subsections.push(draft)
    drafts.set(sub, draft)
    return draft
  }

  for (const [key, field] of Object.entries(vmstate.fields as unknown as Record<string, AnyField>)) {
    if (!('fate' in field && field.fate === 'unused')) keys.push(key)
    if ('fate' in field && field.fate === 'derived') {
      derived.push({ key, from: field.from })
      continue
    }
    const [draft, inner] =
      'fate' in field && field.fate === 'inside' ? [draftOf(field.sub), field.field as AnyField] : [top, field]
    draft.lines.push(lineOf(key, inner))
  }
  const plan: Plan = { ...numbered(top), keys, derived }
  plans.set(vmstate, plan)
  return plan
}

function lineOf(key: string, field: AnyField): Line {
  let name = key
  let since = 0
  let exists: Line['exists'] = null
  let sentence = ''
  let gate: Gate | null = null
  let life: Line['life'] = null
  let at = field
  for (;;) {
    if (!('fate' in at)) return { key, name, codec: at, unused: 0, since, exists, sentence, gate, life }
    switch (at.fate) {
      case 'born':
        life = at.life
        at = at.field
        break
      case 'named':
        name = at.name
        at = at.field
        break
      case 'since':
        since = at.version
        at = at.codec
        break
      case 'when':
        exists = conditionOf(at)
        sentence = at.sentence
        gate = at.gate ?? null
        at = at.codec
        break
      case 'unused':
        return {
          key,
          name: 'unused',
          codec: null,
          unused: at.bytes,
          since: at.since,
          exists,
          sentence,
          gate,
          life: at.life,
        }
      default:
        throw new TypeError(`field ${key} cannot be ${at.fate} here`)
    }
  }
}

const conditionOf =
  (field: When<unknown, unknown>): Line['exists'] =>
  (state, version) =>
    field.exists(state, version)

function numbered(level: Draft): Level {
  const count = new Map<string, number>()
  for (const { name } of level.lines) count.set(name, (count.get(name) ?? 0) + 1)
  const next = new Map<string, number>()
  const lines = level.lines.map((line) => {
    if (count.get(line.name) === 1) return line
    const n = next.get(line.name) ?? 0
    next.set(line.name, n + 1)
    return { ...line, name: `${line.name}[${n}]` }
  })
  return { lines, subsections: level.subsections.map((s) => ({ ...numbered(s), sub: s.sub })) }
}

/** Whether a field is on the wire for this state and version. */
export function present(line: Line, state: unknown, version: number): boolean {
  return line.since <= version && (line.exists === null || line.exists(state as never, version))
}
