import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { threadFile } from './thread-file.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'thread-file-'))
  mkdirSync(join(folder, 'whole'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const write = (name: string, text: string, seconds: number): void => {
  writeFileSync(join(folder, 'whole', name), text)
  utimesSync(join(folder, 'whole', name), seconds, seconds)
}
const chosen = (): string => threadFile(pathToFileURL(`${folder}/`)).href.replace(/.*\//, '')

test('without the one file the modules are taken', () => {
  expect(chosen()).toBe('machine-thread.js')
})

test('the one file is taken while nothing that it was made from has been compiled since', () => {
  write('part', '', 1000)
  write('parts.json', '["part", "not-here"]', 1001)
  write('thread.cjs', '', 1001)
  expect(chosen()).toBe('thread.cjs')
  write('part', '', 1002)
  expect(chosen()).toBe('machine-thread.js')
})
