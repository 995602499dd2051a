import { RamBlock, type AddressSpace, type HostMemory } from '@godwit/memory'
import { lowMemorySize } from '../firmware/e820.ts'

const BIOS_BYTES = 0x4_0000
const OPTION_ROM_BYTES = 0x2_0000
/** The part of the firmware that also shows below 1 MiB. */
const LEGACY_BIOS_BYTES = 0x2_0000

export interface MemoryMap {
  readonly ram: RamBlock
  readonly bios: RamBlock
  readonly rom: RamBlock
  readonly blocks: readonly RamBlock[]
  /** RAM below 4 GiB, in bytes. */
  readonly low: number
}

/** RAM, firmware at the top of 4 GiB and of 1 MiB, and the holes. */
export function buildMemory(
  host: HostMemory,
  memory: AddressSpace,
  ramBytes: number,
  firmware: Uint8Array | undefined,
): MemoryMap {
  const ram = new RamBlock(host, 'pc.ram', ramBytes)
  const bios = new RamBlock(host, 'pc.bios', BIOS_BYTES)
  const rom = new RamBlock(host, 'pc.rom', OPTION_ROM_BYTES)
  const low = lowMemorySize(ramBytes)
  const nothing = { read: () => 0xffff_ffff, write: () => undefined }
  memory.batch(() => {
    memory.add({ kind: 'ram', name: 'pc.ram', base: 0, size: low, block: ram, priority: -10 })
    if (ramBytes > low) {
      const above = { name: 'pc.ram', base: 2 ** 32, size: ramBytes - low, block: ram, blockOffset: low }
      memory.add({ kind: 'ram', ...above, priority: -10 })
    }
    // Nobody shows in the video hole until a card does, or system management mode opens its RAM.
    memory.add({ kind: 'io', name: 'video-hole', base: 0xa_0000, size: 0x2_0000, io: nothing, priority: -5 })
    memory.add({ kind: 'rom', name: 'pc.rom', base: 0xc_0000, size: OPTION_ROM_BYTES, block: rom, priority: -5 })
    const legacy = { block: bios, blockOffset: BIOS_BYTES - LEGACY_BIOS_BYTES }
    memory.add({ kind: 'rom', name: 'isa-bios', base: 0xe_0000, size: LEGACY_BIOS_BYTES, ...legacy, priority: -5 })
    memory.add({ kind: 'rom', name: 'pc.bios', base: 2 ** 32 - BIOS_BYTES, size: BIOS_BYTES, block: bios })
  })
  // A smaller image shows at the top, repeated by nobody.
  if (firmware !== undefined) bios.bytes.set(firmware, BIOS_BYTES - firmware.length)
  return { ram, bios, rom, blocks: [ram, bios, rom], low }
}
