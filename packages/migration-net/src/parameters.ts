/** What may be set, under QEMU's names where QEMU has one. Changes take effect while a migration runs. */
export interface MigrationParameters {
  /** `max-bandwidth`: bytes per second while the guest runs; 0 is no limit. */
  maxBandwidth: number
  /** `downtime-limit`: milliseconds the guest may stand still. */
  downtimeLimitMs: number
  /** Silence of the peer, in ms, after which the migration fails; 0 waits for ever. */
  peerTimeoutMs: number
}

/** QEMU's defaults. */
export const defaultParameters = (): MigrationParameters => ({
  maxBandwidth: 128 << 20,
  downtimeLimitMs: 300,
  peerTimeoutMs: 30_000,
})
