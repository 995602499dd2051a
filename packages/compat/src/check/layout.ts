/**
 * Two descriptions of one section: what the sender writes against what the receiver reads.
 *
 * The wire has no names, only bytes: lines are paired by name, and what stands between pairs is judged by its bytes.
 */
import type { Schema, SchemaField, SchemaSubsection } from '../build.ts'
import { paired } from './pairs.ts'
import type { Sends, Side } from './resolve.ts'
import type { Verdict } from './verdict.ts'

export interface LayoutSides {
  readonly source: Side
  readonly destination: Side
  /** The device's type, for conditions on its own properties. */
  readonly type: string | undefined
}

/** A difference; `bytes` is how many more the sender writes than the receiver reads, NaN if that cannot be known. */
interface Difference {
  readonly code: string
  readonly path: string
  readonly reason: string
  readonly bytes: number
  /** Only when this holds. */
  readonly when?: string
  /** When it does no harm, where that is not just `unless when`. */
  readonly fineWhen?: string
  /** What it is if the bytes around it come out even. */
  readonly even: 'fine' | 'loads-but-differs' | 'refused'
  readonly remedy?: string
}

const REMEDY_FIELD = 'put new state into a subsection with a gate, and leave removed fields behind as unused bytes'

/** Compares a section as the source sends it with what the destination expects. */
export function compareSection(a: Schema, b: Schema, version: number, sides: LayoutSides): Verdict[] {
  const path = a.name
  if (a.unmigratable === true || b.unmigratable === true) {
    const who = a.unmigratable === true ? sides.source : sides.destination
    return [
      {
        ...{ kind: 'refused', code: 'unmigratable', path },
        reason: `${who.name} cannot migrate a machine that has this device`,
        remedy: 'unplug the device before migrating',
      },
    ]
  }
  const wrong = versionVerdict(path, version, b, sides)
  if (wrong !== undefined) return [wrong]
  return compareLevel(a, b, version, version, path, sides)
}

function versionVerdict(path: string, version: number, b: Schema, { destination }: LayoutSides): Verdict | undefined {
  if (version > b.version) {
    return {
      ...{ kind: 'refused', code: 'version-raised', path },
      reason: `the source sends version ${version}, ${destination.name} knows up to ${b.version}`,
      remedy: 'send what is new in a subsection with a gate, and leave the version alone',
    }
  }
  if (version < b.minVersion) {
    return {
      ...{ kind: 'refused', code: 'min-version-raised', path },
      reason: `the source sends version ${version}, ${destination.name} loads from ${b.minVersion} on`,
      remedy: `let ${destination.name} load version ${version} again, or go over a build that reads it`,
    }
  }
  return undefined
}

/** Fields and subsections of one level; the versions are the sender's own and the one the receiver goes by. */
function compareLevel(
  a: Schema,
  b: Schema,
  sent: number,
  expected: number,
  path: string,
  sides: LayoutSides,
): Verdict[] {
  if (a.opaque === true || b.opaque === true) return []
  const { differences, verdicts } = fieldsOf(a, b, sent, expected, path, sides)
  const certain = differences.filter((d) => d.when === undefined)
  const sum = certain.reduce((n, d) => n + d.bytes, 0)
  const out: Verdict[] = [...verdicts]
  for (const d of differences) {
    const even = d.bytes === 0 || (d.when === undefined && sum === 0)
    const bad = even ? d.even : 'refused'
    out.push({
      kind: d.when === undefined || bad === 'fine' ? bad : 'fine-if',
      ...{ code: d.code, path: d.path, reason: d.reason },
      ...(d.when === undefined || bad === 'fine'
        ? {}
        : { condition: d.fineWhen ?? `unless ${d.when}`, otherwise: bad }),
      ...(bad === 'fine' ? {} : { remedy: d.remedy ?? REMEDY_FIELD }),
    })
  }
  return [...out, ...compareSubsections(a, b, sides)]
}

interface Level {
  readonly differences: readonly Difference[]
  /** What was found in subsections of structs inside. */
  readonly verdicts: readonly Verdict[]
}

interface Line {
  readonly field: SchemaField
  readonly sends: Exclude<Sends, { when: 'no' }>
}

