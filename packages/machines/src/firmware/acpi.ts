/**
 * ACPI tables of the i440fx board, and the script by which firmware places them.
 *
 * Spec  [ACPI] Advanced Configuration and Power Interface 6.4, chapter 5
 */
import { latin1 } from '@godwit/bits'
import { dsdtOf, type DsdtOptions } from './dsdt.ts'
import { TableLoader } from './table-loader.ts'

export interface AcpiOptions extends DsdtOptions {
  readonly cpus: number
  readonly hpet: boolean
}

export interface AcpiFiles {
  /** All tables one after another: FACS first, 64-byte aligned. */
  readonly tables: Uint8Array
  readonly rsdp: Uint8Array
  /** Commands for the firmware: allocate, point, checksum. */
  readonly loader: Uint8Array
}

export const TABLES_FILE = 'etc/acpi/tables'
export const RSDP_FILE = 'etc/acpi/rsdp'
export const LOADER_FILE = 'etc/table-loader'

const OEM_ID = 'GODWIT'
const OEM_TABLE = 'GODWITPC'
const HEADER = 36

/** PM1 and GPE0 blocks as firmware programs the PIIX4 (SeaBIOS and the direct boot alike). */
export const PM_BASE = 0x600
export const GPE0_BASE = 0xafe0
export const SCI_IRQ = 9

/** The tables, unplaced, with the script that places them. */
export function acpiFiles(options: AcpiOptions): AcpiFiles {
  const loader = new TableLoader()
  const blob: number[] = []
  loader.allocate(TABLES_FILE, 64, 'high')
  loader.allocate(RSDP_FILE, 16, 'fseg')

  const add = (bytes: readonly number[]): number => {
    const at = blob.length
    blob.push(...bytes)
    return at
  }
  const pointers: [at: number, size: number][] = []
  /** A table whose listed fields hold offsets into the blob until the firmware adds its address. */
  const addTable = (
    signature: string,
    revision: number,
    body: readonly number[],
    fields: readonly number[] = [],
  ): number => {
    const at = add(table(signature, revision, body))
    for (const f of fields) pointers.push([at + f, 4])
    return at
  }

  const facs = add(facsOf())
  const dsdt = addTable('DSDT', 1, dsdtOf(options))
  const fadt = addTable('FACP', 1, fadtOf(facs, dsdt), [36, 40])
  const roots = [fadt, addTable('APIC', 1, madtOf(options.cpus))]
  if (options.hpet) roots.push(addTable('HPET', 1, hpetOf()))
  roots.push(addTable('WAET', 1, u32(2)))
  const rsdt = addTable(
    'RSDT',
    1,
    roots.flatMap(u32),
    roots.map((_, i) => HEADER + 4 * i),
  )

  for (const [at, size] of pointers) loader.addPointer(TABLES_FILE, TABLES_FILE, at, size)
  for (const at of [dsdt, ...roots, rsdt]) {
    const length = blob[at + 4]! | (blob[at + 5]! << 8) | (blob[at + 6]! << 16)
    loader.addChecksum(TABLES_FILE, at + 9, at, length)
  }
  const rsdp = Uint8Array.from([...latin1('RSD PTR '), 0, ...latin1(OEM_ID), 0, ...u32(rsdt)])
  loader.addPointer(RSDP_FILE, TABLES_FILE, 16, 4)
  loader.addChecksum(RSDP_FILE, 8, 0, 20)
  return { tables: Uint8Array.from(blob), rsdp, loader: loader.bytes() }
}

const u16 = (v: number): number[] => [v & 0xff, (v >> 8) & 0xff]
const u32 = (v: number): number[] => [v & 0xff, (v >> 8) & 0xff, (v >> 16) & 0xff, (v >>> 24) & 0xff]

/** A table with its header; the checksum byte is left to the loader. [ACPI] 5.2.6 */
function table(signature: string, revision: number, body: readonly number[]): number[] {
  return [
    ...latin1(signature),
    ...u32(HEADER + body.length),
    revision,
    0,
    ...latin1(OEM_ID),
    ...latin1(OEM_TABLE),
    ...u32(1),
    ...latin1('GDWT'),
    ...u32(1),
    ...body,
  ]
}

/** [ACPI] 5.2.10 */
const facsOf = (): number[] => [...latin1('FACS'), ...u32(64), ...new Array<number>(56).fill(0)]

/** Revision 1 of the fixed table: no reset register, 32-bit blocks. [ACPI] 5.2.9 */
function fadtOf(facs: number, dsdt: number): number[] {
  const flags = (1 << 0) | (1 << 2) | (1 << 5) | (1 << 7) | (1 << 15)
  return [
    ...u32(facs),
    ...u32(dsdt),
    1, // interrupt model: multiple APICs
    0,
    ...u16(SCI_IRQ),
    ...u32(0xb2),
    0xf1, // written to the SMI port: ACPI on
    0xf0, // ACPI off
    0,
    0,
    ...u32(PM_BASE),
    ...u32(0),
    ...u32(PM_BASE + 4),
    ...u32(0),
    ...u32(0),
    ...u32(PM_BASE + 8),
    ...u32(GPE0_BASE),
    ...u32(0),
    4, // PM1 event
    2, // PM1 control
    0,
    4, // PM timer
    4, // GPE0
    0,
    0,
    0,
    ...u16(0xfff), // C2 not there
    ...u16(0xfff), // C3 not there
    ...u16(0),
    ...u16(0),
    0,
    0,
    0,
    0,
    0x32, // RTC: century
    ...u16(0),
    0,
    ...u32(flags),
  ]
}

/** [ACPI] 5.2.12: local APICs, the I/O APIC, and the ISA lines that are not identity or are level-triggered. */
function madtOf(cpus: number): number[] {
  const level = 0x0d
  const override = (source: number, gsi: number, flags: number): number[] => [
    2,
    10,
    0,
    source,
    ...u32(gsi),
    ...u16(flags),
  ]
  return [
    ...u32(0xfee0_0000),
    ...u32(1),
    ...Array.from({ length: cpus }, (_, i) => [0, 8, i, i, ...u32(1)]).flat(),
    ...[1, 12, 0, 0, ...u32(0xfec0_0000), ...u32(0)],
    ...override(0, 2, 0),
    ...[5, 9, 10, 11].flatMap((line) => override(line, line, level)),
    ...[4, 6, 0xff, ...u16(0), 1], // NMI on LINT1 of all
  ]
}

/** Intel, HPET specification 1.0a, section 3.2.4. */
const hpetOf = (): number[] => [...u32(0x8086_a201), 0, 0, 0, 0, ...u32(0xfed0_0000), ...u32(0), 0, ...u16(0), 0]
