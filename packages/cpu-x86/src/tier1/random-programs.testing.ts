/** Programs of random instructions in loops, with jumps, calls and memory that is shared with code, for two processors to run. */
import { decode } from '../decode/decode.ts'
import type { CodeSize, Insn } from '../decode/insn.ts'
import { bytesOf } from '../engine/testing.ts'

/** Data that programs read and write: page borders inside, and behind it a page with code. */
const DATA = 0x2_0000
const COUNTER = 0x2_8000
export const PROGRAM_AT = 0x7c00

/** A generator of numbers that tests can repeat. */
export function randomFrom(seed: number): (below: number) => number {
  let s = seed >>> 0
  return (below) => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0
    return Math.floor(((s >>> 8) / 2 ** 24) * below)
  }
}

const SKIPPED = new Set(
  'div idiv aam into bound leave enter int int3 int1 ud ud2 hlt in out ins outs popf xlat pusha popa ret pop push'.split(
    ' ',
  ),
)

/** Instructions on registers alone, as recorded from a processor. */
function recorded(text: string, bits: CodeSize): Uint8Array[] {
  const all: Uint8Array[] = []
  for (const line of text.trim().split('\n')) {
    const [mode, hex] = line.split(' ')
    if (Number(mode) !== bits) continue
    const bytes = bytesOf(hex!)
    const insn = decode((i) => bytes[i] ?? 0x90, bits)
    if (
      insn.flow === 'next' &&
      insn.length <= bytes.length &&
      !SKIPPED.has(insn.op) &&
      insn.rep === 0 &&
      harmless(insn)
    )
      all.push(bytes.subarray(0, insn.length))
  }
  return all
}

/** Leaves the stack pointer and memory alone. */
const harmless = (insn: Insn): boolean =>
  insn.operands.every((o) => o.kind === 'imm' || (o.kind === 'reg' && o.file === 'gpr' && (o.reg !== 4 || o.high))) &&
  !['movs', 'stos', 'lods', 'cmps', 'scas'].includes(insn.op)

/** With a register operand in bits 3 to 5 of the byte that 00 stands for, and an address behind it. */
const MEMORY = [
  '01',
  '03',
  '11',
  '13',
  '29',
  '2b',
  '21',
  '33',
  '39',
  '3b',
  '85',
  '87',
  '89',
  '8b',
  '00',
  '0a',
  '38',
  '88',
].concat(['8a', '0fb6', '0fbf', '0faf', '0fb1', '0fc1', '0fab'])
const VECTORS =
  `0f28c1 660fefd0 660ffec1 660f70d31b 660f6ec0 660f7ec2 f30f7ec1 0f58c2 660f59d1 f20f5cc3 f30f5ec1 660f2ec1 0f2fd0
   660f60c1 660fd7c2 660ff4c8 660fd4d1 660f73d208 f20f2ac0 f20f2cc1 0f14c1 660f74c1 660fdbca f20f10c8 0f57db
   d9e8 d9ee dec1 d8c1 d9c9 dfe0 ddd8 d9e1`.split(/\s+/)
/** MOVS, CMPS, STOS, LODS and SCAS of bytes and doublewords. */
const STRINGS = [0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf]
/** Of XMM registers and memory. */
const VECTOR_MEMORY = ['0f10', '0f11', 'f30f6f', 'f30f7f', 'f20f10', 'f30f11', '660fd6', 'f20f58']

export class RandomPrograms {
  private readonly bits: 32 | 64
  private readonly pool: Uint8Array[]

  /** `vectors`: the text of semantics/hardware.fixture. */
  constructor(bits: 32 | 64, vectors: string) {
    this.bits = bits
    this.pool = recorded(vectors, bits)
  }

