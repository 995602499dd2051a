/** `godwit run` from whole programs: the machine's thread and this one load at the same time. */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { beginEarly } from '../early.ts'
import { takeThread } from '../thread/spawn.ts'
import type { proceed } from './proceed.ts'

export function begin(args: readonly string[]): Promise<void> {
  beginEarly(args, pathToFileURL(join(__dirname, 'thread.cjs')))
  // what it takes to load the program can wait until the thread has begun
  const next = createRequire(__filename)(join(__dirname, 'proceed.cjs')) as { readonly proceed: typeof proceed }
  return next.proceed(args, takeThread())
}
