import { expect, test } from 'vitest'
import { Coverage } from './coverage.ts'

test('a write beside code takes nothing away, until it is one of many', () => {
  const coverage = new Coverage(4)
  expect(coverage.cover(2, 100, 130)).toBe(true)
  expect(coverage.cover(2, 4000, 4096)).toBe(false)
  expect(coverage.written(2, 128, 129)).toBe('the rest')
  expect(coverage.written(2, 0, 64)).toBe('all')
  expect(coverage.written(2, 192, 3968)).toBe('all')
  expect(coverage.written(2, 4095, 4096)).toBe('the rest')
  let writes = 4
  while (coverage.written(2, 1000, 1004) === 'all') writes++
  expect(writes).toBe(256)
  coverage.cover(2, 0, 1)
  expect(coverage.written(2, 1000, 1004)).toBe('all')
  coverage.forget(2, 0, 4096)
  expect(coverage.hasCode[2]).toBe(0)
})

test('what is forgotten of a page leaves the code beside it', () => {
  const coverage = new Coverage(4)
  coverage.cover(2, 250, 270)
  coverage.cover(2, 2048, 2049)
  coverage.forget(2, 0, 256)
  expect(coverage.written(2, 250, 251)).toBe('all')
  expect(coverage.written(2, 260, 261)).toBe('the rest')
  coverage.forget(2, 256, 512)
  expect(coverage.hasCode[2]).toBe(1)
  coverage.forget(2, 2048, 2304)
  expect(coverage.hasCode[2]).toBe(0)
})
