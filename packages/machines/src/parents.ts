/**
 * QEMU's types above those of our devices, nearest first. A compat property of a parent applies to every type below
 * it; one of a child misses the child's sisters.
 */
const ISA = ['isa-device', 'device']
const SYSBUS = ['sys-bus-device', 'device']
const PCI = ['pci-device', 'device']
const PARENTS: Readonly<Record<string, readonly string[]>> = {
  PCI: ['bus'],
  PIIX3: ['pci-piix', ...PCI],
  PIIX4_PM: PCI,
  apic: ['apic-common', 'device'],
  fw_cfg_io: ['fw_cfg', ...SYSBUS],
  hpet: SYSBUS,
  'i2c-bus': ['bus'],
  i440FX: PCI,
  'i440FX-pcihost': ['pci-host-bridge', ...SYSBUS],
  i8042: ISA,
  i8257: ISA,
  ioapic: ['ioapic-common', ...SYSBUS],
  'isa-debug-exit': ISA,
  'isa-debugcon': ISA,
  'isa-fdc': ISA,
  'isa-i8259': ['pic-common', ...ISA],
  'isa-pcspk': ISA,
  'isa-pit': ['pit-common', ...ISA],
  'isa-serial': ISA,
  kvmvapic: SYSBUS,
  mc146818rtc: ISA,
  'piix3-ide': ['pci-ide', ...PCI],
  port92: ISA,
  'ps2-kbd': ['ps2-device', ...SYSBUS],
  'ps2-mouse': ['ps2-device', ...SYSBUS],
  'smbus-eeprom': ['smbus-device', 'i2c-slave', 'device'],
  vmmouse: ISA,
  vmport: ISA,
}

const CPU = 'x86_64-cpu'

/** Types that a device's or processor's type inherits from, nearest first; none for an unknown type. */
export const parentsOf = (type: string): readonly string[] =>
  PARENTS[type] ?? (type.endsWith(`-${CPU}`) ? [CPU, 'cpu', 'device'] : [])

/** Our device types below a type, itself included. */
export const childrenOf = (type: string): string[] =>
  Object.keys(PARENTS).filter((t) => t === type || PARENTS[t]!.includes(type))

/** Types that only others inherit from. */
export const isParent = (type: string): boolean =>
  type === CPU || Object.values(PARENTS).some((above) => above.includes(type))
