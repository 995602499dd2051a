/**
 * SMBIOS structures of the board: system, chassis, processor, memory, boot, end.
 *
 * Spec  [SMBIOS] DMTF DSP0134, System Management BIOS Reference Specification 3.4, chapter 7
 */
import { latin1 } from '@godwit/bits'

export interface SmbiosOptions {
  readonly machine: string
  readonly manufacturer: string
  readonly product: string
  readonly ramBytes: number
  /** 32-bit entry point of 2.8, or the 64-bit one of 3.0. */
  readonly entryPoint: '2.8' | '3.0'
}

export interface SmbiosFiles {
  readonly anchor: Uint8Array
  readonly tables: Uint8Array
}

export const SMBIOS_ANCHOR_FILE = 'etc/smbios/smbios-anchor'
export const SMBIOS_TABLES_FILE = 'etc/smbios/smbios-tables'

const u16 = (v: number): number[] => [v & 0xff, (v >> 8) & 0xff]
const u32 = (v: number): number[] => [...u16(v & 0xffff), ...u16(v >>> 16)]
const u64 = (v: number): number[] => [...u32((v % 2 ** 32) | 0), ...u32(Math.floor(v / 2 ** 32))]

/** Tables and the anchor; the firmware fills in address and checksums of the anchor. */
export function smbiosFiles(options: SmbiosOptions): SmbiosFiles {
  const out: number[] = []
  let count = 0
  let largest = 0
  const add = (type: number, handle: number, body: number[], ...strings: string[]): void => {
    const ends = strings.length === 0 ? [0, 0] : [...strings.flatMap((s) => [...latin1(s), 0]), 0]
    const structure = [type, 4 + body.length, ...u16(handle), ...body, ...ends]
    out.push(...structure)
    count++
    largest = Math.max(largest, structure.length)
  }
  const { manufacturer, product, machine, ramBytes } = options
  const kib = ramBytes / 1024
  const mib = ramBytes / 2 ** 20
  const uuid = new Array<number>(16).fill(0)

  add(1, 0x100, [1, 2, 3, 0, ...uuid, 6, 0, 0], manufacturer, product, machine) // 7.2
  add(3, 0x300, [1, 1, 2, 0, 0, 3, 3, 3, 2, ...u32(0), 0, 0, 0, 0, 0], manufacturer, machine) // 7.4
  const processor = [1, 3, 1, 2, ...u64(0), 3, 0, ...u16(0), ...u16(2000), ...u16(2000), 0x41, 1]
  const caches = [
    ...u16(0xffff),
    ...u16(0xffff),
    ...u16(0xffff),
    0,
    0,
    0,
    1,
    1,
    1,
    ...u16(2),
    ...u16(1),
    1,
    0,
    1,
    0,
    1,
    0,
  ]
  add(4, 0x400, [...processor, ...caches], 'CPU 0', manufacturer, machine) // 7.5
  add(16, 0x1000, [1, 3, 6, ...u32(kib), ...u16(0xfffe), ...u16(1), ...u64(0)]) // 7.17
  const sizeMib = Math.min(mib, 0x7fff)
  add(
    17,
    0x1100,
    [
      ...u16(0x1000),
      ...u16(0xfffe),
      ...u16(0xffff),
      ...u16(0xffff),
      ...u16(sizeMib),
      9,
      0,
      1,
      0,
      7,
      ...u16(2),
      ...u16(0),
      2,
      0,
      0,
      0,
      0,
      ...u32(mib),
      ...u16(0),
      ...u16(0),
      ...u16(0),
      ...u16(0),
    ],
    'DIMM 0',
    manufacturer,
  ) // 7.18
  add(19, 0x1300, [...u32(0), ...u32(kib - 1), ...u16(0x1000), 1, ...u64(0), ...u64(0)]) // 7.20
  add(32, 0x2000, [0, 0, 0, 0, 0, 0, 0]) // 7.33
  add(127, 0x7f00, []) // 7.45
  const tables = Uint8Array.from(out)
  return {
    tables,
    anchor: options.entryPoint === '3.0' ? anchor3(tables.length) : anchor2(tables.length, count, largest),
  }
}

/** [SMBIOS] 5.2.1 */
function anchor2(length: number, count: number, largest: number): Uint8Array {
  const dmi = [...latin1('_DMI_'), 0, ...u16(length), ...u32(0), ...u16(count), 0x28]
  return Uint8Array.from([...latin1('_SM_'), 0, 0x1f, 2, 8, ...u16(largest), 0, 0, 0, 0, 0, 0, ...dmi])
}

/** [SMBIOS] 5.2.2 */
function anchor3(length: number): Uint8Array {
  return Uint8Array.from([...latin1('_SM3_'), 0, 0x18, 3, 0, 0, 1, 0, ...u32(length), ...u64(0)])
}
