/**
 * The option ROM by which firmware starts a kernel given with -kernel: a plug-and-play expansion ROM whose boot entry
 * point copies the parts out of fw_cfg by DMA and jumps into the kernel's setup code.
 *
 * Spec  [PNP] Plug and Play BIOS Specification 1.0A, section 3; [BOOT] Linux boot protocol, "Running the kernel"
 */

/** A part of the kernel: a fw_cfg item and where it goes. */
export interface RomPart {
  readonly item: number
  readonly address: number
  readonly size: number
}

const DMA_PORT = 0x514
/** Where the boot sector of a disk would be: free at this moment. Control, length, address, big-endian. */
const REQUEST = 0x7c00
const SELECT_READ = 0x0a // select the item, then read

/** Real-mode code is bytes here; each line says what it is. */
export function kernelOptionRom(parts: readonly RomPart[], setupSegment: number): Uint8Array {
  const rom = new Uint8Array(2048)
  const view = new DataView(rom.buffer)
  rom.set([0x55, 0xaa, rom.length / 512, 0xcb]) // signature, size, initialisation: retf
  const PNP = 0x20
  view.setUint16(0x1a, PNP, true)
  rom.set([...ascii('$PnP'), 1, 2], PNP)
  const NAME = 0x60
  rom.set(ascii('Godwit kernel loader\0'), NAME)
  view.setUint16(PNP + 0x10, NAME, true)
  rom[PNP + 0x12] = 0x02 // boot device
  rom[PNP + 0x14] = 0x64 // initial program load device
  const ENTRY = 0x80
  view.setUint16(PNP + 0x1a, ENTRY, true)

  const code: number[] = []
  const emit = (...bytes: number[]): void => void code.push(...bytes)
  emit(0xfa, 0xfc) // cli; cld
  emit(0x31, 0xc0, 0x8e, 0xd0) // xor ax, ax; mov ss, ax
  emit(0x66, 0xbc, ...u32(REQUEST - 0x100)) // mov esp, below the request
  for (const part of parts) {
    const request = [...be32((part.item << 16) | SELECT_READ), ...be32(part.size), ...be32(0), ...be32(part.address)]
    emit(0xb8, ...u16(REQUEST >> 4), 0x8e, 0xc0) // mov ax, request's segment; mov es, ax
    for (let i = 0; i < 16; i += 4) {
      emit(0x26, 0x66, 0xc7, 0x06, ...u16(i), ...request.slice(i, i + 4)) // mov dword es:[i], request
    }
    emit(0xba, ...u16(DMA_PORT), 0x66, 0x31, 0xc0, 0x66, 0xef) // mov dx, 0x514; xor eax, eax; out dx, eax
    emit(0xba, ...u16(DMA_PORT + 4), 0x66, 0xb8, ...be32(REQUEST), 0x66, 0xef) // high half, then go
    emit(0x26, 0x66, 0xa1, ...u16(0)) // wait: mov eax, es:[0]
    emit(0x66, 0x25, ...be32(~1 >>> 0)) // and eax, ~error
    emit(0x75, 0xf3) // jnz wait
  }
  emit(0xb8, ...u16(setupSegment)) // mov ax, setup
  emit(0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xe0, 0x8e, 0xe8, 0x8e, 0xd0) // ds, es, fs, gs, ss
  emit(0x66, 0xbc, ...u32(0xfdf0)) // mov esp, 0xfdf0: below the heap's end
  emit(0xea, ...u16(0), ...u16(setupSegment + 0x20)) // jmp far setup+0x20:0
  rom.set(code, ENTRY)
  const sum = rom.reduce((a, b) => (a + b) & 0xff, 0)
  rom[rom.length - 1] = -sum & 0xff
  return rom
}

const ascii = (text: string): number[] => [...text].map((c) => c.charCodeAt(0))
const u16 = (v: number): number[] => [v & 0xff, (v >> 8) & 0xff]
const u32 = (v: number): number[] => [...u16(v & 0xffff), ...u16(v >>> 16)]
const be32 = (v: number): number[] => [(v >>> 24) & 0xff, (v >>> 16) & 0xff, (v >>> 8) & 0xff, v & 0xff]
