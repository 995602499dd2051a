/** Random x87 programs for two processors to run: loops with skips and calls, on memory of every format. */
import { bytesOf } from '../engine/testing.ts'
import { randomFrom } from './random-programs.testing.ts'

export const PROGRAM_AT = 0x7c00
/** Where operands of each format are. */
const AREAS = {
  single: 0x2_0000,
  double: 0x2_1000,
  word: 0x2_2000,
  dword: 0x2_3000,
  qword: 0x2_4000,
  extended: 0x2_5000,
}
type Area = keyof typeof AREAS
const CONTROLS_AT = 0x2_6000
const SCRATCH_AT = 0x2_7000
export const COUNTER = 0x2_8000
export const FAULTS_AT = 0x2_8010
/** Memory that is absent again and again. */
export const ABSENT = 0x40_0000

const NEAREST = [0x37f, 0x37f, 0x37f, 0x27f]
const OTHERS = [0x07f, 0xf7f, 0xb7f, 0x77f, 0xe7f]
const UNMASKED = [0x35f, 0x36f, 0x33b, 0x340, 0x37e]

interface Kind {
  /** Bytes; of memory operands the register field stands in the second byte. */
  readonly code: string
  readonly area?: Area
  /** Change of the stack's height. */
  readonly height: number
}
const register = (height: number, codes: string): Kind[] => codes.split(' ').map((code) => ({ code, height }))
const memory = (area: Area, height: number, codes: string): Kind[] =>
  codes.split(' ').map((code) => ({ code, area, height }))
const repeated = (times: number, kinds: Kind[]): Kind[] => Array.from({ length: times }, () => kinds).flat()

const PUSHES: Kind[] = [
  ...memory('single', 1, 'd900'),
  ...repeated(3, memory('double', 1, 'dd00')),
  ...memory('word', 1, 'df00'),
  ...memory('dword', 1, 'db00'),
  ...memory('qword', 1, 'df28'),
  ...memory('extended', 1, 'db28'),
  ...register(1, 'd9c0 d9c1 d9c3 d9e8 d9e9 d9ea d9eb d9ec d9ed d9ee'),
]
const POPS: Kind[] = [
  ...register(-1, 'dec1 dec9 dee1 dee9 def1 def9 dec2 deca ddd8 ddd9 ddda d8d9 dde9 dfe9 dff1 dff2 dfc1'),
  ...register(-2, 'ded9 dae9'),
  ...memory('single', -1, 'd918'),
  ...repeated(3, memory('double', -1, 'dd18')),
  ...memory('word', -1, 'df18 df08'),
  ...memory('dword', -1, 'db18 db08'),
  ...memory('qword', -1, 'df38 dd08'),
  ...memory('extended', -1, 'db38'),
]
/** What makes registers full or empty in its own way. */
const WILD: Kind[] = register(0, 'd9f6 d9f7 ddc1 ddc4 dfc0')
const LEVEL: Kind[] = [
  ...repeated(3, register(0, 'd8c1 d8c9 d8e1 d8e9 d8f1 d8c2 d8ca d8e2 dcc1 dcc9 dce1 dce9 d9c9 d9ca d9e1d9fa')),
  ...register(0, 'd8f9 dcf1 dcf9 d8d1 dde1 dbe9 dbf1 dbf2 d9e0 d9e1 d9e4 d9e5 ddd1 ddd2 d9fc d9f8 d9fd'),
  ...repeated(2, register(0, 'dfe0')),
  ...register(0, 'dac1 dbc9 dad1 dbd9 9b d9d0 dbe2'),
  ...memory('single', 0, 'd800 d808 d810 d820 d828 d830 d910'),
  ...repeated(2, memory('double', 0, 'dc00 dc08 dc20 dc28')),
  ...memory('double', 0, 'dc10 dc30 dc38 dd10'),
  ...memory('dword', 0, 'da00 da08 da10 da20 da28 da30 db10'),
  ...memory('word', 0, 'de00 de08 de20 de30 df10'),
]

export interface Manner {
  /** Control words with unmasked exceptions. */
  readonly unmasked: boolean
  /** Operands in absent memory. */
  readonly absent: boolean
  /** Bytes that make ABSENT absent. */
  readonly remove: readonly number[]
}

