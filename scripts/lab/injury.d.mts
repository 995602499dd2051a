import type { Machine } from '../../packages/machines/src/index.ts'

export interface Fault {
  readonly fault: 'cut' | 'flip'
  readonly at?: number
  readonly border?: string
  readonly beyond?: number
  /** Of a channel beside the main one: "multifd/0". */
  readonly channel?: string
}

export interface Injury extends Fault {
  readonly source: string
  readonly sourceSays: string
  readonly says: string
  /** Of a Godwit that refused: the code of its error; of a QEMU its exit status. */
  readonly code?: string | number
  readonly outcome: string
  readonly wrong: readonly string[]
}

export class Victim {
  static start(
    kind: string,
    lab: { folder: string; vmstate: object; machines: object; migration: object; node: object; multifd?: number },
  ): Promise<Victim>
  end(): Promise<void>
  borders(): Promise<ReadonlyMap<string, number>>
  machine(): Machine
}

export function injure(victim: Victim, to: string, what: Fault): Promise<Injury>
