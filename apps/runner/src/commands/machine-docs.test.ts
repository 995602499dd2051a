import { readFileSync } from 'node:fs'
import { expect, test, vi } from 'vitest'
import { machine } from './machine.ts'

const page = readFileSync(new URL('../../../../docs/compat/machine-versions.md', import.meta.url), 'utf8')
const examples = [...page.matchAll(/```console\n\$ godwit machine (.*)\n([^]*?)```/g)].map(
  (m) => [m[1]!, m[2]!] as const,
)

test('the page has examples', () => {
  expect(examples.length).toBeGreaterThan(4)
})

test.each(examples)('godwit machine %s prints what the page says', (args, expected) => {
  let text = ''
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk)
    return true
  })
  try {
    expect(machine.run(args.split(' '))).toBe(0)
  } finally {
    write.mockRestore()
  }
  expect(text.trimEnd()).toBe(expected.trimEnd())
})
