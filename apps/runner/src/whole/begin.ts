/** `godwit run` from whole programs: the machine's thread and this one load at the same time. */
import { pathToFileURL } from 'node:url'
import { beginEarly } from '../early.ts'
import { untuned } from '../engine-flags.ts'
import { takeThread } from '../thread/spawn.ts'
import { loadProgram } from './load-program.ts'
import type { Program } from './program.ts'

export async function begin(args: readonly string[]): Promise<void> {
  beginEarly(args)
  const folder = pathToFileURL(`${__dirname}/`)
  const { exports: program, keep } = loadProgram<Program>(new URL('program.code.cjs', folder), new URL('../', folder))
  const thread = takeThread()
  if (thread !== undefined) program.giveThread(thread)
  process.on('exit', () => untuned(keep))
  await program.main(args)
}
