/** The program as one file. */
import { main } from '../main.ts'
import { giveThread } from '../thread/spawn.ts'

export { giveThread, main }

export interface Program {
  readonly main: typeof main
  readonly giveThread: typeof giveThread
}
