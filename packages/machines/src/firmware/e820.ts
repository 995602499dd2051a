/** The memory map that firmware and kernels are given. */

export const RAM = 1
export const RESERVED = 2
export const ACPI = 3

export interface MapEntry {
  readonly start: number
  readonly size: number
  readonly type: number
}

/** RAM is one block; below 4 GiB it ends here, the rest goes on at 4 GiB. i440FX as QEMU splits it. */
export function lowMemorySize(ramBytes: number): number {
  const GIB = 2 ** 30
  const limit = ramBytes >= 3.5 * GIB ? 3 * GIB : 3.5 * GIB
  return Math.min(ramBytes, limit)
}

/** RAM as firmware learns it from "etc/e820". */
export function ramEntries(ramBytes: number): MapEntry[] {
  const low = lowMemorySize(ramBytes)
  const entries = [{ start: 0, size: low, type: RAM }]
  if (ramBytes > low) entries.push({ start: 2 ** 32, size: ramBytes - low, type: RAM })
  return entries
}

/** Entries of 20 bytes: base, size, type, little-endian. */
export function encodeMap(entries: readonly MapEntry[]): Uint8Array {
  const bytes = new Uint8Array(entries.length * 20)
  const view = new DataView(bytes.buffer)
  entries.forEach((e, i) => {
    view.setBigUint64(i * 20, BigInt(e.start), true)
    view.setBigUint64(i * 20 + 8, BigInt(e.size), true)
    view.setUint32(i * 20 + 16, e.type, true)
  })
  return bytes
}
