/** The machine's thread from a whole program. */
import { fileURLToPath, pathToFileURL } from 'node:url'
import { tuneEngine } from '../engine-flags.ts'
import type * as MachineThread from '../thread/machine-thread.ts'
import { keptCode } from './kept-code.ts'
import { loadProgram } from './load-program.ts'

/** Until then what every guest begins with has been compiled, and V8 has thrown nothing of it away, ms. */
const KEPT_AFTER = 300

// V8 keeps its own modules compiled as well, for programs that have left its flags alone: they are loaded by now
tuneEngine()
const folder = pathToFileURL(`${__dirname}/`)
const file = new URL('machine.code.cjs', folder)
const { exports: program, id, keep } = loadProgram<typeof MachineThread>(file, new URL('../', folder))
program.giveKept(keptCode(fileURLToPath(file), id))
setTimeout(keep, KEPT_AFTER).unref()
