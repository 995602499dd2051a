import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { keptCode } from './kept-code.ts'

let folder: string
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'kept-code-'))))
afterEach(() => rmSync(folder, { recursive: true }))

const of = (id: string) => keptCode('/some/program.cjs', id, folder)

test('code is found under its name by the same program with the same key, and by no other', () => {
  of('one').write('run', 'here', Uint8Array.of(1, 2, 3))
  expect([...of('one').read('run', 'here')!]).toEqual([1, 2, 3])
  expect(of('one').read('run', 'there')).toBeUndefined()
  expect(of('one').read('walk', 'here')).toBeUndefined()
  expect(of('two').read('run', 'here')).toBeUndefined()
})

test('one file is kept of each name: the last', () => {
  for (const key of ['here', 'there']) of('one').write('run', key, Uint8Array.of(1))
  expect(readdirSync(folder)).toHaveLength(1)
  expect(of('one').read('run', 'here')).toBeUndefined()
  expect(of('one').read('run', 'there')).toBeDefined()
})
