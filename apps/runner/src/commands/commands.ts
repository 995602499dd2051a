import type { Command } from './command.ts'

/** In the order of `godwit help`. */
export const commands: readonly Command[] = []
