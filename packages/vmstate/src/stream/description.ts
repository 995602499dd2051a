/** Checks the JSON behind a stream before anything is sized by it. */
import type { StreamDescription } from '../describe.ts'
import { StreamError } from './errors.ts'

const MAX_DEPTH = 32
const MAX_SIZE = 2 ** 28

/** Parses and checks a description. Throws StreamError of code 'description' naming the place in it. */
export function parseDescription(json: string): StreamDescription {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (thrown) {
    refuse('', 'JSON', thrown instanceof Error ? thrown.message : 'something else')
  }
  const top = object(value, '')
  if (top.configuration !== undefined) checkState(top.configuration, 'configuration', 0)
  if (top.page_size !== undefined) count(top.page_size, 'page_size')
  list(top.devices, 'devices', (device, path) => {
    const d = object(device, path)
    text(d.name, `${path}.name`)
    count(d.instance_id, `${path}.instance_id`)
    if (d.vmsd_name !== undefined) text(d.vmsd_name, `${path}.vmsd_name`)
    if (d.version !== undefined) count(d.version, `${path}.version`)
    checkInside(d, path, 0)
  })
  return value as StreamDescription
}

function checkState(value: unknown, path: string, depth: number): void {
  const state = object(value, path)
  text(state.vmsd_name, `${path}.vmsd_name`)
  count(state.version, `${path}.version`)
  checkInside(state, path, depth)
}

function checkInside(state: Record<string, unknown>, path: string, depth: number): void {
  if (depth > MAX_DEPTH) refuse(path, `at most ${MAX_DEPTH} levels`, 'more')
  list(state.fields, `${path}.fields`, (field, at) => {
    const f = object(field, at)
    text(f.name, `${at}.name`)
    text(f.type, `${at}.type`)
    count(f.size, `${at}.size`)
    if (f.array_len !== undefined) count(f.array_len, `${at}.array_len`)
    if (f.struct !== undefined) checkState(f.struct, `${at}.struct`, depth + 1)
    else if (f.fields !== undefined && f.vmsd_name !== undefined) checkState(f, at, depth + 1)
  })
  if (state.subsections !== undefined) {
    list(state.subsections, `${path}.subsections`, (s, at) => checkState(s, at, depth + 1))
  }
}

function object(value: unknown, path: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(path, 'an object', typeof value)
  return value as Record<string, unknown>
}

function list(value: unknown, path: string, check: (item: unknown, path: string) => void): void {
  if (!Array.isArray(value)) refuse(path, 'a list', typeof value)
  for (const [i, item] of (value as unknown[]).entries()) check(item, `${path}[${i}]`)
}

function text(value: unknown, path: string): void {
  if (typeof value !== 'string') refuse(path, 'a string', typeof value)
}

function count(value: unknown, path: string): void {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 2 ** 32)
    refuse(path, 'a count', String(value))
  if (path.endsWith('.size') || path.endsWith('.array_len')) {
    if (value > MAX_SIZE) refuse(path, `at most ${MAX_SIZE}`, String(value))
  }
}

function refuse(path: string, expected: string, came: string): never {
  throw new StreamError(
    'description',
    { section: '', path: `description${path && '.' + path}`, offset: 0 },
    expected,
    came,
  )
}
