import { expect, test } from 'vitest'
import { acpiFiles, RSDP_FILE, TABLES_FILE } from './acpi.ts'
import { encodeMap, lowMemorySize, ramEntries } from './e820.ts'
import { smbiosFiles } from './smbios.ts'
import { runTableLoader } from './table-loader.ts'

const GIB = 2 ** 30
const sum = (bytes: Uint8Array): number => bytes.reduce((a, b) => (a + b) & 0xff, 0)
const OPTIONS = { cpus: 1, hpet: true, floppy: true, serialPorts: 1, lowMemoryEnd: 0x800_0000 }

function placed(options = OPTIONS) {
  const files = acpiFiles(options)
  let top = 0x7f0_0000
  return runTableLoader(
    files.loader,
    { [TABLES_FILE]: files.tables, [RSDP_FILE]: files.rsdp },
    (_file, size, align) => {
      const at = Math.ceil(top / align) * align
      top = at + size
      return at
    },
  )
}

test('after the script has run every table sums to zero and is reached from the root', () => {
  const result = placed()
  const { address, bytes } = result[TABLES_FILE]!
  const view = new DataView(bytes.buffer)
  const at = (gpa: number): number => gpa - address
  const table = (gpa: number) => {
    const length = view.getUint32(at(gpa) + 4, true)
    return {
      name: String.fromCharCode(...bytes.slice(at(gpa), at(gpa) + 4)),
      bytes: bytes.slice(at(gpa), at(gpa) + length),
    }
  }
  const rsdp = result[RSDP_FILE]!.bytes
  expect(sum(rsdp.slice(0, 20))).toBe(0)
  const rsdt = table(new DataView(rsdp.buffer).getUint32(16, true))
  expect([rsdt.name, sum(rsdt.bytes)]).toEqual(['RSDT', 0])
  const pointers = Array.from({ length: (rsdt.bytes.length - 36) / 4 }, (_, i) =>
    new DataView(rsdt.bytes.buffer).getUint32(36 + 4 * i, true),
  )
  const tables = pointers.map(table)
  expect(tables.map((t) => t.name)).toEqual(['FACP', 'APIC', 'HPET', 'WAET'])
  for (const t of tables) expect(sum(t.bytes), t.name).toBe(0)
  const fadt = new DataView(tables[0]!.bytes.buffer)
  expect(table(fadt.getUint32(40, true)).name).toBe('DSDT')
  expect(sum(table(fadt.getUint32(40, true)).bytes)).toBe(0)
  expect(fadt.getUint32(36, true) % 64).toBe(0) // FACS
})

test('without an HPET there is no table of it', () => {
  const { bytes } = placed({ ...OPTIONS, hpet: false })[TABLES_FILE]!
  expect(Buffer.from(bytes).includes('HPET')).toBe(false)
})

test('RAM of 4 GiB is split below 4 GiB', () => {
  expect(lowMemorySize(4 * GIB)).toBe(3 * GIB)
  expect(lowMemorySize(3 * GIB)).toBe(3 * GIB)
  expect(ramEntries(4 * GIB)).toEqual([
    { start: 0, size: 3 * GIB, type: 1 },
    { start: 4 * GIB, size: GIB, type: 1 },
  ])
})

test('an entry of the map is 20 bytes, little-endian', () => {
  expect([...encodeMap([{ start: 2 ** 32, size: 0x1000, type: 2 }])]).toEqual([
    0, 0, 0, 0, 1, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0,
  ])
})

test('SMBIOS structures follow one another to the end marker', () => {
  const { tables, anchor } = smbiosFiles({
    machine: 'pc-i440fx-5.2',
    manufacturer: 'Godwit',
    product: 'PC',
    ramBytes: 128 * 2 ** 20,
    entryPoint: '2.8',
  })
  const types: number[] = []
  for (let at = 0; at < tables.length;) {
    types.push(tables[at]!)
    at += tables[at + 1]!
    while (tables[at] !== 0 || tables[at + 1] !== 0) at++
    at += 2
  }
  expect(types).toEqual([1, 3, 4, 16, 17, 19, 32, 127])
  expect(String.fromCharCode(...anchor.slice(0, 4))).toBe('_SM_')
  expect(anchor[0x16]! | (anchor[0x17]! << 8)).toBe(tables.length)
})
