import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { Script } from 'node:vm'
import { codeCache } from './code-cache.ts'

/** Characters of a program's first line that tell it from all others: scripts/bundle.mjs writes them. */
const ID_LENGTH = 80

export interface Loaded<T> {
  readonly exports: T
  /** Differs between any two programs. */
  readonly id: string
  /** Keeps what V8 has compiled by now for the next time, unless there was something to begin with. */
  readonly keep: () => void
}

type Wrapped<T> = (require: NodeJS.Require, moduleUrl: string) => T

/** Runs a program of one file. Its dynamic imports are relative to a folder, and so is what it knows of its own place. */
export function loadProgram<T>(file: URL, folder: URL, keptIn?: string): Loaded<T> {
  const path = fileURLToPath(file)
  const source = readFileSync(path, 'latin1')
  const id = source.slice(0, ID_LENGTH)
  const cache = codeCache(path, id, keptIn)
  const cachedData = cache.read()
  const script = new Script(source, {
    filename: path,
    ...(cachedData === undefined ? {} : { cachedData }),
    importModuleDynamically: ((name: string) =>
      import(name.startsWith('.') ? new URL(name, folder).href : name)) as never,
  })
  const run = script.runInThisContext() as Wrapped<T>
  return {
    id,
    exports: run(createRequire(path), new URL('thread/spawn.js', folder).href),
    keep() {
      if (cachedData === undefined || script.cachedDataRejected === true) cache.write(script.createCachedData())
    },
  }
}
