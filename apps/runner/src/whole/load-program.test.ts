import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { codeCache } from './code-cache.ts'
import { loadProgram } from './load-program.ts'

let folder: string
let cache: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'load-program-'))
  cache = join(folder, 'cache')
})
afterEach(() => rmSync(folder, { recursive: true }))

const CODE = Buffer.from('what V8 would say, and would believe')
const entry = (id = 'one') => codeCache('/some/program.cjs', id, cache)
const file = (): string => join(cache, readdirSync(cache)[0]!)

test('code that was kept is found again', () => {
  expect(entry().read()).toBeUndefined()
  entry().write(CODE)
  expect(entry().read()).toEqual(CODE)
  expect(readdirSync(cache)).toHaveLength(1)
})

test('the code of another program in the same place is not taken', () => {
  entry('one').write(CODE)
  expect(entry('two').read()).toBeUndefined()
})

test.each([0, 1, 32, 40])('a file that was cut after %i bytes is none', (length) => {
  entry().write(CODE)
  truncateSync(file(), length)
  expect(entry().read()).toBeUndefined()
})

test('a file with a wrong bit anywhere is none', () => {
  entry().write(CODE)
  const bytes = readFileSync(file())
  for (let at = 0; at < bytes.length; at++) {
    const wrong = Buffer.from(bytes)
    wrong[at]! ^= 0x10
    writeFileSync(file(), wrong)
    expect(entry().read()).toBeUndefined()
  }
})

test('a cache that cannot be written is left alone', () => {
  writeFileSync(cache, 'no folder')
  expect(() => entry().write(CODE)).not.toThrow()
  expect(entry().read()).toBeUndefined()
})

test('code made under other flags of V8 is not kept', () => {
  const before = entry()
  setFlagsFromString('--no-wasm-stack-checks')
  try {
    before.write(CODE)
  } finally {
    setFlagsFromString('--wasm-stack-checks')
  }
  expect(entry().read()).toBeUndefined()
})

test('a program runs alike the first time, from what was kept, and where nothing can be kept', () => {
  const text = (answer: number): string =>
    `/* ${String(answer).padEnd(80)} */ (function (require, moduleUrl) { return { sum: (a) => a + ${answer}, join: require('node:path').join, moduleUrl } })`
  const path = join(folder, 'program.cjs')
  const load = (keptIn = cache) =>
    loadProgram<{ sum(a: number): number; join: unknown; moduleUrl: string }>(
      pathToFileURL(path),
      pathToFileURL(`${folder}/`),
      keptIn,
    )
  for (const answer of [41, 42]) {
    writeFileSync(path, text(answer))
    for (let time = 0; time < 2; time++) {
      const { exports, keep } = load()
      expect(exports).toEqual({
        sum: expect.any(Function) as unknown,
        join,
        moduleUrl: pathToFileURL(join(folder, 'thread/spawn.js')).href,
      })
      expect(exports.sum(1)).toBe(answer + 1)
      keep()
    }
  }
  expect(readdirSync(cache)).toHaveLength(1)
  expect(load(path).exports.sum(1)).toBe(43)
})