function linesOf(schema: Schema, version: number, side: Side, type: string | undefined): Line[] {
  const lines: Line[] = []
  for (const field of schema.fields) {
    if (field.since > version) continue
    const sends = side.sends(field.when, type)
    if (sends.when !== 'no') lines.push({ field, sends })
  }
  return lines
}

/** Conditions of two emulators are worded differently, and only a lab can compare them. */
const strangers = ({ source, destination }: LayoutSides): boolean => source.build.engine !== destination.build.engine

function fieldsOf(a: Schema, b: Schema, sent: number, expected: number, path: string, sides: LayoutSides): Level {
  const { source, destination, type } = sides
  const left = linesOf(a, sent, source, type)
  const right = linesOf(b, expected, destination, type)
  const differences: Difference[] = []
  const verdicts: Verdict[] = []
  for (const run of paired(left, right, (l) => l.field.name)) {
    if (run.kind === 'pair') {
      const inner = compareLines(run.a, run.b, path, sides)
      differences.push(...inner.differences)
      verdicts.push(...inner.verdicts)
    } else {
      const certain = (l: Line): boolean => l.sends.when === 'yes' || !strangers(sides)
      differences.push(...compareRun(run.a.filter(certain), run.b.filter(certain), path, sides))
    }
  }
  return { differences, verdicts }
}

/** A line that both have, by its name. */
function compareLines(a: Line, b: Line, path: string, sides: LayoutSides): Level {
  const at = `${path}.${a.field.name}`
  const [x, y] = [a.field, b.field]
  const condition = strangers(sides) ? undefined : conditionDifference(a, b, at, sides)
  const differences: Difference[] = condition === undefined ? [] : [condition]
  if (x.struct !== undefined && y.struct !== undefined) {
    return compareStructs(x, y, x.struct, y.struct, at, sides, differences)
  }
  const [n, m] = [lengthOf(x), lengthOf(y)]
  if (isUnused(x) !== isUnused(y) && n === m)
    return { differences: conditional([instead(a, b, path, sides)], a), verdicts: [] }
  if (typeof x.count === 'number' && typeof y.count === 'number' && x.count !== y.count && x.size === y.size) {
    const reason = `an array of ${x.count} elements, and of ${y.count} in ${sides.destination.name}`
    differences.push({ code: 'array-length', path: at, reason, bytes: n - m, even: 'loads-but-differs' })
  } else if (n !== m && known(x) && known(y) && (!strangers(sides) || (x.type !== undefined && y.type !== undefined))) {
    const reason = `${n} bytes, and ${m} in ${sides.destination.name}`
    differences.push({ code: 'field-resized', path: at, reason, bytes: n - m, even: 'loads-but-differs' })
  } else if (x.type !== undefined && y.type !== undefined && differentType(x.type, y.type)) {
    const reason = `${x.type}, and ${y.type} in ${sides.destination.name}: the bytes mean something else`
    differences.push({ code: 'field-retyped', path: at, reason, bytes: 0, even: 'loads-but-differs' })
  }
  return { differences: conditional(differences, a), verdicts: [] }
}

function compareStructs(
  x: SchemaField,
  y: SchemaField,
  sx: Schema,
  sy: Schema,
  at: string,
  sides: LayoutSides,
  differences: Difference[],
): Level {
  const [n, m] = [x.count ?? 1, y.count ?? 1]
  const versioned = x.type?.startsWith('vstruct') === true
  const inner = fieldsOf(sx, sy, sx.version, versioned ? sx.version : sy.version, at, sides)
  const times = typeof n === 'number' ? n : Number.NaN
  // Elements of unequal size end in disorder unless there is one alone, or none differs.
  differences.push(...inner.differences.map((d) => ({ ...d, bytes: d.bytes === 0 ? 0 : d.bytes * times })))
  if (typeof n === 'number' && typeof m === 'number' && n !== m) {
    const reason = `an array of ${n} elements, and of ${m} in ${sides.destination.name}`
    differences.push({ code: 'array-length', path: at, reason, bytes: Number.NaN, even: 'refused' })
  }
  if (!versioned && sx.version !== sy.version) {
    const reason = `version ${sx.version} of ${sx.name} became ${sy.version}; a version of a struct inside is not on the wire`
    differences.push({ code: 'struct-version', path: at, reason, bytes: 0, even: 'fine' })
  }
  return { differences, verdicts: [...inner.verdicts, ...compareSubsections(sx, sy, sides)] }
}

