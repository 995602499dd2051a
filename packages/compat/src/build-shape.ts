/** Whether parsed JSON has the shape of a build, packed or plain: the first place that has not, in words. */

type Check = (value: unknown, at: string, depth: number) => string | undefined

/** Descriptions inside descriptions: real ones go six deep. */
const DEEPEST = 64

const shown = (value: unknown): string =>
  value === undefined
    ? 'nothing'
    : value === null
      ? 'null'
      : Array.isArray(value)
        ? 'a list'
        : typeof value === 'object'
          ? 'an object'
          : `a ${typeof value}`

const wrong = (at: string, expected: string, value: unknown): string =>
  `${at}: expected ${expected}, came ${shown(value)}`

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const primitive =
  (type: 'string' | 'number' | 'boolean'): Check =>
  (value, at) =>
    typeof value === type ? undefined : wrong(at, `a ${type}`, value)

const text = primitive('string')
const truth = primitive('boolean')
const number: Check = (value, at) => (Number.isFinite(value) ? undefined : wrong(at, 'a number', value))

const either =
  (expected: string, ...checks: readonly Check[]): Check =>
  (value, at, depth) =>
    checks.some((check) => check(value, at, depth) === undefined) ? undefined : wrong(at, expected, value)

const optional =
  (check: Check): Check =>
  (value, at, depth) =>
    value === undefined ? undefined : check(value, at, depth)

const list =
  (check: Check): Check =>
  (value, at, depth) =>
    Array.isArray(value) ? first(value, (v, i) => check(v, `${at}[${i}]`, depth)) : wrong(at, 'a list', value)

const record =
  (check: Check): Check =>
  (value, at, depth) =>
    isRecord(value)
      ? first(Object.entries(value), ([key, v]) => check(v, `${at}.${key}`, depth))
      : wrong(at, 'an object', value)

const object =
  (keys: Readonly<Record<string, Check>>): Check =>
  (value, at, depth) => {
    if (depth > DEEPEST) return `${at}: more than ${DEEPEST} descriptions inside each other`
    if (!isRecord(value)) return wrong(at, 'an object', value)
    return first(Object.entries(keys), ([key, check]) => check(value[key], `${at}.${key}`, depth + 1))
  }

function first<T>(values: readonly T[], check: (value: T, index: number) => string | undefined): string | undefined {
  for (const [i, value] of values.entries()) {
    const found = check(value, i)
    if (found !== undefined) return found
  }
  return undefined
}

const condition: Check = (value, at, depth) => {
  const kind = isRecord(value) ? value['kind'] : undefined
  if (kind === 'always') return undefined
  if (kind === 'state') return object({ sentence: text })(value, at, depth)
  if (kind !== 'property') return `${at}: expected a condition of kind always, state or property`
  return object({ type: text, property: text, value: text, state: optional(text) })(value, at, depth)
}

const VERSIONS = { name: text, version: number, minVersion: number }
const schema: Check = (value, at, depth) =>
  object({
    ...VERSIONS,
    when: optional(condition),
    fields: list(field),
    subsections: list((v, place, deep) => object({ when: condition })(v, place, deep) ?? schema(v, place, deep)),
  })(value, at, depth)
const field: Check = (value, at, depth) =>
  object({
    name: text,
    type: optional(text),
    size: number,
    since: number,
    count: optional(either('a number or a sentence', number, text)),
    when: optional(condition),
    struct: optional((v, place, deep) => (typeof v === 'string' ? undefined : schema(v, place, deep))),
  })(value, at, depth)

const row = object({ type: text, property: text, value: text })
const ram = list(object({ name: text, bytes: number, resizable: optional(truth) }))
const section = object({ idstr: text, instance: number, version: number, type: optional(text) })

const build = object({
  release: (value, at) =>
    typeof value === 'string' && /^\d+(\.\d+){1,2}$/.test(value) ? undefined : `${at}: expected a release such as 11.2`,
  engine: (value, at) =>
    value === 'qemu' || value === 'godwit' ? undefined : `${at}: expected qemu or godwit, came ${shown(value)}`,
  rows: optional(list(text)),
  structs: optional(record(schema)),
  machines: list(
    object({
      name: text,
      versioned: truth,
      alias: optional(text),
      deprecated: optional(text),
      compat: list((value, at, depth) => (typeof value === 'number' ? undefined : row(value, at, depth))),
      board: text,
    }),
  ),
  boards: record(object({ devices: list(text), sections: list(section), ram })),
  devices: record(
    object({
      parents: list(text),
      defaults: record(either('a text or null', text, (value) => (value === null ? undefined : 'no null'))),
      schema: optional(schema),
      brings: optional(list(text)),
      ram: optional(ram),
      facts: optional(record(text)),
    }),
  ),
  sections: record(schema),
  cpus: record(record(text)),
})

/** The first place that has another shape, what was expected there and what came; undefined for a build. */
export function misshapen(value: unknown): string | undefined {
  return build(value, 'build', 0)
}
