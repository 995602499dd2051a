import type { FwCfg } from '@godwit/devices'
import { KERNEL_ADDRESS, placeKernel, type BzImage } from './bzimage.ts'
import { COMMAND_LINE_ADDRESS, ITEM, SETUP_ADDRESS } from './firmware-items.ts'
import { kernelOptionRom, type RomPart } from './option-rom.ts'

/** Puts a kernel into fw_cfg with the option ROM that starts it: firmware finds both by itself. */
export function offerKernel(
  config: FwCfg,
  image: BzImage,
  options: { initrd: Uint8Array | undefined; append: string; lowMemory: number },
): void {
  const placed = placeKernel(image, { ...options, commandLineAddress: COMMAND_LINE_ADDRESS })
  const kernel = image.bytes.subarray(image.setupSize)
  const parts: RomPart[] = []
  const add = (address: number, bytes: Uint8Array, items: { address: number; size: number; data: number }): void => {
    config.addBytes(items.address, le32(address))
    config.addBytes(items.size, le32(bytes.length))
    config.addBytes(items.data, bytes)
    parts.push({ item: items.data, address, size: bytes.length })
  }
  add(KERNEL_ADDRESS, kernel, { address: ITEM.kernelAddress, size: ITEM.kernelSize, data: ITEM.kernelData })
  if (options.initrd !== undefined && placed.initrdAddress !== 0) {
    add(placed.initrdAddress, options.initrd, {
      address: ITEM.initrdAddress,
      size: ITEM.initrdSize,
      data: ITEM.initrdData,
    })
  }
  add(COMMAND_LINE_ADDRESS, placed.commandLine, {
    address: ITEM.commandLineAddress,
    size: ITEM.commandLineSize,
    data: ITEM.commandLineData,
  })
  add(SETUP_ADDRESS, placed.setup, { address: ITEM.setupAddress, size: ITEM.setupSize, data: ITEM.setupData })
  config.addFile('genroms/linuxboot_dma.bin', kernelOptionRom(parts, SETUP_ADDRESS >> 4))
  config.addFile('bootorder', new TextEncoder().encode('/rom@genroms/linuxboot_dma.bin\0'))
}

function le32(value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, value >>> 24)
}
