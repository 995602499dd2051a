/**
 * Streams damaged by mutations that know the structure, into the machine they were recorded of. Each is refused by an
 * error with a kind, a section, a field and an offset, or taken whole: then the machine holds every page that came, and
 * each section that came is written back with the same bytes. The long form is `node scripts/mutate-streams.mjs`.
 *
 * Taken whole does not mean that a stream written anew is the same to the byte. As in QEMU these are free:
 * the order of sections, their ids, and the order of subsections; sections and pages that are left out, or sent twice;
 * where a block's name is repeated; whatever stands behind EOF, the description above all; a target page size that is
 * ours; and the fields in exceptions.ts, which QEMU writes back otherwise, too.
 */
import { expect, test } from 'vitest'
import { campaign, draftOfRecorded, RECORDED, type Recorded } from './mutate/campaign.ts'
import { bytesOf } from './mutate/draft.ts'
import { EXCEPTIONS } from './mutate/exceptions.ts'
import { mutantOf } from './mutate/mutant.ts'
import { runOnAll } from './mutate/run-on.ts'

const recordedOf = (name: string): Recorded => RECORDED.find((r) => r.name === `i440fx-${name}.mig`)!
const machines = ['min-bios-5.2', 'base-bios-11.1', 'min-linux-10.0', 'base-linux-7.2']
const donors = machines.map((name) => draftOfRecorded(recordedOf(name)))

test.each(machines)('%s: of 250 damaged streams each is refused with its place or taken whole', async (name) => {
  const tally = await campaign(recordedOf(name), donors, { first: 1_000_001, count: 250 })
  expect([...tally.bugs]).toEqual([])
  expect(tally.accepted).toBeGreaterThan(30)
  for (const code of ['format', 'device', 'ram', 'torn', 'unknown-section']) {
    expect(tally.refused.get(code), code).toBeGreaterThan(0)
  }
})

test.each(['min-bios-5.2', 'base-bios-11.1'])('%s: a guest whose damaged state was taken runs', async (name) => {
  const recorded = recordedOf(name)
  const tally = await campaign(recorded, donors, { first: 2_000_001, count: 15 })
  const { ran, bugs } = await runOnAll(recorded, donors, tally.taken.slice(0, 3), 5_000)
  expect(ran).toBe(3)
  expect(bugs).toEqual([])
})

test('a mutant follows from its seed', () => {
  const [original] = donors
  const once = mutantOf(7, original!, donors)
  expect(mutantOf(7, original!, donors)).toEqual(once)
  expect(mutantOf(8, original!, donors).bytes).not.toEqual(once.bytes)
})

test('a recorded stream is taken apart and put together without a change but for its pages and its description', () => {
  const [draft] = donors
  const { bytes, offsets } = bytesOf(draft!)
  expect(offsets).toHaveLength(draft!.parts.length)
  expect(bytes.length).toBeGreaterThan(10_000)
  expect(draft!.parts.filter((p) => p.kind === 'device').length).toBeGreaterThan(20)
})

test('whatever is written back otherwise has a reason', () => {
  for (const { reason } of EXCEPTIONS) expect(reason.length).toBeGreaterThan(10)
})
