/** What of `godwit run` can begin before the program has been loaded. */
import { tuneEngine } from './engine-flags.ts'
import { stepBack } from './v8-threads.ts'
import { prepareThread } from './thread/spawn.ts'

/** A guess from the command line alone: what it gets wrong costs time, and nothing else. */
export const wantsThread = (args: readonly string[]): boolean =>
  (args[0] === 'run' || args[0]?.startsWith('-') === true) && !args.some((a) => OTHERWISE.test(a))

const OTHERWISE = /^(-h|--help|--?version)$|\bthread=off\b/

/** The machine's thread loads by itself, on another processor, what it needs. */
export function beginEarly(args: readonly string[]): void {
  if (!wantsThread(args)) return
  tuneEngine()
  // before there is a thread for the machine
  stepBack()
  prepareThread()
}
