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

/** Counters of query-migrate's "xbzrle-cache". */
export interface XbzrleFigures {
  cacheBytes: number
  /** Bytes of deltas, and how many pages they stand for. */
  bytes: number
  pages: number
  cacheMisses: number
  /** Pages whose delta would have been longer than the page. */
  overflows: number
  /** Pages that were asked for, hits and misses. */
  asked: number
}

export const newXbzrleFigures = (cacheBytes: number): XbzrleFigures => ({
  ...{ cacheBytes, bytes: 0, pages: 0, cacheMisses: 0, overflows: 0, asked: 0 },
})

/** What there is beside the figures. */
export interface QueryExtras {
  readonly xbzrle?: XbzrleFigures | undefined
  readonly error?: string | undefined
}

/** The reply of QMP's query-migrate for a source: the keys are those of QEMU 11.1 in the same state. */
export function queryMigrate(
  status: MigrationStatus,
  f: MigrationFigures,
  nowMs: number,
  { xbzrle, error }: QueryExtras = {},
): Record<string, unknown> {
  if (status === 'none') return {}
  const told = error === undefined ? {} : { 'error-desc': error }
  if (!(status in SHOWN)) return { status, ...told }
  const totalMs = f.totalMs ?? nowMs - f.startMs
  return {
    status,
    'total-time': Math.round(totalMs),
    'setup-time': Math.round(f.setupMs),
    ...(f.downtimeMs === undefined
      ? { 'expected-downtime': Math.round(f.expectedDowntimeMs), remaining: f.remainingBytes }
      : { downtime: Math.round(f.downtimeMs) }),
    ram: ramFigures(f, totalMs),
    ...(xbzrle === undefined ? {} : { 'xbzrle-cache': cacheFigures(xbzrle) }),
    ...told,
  }
}

/** States with figures. */
const SHOWN: Partial<Record<MigrationStatus, true>> = {
  active: true,
  'pre-switchover': true,
  device: true,
  completed: true,
}

function ramFigures(f: MigrationFigures, totalMs: number): Record<string, number> {
  return {
    transferred: f.transferredBytes,
    remaining: f.remainingBytes,
    total: f.totalBytes,
    duplicate: f.zeroPages,
    normal: f.normalPages,
    'normal-bytes': f.normalPages * PAGE_SIZE,
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

function cacheFigures(f: XbzrleFigures): Record<string, number> {
  return {
    'cache-size': f.cacheBytes,
    bytes: f.bytes,
    pages: f.pages,
    'cache-miss': f.cacheMisses,
    // parts of the pages that were asked for, and how many times smaller the deltas are
    'cache-miss-rate': f.asked === 0 ? 0 : f.cacheMisses / f.asked,
    'encoding-rate': f.bytes === 0 ? 0 : (f.pages * PAGE_SIZE) / f.bytes,
    overflow: f.overflows,
  }
}
