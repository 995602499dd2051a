/** A function body as text, for people who look at what a compiler made. */
import { ATOMIC, LANE, MEMORY, PLAIN, SATURATING, SIMD, SIMD_MEMORY } from './opcodes.ts'

export interface Line {
  /** Of the instruction in the body. */
  readonly offset: number
  /** Blocks it stands in. */
  readonly depth: number
  /** As the text format has it: "i32.const 7", "i64.load offset=8". Branches say how many blocks they leave. */
  readonly text: string
}

type Form =
  'none' | 'index' | 'block' | 'memory' | 'lane' | 'shuffle' | 'v128' | 'two' | 'table' | 'i32' | 'i64' | 'f32' | 'f64'

/** By opcode; behind a prefix by prefix << 16 | opcode. */
const INSTRUCTIONS = new Map<number, readonly [name: string, form: Form]>()
const rows = (
  table: Readonly<Record<string, number | readonly [number, ...number[]]>>,
  prefix: number,
  form: Form,
): void => {
  for (const [name, code] of Object.entries(table))
    INSTRUCTIONS.set((prefix << 16) | (typeof code === 'number' ? code : code[0]), [name.replace('_', '.'), form])
}
rows(PLAIN, 0, 'none')
rows(MEMORY, 0, 'memory')
rows(SATURATING, 0xfc, 'none')
rows(SIMD, 0xfd, 'none')
rows(LANE, 0xfd, 'lane')
rows(SIMD_MEMORY, 0xfd, 'memory')
rows(ATOMIC, 0xfe, 'memory')
rows({ block: 0x02, loop: 0x03, if: 0x04 }, 0, 'block')
rows({ else: 0x05, end: 0x0b, return: 0x0f }, 0, 'none')
rows({ br: 0x0c, br$if: 0x0d, call: 0x10, return$call: 0x12 }, 0, 'index')
rows({ local_get: 0x20, local_set: 0x21, local_tee: 0x22, global_get: 0x23, global_set: 0x24 }, 0, 'index')
rows({ call$indirect: 0x11, return$call$indirect: 0x13 }, 0, 'two')
rows({ br$table: 0x0e }, 0, 'table')
rows({ i32_const: 0x41 }, 0, 'i32')
rows({ i64_const: 0x42 }, 0, 'i64')
rows({ f32_const: 0x43 }, 0, 'f32')
rows({ f64_const: 0x44 }, 0, 'f64')
rows({ memory_fill: 11 }, 0xfc, 'index')
rows({ memory_copy: 10 }, 0xfc, 'two')
rows({ v128_const: 12 }, 0xfd, 'v128')
rows({ i8x16_shuffle: 13 }, 0xfd, 'shuffle')

const TYPES: Readonly<Record<number, string>> = { 0x7f: 'i32', 0x7e: 'i64', 0x7d: 'f32', 0x7c: 'f64', 0x7b: 'v128' }

/**
 * @param code a function's body without the declaration of its locals: what Func.view() gives
 * @throws Error at a byte that is no instruction, or at the end of a torn body
 */
export function disassemble(code: Uint8Array): Line[] {
  const reader = new Reader(code)
  const lines: Line[] = []
  let depth = 0
  while (reader.at < code.length) {
    const offset = reader.at
    const first = reader.byte()
    const key = first >= 0xfc ? (first << 16) | reader.unsigned() : first
    const found = INSTRUCTIONS.get(key)
    if (found === undefined) throw new Error(`no instruction ${key.toString(16)} at ${offset}`)
    const [name, form] = found
    if (name === 'end' || name === 'else') depth--
    lines.push({ offset, depth, text: `${name.replaceAll('$', '_')}${reader.operands(form)}` })
    if (form === 'block' || name === 'else') depth++
  }
  return lines
}

class Reader {
  at = 0
  private readonly code: Uint8Array
  private readonly view: DataView

  constructor(code: Uint8Array) {
    this.code = code
    this.view = new DataView(code.buffer, code.byteOffset, code.byteLength)
  }

  operands(form: Form): string {
    switch (form) {
      case 'none':
        return ''
      case 'index':
        return ` ${this.unsigned()}`
      case 'two':
        return ` ${this.unsigned()} ${this.unsigned()}`
      case 'lane':
        return ` ${this.byte()}`
      case 'block': {
        const type = TYPES[this.byte()]
        return type === undefined ? '' : ` (result ${type})`
      }
      case 'memory': {
        this.unsigned()
        const offset = this.unsigned()
        return offset === 0 ? '' : ` offset=${offset}`
      }
      case 'table': {
        const depths = Array.from({ length: this.unsigned() + 1 }, () => this.unsigned())
        return ` ${depths.join(' ')}`
      }
      case 'i32':
      case 'i64':
        return ` ${this.signed()}`
      case 'f32':
        return ` ${this.view.getFloat32(this.skip(4), true)}`
      case 'f64':
        return ` ${this.view.getFloat64(this.skip(8), true)}`
      case 'v128':
        return ` 0x${[...this.bytes(16)]
          .reverse()
          .map((b) => b.toString(16).padStart(2, '0'))
          .join('')}`
      case 'shuffle':
        return ` ${this.bytes(16).join(' ')}`
    }
  }

  byte(): number {
    return this.code[this.skip(1)]!
  }

  unsigned(): number {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const b = this.byte()
      value += (b & 0x7f) * 2 ** shift
      if (b < 0x80) return value
    }
  }

  private signed(): bigint {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const b = this.byte()
      value |= BigInt(b & 0x7f) << shift
      if (b < 0x80) return BigInt.asIntN(Number(shift) + 7, value)
    }
  }

  private bytes(count: number): Uint8Array {
    const from = this.skip(count)
    return this.code.subarray(from, from + count)
  }

  /** Offset of the next bytes, which are passed. */
  private skip(count: number): number {
    const at = this.at
    if (at + count > this.code.length)
      throw new Error(`the body ends at ${this.code.length} in the middle of an instruction`)
    this.at = at + count
    return at
  }
}