  /** A loop of a few rounds over instructions with skips, calls, computed jumps and calls; ends with HLT. */
  make(seed: number): Uint8Array {
    const random = randomFrom(seed)
    const out: number[] = []
    const put = (...bytes: number[]): void => void out.push(...bytes)
    const word = (n: number): void => put(n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >> 24) & 255)
    // Functions of their own before the loop: jmp over them.
    put(0xe9, 0, 0, 0, 0)
    const callees = Array.from({ length: 4 }, () => {
      const at = out.length
      this.some(random, 3, put, word)
      put(0xc3)
      return at
    })
    const callee = callees[0]!
    const tables: { readonly at: number; readonly targets: readonly number[] }[] = []
    // mov ecx, [COUNTER]; and ecx, 3; jmp or call [table + ecx * size of an address]
    const computed = (modrm: number, targets: readonly number[]): void => {
      put(0x8b, 0x0c, 0x25)
      word(COUNTER)
      put(0x83, 0xe1, 3, 0xff, modrm, this.bits === 64 ? 0xcd : 0x8d)
      tables.push({ at: out.length, targets })
      word(0)
    }
    const start = out.length
    out[1] = start - 5
    put(0xbc)
    word(0x7000)
    let skipAt = -1
    const pieces = 4 + random(6)
    for (let i = 0; i < pieces; i++) {
      this.some(random, 1 + random(4), put, word)
      if (skipAt >= 0) out[skipAt] = out.length - skipAt - 1
      skipAt = -1
      const what = random(8)
      if (what === 0) {
        put(0x70 + random(16), 0)
        skipAt = out.length - 1
      } else if (what === 1) {
        put(0xe8)
        word(callee - (out.length + 4))
      } else if (what === 2) {
        computed(0x14, callees)
      } else if (what === 3) {
        const targets: number[] = []
        computed(0x24, targets)
        for (let k = 0; k < 4; k++) {
          targets.push(out.length)
          this.some(random, 1, put, word)
        }
      } else if (what === 4) {
        this.string(random, put, word)
      }
    }
    if (skipAt >= 0) out[skipAt] = out.length - skipAt - 1
    // dec dword [COUNTER]; jnz start; hlt
    put(0xff, 0x0c, 0x25)
    word(COUNTER)
    put(0x0f, 0x85)
    word(start - (out.length + 4))
    put(0xf4)
    for (const { at, targets } of tables) {
      const table = PROGRAM_AT + out.length
      for (let k = 0; k < 4; k++) out[at + k] = (table >> (8 * k)) & 255
      for (const target of targets) {
        word(PROGRAM_AT + target)
        if (this.bits === 64) word(0)
      }
    }
    return Uint8Array.from(out)
  }

  /** mov ecx, esi and edi; std or cld; rep or repne with a string instruction; cld. */
  private string(
    random: (below: number) => number,
    put: (...bytes: number[]) => void,
    word: (n: number) => void,
  ): void {
    const from = DATA + 0x1000 - 32 + random(64)
    put(0xb9)
    word(random(40))
    put(0xbe)
    word(from)
    put(0xbf)
    // Overlapping, across a page's end, or in the page of the program.
    word([from - 40 + random(80), DATA + 0x2000 - random(64), PROGRAM_AT + 0x300 + random(64)][random(3)]!)
    put(random(3) === 0 ? 0xfd : 0xfc, 0xf2 + random(2), STRINGS[random(STRINGS.length)]!, 0xfc)
  }

  private some(
    random: (below: number) => number,
    count: number,
    put: (...bytes: number[]) => void,
    word: (n: number) => void,
  ): void {
    for (let i = 0; i < count; i++) {
      const kind = random(10)
      if (kind < 5) put(...this.pool[random(this.pool.length)]!)
      else if (kind === 5) put(...bytesOf(VECTORS[random(VECTORS.length)]!))
      else {
        const list = kind === 6 ? VECTOR_MEMORY : MEMORY
        const opcode = bytesOf(list[random(list.length)]!)
        if (list === MEMORY && this.bits === 64 && random(2) === 0) put(0x48)
        let reg = random(8)
        if (reg === 4) reg = 6
        put(...opcode, (reg << 3) | 4, 0x25)
        // Some near a page's end, a few in the page of the program.
        const at = random(20)
        word(at === 0 ? PROGRAM_AT + 0x300 + random(64) : at < 4 ? DATA + 0xff8 + random(16) : DATA + random(0x4000))
      }
    }
  }
}

export const ROUNDS_AT = COUNTER
