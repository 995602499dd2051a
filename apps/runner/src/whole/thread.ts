/** The machine's thread from a whole program. */
import { pathToFileURL } from 'node:url'
import { tuneEngine } from '../engine-flags.ts'
import { loadProgram } from './load-program.ts'

/** Until then what every guest begins with has been compiled, and V8 has thrown nothing of it away, ms. */
const KEPT_AFTER = 300

// V8 keeps its own modules compiled as well, for programs that have left its flags alone: they are loaded by now
tuneEngine()
const folder = pathToFileURL(`${__dirname}/`)
const { keep } = loadProgram(new URL('machine.code.cjs', folder), new URL('../', folder))
setTimeout(keep, KEPT_AFTER).unref()
