import type { Fault } from './injury.mjs'
import type { Spoil } from './link.mjs'

export class Tracker {
  constructor(vmstate: object, machine: object)
  readonly borders: ReadonlyMap<string, number>
  readonly offset: number
  feed(bytes: Uint8Array): void
}
export function spoilerOf(what: Fault, tracker: Tracker): { readonly done: boolean; spoil: Spoil }
