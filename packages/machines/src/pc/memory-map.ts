import { RamBlock, type AddressSpace, type HostMemory } from '@godwit/memory'
import { lowMemorySize } from '../firmware/e820.ts'

/** Size of the firmware's block where no image says otherwise. */
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
  /** RAM under the video hole for a processor in system management mode; the result switches that on and off. */
  smramFor(state: SmmState): (enabled: boolean) => void
}

/** What a processor tells of its system management mode. */
export interface SmmState {
  readonly inSmm: boolean
  onSmm: ((inside: boolean) => void) | undefined
}

/** RAM, firmware at the top of 4 GiB and of 1 MiB, and the holes. For an incoming guest the firmware's bytes come by the stream. */
export function buildMemory(
  host: HostMemory,
  memory: AddressSpace,
  ramBytes: number,
  firmware: Uint8Array | undefined,
  incoming: boolean,
): MemoryMap {
  const ram = new RamBlock(host, 'pc.ram', ramBytes)
  const biosBytes = firmware?.length ?? BIOS_BYTES
  const bios = new RamBlock(host, 'pc.bios', biosBytes)
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
    const legacyBytes = Math.min(biosBytes, LEGACY_BIOS_BYTES)
    const legacy = { base: 0x10_0000 - legacyBytes, size: legacyBytes, blockOffset: biosBytes - legacyBytes }
    memory.add({ kind: 'rom', name: 'isa-bios', block: bios, ...legacy, priority: -5 })
    memory.add({ kind: 'rom', name: 'pc.bios', base: 2 ** 32 - biosBytes, size: biosBytes, block: bios })
  })
  if (firmware !== undefined && !incoming) bios.bytes.set(firmware)
  const hidden = { name: 'smram', base: 0xa_0000, size: 0x2_0000, block: ram, blockOffset: 0xa_0000 }
  const smram = memory.add({ kind: 'ram', ...hidden, priority: 101 }, false)
  return {
    ram,
    bios,
    rom,
    blocks: [ram, bios, rom],
    low,
    smramFor(state) {
      let enabled = false
      const show = (): void => smram.set(enabled && state.inSmm)
      state.onSmm = show
      return (on) => {
        enabled = on
        show()
      }
    },
  }
}
