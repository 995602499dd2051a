import { expect, test } from 'vitest'
import { newFigures, newXbzrleFigures, queryMigrate } from './figures.ts'
import type { MigrationStatus } from './protocol.ts'

/** The ram object of QEMU 11.1, as it says it for pc-i440fx in every state that has one. */
const QEMU_RAM = [
  ...['total', 'postcopy-requests', 'dirty-sync-count', 'multifd-bytes', 'pages-per-second', 'downtime-bytes'],
  ...['page-size', 'remaining', 'postcopy-bytes', 'mbps', 'transferred', 'dirty-sync-missed-zero-copy'],
  ...['precopy-bytes', 'duplicate', 'dirty-pages-rate', 'normal-bytes', 'normal'],
]
const QEMU_CACHE = ['encoding-rate', 'bytes', 'cache-size', 'cache-miss-rate', 'pages', 'overflow', 'cache-miss']
const GOING = ['status', 'expected-downtime', 'remaining', 'setup-time', 'total-time', 'ram']

/** Keys of query-migrate as QEMU 11.1 answers it in these states of a source. */
const QEMU: Partial<Record<MigrationStatus, readonly string[]>> = {
  none: [],
  setup: ['status'],
  active: GOING,
  'pre-switchover': GOING,
  device: GOING,
  completed: ['status', 'setup-time', 'downtime', 'total-time', 'ram'],
  failed: ['status', 'error-desc'],
  cancelled: ['status', 'error-desc'],
}

const failed = (status: MigrationStatus): boolean => status === 'failed' || status === 'cancelled'

test.each(Object.entries(QEMU) as [MigrationStatus, string[]][])(
  'A source that is %s answers with the keys of QEMU.',
  (status, keys) => {
    const figures = newFigures(0)
    if (status === 'completed') Object.assign(figures, { downtimeMs: 3, totalMs: 20 })
    const told = queryMigrate(status, figures, 10, failed(status) ? { error: 'why' } : {})
    expect(Object.keys(told).sort()).toEqual([...keys].sort())
    if ('ram' in told) expect(Object.keys(told['ram'] as object).sort()).toEqual([...QEMU_RAM].sort())
  },
)

test('With xbzrle the counters of its cache come too, and rates of nothing are 0.', () => {
  const xbzrle = newXbzrleFigures(1 << 20)
  const cache = (): unknown => queryMigrate('active', newFigures(0), 1, { xbzrle })['xbzrle-cache']
  expect(Object.keys(cache() as object).sort()).toEqual([...QEMU_CACHE].sort())
  expect(cache()).toMatchObject({ 'cache-size': 1 << 20, 'cache-miss-rate': 0, 'encoding-rate': 0 })
  Object.assign(xbzrle, { asked: 4, cacheMisses: 1, pages: 2, bytes: 1024, overflows: 1 })
  expect(cache()).toMatchObject({ 'cache-miss-rate': 0.25, 'encoding-rate': 8, overflow: 1 })
})

test('Figures are those of QEMU in unit: bytes, pages, ms, and megabits of 10^6 per second.', () => {
  const figures = Object.assign(newFigures(100), { transferredBytes: 1_000_000, normalPages: 5, setupMs: 1.4 })
  expect(queryMigrate('active', figures, 1100)).toMatchObject({
    'total-time': 1000,
    'setup-time': 1,
    ram: { mbps: 8, normal: 5, 'normal-bytes': 20480, 'page-size': 4096 },
  })
})
