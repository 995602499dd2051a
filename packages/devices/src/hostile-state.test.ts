/** Values that no device can have, as a stream may bring them: they are refused, and never made to fit in silence. */
import { build, type DeviceDef, type Model, type Props } from '@godwit/hw'
import { manualTime } from '@godwit/hw/testing'
import { AddressSpace } from '@godwit/memory'
import { loadBytes, saveBytes, VMStateError, type VMState } from '@godwit/vmstate'
import { expect, test } from 'vitest'
import { fdc } from './block/fdc.ts'
import { piix3Ide } from './ide/piix3-ide.ts'
import { mc146818 } from './rtc/mc146818.ts'
import { hpet } from './timer/hpet.ts'
import { piix4Pm } from './acpi/piix4-pm.ts'

type Bag = Record<string, unknown>

function made<S, P extends Props, W extends string, M extends Model>(def: DeviceDef<S, P, W, M>) {
  const { state, vmstate, model } = build(def, { time: manualTime(), dma: new AddressSpace('memory') })
  return { state: state as Bag, vmstate: vmstate as unknown as VMState<Bag>, model: model as Model }
}

/** The path "a.b[1].c" of a state, set. */
function put(state: Bag, path: readonly (string | number)[], value: unknown): void {
  const inner = path.slice(0, -1).reduce<unknown>((at, key) => (at as Bag)[key], state) as Bag
  inner[path.at(-1)!] = value
}

const cases = [
  ['an index behind the SMBus block', () => made(piix4Pm), ['smb', 'smb_index'], 32, /smb_index below 32, came 32/],
  ['an index behind the CMOS', () => made(mc146818), ['cmos_index'], 128, /cmos_index below 128, came 128/],
  ['a timer under another number', () => made(hpet), ['timer', 1, 'tn'], 2, /timer 1 with its own number, came 2/],
  ['a third drive on a channel', () => made(piix3Ide), ['bus', 0, 'unit'], 2, /unit 0 or 1, came 2/],
] as const

test.each(cases)('%s is refused', (_, make, path, value, message) => {
  const sender = make()
  put(sender.state, path, value)
  const { state, vmstate } = make()
  const refused = (): void => loadBytes(vmstate, state, saveBytes(vmstate, sender.state))
  expect(refused).toThrow(VMStateError)
  expect(refused).toThrow(message)
})

test('both drive bits of the floppy controller are kept', () => {
  const sender = made(fdc)
  put(sender.state, ['state', 'dor'], 0xf2)
  put(sender.state, ['state', 'cur_drv'], 1)
  const bytes = saveBytes(sender.vmstate, sender.state)
  const { state, vmstate } = made(fdc)
  loadBytes(vmstate, state, bytes)
  expect(saveBytes(vmstate, state)).toEqual(bytes)
})

test('a guest that knows an IDE drive is refused, since there is none', () => {
  const { state, model } = made(piix3Ide)
  put(state, ['bus[1].ifs', 0, 'identify_set'], 1)
  expect(() => model.afterLoad?.(3)).toThrow(/no drive on channel 1: the guest knows its drive 0/)
})

test('the entry in hand of a bus master travels when there is one, whatever the status says', () => {
  const { state, vmstate } = made(piix3Ide)
  const plain = saveBytes(vmstate, state).length
  put(state, ['bmdma', 0, 'status'], 1)
  expect(saveBytes(vmstate, state)).toHaveLength(plain)
  put(state, ['bmdma', 0, 'cur_prd_len'], 512)
  expect(saveBytes(vmstate, state).length).toBeGreaterThan(plain)
})