const onlyIf = (sentence: string) => ({ when: `not: ${sentence}`, fineWhen: `when ${sentence}` })

function conditionDifference(
  a: Line,
  b: Line,
  at: string,
  { source, destination }: LayoutSides,
): Difference | undefined {
  const bytes = lengthOf(a.field)
  if (a.sends.when === 'yes' && b.sends.when === 'state') {
    return {
      ...{ code: 'condition-changed', path: at, bytes, even: 'loads-but-differs', ...onlyIf(b.sends.sentence) },
      reason: `${source.name} always sends it, ${destination.name} expects it when ${b.sends.sentence}`,
    }
  }
  if (a.sends.when === 'state' && b.sends.when === 'yes') {
    return {
      ...{ code: 'condition-changed', path: at, bytes: -bytes, even: 'loads-but-differs', ...onlyIf(a.sends.sentence) },
      reason: `${source.name} sends it when ${a.sends.sentence}, ${destination.name} always expects it`,
    }
  }
  if (a.sends.when === 'state' && b.sends.when === 'state' && a.sends.sentence !== b.sends.sentence) {
    const [p, q] = [a.sends.sentence, b.sends.sentence]
    return {
      ...{ code: 'condition-changed', path: at, bytes, even: 'loads-but-differs' },
      reason: `${source.name} sends it when ${p}, ${destination.name} expects it when ${q}`,
      when: `only one of the two holds: ${p}; ${q}`,
    }
  }
  return undefined
}

/** A difference inside a conditional line matters only when the line is sent. */
const conditional = (differences: readonly Difference[], { sends }: Line): Difference[] =>
  differences.map((d) => (sends.when === 'state' && d.when === undefined ? { ...d, when: sends.sentence } : d))

/** Lines between two pairs. */
function compareRun(a: readonly Line[], b: readonly Line[], path: string, sides: LayoutSides): Difference[] {
  const out: Difference[] = []
  const { source, destination } = sides
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [x, y] = [a[i], b[i]]
    if (x !== undefined && y !== undefined && alike(x, y)) {
      const condition = conditionDifference(x, y, `${path}.${x.field.name}`, sides)
      out.push(...conditional([instead(x, y, path, sides)], x), ...(condition === undefined ? [] : [condition]))
    } else {
      if (x !== undefined) {
        out.push({
          ...{
            code: 'field-removed',
            path: `${path}.${x.field.name}`,
            bytes: lengthOf(x.field),
            even: 'loads-but-differs',
          },
          reason: `${destination.name} does not expect this field (${bytesText(x.field)})`,
          ...(x.sends.when === 'state' ? { when: x.sends.sentence } : {}),
        })
      }
      if (y !== undefined) {
        out.push({
          ...{
            code: 'field-inserted',
            path: `${path}.${y.field.name}`,
            bytes: -lengthOf(y.field),
            even: 'loads-but-differs',
          },
          reason: `${destination.name} expects a field (${bytesText(y.field)}) that ${source.name} does not send`,
          ...(y.sends.when === 'state' ? { when: y.sends.sentence } : {}),
        })
      }
    }
  }
  return out
}

const alike = (x: Line, y: Line): boolean => known(x.field) && known(y.field) && lengthOf(x.field) === lengthOf(y.field)

/** Another line of the same size in its place. */
function instead(x: Line, y: Line, path: string, { destination }: LayoutSides): Difference {
  const [p, q] = [x.field, y.field]
  const base = { path: `${path}.${p.name}`, bytes: 0 }
  if (isUnused(q)) {
    const reason = `${destination.name} skips these bytes: what the source keeps there is dropped`
    return { ...base, code: 'field-dropped', reason, even: 'fine' }
  }
  if (isUnused(p)) {
    return {
      ...{ ...base, path: `${path}.${q.name}`, code: 'slot-reused', even: 'loads-but-differs' },
      reason: `${destination.name} reads ${q.name} where the source sends zeroes without meaning`,
      remedy: 'take nought as "not known", or keep the slot unused',
    }
  }
  const retyped = p.type !== undefined && q.type !== undefined && differentType(p.type, q.type)
  const reason = `called ${q.name} in ${destination.name}${retyped ? `, and ${q.type} instead of ${p.type}` : ''}; names are not on the wire`
  return { ...base, code: 'field-renamed', reason, even: retyped ? 'loads-but-differs' : 'fine' }
}

