import type { Command } from './command.ts'
import { fleet } from './fleet.ts'

/** In the order of `godwit help`. */
export const commands: readonly Command[] = [fleet]
