/**
 * Damaged streams: each is either refused by a StreamError that says where, or accepted and written back the same.
 * Device sections are decoded by the description of the undamaged stream, as a receiver that knows its machine would.
 */
import {
  StreamError,
  StreamReader,
  StreamWriter,
  describedDecoder,
  findDescription,
  readWhole,
} from '../../packages/vmstate/src/index.ts'
import type { Tree } from '../../packages/vmstate/src/index.ts'
import { expect, test } from 'vitest'
import { stream } from './fixtures.ts'

/** Small numbers from a seed (mulberry32). */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

/** The stream with all but a few pages left out, so that a flipped byte seldom falls into plain page data. */
function thinned(name: string): Uint8Array {
  const w = new StreamWriter()
  let pages = 0
  for (const item of readWhole(stream('reference', name))) {
    if ((item.kind === 'ramPage' || item.kind === 'ramZero') && pages++ % 400 !== 0) continue
    if (item.kind === 'ramPage' || item.kind === 'ramZero') {
      const { continued, ...rest } = item
      if (continued === undefined) throw new Error('a page record without its form')
      w.write(rest)
    } else w.write(item)
  }
  return w.take()
}

const whole = thinned('i440fx-base-bios-11.1.mig')
const full = thinned('i440fx-full-bios-10.0.mig')
const descriptions = new Map([whole, full].map((bytes) => [bytes, findDescription(bytes)!.description]))
const borders = (bytes: Uint8Array): number[] => readWhole(bytes).map((item) => item.offset)

interface Outcome {
  error: StreamError | null
  /** Offset up to which the stream was read. */
  read: number
}

/** Reads damaged bytes to the end; throws if the outcome is neither a StreamError nor the same bytes again. */
function outcome(bytes: Uint8Array, original: Uint8Array, pieces = bytes.length + 1): Outcome {
  const reader = new StreamReader<Tree>({ decode: describedDecoder(descriptions.get(original)!) })
  const w = new StreamWriter()
  try {
    for (let at = 0; at < bytes.length; at += pieces) {
      reader.feed(bytes.subarray(at, at + pieces))
      for (let item = reader.next(); item; item = reader.next()) w.write(item)
    }
    reader.end()
    for (let item = reader.next(); item; item = reader.next()) w.write(item)
  } catch (thrown) {
    if (!(thrown instanceof StreamError)) throw thrown
    // the message must place the fault in the bytes that were there
    expect(thrown.offset).toBeGreaterThanOrEqual(0)
    expect(thrown.offset).toBeLessThanOrEqual(bytes.length)
    expect(thrown.message).toContain(`at offset ${thrown.offset}`)
    return { error: thrown, read: reader.offset }
  }
  if (Buffer.compare(w.take(), bytes) !== 0) throw new Error('accepted, but not written back the same')
  return { error: null, read: reader.offset }
}

test.each([
  ['base', whole],
  ['full', full],
])('%s: a stream cut at any border of an item is refused as truncated, except behind its end', (_, bytes) => {
  const items = readWhole(bytes)
  for (const item of items) {
    const { error } = outcome(bytes.subarray(0, item.offset), bytes)
    if (item.kind === 'vmdescription') expect(error).toBeNull()
    else expect(error).toMatchObject({ code: 'truncated', offset: item.offset })
  }
})

test.each([
  ['base', whole, 1],
  ['full', full, 2],
])('%s: a stream cut anywhere names the section it was cut in', (_, bytes, seed) => {
  const next = random(seed)
  const items = readWhole(bytes)
  const end = items.find((item) => item.kind === 'eof')!.offset
  for (let i = 0; i < 300; i++) {
    const cut = next(bytes.length)
    const { error } = outcome(bytes.subarray(0, cut), bytes, 1 + next(70_000))
    if (cut === end + 1) continue
    expect(error?.code).toBe('truncated')
    const inside = items.findLast((item) => item.offset <= cut)!
    if (inside.kind === 'device' && cut >= inside.payloadOffset)
      expect(error!.section).toBe(`${inside.idstr}/${inside.instance}`)
    expect(error!.offset).toBeLessThanOrEqual(cut)
    expect(error!.offset).toBeGreaterThanOrEqual(inside.offset)
  }
})

