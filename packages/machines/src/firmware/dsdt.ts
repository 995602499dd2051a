/** The differentiated description of the i440fx board: PCI root, interrupt links, ISA devices, sleep states. */
import * as aml from './aml.ts'
import type { Aml } from './aml.ts'

export interface DsdtOptions {
  /** Unique id of the PCI root. Default 0; 1 to 5.1. */
  readonly pciRootUid?: number
  /** End of RAM below 4 GiB: PCI memory begins here. */
  readonly lowMemoryEnd: number
  readonly hpet: boolean
  readonly floppy: boolean
  /** Serial ports: COM1, COM2 ... */
  readonly serialPorts: number
}

const PCI_MEMORY_END = 0xfebf_ffff
const LINKS = ['LNKA', 'LNKB', 'LNKC', 'LNKD'] as const
const COM = [
  [0x3f8, 4],
  [0x2f8, 3],
  [0x3e8, 4],
  [0x2e8, 3],
] as const

/** The definition block's bytes, without header. */
export function dsdtOf(options: DsdtOptions): Aml {
  return [
    aml.scope('\\_SB', pciRoot(options)),
    aml.scope('\\_SB', interruptQueries(), ...LINKS.map(link), sciLink()),
    ...(options.hpet ? [aml.scope('\\_SB', hpet())] : []),
    sleepStates(),
  ].flat()
}

function pciRoot(options: DsdtOptions): Aml {
  return aml.device(
    'PCI0',
    aml.name('_HID', aml.eisaId('PNP0A03')),
    aml.name('_ADR', aml.integer(0)),
    aml.name('_UID', aml.integer(options.pciRootUid ?? 0)),
    aml.name('_PRT', routing()),
    aml.name(
      '_CRS',
      aml.resources(
        aml.busWindow(0, 0xff),
        aml.io(0xcf8, 8),
        aml.ioWindow(0, 0xcf7),
        aml.ioWindow(0xd00, 0xffff),
        aml.memoryWindow(0xa_0000, 0xb_ffff, true),
        aml.memoryWindow(options.lowMemoryEnd, PCI_MEMORY_END, false),
      ),
    ),
    aml.device(
      'GPE0',
      aml.name('_HID', aml.eisaId('PNP0A06')),
      aml.name('_UID', aml.text('GPE0 resources')),
      aml.name('_STA', aml.integer(0x0b)),
      aml.name('_CRS', aml.resources(aml.io(0xafe0, 4))),
    ),
    aml.device(
      'FWCF',
      aml.name('_HID', aml.text('QEMU0002')),
      aml.name('_STA', aml.integer(0x0b)),
      aml.name('_CRS', aml.resources(aml.io(0x510, 0x0c))),
    ),
    isaBridge(options),
  )
}

/** Slot by slot, INTA to INTD rotate over the links; the power management function's INTA is the SCI. */
function routing(): Aml {
  const rows: Aml[] = []
  for (let slot = 0; slot < 32; slot++) {
    for (let pin = 0; pin < 4; pin++) {
      const to = slot === 1 && pin === 0 ? 'LNKS' : LINKS[(slot + pin + 3) & 3]!
      rows.push(aml.packageOf(aml.integer(slot * 0x10000 + 0xffff), aml.integer(pin), aml.path(to), aml.integer(0)))
    }
  }
  return aml.packageOf(...rows)
}

