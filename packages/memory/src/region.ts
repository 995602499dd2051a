import type { RamBlock } from './ram-block.ts'

/** Reads and writes of a device's registers; offsets count from the region's base, values are unsigned. */
export interface IoHandlers {
  read(offset: number, size: 1 | 2 | 4): number
  write(offset: number, size: 1 | 2 | 4, value: number): void
  /** Access sizes the handlers take; wider accesses are split, narrower ones widened. Default 1 to 4. */
  readonly sizes?: { readonly min: 1 | 2 | 4; readonly max: 1 | 2 | 4 }
}

interface Range {
  readonly name: string
  /** First address (guest physical, or port). */
  readonly base: number
  readonly size: number
  /** Higher wins where regions overlap; equal ones: the later. Default 0. */
  readonly priority?: number
}

/** RAM: reads and writes reach the block. ROM: writes are dropped. */
export interface RamRegion extends Range {
  readonly kind: 'ram' | 'rom'
  readonly block: RamBlock
  /** Offset in the block of the region's first byte. Default 0. */
  readonly blockOffset?: number
}

/** Registers: reads and writes reach a device's handlers. */
export interface IoRegion extends Range {
  readonly kind: 'io'
  readonly io: IoHandlers
}

export type Region = RamRegion | IoRegion
