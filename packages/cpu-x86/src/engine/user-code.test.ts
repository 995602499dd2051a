import { expect, test } from 'vitest'
import { S } from '../state.ts'
import type { Walker } from '../system/paging.ts'
import { JUMP, JumpCache } from '../tier0/jump-cache.ts'
import { modeOf } from '../tier0/mode.ts'
import { UserCode } from './user-code.ts'

const PAGE = 4096
const mode = modeOf(32, 32, true)

/** A jump cache of a user, and the page tables in use: physical addresses by page; those that were not accessed are negative. */
function make(): { jumps: JumpCache; code: UserCode; tables: Map<number, number> } {
  const memory = new WebAssembly.Memory({ initial: 17 })
  const jumps = new JumpCache(memory.buffer, 4096, 0)
  jumps.select(mode, true)
  expect(S.end).toBeLessThanOrEqual(4096)
  expect(4096 + JUMP.entries * JUMP.entryBytes).toBeLessThanOrEqual(memory.buffer.byteLength)
  const tables = new Map<number, number>()
  const page = { physical: 0, accessed: false }
  const probe: Walker['probe'] = (linear) => {
    const at = tables.get(linear / PAGE)
    if (at === undefined) return false
    page.physical = Math.abs(at)
    page.accessed = at > 0
    return true
  }
  return { jumps, code: new UserCode(jumps, { page, probe } as unknown as Walker), tables }
}

function enter(m: ReturnType<typeof make>, linear: number, record: number, crosses = false): void {
  m.jumps.set(linear, record)
  m.code.note(linear, record, m.tables.get(Math.floor(linear / PAGE)) ?? -1, mode, crosses)
}

test('jumps into pages that another address space has as well stay', () => {
  const m = make()
  m.tables.set(5, 0x7000).set(6, 0x8000)
  enter(m, 0x5010, 32)
  enter(m, 0x6020, 64)
  m.tables.set(6, 0x9000)
  expect(m.code.moved()).toBe(true)
  expect([m.jumps.get(0x5010), m.jumps.get(0x6020)]).toEqual([32, 0])
})

test('a page that comes back brings all its jumps with the first', () => {
  const m = make()
  m.tables.set(5, 0x7000)
  enter(m, 0x5010, 32)
  enter(m, 0x5020, 64)
  m.tables.delete(5)
  m.code.moved()
  expect(m.jumps.get(0x5020)).toBe(0)
  m.tables.set(5, 0x7000)
  enter(m, 0x5010, 32)
  expect(m.jumps.get(0x5020)).toBe(64)
})

test('a page that comes back elsewhere has none of its jumps', () => {
  const m = make()
  m.tables.set(5, 0x7000)
  enter(m, 0x5020, 64)
  m.tables.set(5, 0x9000)
  m.code.moved()
  enter(m, 0x5010, 32)
  expect(m.jumps.get(0x5020)).toBe(0)
})

test('a page whose accessed bit a fetch would have to set is looked up anew', () => {
  const m = make()
  m.tables.set(5, 0x7000)
  enter(m, 0x5010, 32)
  m.tables.set(5, -0x7000)
  m.code.moved()
  expect(m.jumps.get(0x5010)).toBe(0)
})

test('what crosses into the next page goes with any change, and so do large pages', () => {
  const m = make()
  m.tables.set(5, 0x7000)
  enter(m, 0x5ffe, 32, true)
  enter(m, 0x40_0000, 64)
  m.code.dropLoose()
  expect([m.jumps.get(0x5ffe), m.jumps.get(0x40_0000)]).toEqual([0, 0])
})

test('a page that was dropped is not known, others are', () => {
  const m = make()
  m.tables.set(5, 0x7000).set(6, 0x8000)
  enter(m, 0x5010, 32)
  enter(m, 0x6020, 64)
  m.code.dropPage(5)
  expect([m.jumps.get(0x5010), m.jumps.get(0x6020)]).toEqual([0, 64])
})

test('with too many pages to ask everything has to go', () => {
  const m = make()
  for (let page = 0; page < 200; page++) {
    m.tables.set(page, (page + 1) * PAGE)
    enter(m, page * PAGE, 32)
  }
  expect(m.code.moved()).toBe(false)
})

test('records that are no more do not come back', () => {
  const m = make()
  m.tables.set(5, 0x7000)
  enter(m, 0x5020, 64)
  m.tables.delete(5)
  m.code.moved()
  m.code.clear()
  m.tables.set(5, 0x7000)
  enter(m, 0x5010, 32)
  expect(m.jumps.get(0x5020)).toBe(0)
})