test.each([
  ['base', whole, 3],
  ['full', full, 4],
])('%s: a flipped byte is refused with its place, or is a value that is written back', (_, bytes, seed) => {
  const next = random(seed)
  const seen = { refused: 0, accepted: 0 }
  const places = borders(bytes)
  for (let i = 0; i < 300; i++) {
    // half of them in the framing, where one byte decides about what follows
    const at = i % 2 ? Math.min(bytes.length - 1, places[next(places.length)]! + next(24)) : next(bytes.length)
    const damaged = bytes.slice()
    damaged[at]! ^= 1 + next(255)
    const { error } = outcome(damaged, bytes)
    if (error) seen.refused++
    else seen.accepted++
    if (error && error.code !== 'truncated') expect(error.offset).toBeLessThan(damaged.length)
  }
  expect(seen.refused).toBeGreaterThan(30)
  expect(seen.accepted).toBeGreaterThan(30)
})

test('a damaged description is refused, or decodes to what is written back', () => {
  const next = random(5)
  const { offset } = findDescription(whole)!
  for (let i = 0; i < 100; i++) {
    const damaged = whole.slice()
    damaged[offset + 5 + next(whole.length - offset - 5)]! ^= 1 + next(255)
    try {
      const w = new StreamWriter()
      for (const item of readWhole(damaged)) w.write(item)
      expect(Buffer.compare(w.take(), damaged)).toBe(0)
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(StreamError)
    }
  }
})

test('bytes put in or taken out are refused with a place', () => {
  const next = random(6)
  for (let i = 0; i < 100; i++) {
    const at = next(findDescription(whole)!.offset - 1)
    const damaged = Buffer.concat(
      i % 2
        ? [whole.subarray(0, at), whole.subarray(at + 1 + next(9))]
        : [whole.subarray(0, at), Buffer.alloc(1 + next(9), next(256)), whole.subarray(at)],
    )
    expect(outcome(damaged, whole).error).toBeInstanceOf(StreamError)
  }
})

test('no length field makes the reader keep more than its limits', () => {
  const items = readWhole(whole)
  const lengths: [string, number, number][] = [['machine name', 9, 4]]
  for (const item of items) {
    if (item.kind === 'sectionStart' && item.type === 'start') lengths.push(['idstr of ram', item.offset + 5, 1])
    if (item.kind === 'ramBlockList') {
      lengths.push(['all blocks', item.offset, 7], ['first name', item.offset + 8, 1])
      lengths.push(['first block', item.offset + 9 + item.blocks[0]!.name.length, 8])
    }
    if (item.kind === 'device') lengths.push([`idstr of ${item.idstr}`, item.offset + 5, 1])
    if (item.kind === 'vmdescription') lengths.push(['description', item.offset + 1, 4])
  }
  const limits = { maxSectionBytes: 1 << 20, maxDescriptionBytes: 1 << 20 }
  for (const [name, at, size] of lengths) {
    const damaged = Buffer.from(whole)
    damaged.fill(0xff, at, at + size)
    const reader = new StreamReader<Tree>({ decode: describedDecoder(descriptions.get(whole)!), limits })
    const piece = 50_000
    let most = 0
    const drain = (): void => {
      while (reader.next()) most = Math.max(most, reader.buffered)
      most = Math.max(most, reader.buffered)
    }
    expect(() => {
      for (let i = 0; i < damaged.length; i += piece) {
        reader.feed(damaged.subarray(i, i + piece))
        drain()
      }
      for (let i = 0; i < 100; i++) {
        reader.feed(new Uint8Array(piece))
        drain()
      }
    }, name).toThrow(StreamError)
    expect(most, name).toBeLessThan((1 << 20) + 2 * piece)
  }
})

test('bytes that were never a stream are refused', () => {
  const next = random(7)
  const magic = Uint8Array.of(0x51, 0x45, 0x56, 0x4d, 0, 0, 0, 3)
  for (let i = 0; i < 200; i++) {
    const noise = Uint8Array.from({ length: next(2000) }, () => next(256))
    const bytes = i % 2 ? noise : Buffer.concat([magic, noise])
    expect(() => readWhole(bytes)).toThrow(StreamError)
  }
})
