import type { LabGuest } from './guests.mjs'

export interface Hop {
  readonly from: string
  readonly to: string
  /** ms, as the source says. */
  readonly downtime?: number
  readonly total?: number
  /** ms between STOP and RESUME. */
  readonly stopped?: number
  readonly differences: readonly string[]
}

export interface Journey {
  readonly hops: readonly Hop[]
  readonly faults: readonly string[]
  readonly notes: readonly string[]
  readonly clock?: string
  readonly position: string
}

export function journey(
  kinds: readonly string[],
  options: {
    folder: string
    guest: LabGuest
    transport: string
    way?: { multifd?: number; returnPath?: boolean }
    ticks?: number
    compare: boolean
    vmstate: unknown
    saves: Map<string, unknown>
    onProgress?: (line: string) => void
  },
): Promise<Journey>
