/** What of `godwit run` can begin before the program has been loaded. */
import { stepBack } from './v8-threads.ts'
import { prepareThread } from './thread/spawn.ts'
import { wantsThread } from './wants-thread.ts'

/** The machine's thread loads by itself, on another processor, what it needs. */
export function beginEarly(args: readonly string[], whole?: URL): void {
  if (!wantsThread(args)) return
  // before there is a thread for the machine
  stepBack()
  prepareThread(whole)
}
