import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { Module } from '@godwit/wasm-encoder'
import { LiveModules } from './live-modules.ts'

const compiled = (): WebAssembly.Module => new WebAssembly.Module(new Module().bytes())

test('there are only so many modules, until one is no longer used', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const modules = new LiveModules(2)
  const used = [compiled(), compiled()]
  modules.note(used[0]!)
  expect(modules.full).toBe(false)
  modules.note(used[1]!)
  expect(modules.full).toBe(true)
  used.pop()
  for (let i = 0; i < 100 && modules.full; i++) {
    collect()
    await new Promise((turn) => setImmediate(turn))
  }
  expect(modules.full).toBe(false)
})
