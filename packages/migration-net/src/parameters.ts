import type { ZeroPageDetection } from './migratable.ts'

/** What may be set, under QEMU's names where QEMU has one. Changes take effect while a migration runs. */
export interface MigrationParameters {
  /** `max-bandwidth`: bytes per second while the guest runs; 0 is no limit. */
  maxBandwidth: number
  /** `downtime-limit`: milliseconds the guest may stand still. */
  downtimeLimitMs: number
  /**
   * The source's patience, in ms: how long the destination may take to accept bytes, or to answer. The destination's:
   * how long all channels may take to come. 0 waits for ever.
   */
  peerTimeoutMs: number
  /**
   * The destination's patience with a stream that stands still, in ms; 0 waits for ever. A source may pause for long
   * in good faith: before the switch-over, until its owner lets it go on.
   */
  idleTimeoutMs: number
  /** `zero-page-detection`; undefined is what the machine version says. */
  zeroPageDetection?: ZeroPageDetection | undefined
}

/** QEMU's defaults where it has the parameter. */
export const defaultParameters = (): MigrationParameters => ({
  maxBandwidth: 128 << 20,
  downtimeLimitMs: 300,
  peerTimeoutMs: 30_000,
  idleTimeoutMs: 300_000,
})