/** PIIX3: PIRQ route registers 0x60 to 0x63 in its configuration space, and the ISA devices behind it. */
function isaBridge(options: DsdtOptions): Aml {
  return aml.device(
    'ISA',
    aml.name('_ADR', aml.integer(0x1_0000)),
    aml.operationRegion('P40C', 'pciConfig', 0x60, 4),
    aml.field('P40C', ['PRQ0', 8], ['PRQ1', 8], ['PRQ2', 8], ['PRQ3', 8]),
    isaDevice('RTC', 'PNP0B00', aml.io(0x70, 8), aml.irq(8)),
    isaDevice('KBD', 'PNP0303', aml.io(0x60, 1), aml.io(0x64, 1), aml.irq(1)),
    isaDevice('MOU', 'PNP0F13', aml.irq(12)),
    ...(options.floppy
      ? [isaDevice('FDC0', 'PNP0700', aml.io(0x3f2, 4), aml.io(0x3f7, 1), aml.irq(6), aml.dma(2))]
      : []),
    ...COM.slice(0, options.serialPorts).map(([port, line], i) =>
      isaDevice(`COM${i + 1}`, 'PNP0501', aml.io(port, 8), aml.irq(line)),
    ),
  )
}

function isaDevice(id: string, hid: string, ...items: Aml[]): Aml {
  const uid = /\d$/.test(id) ? [aml.name('_UID', aml.integer(Number(id.at(-1))))] : []
  return aml.device(
    id,
    aml.name('_HID', aml.eisaId(hid)),
    ...uid,
    aml.name('_STA', aml.integer(0x0f)),
    aml.name('_CRS', aml.resources(...items)),
  )
}

/** IQST: status of a route register; IQCR: its interrupt as a resource. Bit 7 set means not routed. */
function interruptQueries(): Aml {
  return [
    aml.method(
      'IQST',
      1,
      aml.iff(aml.and(aml.integer(0x80), aml.arg(0)), aml.give(aml.integer(9))),
      aml.give(aml.integer(0x0b)),
    ),
    aml.method(
      'IQCR',
      1,
      aml.name('PRR0', aml.resources(aml.sharedInterrupts(0))),
      aml.dwordField(aml.path('PRR0'), 5, 'PRRI'),
      aml.iff(aml.less(aml.arg(0), aml.integer(0x80)), aml.store(aml.arg(0), aml.path('PRRI'))),
      aml.give(aml.path('PRR0')),
    ),
  ].flat()
}

function link(id: string, index: number): Aml {
  const register = aml.path(`\\_SB.PCI0.ISA.PRQ${index}`)
  return aml.device(
    id,
    aml.name('_HID', aml.eisaId('PNP0C0F')),
    aml.name('_UID', aml.integer(index)),
    aml.name('_PRS', aml.resources(aml.sharedInterrupts(5, 10, 11))),
    aml.method('_STA', 0, aml.give([...aml.path('IQST'), ...register])),
    aml.method('_DIS', 0, aml.or(register, aml.integer(0x80), register)),
    aml.method('_CRS', 0, aml.give([...aml.path('IQCR'), ...register])),
    aml.method('_SRS', 1, aml.dwordField(aml.arg(0), 5, 'PRRI'), aml.store(aml.path('PRRI'), register)),
  )
}

/** The SCI does not move. */
function sciLink(): Aml {
  return aml.device(
    'LNKS',
    aml.name('_HID', aml.eisaId('PNP0C0F')),
    aml.name('_UID', aml.integer(4)),
    aml.name('_PRS', aml.resources(aml.sharedInterrupts(9))),
    aml.method('_STA', 0, aml.give(aml.integer(0x0b))),
    aml.method('_DIS', 0),
    aml.method('_CRS', 0, aml.give(aml.path('_PRS'))),
    aml.method('_SRS', 1),
  )
}

const hpet = (): Aml =>
  aml.device(
    'HPET',
    aml.name('_HID', aml.eisaId('PNP0103')),
    aml.name('_UID', aml.integer(0)),
    aml.name('_STA', aml.integer(0x0f)),
    aml.name('_CRS', aml.resources(aml.memory32(0xfed0_0000, 0x400, false))),
  )

/** Values of SLP_TYP for S5 as the PIIX4 model takes them. */
const sleepStates = (): Aml => {
  const zero = aml.integer(0)
  return aml.name('\\_S5', aml.packageOf(zero, zero, zero, zero))
}
