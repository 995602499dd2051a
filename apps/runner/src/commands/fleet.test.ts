import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { godwitHost } from '@godwit/compat'
import { fleet } from './fleet.ts'

const folder = mkdtempSync(join(tmpdir(), 'godwit-fleet-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}
const mine = file('g.json', JSON.stringify(godwitHost('g')))

async function printed(args: readonly string[]): Promise<string> {
  let text = ''
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk)
    return true
  })
  try {
    expect(await fleet.run(args)).toBe(0)
  } finally {
    write.mockRestore()
  }
  return text
}

test('The baseline is text, or JSON with the plan of an upgrade', async () => {
  expect(await printed(['baseline', mine])).toMatch(/^hosts {10}g\nmachine {8}pc-i440fx-/)
  const json = JSON.parse(await printed(['baseline', mine, '--json', '--upgrade', '11.1'])) as Record<string, unknown>
  expect(json).toMatchObject({ hosts: ['g'], upgrade: { release: '11.1' } })
})

test('Describing and a help page work', async () => {
  expect(JSON.parse(await printed(['describe', '--name', 'x']))).toMatchObject({ name: 'x', engine: 'godwit' })
  expect(JSON.parse(await printed(['describe', '--json', '--name', 'x']))).toMatchObject({ name: 'x' })
  expect(await printed([])).toBe(fleet.help)
})

test.each([
  [['baseline'], 'takes files'],
  [['baseline', '/no/such.json'], 'cannot read /no/such.json'],
  [['baseline', file('text.json', 'hello')], 'is not JSON'],
  [['baseline', file('other.json', '{}')], 'format: expected 1, came nothing'],
  [['baseline', mine, '--upgrade', 'soon'], 'expected a release such as'],
  [['baseline', mine, '--colour'], 'no option --colour; there are --upgrade, --json'],
  [['collect'], 'takes --qemu BINARY or --qmp SOCKET'],
  [['collect', '--qemu', '/no/qemu'], 'cannot start /no/qemu'],
  [['collect', '--qmp', '/no/socket'], 'cannot reach /no/socket'],
  [['basline'], 'the nearest is baseline'],
])('godwit fleet %j says what is wrong', async (args, message) => {
  await expect(Promise.resolve().then(() => fleet.run(args))).rejects.toThrow(message)
})
