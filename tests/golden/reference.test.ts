import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { referencePages } from '../support/reference.ts'

const folder = fileURLToPath(new URL('../../docs/reference/', import.meta.url))
const pages = referencePages()

test.each([...pages.keys()])('V9: docs/reference/%s is what the code says (pnpm ref)', (path) => {
  expect(existsSync(folder + path) ? readFileSync(folder + path, 'utf8') : 'no such page').toBe(pages.get(path))
})

test('V9: no page is left of a description that is gone', () => {
  for (const name of readdirSync(`${folder}vmstate`)) expect(pages.has(`vmstate/${name}`), name).toBe(true)
})
