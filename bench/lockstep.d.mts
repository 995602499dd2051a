import type { Machine } from '../packages/machines/src/index.ts'
import type { loadBytes, saveBytes } from '../packages/vmstate/src/index.ts'

export interface Codec {
  readonly saveBytes: typeof saveBytes
  readonly loadBytes: typeof loadBytes
}

export interface Lane {
  readonly machine: Machine
  runFor(instructions: number): number
}
export interface Difference {
  readonly sections: readonly string[]
  readonly bytes: readonly { block: string; offset: number; first: number; second: number }[]
  readonly pages: number
}
export interface Found {
  readonly at: number
  readonly equalAt?: number
  readonly difference?: Difference
  readonly lanes?: readonly [Lane, Lane]
  readonly how?: 'copy' | 'replay'
  back?(instructions: number): Lane
}
export declare function differenceOf(a: Machine, b: Machine, codec: Codec): Difference | undefined
export declare function lockstep(options: {
  readonly make: readonly [(at: number) => Lane, (at: number) => Lane]
  readonly every: number
  readonly until: number
  readonly codec: Codec
  say?(at: number): void
}): Found
