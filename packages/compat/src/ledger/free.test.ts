import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { deletionsOf, oldestMachine } from './calendar.ts'
import { free, type SlotVerdict } from './free.ts'
import { ledgerOfHistory, parseHistory } from './history.ts'
import { wholeLedger } from './our-ledger.ts'

const entries = parseHistory(readFileSync(new URL('../../data/history.json', import.meta.url), 'utf8'))
const whole = wholeLedger(entries)
const short = (slots: readonly SlotVerdict[]): Record<string, string> =>
  Object.fromEntries(slots.map((s) => [s.slot, `${s.verdict}: ${s.reasons.map((r) => r.code).join(', ')}`]))

/** What the people who read the history say of each slot, and the verdict that means the same. */
const MEANS: Readonly<Record<string, SlotVerdict['verdict'] | 'free or kept'>> = {
  'reclaimable now': 'free',
  'not by machine deletion': 'free', // "reclaimable now, thanks to the version gate, not to machine deletion"
  'reclaimable now, with one doubt': 'after',
  'reclaimable on versioned PC machines; not in shared code': 'kept',
  'reclaimable in one direction only': 'one-way',
  'nothing to reclaim': 'nothing',
  'not a slot': 'nothing',
  'not before 11.0 is out of the window: not at 11.2, not at 12.0': 'kept',
}

test.each(['11.2', '12.0'])('At %s every unused slot gets the verdict that the history gives.', (at) => {
  const slots = new Map(free(whole, at).map((s) => [s.slot, s]))
  const judged = entries.filter((e) => e.verdict !== undefined)
  for (const e of judged) {
    const slot = slots.get(`${e.description}.${e.path}`)
    expect(slot?.verdict, `${e.description} ${e.path}: ${e.verdict}`).toBe(MEANS[e.verdict!])
    expect(slot!.bytes).toBe(e.bytes)
  }
  expect(judged.length).toBe(13)
})

test('Each verdict at 11.2 has its reasons.', () => {
  expect(short(free(whole, '11.2'))).toEqual({
    'I440FX.unused@0': 'free: machine-deleted',
    'mch.unused@0': 'free: machine-deleted',
    'kvmvapic-guest-rom.unused@0': 'free: never-written',
    'mc146818rtc.unused@0': 'free: version-gate, unversioned',
    'mc146818rtc.unused@1': 'free: version-gate, unversioned',
    'e1000.unused@0': 'nothing: old-version-only',
    'e1000.unused@1': 'free: never-written',
    'globalstate.unused': 'free: never-written',
    'ioapic.unused@0': 'after: fork',
    'timer.unused@0': 'kept: unversioned',
    'virtio_pci/modern_queue_state.unused@0': 'one-way: never-written, old-reader',
    'ringsize_state.unused@0': 'kept: machine-alive, unversioned',
    'virtio-net-device.unused@0': 'nothing: no-slot',
    'sd-card.unused@0': 'kept: machine-alive, unversioned',
    'sd-card.unused@1': 'free: version-gate, unversioned',
    'sd-card.unused@2': 'kept: machine-alive, unversioned',
  })
})

test('A slot is free when the newest machine that the last writer knew is gone, and not a release before.', () => {
  const i440fx = (at: string) => free(whole, at).find((s) => s.slot === 'I440FX.unused@0')!
  expect(i440fx('9.0')).toMatchObject({ verdict: 'kept', reasons: [{ code: 'machine-alive' }] })
  expect(i440fx('9.0').reasons[0]!.text).toBe(
    '2.3 wrote it, and the newest machine it knew, pc-i440fx-2.3, lives until 9.1',
  )
  expect(i440fx('9.1').verdict).toBe('free')
  expect(free(whole, '11.2').find((s) => s.slot === 'ringsize_state.unused@0')!.reasons[0]!.text).toBe(
    '11.0 wrote it, and the newest machine it knew, pc-i440fx-11.0, lives until 17.0',
  )
})

test('The RTC is free since 10.1, whose minimum version refuses what 1.2 wrote.', () => {
  const rtc = (at: string) => free(whole, at).find((s) => s.slot === 'mc146818rtc.unused@0')!
  expect(rtc('10.0')).toMatchObject({ verdict: 'kept', reasons: [{ code: 'unversioned' }] })
  expect(rtc('10.1').reasons[0]!.text).toBe('sections of version 2, which 1.2 wrote, are refused: the minimum is 3')
})

test("The SD card's 512 bytes: boards without versions can hold it, so no deletion ever frees them.", () => {
  const card = (at: string, ledger = whole) => free(ledger, at).find((s) => s.slot === 'sd-card.unused@1')!
  expect(card('5.1')).toMatchObject({ bytes: 512, lastWriter: '2.6', verdict: 'kept' })
  expect(card('5.1').reasons.map((r) => r.code)).toEqual(['machine-alive', 'unversioned'])
  // what the thread of July 2024 could not know: 5.2 raised the minimum version and refuses all that 2.6 wrote
  expect(card('9.1').reasons[0]!.text).toBe('sections of version 1, which 2.6 wrote, are refused: the minimum is 2')
  const ungated = ledgerOfHistory(
    entries.map((e) =>
      e.description === 'sd-card' && e.path === '@version' ? { ...e, wire: 'version 1', changed: [] } : e,
    ),
  )
  for (const at of ['11.2', '12.0', '30.0']) {
    expect(card(at, ungated)).toMatchObject({ verdict: 'kept', reasons: [{ code: 'unversioned' }] })
  }
})

test('A release beyond the calendar has no machine version left to keep a slot.', () => {
  expect(oldestMachine('99.9')).toBeUndefined()
  expect(deletionsOf('12.0').every((d) => /^\d+\.\d+$/.test(d.deletedIn))).toBe(true)
})
