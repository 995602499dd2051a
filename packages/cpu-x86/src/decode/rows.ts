/**
 * The notation of the opcode tables. One line is one row of the manual's opcode map (SDM vol. 2, appendix A):
 *
 *   [prefix] opcode[+r|+cc][/digit][:m|:r][=modrm] name operands [marks]
 *
 *   prefix   np none, 66, F3, F2, n6 none or 66, mx two rows: np on MMX and 66 on XMM registers. Absent: any.
 *   /digit   reg field of ModRM; :m memory only, :r register only; =modrm one exact ModRM byte
 *   name     a|b: b with REX.W
 *   operands the manual's letters, or - for none:
 *            E r/m, G reg, I immediate, B byte sign-extended to the size, J displacement, M memory, R r/m register,
 *            O moffs, Z register in the opcode, S C D segment/control/debug, A far pointer, P Q N MMX, V W U XMM,
 *            T0 Ti of the x87 stack, 1 a constant, and registers by name. X/Y: register form, memory form.
 *            sizes b w d q t o; v operand size, y 32 or 64, z 16 or 32, r 32 or 64 by mode, x 64 or 128
 *   marks    L lockable, d64 64 bits by default in 64-bit mode, f64 always 64 there, i64 invalid there, o64 valid only
 *            there, s=SIZE operation size where it is not that of the first operand, ud: known, but raises #UD
 */
import type { Flow } from './insn.ts'

export type SizeRule = number
export const SIZE_V = -1
export const SIZE_Y = -2
export const SIZE_Z = -3
export const SIZE_MODE = -4
export const SIZE_X = -5

const SIZES: Readonly<Record<string, SizeRule>> = {
  '': 0,
  b: 8,
  w: 16,
  d: 32,
  q: 64,
  t: 80,
  o: 128,
  v: SIZE_V,
  y: SIZE_Y,
  z: SIZE_Z,
  r: SIZE_MODE,
  x: SIZE_X,
}

/** Operand kinds, numbered for the decoder's switch. */
export const KIND = {
  E: 0,
  G: 1,
  I: 2,
  B: 3,
  J: 4,
  M: 5,
  R: 6,
  O: 7,
  Z: 8,
  S: 9,
  C: 10,
  D: 11,
  A: 12,
  P: 13,
  Q: 14,
  N: 15,
  V: 16,
  W: 17,
  U: 18,
  T0: 19,
  Ti: 20,
  one: 21,
  gpr: 22,
  seg: 23,
  xmm0: 24,
} as const

export interface Letter {
  readonly kind: number
  readonly regSize: SizeRule
  readonly memSize: SizeRule
  /** Register of a fixed operand. */
  readonly reg: number
}

export type Prefix = 0 | 1 | 2 | 3

export interface Row {
  readonly text: string
  /** 0 one byte, 1 0F, 2 0F38, 3 0F3A */
  readonly map: number
  readonly opcode: number
  /** Mandatory prefixes under which it holds: bits for none, 66, F3, F2. */
  readonly prefixes: number
  readonly digit: number
  readonly form: '' | 'm' | 'r'
  readonly exact: number
  readonly name: string
  readonly wideName: string
  readonly letters: readonly Letter[]
  readonly modrm: boolean
  readonly lock: boolean
  /** 0 the usual, 1 d64, 2 f64 */
  readonly wide64: 0 | 1 | 2
  readonly legacyOnly: boolean
  readonly longOnly: boolean
  readonly size: SizeRule
  readonly cc: number
  readonly flow: Flow
  readonly repeats: boolean
  readonly ud: boolean
}

const FIXED: Readonly<Record<string, Letter>> = {
  AL: fixed(KIND.gpr, 8, 0),
  CL: fixed(KIND.gpr, 8, 1),
  AX: fixed(KIND.gpr, 16, 0),
  DX: fixed(KIND.gpr, 16, 2),
  eAX: fixed(KIND.gpr, SIZE_V, 0),
  zAX: fixed(KIND.gpr, SIZE_Z, 0),
  ES: fixed(KIND.seg, 16, 0),
  CS: fixed(KIND.seg, 16, 1),
  SS: fixed(KIND.seg, 16, 2),
  DS: fixed(KIND.seg, 16, 3),
  FS: fixed(KIND.seg, 16, 4),
  GS: fixed(KIND.seg, 16, 5),
  T0: fixed(KIND.T0, 80, 0),
  Ti: fixed(KIND.Ti, 80, 0),
  X0: fixed(KIND.xmm0, 128, 0),
  '1': fixed(KIND.one, 8, 0),
}

function fixed(kind: number, size: SizeRule, reg: number): Letter {
  return { kind, regSize: size, memSize: size, reg }
}

