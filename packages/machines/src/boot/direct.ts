/**
 * Boot without firmware, by the 32-bit boot protocol: everything the kernel needs is put into RAM and the processor
 * starts in flat protected mode at the kernel's entry. 64-bit kernels have the same entry.
 *
 * Spec  [BOOT] Linux boot protocol, "32-bit Boot Protocol"; zero page: Documentation/arch/x86/zero-page.rst
 */
import { S, type Processor } from '@godwit/cpu-x86'
import type { RamBlock } from '@godwit/memory'
import { ACPI, lowMemorySize, RAM, ramEntries, RESERVED, type MapEntry } from '../firmware/e820.ts'
import { RSDP_FILE, TABLES_FILE, type AcpiFiles } from '../firmware/acpi.ts'
import { runTableLoader } from '../firmware/table-loader.ts'
import { HEADER, KERNEL_ADDRESS, placeKernel, type BzImage } from './bzimage.ts'

/** Where the small parts go, below 640 KiB. */
const LAYOUT = {
  gdt: 0x1000,
  bootParams: 0x1_0000,
  commandLine: 0x2_0000,
  stack: 0x1_0000,
  baseMemoryEnd: 0x9_fc00,
} as const
/** The tables take the last 64 KiB of low RAM. */
const TABLE_SPACE = 0x1_0000
const ZERO_PAGE = { rsdp: 0x70, e820Entries: 0x1e8, header: 0x1f1, e820: 0x2d0 } as const

/** How the processor must start. */
export interface DirectEntry {
  /** 32-bit flat protected mode, interrupts off. */
  readonly eip: number
  /** Address of the zero page. */
  readonly esi: number
  readonly esp: number
  readonly gdtBase: number
  readonly gdtLimit: number
  readonly cs: number
  readonly ds: number
}

const FLAT_CODE = [0xff, 0xff, 0, 0, 0, 0x9b, 0xcf, 0]
const FLAT_DATA = [0xff, 0xff, 0, 0, 0, 0x93, 0xcf, 0]

/** Writes kernel, initrd, command line, zero page and tables into RAM. */
export function loadDirect(
  ram: RamBlock,
  image: BzImage,
  options: { initrd: Uint8Array | undefined; append: string; acpi: AcpiFiles | undefined },
): DirectEntry {
  const low = lowMemorySize(ram.size)
  const placed = placeKernel(image, { ...options, lowMemory: low, commandLineAddress: LAYOUT.commandLine })
  ram.write(KERNEL_ADDRESS, image.bytes.subarray(image.setupSize))
  if (options.initrd !== undefined && placed.initrdAddress !== 0) ram.write(placed.initrdAddress, options.initrd)
  ram.write(LAYOUT.commandLine, placed.commandLine)

  const zeroPage = new Uint8Array(4096)
  const headerEnd = 0x202 + image.bytes[0x201]!
  zeroPage.set(placed.setup.subarray(ZERO_PAGE.header, headerEnd), ZERO_PAGE.header)
  const view = new DataView(zeroPage.buffer)
  view.setUint32(HEADER.code32Start, KERNEL_ADDRESS, true)
  const map = memoryMap(ram.size, low)
  zeroPage[ZERO_PAGE.e820Entries] = map.length
  map.forEach((e, i) => {
    view.setBigUint64(ZERO_PAGE.e820 + i * 20, BigInt(e.start), true)
    view.setBigUint64(ZERO_PAGE.e820 + i * 20 + 8, BigInt(e.size), true)
    view.setUint32(ZERO_PAGE.e820 + i * 20 + 16, e.type, true)
  })
  if (options.acpi !== undefined) view.setBigUint64(ZERO_PAGE.rsdp, BigInt(placeTables(ram, low, options.acpi)), true)
  ram.write(LAYOUT.bootParams, zeroPage)

  // Selectors 0x10 and 0x18, as the protocol wants them.
  ram.write(LAYOUT.gdt, Uint8Array.from([...new Array<number>(16).fill(0), ...FLAT_CODE, ...FLAT_DATA]))
  return {
    eip: KERNEL_ADDRESS,
    esi: LAYOUT.bootParams,
    esp: LAYOUT.stack,
    gdtBase: LAYOUT.gdt,
    gdtLimit: 31,
    cs: 0x10,
    ds: 0x18,
  }
}

function memoryMap(ramBytes: number, low: number): MapEntry[] {
  return [
    { start: 0, size: LAYOUT.baseMemoryEnd, type: RAM },
    { start: LAYOUT.baseMemoryEnd, size: 0xa_0000 - LAYOUT.baseMemoryEnd, type: RESERVED },
    { start: 0xf_0000, size: 0x1_0000, type: RESERVED },
    { start: 0x10_0000, size: low - TABLE_SPACE - 0x10_0000, type: RAM },
    { start: low - TABLE_SPACE, size: TABLE_SPACE, type: ACPI },
    ...ramEntries(ramBytes).filter((e) => e.start !== 0),
  ]
}

/** Places the tables at the end of low RAM; returns the address of the RSDP. */
function placeTables(ram: RamBlock, low: number, acpi: AcpiFiles): number {
  let top = low - TABLE_SPACE
  const files = { [TABLES_FILE]: acpi.tables, [RSDP_FILE]: acpi.rsdp }
  const placed = runTableLoader(acpi.loader, files, (_file, size, align) => {
    const address = Math.ceil(top / align) * align
    top = address + size
    return address
  })
  for (const { address, bytes } of Object.values(placed)) ram.write(address, bytes)
  return placed[RSDP_FILE]!.address
}

const CS = 1
const CR0_PE = 0x01
const CR0_ET = 0x10
const FLAT_LIMIT = 0xffff_ffff
/** Descriptor bits 8 to 23: 32-bit, 4 KiB granular, present, accessed. */
const CODE_FLAGS = 0xcf_9b00
const DATA_FLAGS = 0xcf_9300

/** Puts the processor into flat 32-bit protected mode at the kernel's entry, interrupts off. */
export function enterKernel(processor: Processor, entry: DirectEntry): void {
  const { state } = processor
  state.setPair(S.cr0, CR0_PE | CR0_ET, 0)
  state.setNum(S.gdtBase, entry.gdtBase)
  state.setWord(S.gdtLimit, entry.gdtLimit)
  for (let i = 0; i < 6; i++) {
    const code = i === CS
    state.setSegment(i, code ? entry.cs : entry.ds, 0, FLAT_LIMIT, code ? CODE_FLAGS : DATA_FLAGS)
  }
  state.setGpr32(6, entry.esi)
  state.setGpr32(4, entry.esp)
  state.rip = entry.eip
  processor.afterLoad()
}
