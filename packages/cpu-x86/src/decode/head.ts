/** The head of an instruction: prefixes, opcode, ModRM and SIB. What follows is its displacement and its immediate. */
import { entryOf } from './tables.ts'

/** 1 a prefix, 2 one that makes addresses of another size, 3 REX in 64-bit code. */
const PREFIXES = new Uint8Array(256)
for (const byte of [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0xf0, 0xf2, 0xf3]) PREFIXES[byte] = 1
PREFIXES[0x67] = 2
PREFIXES.fill(3, 0x40, 0x50)

const NO_MODRM = 1
const MODRM = 2
/** By number of the opcode, as entryOf() has it; 0: nobody has noted it yet. */
const shapes = new Uint8Array(4 * 256)

/** Longer ones are too rare to look for. */
export const MAX_HEAD = 7

/** Number of the opcode that opcodeEnd() has found. */
let number = 0

/** Where the opcode ends; -1: it has addresses of another size, or is too far away. */
function opcodeEnd(bytes: Uint8Array, at: number, long: boolean): number {
  let i = at
  let byte = bytes[i]!
  for (let prefix = PREFIXES[byte]!; prefix !== 0; prefix = PREFIXES[byte]!) {
    if (prefix === 3 && !long) break
    if (prefix === 2 || ++i - at > MAX_HEAD) return -1
    byte = bytes[i]!
  }
  number = byte
  if (byte === 0x0f) {
    byte = bytes[++i]!
    if (byte === 0x38) number = 0x200 + bytes[++i]!
    else if (byte === 0x3a) number = 0x300 + bytes[++i]!
    else number = 0x100 + byte
  }
  return i + 1
}

/** Bytes of the head at `at` in 32-bit or 64-bit code; 0 if nobody has noted its opcode, or it is longer than most. */
export function headLength(bytes: Uint8Array, at: number, long: boolean): number {
  const end = opcodeEnd(bytes, at, long)
  if (end < 0) return 0
  let length = end - at
  if (shapes[number] === MODRM) {
    const modrm = bytes[end]!
    length += modrm < 0xc0 && (modrm & 7) === 4 ? 2 : 1
  } else if (shapes[number] !== NO_MODRM) return 0
  return length <= MAX_HEAD ? length : 0
}

/** Bytes of the displacement that the last bytes of a head ask for: ModRM, and SIB if the byte before asks for one. */
export function displacementBytes(modrm: number, sib: number): 0 | 1 | 4 {
  const mod = modrm >> 6
  const base = (modrm & 7) === 4 ? sib & 7 : modrm & 7
  if (mod === 0) return base === 5 ? 4 : 0
  return mod === 1 ? 1 : mod === 2 ? 4 : 0
}

/** Notes the opcode of an instruction that has been decoded, and gives the place of its ModRM byte; -1: it has none. */
export function noteHead(bytes: Uint8Array, at: number, long: boolean): number {
  const end = opcodeEnd(bytes, at, long)
  if (end < 0) return -1
  const modrm = entryOf(number)?.modrm === true
  shapes[number] = modrm ? MODRM : NO_MODRM
  return modrm ? end : -1
}
