import { wholeProgram } from '../whole/whole-program.ts'

/** What a machine's thread begins with, in the folder of the compiled modules: all its modules in one file, if it is there. */
export const threadFile = (dist: URL): URL =>
  wholeProgram(dist, 'thread.cjs') ?? new URL('thread/machine-thread.js', dist)
