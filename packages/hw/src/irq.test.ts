import { expect, test } from 'vitest'
import { fanOut, joined, wire } from './irq.ts'

test('a level that does not change makes no edge', () => {
  const seen: boolean[] = []
  const line = wire((level) => seen.push(level))
  line.raise()
  line.set(true)
  line.lower()
  expect(seen).toEqual([true, false])
})

test('a restored wire tells nobody and knows its level', () => {
  const seen: boolean[] = []
  const line = wire((level) => seen.push(level))
  line.restore(true)
  line.raise()
  expect(seen).toEqual([])
  line.lower()
  expect(seen).toEqual([false])
})

test('a wire that drives several restores them with it, so that its next fall reaches them', () => {
  const seen: string[] = []
  const line = fanOut(['pic', 'ioapic'].map((name) => wire((level) => seen.push(`${name} ${level}`))))
  line.restore(true)
  expect(seen).toEqual([])
  line.lower()
  expect(seen).toEqual(['pic false', 'ioapic false'])
})

test('joined wires are up while any of them is, and fall with the last', () => {
  const seen: boolean[] = []
  const source = joined(wire((level) => seen.push(level)))
  const [a, b] = [source(), source()]
  a.raise()
  b.raise()
  a.lower()
  expect(seen).toEqual([true])
  b.lower()
  expect(seen).toEqual([true, false])
})

test('a joined wire that is restored holds the line up, without an edge, until it falls', () => {
  const seen: boolean[] = []
  const line = wire((level) => seen.push(level))
  const source = joined(line)
  const [a, b] = [source(), source()]
  a.restore(true)
  b.restore(false)
  expect([line.level, seen]).toEqual([true, []])
  a.lower()
  expect(seen).toEqual([false])
})