const isUnused = (f: SchemaField): boolean =>
  f.type === 'unused_buffer' || (f.type === undefined && /^unused/.test(f.name))

/** Bytes of the whole line; NaN if its size or count is not known. */
function lengthOf(f: SchemaField): number {
  const count = f.count ?? 1
  if (typeof count === 'string') return Number.NaN
  if (f.struct === undefined) return f.size === 0 ? Number.NaN : f.size * count
  return (
    count *
    f.struct.fields.reduce((n, g) => n + (g.since > f.struct!.version || g.when !== undefined ? 0 : lengthOf(g)), 0)
  )
}

const known = (f: SchemaField): boolean => !Number.isNaN(lengthOf(f))
const bytesText = (f: SchemaField): string => (known(f) ? `${lengthOf(f)} bytes` : 'of a size not known')

/** Names that mean the same bytes: a timer is an int64, "equal" is a check of the receiver's own. */
function differentType(a: string, b: string): boolean {
  const plain = (t: string): string => t.replace(/ (equal|le)$/, '').replace(/^timer$/, 'int64')

  const opaque = /^(struct|buffer|unused_buffer|unused|uint8|bool)$/
  const [p, q] = [plain(a), plain(b)]
  return p !== q && !(opaque.test(a) && opaque.test(b))
}

function compareSubsections(a: Schema, b: Schema, sides: LayoutSides): Verdict[] {
  const { source, destination, type } = sides
  const out: Verdict[] = []
  for (const sub of a.subsections) {
    const sends = source.sends(sub.when, type)
    const there = b.subsections.find((s) => s.name === sub.name)
    if (there === undefined) out.push(unknownSubsection(sub, sends, sides))
    else if (sends.when !== 'no') {
      const wrong = versionVerdict(sub.name, sub.version, there, sides)
      const inner = wrong === undefined ? compareLevel(sub, there, sub.version, sub.version, sub.name, sides) : [wrong]
      out.push(...inner.map((v) => (sends.when === 'state' ? onlyWhen(v, sends.sentence) : v)))
    }
  }
  for (const sub of b.subsections) {
    if (a.subsections.some((s) => s.name === sub.name)) continue
    const expects = destination.sends(sub.when, type)
    if (expects.when === 'no') continue
    out.push({
      ...{ kind: 'fine', code: 'subsection-not-sent', path: sub.name },
      reason: `${source.name} does not have it: ${destination.name} keeps what it sets itself`,
    })
  }
  return out
}

function unknownSubsection(sub: SchemaSubsection, sends: Sends, { source, destination }: LayoutSides): Verdict {
  const base = { code: 'subsection-unknown', path: sub.name }
  if (sends.when === 'no') {
    return {
      ...base,
      kind: 'fine',
      reason: `${destination.name} does not know it, and ${sends.by} keeps ${source.name} from sending it`,
    }
  }
  const remedy = unknownRemedy(sub, sends, source, destination)
  if (sends.when === 'state') {
    return {
      ...{ ...base, kind: 'fine-if', condition: `unless ${sends.sentence}`, otherwise: 'refused', remedy },
      reason: `${destination.name} does not know it, ${source.name} sends it when ${sends.sentence}`,
    }
  }
  return {
    ...{ ...base, kind: 'refused', remedy },
    reason: `${destination.name} does not know it, ${source.name} always sends it${sends.by === undefined ? '' : ` (${sends.by})`}`,
  }
}

function unknownRemedy(sub: SchemaSubsection, sends: Sends, source: Side, destination: Side): string {
  const { when } = sub
  if (when.kind === 'property' && source.resolve(when.type, when.property).known && when.type !== 'accel') {
    return `switch ${when.type}.${when.property} off on the source for this machine type`
  }
  if (sends.when === 'state') return 'migrate at another moment; a property as its gate would keep it from being sent'
  return `give ${sub.name} a property as its gate, off for machine types that ${destination.name} knows`
}

const onlyWhen = (v: Verdict, sentence: string): Verdict => {
  if (v.kind === 'fine' || v.kind === 'fine-if') return v
  const otherwise = v.kind === 'refused' ? 'refused' : 'loads-but-differs'
  return { ...v, kind: 'fine-if', condition: `unless ${sentence}`, otherwise }
}
