import { expect, test } from 'vitest'
import { commands } from './commands.ts'

type Asked = Parameters<(typeof commands)[string]['run']>[0]

const ask = (facts: object): unknown => commands['x-query-jit']!.run({ facts } as unknown as Asked)

test('x-query-jit tells the figures of the processor as text, as they are when it is asked', () => {
  let asked = 0
  const facts = { statistics: () => `instructions ${++asked}\n` }
  expect(ask(facts)).toEqual({ 'human-readable-text': 'instructions 1\n' })
  expect(ask(facts)).toEqual({ 'human-readable-text': 'instructions 2\n' })
})

test('x-query-jit is refused by a machine without figures', () => {
  expect(() => ask({})).toThrow('JIT information')
})