export function x87Program(seed: number, manner: Manner): Uint8Array {
  const random = randomFrom(seed)
  const out: number[] = []
  const put = (...bytes: number[]): void => void out.push(...bytes)
  const word = (n: number): void => put(n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >> 24) & 255)
  const pick = <T>(list: readonly T[]): T => list[random(list.length)]!
  // Three of four programs compute with numbers, the rest with anything.
  const tame = seed % 4 !== 0
  let height = 0
  const operand = (code: string, at: number): void => {
    const [opcode, modrm] = bytesOf(code) as unknown as [number, number]
    put(opcode, modrm | 4, 0x25)
    word(at)
  }
  const one = (): void => {
    const rare = random(tame ? 150 : 50)
    if (rare === 0) return operand('d928', CONTROLS_AT + 2 * random(manner.unmasked ? 14 : 9))
    if (rare === 1) return operand('d930', SCRATCH_AT + 32 * random(8))
    if (rare === 2) return operand('d938', SCRATCH_AT + 0x200 + 2 * random(8))
    if (rare === 3) return operand('dd38', SCRATCH_AT + 0x220 + 2 * random(8))
    const wild = !tame && random(40) === 0
    if (tame && height < 3) {
      height++
      return operand('dd00', AREAS.double + 8 * random(64))
    }
    const list = !wild && height < 2 ? PUSHES : !wild && height > 6 ? POPS : pick([PUSHES, POPS, LEVEL, LEVEL, LEVEL])
    const kind = pick(wild ? [...list, ...WILD, ...WILD] : list)
    height = Math.max(0, Math.min(8, height + kind.height))
    if (kind.area === undefined) return put(...bytesOf(kind.code))
    const wide = kind.area === 'extended' ? 16 : 8
    const absent = manner.absent && random(12) === 0
    operand(kind.code, (absent ? ABSENT : AREAS[kind.area]) + wide * random(64))
  }
  /** Instructions; in tame programs they leave the stack as high as it was. */
  const some = (count: number): void => {
    const before = height
    for (let i = 0; i < count; i++) one()
    for (; tame && height > before; height--) put(0xdd, 0xd8)
    for (; tame && height < before; height++) put(0xd9, 0xe8)
  }
  put(0xe9, 0, 0, 0, 0)
  const callee = out.length
  some(4)
  put(0xc3)
  const start = out.length
  out[1] = start - 5
  put(0xbc)
  word(0x7000)
  if (manner.absent) put(...manner.remove)
  // An empty stack, or what the round before left.
  if (tame || random(2) > 0) put(0xdb, 0xe3)
  height = 0
  // Most of a program runs with a mode that is compiled.
  operand('d928', CONTROLS_AT + 2 * random(4))
  const pieces = 4 + random(6)
  let skipAt = -1
  for (let i = 0; i < pieces; i++) {
    some(2 + random(8))
    if (skipAt >= 0) out[skipAt] = out.length - skipAt - 1
    skipAt = -1
    const what = random(5)
    if (what === 0) {
      put(0x70 + random(16), 0)
      skipAt = out.length - 1
    } else if (what === 1) {
      put(0xe8)
      word(callee - (out.length + 4))
    } else if (what === 2) {
      // mov ecx, 3; l: ...; dec ecx; jnz l
      put(0xb9)
      word(3)
      const again = out.length
      some(1 + random(6))
      put(0xff, 0xc9, 0x75, again - (out.length + 4))
    }
  }
  if (skipAt >= 0) out[skipAt] = out.length - skipAt - 1
  // dec dword [COUNTER]; jnz start; hlt
  put(0xff, 0x0c, 0x25)
  word(COUNTER)
  put(0x0f, 0x85)
  word(start - (out.length + 4))
  put(0xf4)
  return Uint8Array.from(out)
}

/** Contents of the areas: numbers of which most can be computed with at once. */
export function x87Data(seed: number): { readonly at: number; readonly bytes: Uint8Array }[] {
  const random = randomFrom(seed)
  const number = (): number => {
    const special = random(seed % 4 !== 0 ? 1000 : 30)
    if (special < 2) return special === 0 ? 0 : -0
    if (special === 2) return [Infinity, NaN, 1e-310, 1e308, -Infinity][random(5)]!
    const n = (random(2 ** 24) - 2 ** 23) * 2 ** -random(40)
    return special < 12 ? Math.round(n) : n
  }
  const numbers = Array.from({ length: 512 }, number)
  const extended = new Uint8Array(64 * 16 + 16)
  const view = new DataView(extended.buffer)
  for (let i = 0; i < 64; i++) {
    view.setUint32(16 * i, random(2 ** 24) * 256, true)
    view.setUint32(16 * i + 4, (seed % 4 === 0 && random(12) === 0 ? 0 : 2 ** 31) + random(2 ** 24) * 128, true)
    view.setUint16(16 * i + 8, (random(2) << 15) | (0x3fff - 40 + random(80)), true)
  }
  const control = Uint16Array.from([...NEAREST, ...OTHERS, ...UNMASKED])
  const integers = (bits: number): number[] => Array.from({ length: 512 }, () => random(2 ** 24) >> random(bits))
  const bytes = (a: { readonly buffer: ArrayBufferLike }): Uint8Array => new Uint8Array(a.buffer)
  return [
    { at: AREAS.single, bytes: bytes(Float32Array.from(numbers.flatMap((n) => [n, n]))) },
    { at: AREAS.double, bytes: bytes(Float64Array.from(numbers)) },
    { at: AREAS.word, bytes: bytes(Int16Array.from(integers(24))) },
    { at: AREAS.dword, bytes: bytes(Int32Array.from(integers(24))) },
    {
      at: AREAS.qword,
      bytes: bytes(BigInt64Array.from(integers(24), (n) => BigInt(n - 2 ** 12) << BigInt(random(38)))),
    },
    { at: AREAS.extended, bytes: extended },
    { at: CONTROLS_AT, bytes: bytes(control) },
    { at: ABSENT, bytes: bytes(Float64Array.from(numbers)) },
  ]
}
