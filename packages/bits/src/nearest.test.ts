import { expect, test } from 'vitest'
import { distance, nearest } from './nearest.ts'

test('A name is as far as the letters that must be changed, added or dropped', () => {
  expect(distance('', 'abc')).toBe(3)
  expect(distance('kitten', 'sitting')).toBe(3)
  expect(distance('pc', 'pc')).toBe(0)
})

test('The nearest come first, and no more than asked for', () => {
  expect(nearest('infect', ['run', 'inspect', 'infer', 'help'], 2)).toEqual(['inspect', 'infer'])
})
