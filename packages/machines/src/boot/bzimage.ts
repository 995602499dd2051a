/**
 * A Linux bzImage: its setup header, and what a loader must fill in.
 *
 * Spec  [BOOT] Documentation/arch/x86/boot.rst of Linux, "The Linux/x86 Boot Protocol"
 */
import { BootError } from './boot-error.ts'

export interface BzImage {
  readonly bytes: Uint8Array
  /** Real-mode part: boot sector and setup, in bytes. */
  readonly setupSize: number
  /** Version of the protocol: 0x020f is 2.15. */
  readonly protocol: number
  /** The kernel has a 64-bit entry point (XLF_KERNEL_64). */
  readonly is64: boolean
  /** Highest address an initrd may reach. */
  readonly initrdMax: number
  readonly commandLineMax: number
}

/** Offsets in the setup header. [BOOT] "The Real-Mode Kernel Header" */
export const HEADER = {
  setupSectors: 0x1f1,
  vgaMode: 0x1fa,
  bootFlag: 0x1fe,
  jump: 0x200,
  magic: 0x202,
  version: 0x206,
  typeOfLoader: 0x210,
  loadFlags: 0x211,
  code32Start: 0x214,
  ramdiskImage: 0x218,
  ramdiskSize: 0x21c,
  heapEnd: 0x224,
  commandLine: 0x228,
  initrdMax: 0x22c,
  xloadFlags: 0x236,
  commandLineSize: 0x238,
} as const

const MAGIC = 0x5372_6448 // "HdrS"
const LOADED_HIGH = 0x01
/** Smallest protocol whose kernels load high and know an initrd's limit. */
const OLDEST = 0x0203
/** Where the protected-mode part goes. */
export const KERNEL_ADDRESS = 0x10_0000

/** Reads the header; refuses what is not a bzImage this loader can start. */
export function parseBzImage(bytes: Uint8Array, name = 'kernel'): BzImage {
  if (bytes.length < 0x260) throw new BootError(`${name}: ${bytes.length} bytes, too short for a Linux bzImage`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint32(HEADER.magic, true) !== MAGIC || view.getUint16(HEADER.bootFlag, true) !== 0xaa55) {
    throw new BootError(`${name}: not a Linux bzImage: no "HdrS" at 0x202`)
  }
  const protocol = view.getUint16(HEADER.version, true)
  if (protocol < OLDEST || (bytes[HEADER.loadFlags]! & LOADED_HIGH) === 0) {
    throw new BootError(
      `${name}: boot protocol ${version(protocol)}, expected a bzImage of ${version(OLDEST)} or later`,
    )
  }
  const setupSize = ((bytes[HEADER.setupSectors]! || 4) + 1) * 512
  if (setupSize >= bytes.length)
    throw new BootError(`${name}: cut short: ${bytes.length} bytes, setup alone has ${setupSize}`)
  return {
    bytes,
    setupSize,
    protocol,
    is64: protocol >= 0x020c && (bytes[HEADER.xloadFlags]! & 1) !== 0,
    initrdMax: view.getUint32(HEADER.initrdMax, true),
    commandLineMax: protocol >= 0x0206 ? view.getUint32(HEADER.commandLineSize, true) : 255,
  }
}

const version = (protocol: number): string => `${protocol >> 8}.${protocol & 0xff}`

export interface Placement {
  readonly initrdAddress: number
  /** Setup part with the loader's fields filled in. */
  readonly setup: Uint8Array
  /** Zero-terminated. */
  readonly commandLine: Uint8Array
}

/**
 * Decides where the initrd goes (as high as the kernel and low RAM allow) and fills in the header.
 * @param commandLineAddress where the loader will put the command line
 */
export function placeKernel(
  image: BzImage,
  options: { initrd: Uint8Array | undefined; append: string; lowMemory: number; commandLineAddress: number },
): Placement {
  const { initrd, append, lowMemory } = options
  const commandLine = new TextEncoder().encode(`${append}\0`)
  if (commandLine.length - 1 > image.commandLineMax) {
    throw new BootError(
      `kernel command line has ${commandLine.length - 1} bytes, this kernel takes ${image.commandLineMax}`,
    )
  }
  const setup = image.bytes.slice(0, image.setupSize)
  const view = new DataView(setup.buffer)
  const kernelEnd = KERNEL_ADDRESS + image.bytes.length - image.setupSize
  if (kernelEnd > lowMemory) {
    throw new BootError(`the kernel ends at ${hex(kernelEnd)}, beyond the machine's memory of ${hex(lowMemory)}`)
  }
  let initrdAddress = 0
  if (initrd !== undefined && initrd.length > 0) {
    // The last 64 KiB stay free for the firmware's tables.
    const top = Math.min(image.initrdMax + 1, lowMemory - 0x2_0000)
    initrdAddress = Math.floor((top - initrd.length) / 4096) * 4096
    if (initrdAddress < kernelEnd) {
      throw new BootError(
        `the initrd of ${initrd.length} bytes does not fit: memory ends at ${hex(lowMemory)}, the kernel at ${hex(kernelEnd)}`,
      )
    }
    view.setUint32(HEADER.ramdiskImage, initrdAddress, true)
    view.setUint32(HEADER.ramdiskSize, initrd.length, true)
  }
  setup[HEADER.typeOfLoader] = 0xb0
  setup[HEADER.loadFlags]! |= 0x80 // heap end is valid
  view.setUint16(HEADER.heapEnd, 0xfe00, true)
  view.setUint16(HEADER.vgaMode, 0xffff, true)
  view.setUint32(HEADER.commandLine, options.commandLineAddress, true)
  return { initrdAddress, setup, commandLine }
}

const hex = (n: number): string => `0x${n.toString(16)}`