const FLOWS: Readonly<Record<string, Flow>> = {
  jmp: 'jump',
  jcc: 'cond',
  loop: 'cond',
  loope: 'cond',
  loopne: 'cond',
  jcxz: 'cond',
  call: 'call',
  call_indirect: 'indirect',
  jmp_indirect: 'indirect',
  ret: 'indirect',
}

const LEAVES = new Set(
  `call_far jmp_far retf iret int int1 int3 into syscall sysret sysenter sysexit in out ins outs hlt cli sti popf
   pop_seg les lds lss lfs lgs lldt ltr lgdt lidt lmsw clts invlpg wbinvd invd wrmsr rsm monitor mwait swapgs ud2
   xsetbv ud`.split(/\s+/),
)
const REPEATS = new Set(['movs', 'cmps', 'scas', 'lods', 'stos', 'ins', 'outs'])
const MODRM_KINDS: ReadonlySet<number> = new Set(
  [...'EGMRSCDPQNVWU'].map((k) => KIND[k as keyof typeof KIND]).concat(KIND.Ti),
)
const PREFIX_BITS: Readonly<Record<string, number>> = { np: 1, '66': 2, F3: 4, F2: 8, n6: 3 }
const LINE =
  /^(?:(np|66|F3|F2|n6|mx) )?(0F38|0F3A|0F)?([0-9A-F]{2})(\+r|\+cc)?(?:\/(\d))?(?::([mr]))?(?:=([0-9A-F]{2}))? (\S+) (\S+)(.*)$/

/** Reads a table. */
export function rows(table: string): Row[] {
  const lines = table.split('\n').map((l) => l.trim())
  return lines.filter((l) => l !== '').flatMap(lineRows)
}

function lineRows(text: string): Row[] {
  const m = LINE.exec(text)
  if (m === null) throw new Error(`not a row of the opcode table: ${text}`)
  const [, prefix, map, byte, plus, digit, form, exact, names, operands, tail] = m
  if (prefix === 'mx') {
    const rest = text.slice(3)
    const xmm = rest
      .replace(/\bPq\b/g, 'Vo')
      .replace(/\bQ[qd]\b/g, 'Wo')
      .replace(/\bNq\b/g, 'Uo')
    return [...lineRows(`np ${rest}`), ...lineRows(`66 ${xmm}`)]
  }
  const marks = new Set(tail!.trim().split(/\s+/))
  const letters = operands === '-' ? [] : operands!.split(',').map(letter)
  const [name, wideName] = names!.split('|')
  const size = [...marks].find((k) => k.startsWith('s='))?.slice(2)
  const count = plus === '+r' ? 8 : plus === '+cc' ? 16 : 1
  const first = letters[0]
  return Array.from({ length: count }, (_, i) => ({
    text,
    map: map === undefined ? 0 : map === '0F' ? 1 : map === '0F38' ? 2 : 3,
    opcode: parseInt(byte!, 16) + i,
    prefixes: prefix === undefined ? 15 : PREFIX_BITS[prefix]!,
    digit: digit === undefined ? -1 : Number(digit),
    form: (form ?? '') as Row['form'],
    exact: exact === undefined ? -1 : parseInt(exact, 16),
    name: name!,
    wideName: wideName ?? name!,
    letters,
    modrm:
      digit !== undefined || exact !== undefined || form !== undefined || letters.some((l) => MODRM_KINDS.has(l.kind)),
    lock: marks.has('L'),
    wide64: marks.has('f64') ? 2 : marks.has('d64') ? 1 : 0,
    legacyOnly: marks.has('i64'),
    longOnly: marks.has('o64'),
    size: size !== undefined ? SIZES[size]! : first === undefined ? SIZE_V : first.regSize,
    cc: plus === '+cc' ? i : -1,
    flow: flowOf(name!, first),
    repeats: REPEATS.has(name!),
    ud: marks.has('ud'),
  }))
}

function flowOf(name: string, first: Letter | undefined): Flow {
  if (LEAVES.has(name)) return 'leave'
  const written = first?.kind
  if (name.startsWith('mov_') && (written === KIND.S || written === KIND.C || written === KIND.D)) return 'leave'
  return FLOWS[name] ?? 'next'
}

function letter(text: string): Letter {
  const known = FIXED[text]
  if (known !== undefined) return known
  const [one, two] = text.split('/')
  const kind = KIND[one![0] as keyof typeof KIND]
  const size = SIZES[one!.slice(1)]
  if (kind === undefined || size === undefined) throw new Error(`not an operand of the opcode table: ${text}`)
  if (two !== undefined) return { kind: KIND.E, regSize: size, memSize: SIZES[two.slice(1)]!, reg: 0 }
  const xmm = kind === KIND.W || kind === KIND.V || kind === KIND.U
  const regSize = xmm ? 128 : kind === KIND.Q ? 64 : kind === KIND.S ? 16 : size
  return { kind, regSize, memSize: size, reg: 0 }
}
