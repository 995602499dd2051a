import type { AnyVMState, Codec } from './field.ts'
import { planOf } from './plan.ts'

/** Undoes what a failed load did; keeps references, because others hold them. */
export type Snapshot = readonly (() => void)[]

/** Buffers that are not on the wire and larger than this are views of something else, RAM for example. */
const DERIVED_LIMIT = 1 << 20

type Undo = (() => void)[]

/** Remembers everything a load could change: the keys of the description, and what hangs on them. */
export function snapshot(vmstate: AnyVMState, state: unknown): Snapshot {
  const undo: Undo = []
  remember(vmstate, state, undo, new Set())
  return undo
}

/** Puts back what snapshot remembered. */
export function restore(undo: Snapshot): void {
  for (let i = undo.length - 1; i >= 0; i--) undo[i]!()
}

function remember(vmstate: AnyVMState, state: unknown, undo: Undo, seen: Set<object>): void {
  if (typeof state !== 'object' || state === null || seen.has(state)) return
  seen.add(state)
  const plan = planOf(vmstate)
  const codecs = new Map<string, Codec<unknown> | null>()
  const walk = (level: typeof plan | (typeof plan.subsections)[number]): void => {
    for (const line of level.lines) codecs.set(line.key, line.codec)
    for (const sub of level.subsections) walk(sub)
  }
  walk(plan)
  const bag = state as Record<string, unknown>
  for (const key of plan.keys) {
    const value = bag[key]
    // Values first, references after: undo runs backwards, so the reference is back before its content is.
    inside(value, codecs.get(key) ?? null, undo, seen)
    if (!hasOnlyGetter(state, key)) {
      undo.push(() => {
        if (bag[key] !== value) bag[key] = value
      })
    }
  }
}

function hasOnlyGetter(state: object, key: string): boolean {
  for (let at: object | null = state; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    const property = Object.getOwnPropertyDescriptor(at, key)
    if (property) return property.get !== undefined && property.set === undefined
  }
  return false
}

function inside(value: unknown, codec: Codec<unknown> | null, undo: Undo, seen: Set<object>): void {
  if (typeof value !== 'object' || value === null || seen.has(value)) return
  const shape = codec?.shape
  if (shape?.kind === 'struct') return remember(shape.vmstate, value, undo, seen)
  seen.add(value)
  if (ArrayBuffer.isView(value)) {
    if (value instanceof DataView || (codec === null && value.byteLength > DERIVED_LIMIT)) return
    const array = value as Uint8Array
    const copy = array.slice()
    undo.push(() => array.set(copy))
  } else if (Array.isArray(value)) {
    const array = value as unknown[]
    const copy = array.slice()
    const element = shape?.kind === 'array' || shape?.kind === 'list' ? (shape.element as Codec<unknown>) : null
    for (const item of copy) inside(item, element, undo, seen)
    undo.push(() => void array.splice(0, array.length, ...copy))
  } else if (value instanceof Map) {
    const map = value as Map<unknown, unknown>
    const copy = [...map]
    for (const [, item] of copy) inside(item, null, undo, seen)
    undo.push(() => {
      map.clear()
      for (const [k, v] of copy) map.set(k, v)
    })
  } else if (codec !== null || Object.getPrototypeOf(value) === Object.prototype) {
    // an object of a custom codec, or plain data the model derives; what has methods is somebody else's
    const bag = value as Record<string, unknown>
    if (codec === null && Object.values(bag).some((item) => typeof item === 'function')) return
    for (const key of Object.keys(bag)) {
      const item = bag[key]
      inside(item, null, undo, seen)
      if (!hasOnlyGetter(value, key)) undo.push(() => void (bag[key] !== item && (bag[key] = item)))
    }
  }
}
