/** What QEMU 11.1 sends of a pc-i440fx-11.1 with 64 MiB that has been reset and not run: our devices must send the same. */
import { AddressSpace } from '@godwit/memory'
import { build, type BuildOptions, type DeviceDef, type Model } from '@godwit/hw'
import { manualTime } from '@godwit/hw/testing'
import { loadBytes, saveBytes, type VMState } from '@godwit/vmstate'
import { expect, test } from 'vitest'
import { i2cBus } from './acpi/pm-smbus.ts'
import { piix4Pm } from './acpi/piix4-pm.ts'
import { fdc } from './block/fdc.ts'
import { uart16550 } from './char/uart16550.ts'
import { i8257 } from './dma/i8257.ts'
import { piix3Ide } from './ide/piix3-ide.ts'
import { i8042 } from './input/i8042.ts'
import { ps2Keyboard } from './input/ps2-keyboard.ts'
import { ps2Mouse } from './input/ps2-mouse.ts'
import { vmmouse } from './input/vmmouse.ts'
import { port92 } from './misc/port92.ts'
import { fwCfg, type FwCfg } from './nvram/fw-cfg.ts'
import { i440fx } from './pci/i440fx.ts'
import { pciBus } from './pci/pci-bus.ts'
import { pciHost } from './pci/pci-host.ts'
import { piix3 } from './pci/piix3.ts'

/** Section, instance, version, payload: hex, "NxHH" repeats a byte. */
// prettier-ignore
const SECTIONS = [
  ['0000:00:00.0/I440FX', 0, 3, '00000002868037120000000002000006 32x00 f41a0011 39x00 08 26x00 02 158x00'],
  ['PCIHost', 0, 1, '00000000'],
  ['PCIBUS', 0, 1, '00000004 16x00'],
  ['fw_cfg', 0, 2, '000000000000050a66775f6366672f646d61 12x00 050e66775f6366672f616370695f6d7200000001000000000002 8x00 10 8x00 14'],
  ['dma', 0, 1, '00ff 73x00'],
  ['dma', 1, 1, '00ff0000000001 68x00'],
  ['0000:00:01.1/ide', 0, 3, '00000002868010700000800200800101 20x00 01 11x00 f41a0011 269x00 10 9x00 0101ffff0000000000a0500000000000000010 9x00 0101ffff0000000000a0500000000000000010 9x00 0101ffff0000000000a0500000000000000010 9x00 0101ffff0000000000a05000000000'],
  ['i2c_bus', 0, 1, 'ff'],
  ['0000:00:01.3/piix4_pm', 0, 3, '00000002868013710000800203008006 32x00 f41a0011 13x00 01000001 30x00 100000006000000008 40x00 01b1 64x00 09 62x00 01 48x00 020000010000ffffffffffffffff 2068x00 050e70696978345f706d2f6d656d68700000000100000000050e70696978345f706d2f637075687000000001 15x00'],
  ['0000:00:01.0/PIIX3', 0, 3, '00000002868000700000000200000106000080 29x00 f41a0011 28x00 4d0003 17x00 808080800000000000020000000000008000000000000c0c02 39x00 08000000000000000f 119x00'],
  ['serial', 0, 3, '000c000001000860b00000'],
  ['fdc', 0, 2, '40c00c000080 522x00 010000000000006000000200000005116664726976652f6d656469615f72617465000000010000000005116664726976652f6d656469615f726174650000000100'],
  ['ps2kbd', 0, 3, 'ffffffff 271x00 010000000000000002'],
  ['ps2mouse', 0, 2, 'ffffffff 287x00'],
  ['pckbd', 0, 3, '00180300051470636b62642f657874656e6465645f7374617465 14x00'],
  ['vmmouse', 0, 0, '000004 4099x00 ffff00'],
  ['port92', 0, 1, '00'],
] as const

function unsqueeze(text: string): string {
  return text
    .split(' ')
    .map((part) => {
      const [count, byte] = part.split('x')
      return byte === undefined ? part : byte.repeat(Number(count))
    })
    .join('')
}

const hex = (bytes: Uint8Array): string => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('')

// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Any = any
type AnyOptions = Partial<BuildOptions<Any, Any>>

/** Our device for a section, after a reset. */
function deviceFor(
  section: string,
  instance: number,
): { state: unknown; model: Model; vmstate: VMState<Any>; name: string } {
  const time = manualTime()
  const one = (def: DeviceDef<Any, Any, Any, Any>, options: AnyOptions = {}) => {
    const built = build(def, { time, dma: new AddressSpace('dma'), ...options }) as unknown as {
      state: unknown
      model: Model
      vmstate: VMState<Any>
    }
    built.model.reset()
    return { ...built, name: built.vmstate.name }
  }
  switch (section.replace(/^.*\//, '')) {
    case 'I440FX':
      return one(i440fx, { props: { 'ram-size': 64 << 20 } })
    case 'PCIHost':
      return one(pciHost)
    case 'PCIBUS':
      return one(pciBus)
    case 'fw_cfg': {
      const built = one(fwCfg)
      const model = built.model as FwCfg
      model.addFile('etc/acpi/tables', new Uint8Array(0x20000))
      model.addFile('etc/table-loader', new Uint8Array(0x1000))
      model.addFile('etc/acpi/rsdp', new Uint8Array(20))
      return built
    }
    case 'dma':
      return one(i8257, { props: { dshift: instance } })
    case 'ide':
      return one(piix3Ide)
    case 'i2c_bus':
      return one(i2cBus)
    case 'piix4_pm':
      return one(piix4Pm, { props: { 'smm-enabled': true } })
    case 'PIIX3':
      return one(piix3)
    case 'serial':
      return one(uart16550)
    case 'fdc':
      return one(fdc)
    case 'ps2kbd':
      return one(ps2Keyboard)
    case 'ps2mouse':
      return one(ps2Mouse)
    case 'pckbd':
      return one(i8042)
    case 'vmmouse':
      return one(vmmouse)
    case 'port92':
      return one(port92)
    default:
      throw new Error(section)
  }
}

for (const [section, instance, version, payload] of SECTIONS) {
  test(`${section} ${instance} sends the bytes that QEMU sends after a reset`, () => {
    const { state, vmstate, name } = deviceFor(section, instance)
    expect(section.endsWith(name)).toBe(true)
    expect(vmstate.version).toBe(version)
    expect(hex(saveBytes(vmstate, state))).toBe(unsqueeze(payload))
  })

  test(`${section} ${instance} loads what QEMU sends and sends it back`, () => {
    const { state, model, vmstate } = deviceFor(section, instance)
    const bytes = Uint8Array.from(unsqueeze(payload).match(/../g)!, (b) => parseInt(b, 16))
    loadBytes(vmstate, state, bytes)
    model.afterLoad?.(version)
    model.beforeSave?.()
    expect(hex(saveBytes(vmstate, state))).toBe(unsqueeze(payload))
  })
}
