import { expect, test } from 'vitest'
import { defaultsOf, flag, num, oneOf, text } from './prop.ts'

test('the defaults of properties are the newest behaviour, by name', () => {
  const props = { year: num(2000, ''), slew: flag(true, ''), policy: oneOf(['a', 'b'], 'b', ''), id: text('x', '') }
  expect(defaultsOf(props)).toEqual({ year: 2000, slew: true, policy: 'b', id: 'x' })
})

test('numbers are decimal or hexadecimal', () => {
  expect([num(0, '').parse('1980'), num(0, '').parse('0x1bbc')]).toEqual([1980, 0x1bbc])
})

test('switches are on and off in all three spellings', () => {
  expect(['on', 'true', 'yes', 'off', 'false', 'no'].map((t) => flag(false, '').parse(t))).toEqual([
    ...[true, true, true],
    ...[false, false, false],
  ])
})

test.each([
  [num(0, ''), 'many', 'expected a number, came "many"'],
  [num(0, ''), ' ', 'expected a number, came " "'],
  [flag(true, ''), 'maybe', 'expected on or off, came "maybe"'],
  [oneOf(['discard', 'slew'], 'slew', ''), 'drop', 'expected discard or slew, came "drop"'],
])('a value that is not allowed is refused with what is', (prop, given, message) => {
  expect(() => prop.parse(given)).toThrow(new RangeError(message))
})
