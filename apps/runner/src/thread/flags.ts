/** Words that both threads see without a message: whose turn it is to look, and how many pages are dirty. */
export const FLAG = {
  /** Not 0: the owner has sent something that the machine's thread has not looked for yet. */
  asked: 0,
  /** Counts answers. */
  answered: 1,
  /** First of the counts of dirty pages, one for each RAM block. */
  dirty: 2,
} as const

/** More than any board has. */
const MOST_BLOCKS = 62

export const newFlags = (): Int32Array => new Int32Array(new SharedArrayBuffer((FLAG.dirty + MOST_BLOCKS) * 4))
