import { readdirSync } from 'node:fs'
import { availableParallelism, constants, getPriority, setPriority } from 'node:os'

/** Where processors are short, a tenth of what others get. */
const STEP = 10
/** Node begins with a thread for what is to be done later, and four for V8's tasks. */
const FIRST = 1
const COUNT = 4

/**
 * The threads that this process has beside this one have less of a claim to a processor from now on. They are V8's, which
 * compile what a guest runs: on a host with two processors they would take half of the guest's. Those that the processors
 * left by the guest have no room for come last: what is compiled by one after another is ready sooner than all at once.
 */
export function stepBack(): void {
  if (process.platform !== 'linux') return
  const room = FIRST + Math.max(availableParallelism() - 1, 1)
  try {
    const theirs = Math.min(getPriority() + STEP, constants.priority.PRIORITY_LOW)
    readdirSync('/proc/self/task')
      .map(Number)
      .filter((id) => id !== process.pid)
      .sort((a, b) => a - b)
      .forEach((id, i) => setPriority(id, i >= room && i < FIRST + COUNT ? constants.priority.PRIORITY_LOW : theirs))
  } catch {
    // without /proc, or where that is forbidden, they take turns
  }
}
