/** The program, while the machine's thread loads. */
import { pathToFileURL } from 'node:url'
import type { Worker } from 'node:worker_threads'
import { untuned } from '../engine-flags.ts'
import { loadProgram } from './load-program.ts'
import type { Program } from './program.ts'

export async function proceed(args: readonly string[], thread: Worker | undefined): Promise<void> {
  const folder = pathToFileURL(`${__dirname}/`)
  const { exports: program, keep } = loadProgram<Program>(new URL('program.code.cjs', folder), new URL('../', folder))
  if (thread !== undefined) program.giveThread(thread)
  process.on('exit', () => untuned(keep))
  await program.main(args)
}
