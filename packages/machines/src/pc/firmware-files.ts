import { RamBlock, type HostMemory } from '@godwit/memory'
import { ITEM } from '../boot/firmware-items.ts'
import { LOADER_FILE, RSDP_FILE, TABLES_FILE, type AcpiFiles } from '../firmware/acpi.ts'
import { encodeMap, ramEntries } from '../firmware/e820.ts'
import { SMBIOS_ANCHOR_FILE, SMBIOS_TABLES_FILE, smbiosFiles } from '../firmware/smbios.ts'
import type { FwCfg } from '@godwit/devices'

/** Files that firmware may patch travel with the guest: each is a RAM block. Used size, and the most it may grow to. */
const BLOCKS = {
  [TABLES_FILE]: [0x2_0000, 0x20_0000],
  [LOADER_FILE]: [0x1000, 0x1_0000],
  [RSDP_FILE]: [0x1000, 0x1000],
} as const

/** What firmware finds in fw_cfg on any boot. */
export function offerFirmwareFiles(
  config: FwCfg,
  host: HostMemory,
  options: {
    ramBytes: number
    acpi: AcpiFiles | undefined
    machine: string
    boardValues: Readonly<Record<string, string>>
    /** The firmware has begun to read the tables: from now on they are the guest's. */
    onAcpiRead: () => void
  },
): RamBlock[] {
  const number16 = (value: number): Uint8Array => Uint8Array.of(value & 0xff, value >> 8)
  const size = new Uint8Array(8)
  new DataView(size.buffer).setBigUint64(0, BigInt(options.ramBytes), true)
  config.addBytes(ITEM.ramSize, size)
  config.addBytes(ITEM.uuid, new Uint8Array(16))
  config.addBytes(ITEM.nographic, number16(1))
  config.addBytes(ITEM.cpus, number16(1))
  config.addBytes(ITEM.maxCpus, number16(1))
  config.addBytes(ITEM.bootMenu, number16(0))
  config.addBytes(ITEM.numa, new Uint8Array(16))
  config.addBytes(ITEM.irq0Override, Uint8Array.of(1, 0, 0, 0))
  config.addFile('etc/e820', encodeMap(ramEntries(options.ramBytes)))
  config.addFile('etc/boot-fail-wait', Uint8Array.of(0xff, 0xff, 0xff, 0xff))
  const smbios = smbiosFiles({
    machine: options.machine,
    manufacturer: 'Godwit',
    product: 'Standard PC (i440FX + PIIX, 1996)',
    ramBytes: options.ramBytes,
    entryPoint: options.boardValues['smbios-entry-point'] === '2.8' ? '2.8' : '3.0',
  })
  config.addFile(SMBIOS_ANCHOR_FILE, smbios.anchor)
  config.addFile(SMBIOS_TABLES_FILE, smbios.tables)
  const { acpi } = options
  if (acpi === undefined) return []
  // S3 and S4 are not offered, S5 with the value that the tables name.
  config.addFile('etc/system-states', Uint8Array.of(0, 0, 0, 0, 0, 0x80))
  const contents = { [TABLES_FILE]: acpi.tables, [LOADER_FILE]: acpi.loader, [RSDP_FILE]: acpi.rsdp }
  return Object.entries(BLOCKS).map(([file, [used, most]]) => {
    const block = new RamBlock(host, `/rom@${file}`, used, most)
    const bytes = contents[file as keyof typeof contents]
    block.bytes.set(bytes)
    const shown = file === RSDP_FILE ? bytes.length : used
    config.addFile(file, block.bytes.subarray(0, shown), { onSelect: options.onAcpiRead })
    return block
  })
}
