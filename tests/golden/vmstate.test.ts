import { expect, test } from 'vitest'
import { goldenBytes, goldenText, goldenThere, goldens, savedAgain, valuesOf } from '../support/golden.ts'

const all = goldens()

test('V8: every version that can be loaded has a golden section (pnpm bless writes new ones)', () => {
  expect(all.filter((g) => !goldenThere(g)).map((g) => g.path)).toEqual([])
  expect(all.length).toBeGreaterThan(30)
})

test.each(all.map((g) => [g.path, g] as const))('%s loads the values it was saved with', (_, golden) => {
  expect(valuesOf(golden, goldenBytes(golden))).toBe(goldenText(golden))
})

test.each(all.map((g) => [g.path, g] as const))('%s is written back the same', (_, golden) => {
  const bytes = goldenBytes(golden)
  expect(Buffer.compare(savedAgain(golden, bytes), bytes)).toBe(0)
})
