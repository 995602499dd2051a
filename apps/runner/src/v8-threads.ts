import { readdirSync } from 'node:fs'
import { constants, getPriority, setPriority } from 'node:os'

/** Where processors are short, a tenth of what others get. */
const STEP = 10

/**
 * The threads that this process has beside this one have less of a claim to a processor from now on. They are V8's, four of
 * them, which compile what a guest runs: on a host with two processors they would take half of the guest's.
 */
export function stepBack(): void {
  if (process.platform !== 'linux') return
  try {
    const theirs = Math.min(getPriority() + STEP, constants.priority.PRIORITY_LOW)
    for (const id of readdirSync('/proc/self/task')) if (Number(id) !== process.pid) setPriority(Number(id), theirs)
  } catch {
    // without /proc, or where that is forbidden, they take turns
  }
}
