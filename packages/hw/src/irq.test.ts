import { expect, test } from 'vitest'
import { fanOut, joined, wire } from './irq.ts'

const recording = () => {
  const seen: boolean[] = []
  return { seen, line: wire((level) => seen.push(level)) }
}

test('a level that does not change makes no edge', () => {
  const { seen, line } = recording()
  line.raise()
  line.raise()
  line.lower()
  expect(seen).toEqual([true, false])
})

test('a fan-out drives each of its wires', () => {
  const [a, b] = [recording(), recording()]
  fanOut([a.line, b.line]).raise()
  expect([a.seen, b.seen]).toEqual([[true], [true]])
})

test('restoring reaches the wires behind a fan-out without an edge, and the next change is an edge', () => {
  const a = recording()
  const line = fanOut([a.line])
  line.restore(true)
  expect(a.seen).toEqual([])
  line.lower()
  expect(a.seen).toEqual([false])
})

test('a joined wire is up while any source is', () => {
  const { seen, line } = recording()
  const source = joined(line)
  const [a, b] = [source(), source()]
  a.raise()
  b.raise()
  a.lower()
  expect(line.level).toBe(true)
  b.lower()
  expect(seen).toEqual([true, false])
})

test('sources of a joined wire restored one after another restore the wire behind', () => {
  const { seen, line } = recording()
  const source = joined(line)
  const [a, b] = [source(), source()]
  a.restore(true)
  b.restore(false)
  expect(line.level).toBe(true)
  expect(seen).toEqual([])
})
