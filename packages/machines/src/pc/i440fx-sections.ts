import { BoardError, type Section } from '../board.ts'

/**
 * Sections in the order they are sent: QEMU 11.1's, in which whatever receives an interrupt is loaded before what may
 * raise it.
 */
const ORDER = [
  'apic',
  'timer',
  'cpu_common',
  'cpu',
  'kvm-tpr-opt',
  '0000:00:00.0/I440FX',
  'PCIHost',
  'PCIBUS',
  'fw_cfg',
  'dma',
  'mc146818rtc',
  '0000:00:01.1/ide',
  'i2c_bus',
  'smbus-eeprom',
  '0000:00:01.3/piix4_pm',
  '0000:00:01.0/PIIX3',
  'i8259',
  'ioapic',
  'hpet',
  'i8254',
  'pcspk',
  'serial',
  'fdc',
  'ps2kbd',
  'ps2mouse',
  'pckbd',
  'vmmouse',
  'port92',
  'acpi_build',
  'globalstate',
]

export function inOrder(sections: readonly Section[]): Section[] {
  const place = (s: Section): number => {
    const at = ORDER.indexOf(s.idstr)
    if (at < 0) throw new BoardError(`section ${s.idstr} has no place in the stream`)
    return at
  }
  return [...sections].sort((a, b) => place(a) - place(b) || a.instance - b.instance)
}
