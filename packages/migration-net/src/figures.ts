import { PAGE_SIZE } from '@godwit/memory'
import type { MigrationStatus } from './protocol.ts'

/** Counters of one migration, source or destination. Times are ms of the migration's pace. */
export interface MigrationFigures {
  /** Bytes of all RAM blocks. */
  totalBytes: number
  /** Bytes still to send, as known now. */
  remainingBytes: number
  transferredBytes: number
  /** Of these: while the guest ran, and while it stood still. */
  precopyBytes: number
  downtimeBytes: number
  /** Of these: on the channels of multifd. */
  multifdBytes: number
  /** Pages sent with data, and as a zero record. */
  normalPages: number
  zeroPages: number
  /** How often the dirty log was collected. */
  dirtySyncs: number
  /** Pages the guest dirtied per second, as of the last collection. */
  dirtyPagesPerSecond: number
  pagesPerSecond: number
  /** Bytes per ms, as measured last. */
  bandwidth: number
  startMs: number
  setupMs: number
  /** Expected while it runs, measured when it has completed. */
  expectedDowntimeMs: number
  downtimeMs: number | undefined
  totalMs: number | undefined
}

export const newFigures = (startMs: number): MigrationFigures => ({
  totalBytes: 0,
  remainingBytes: 0,
  transferredBytes: 0,
  precopyBytes: 0,
  downtimeBytes: 0,
  multifdBytes: 0,
  normalPages: 0,
  zeroPages: 0,
  dirtySyncs: 0,
  dirtyPagesPerSecond: 0,
  pagesPerSecond: 0,
  bandwidth: 0,
  startMs,
  setupMs: 0,
  expectedDowntimeMs: 0,
  downtimeMs: undefined,
  totalMs: undefined,
})

/** The reply of QMP's query-migrate for a source. */
export function queryMigrate(
  status: MigrationStatus,
  f: MigrationFigures,
  nowMs: number,
  errorText?: string,
): Record<string, unknown> {
  if (status === 'none') return {}
  if (status === 'failed' || status === 'cancelled' || status === 'cancelling') {
    return { status, ...(status === 'failed' && errorText !== undefined ? { 'error-desc': errorText } : {}) }
  }
  const totalMs = f.totalMs ?? nowMs - f.startMs
  return {
    status,
    'total-time': Math.round(totalMs),
    'setup-time': Math.round(f.setupMs),
    ...(status === 'setup'
      ? {}
      : f.downtimeMs === undefined
        ? { 'expected-downtime': Math.round(f.expectedDowntimeMs) }
        : { downtime: Math.round(f.downtimeMs) }),
    ...(status === 'setup' ? {} : { ram: ramFigures(f, totalMs) }),
  }
}

function ramFigures(f: MigrationFigures, totalMs: number): Record<string, number> {
  return {
    transferred: f.transferredBytes,
    remaining: f.remainingBytes,
    total: f.totalBytes,
    duplicate: f.zeroPages,
    normal: f.normalPages,
    'normal-bytes': f.normalPages * PAGE_SIZE,
    skipped: 0,
    'dirty-pages-rate': Math.round(f.dirtyPagesPerSecond),
    mbps: totalMs > 0 ? (f.transferredBytes * 8) / totalMs / 1000 : 0,
    'dirty-sync-count': f.dirtySyncs,
    'postcopy-requests': 0,
    'page-size': PAGE_SIZE,
    'multifd-bytes': f.multifdBytes,
    'pages-per-second': Math.round(f.pagesPerSecond),
    'precopy-bytes': f.precopyBytes,
    'downtime-bytes': f.downtimeBytes,
    'postcopy-bytes': 0,
    'dirty-sync-missed-zero-copy': 0,
  }
}
