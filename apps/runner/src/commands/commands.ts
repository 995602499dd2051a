import type { Command } from './command.ts'
import { compat } from './compat.ts'
import { fleet } from './fleet.ts'
import { machine } from './machine.ts'
import { vmstate } from './vmstate.ts'

/** In the order of `godwit help`. */
export const commands: readonly Command[] = [compat, vmstate, machine, fleet]
