/** A decoded instruction: what decode/ gives to the tiers, the disassembler and the tests. Nobody else knows encodings. */

/** Operand sizes in bits. 80 is an x87 extended real, 0 an operand without a size (lea, invlpg, fxsave). */
export type Size = 0 | 8 | 16 | 32 | 64 | 80 | 128
export type AddressSize = 16 | 32 | 64
/** Width of code: D bit of CS, or long mode. */
export type CodeSize = 16 | 32 | 64

/** Segment registers by their number in the encoding. */
export const ES = 0
export const CS = 1
export const SS = 2
export const DS = 3
export const FS = 4
export const GS = 5

export type RegFile = 'gpr' | 'seg' | 'cr' | 'dr' | 'st' | 'mmx' | 'xmm'

export interface RegOperand {
  readonly kind: 'reg'
  readonly file: RegFile
  readonly reg: number
  /** AH, CH, DH, BH: bits 8 to 15 of the register in `reg` (0 to 3). */
  readonly high: boolean
  readonly size: Size
}

/** An immediate, sign-extended to 64 bits, in two halves (no BigInt: decoding is warm). */
export interface ImmOperand {
  readonly kind: 'imm'
  readonly low: number
  readonly high: number
  readonly size: Size
}

export interface MemOperand {
  readonly kind: 'mem'
  /** Register number or -1. */
  readonly base: number
  readonly index: number
  /** Shift of the index: 0 to 3. */
  readonly scale: number
  /** Displacement, sign-extended to 64 bits in two halves (a moffs can be 64 bits wide). */
  readonly dispLow: number
  readonly dispHigh: number
  /** The displacement counts from the next instruction. */
  readonly ripRelative: boolean
  /** Effective segment, default or overridden. In 64-bit mode only FS and GS have a base. */
  readonly segment: number
  readonly addressSize: AddressSize
  readonly size: Size
}

export type Operand = RegOperand | ImmOperand | MemOperand

/** Where control goes after an instruction. */
export type Flow =
  /** To the next instruction. */
  | 'next'
  /** To `target`, relative to the next instruction. */
  | 'jump'
  /** To `target` or to the next (jcc, loop, jrcxz). */
  | 'cond'
  /** To `target`, with a return address pushed. */
  | 'call'
  /** To an address that is computed (ret, jmp r/m, call r/m). */
  | 'indirect'
  /** The run loop takes over: the state that decides how code is decoded or fetched may have changed
   *  (far transfers, mov to CR, int, iret, sti, popf, hlt, wrmsr, invlpg, string I/O ...). */
  | 'leave'

export interface Insn {
  /** Name of the meaning: a key of SEMANTICS ("add", "movs", "pshufd"), or "ud" for what does not decode. */
  readonly op: string
  /** Of a "ud": what it would be, for counting. */
  readonly name?: string
  /** Operation size in bits: of the destination as a rule. */
  readonly size: Size
  readonly operands: readonly Operand[]
  /** Condition 0 to 15 for jcc, setcc, cmov; else -1. */
  readonly cc: number
  /** Bytes of the instruction, 1 to 15. */
  readonly length: number
  readonly flow: Flow
  /** Signed displacement of a direct transfer, from the next instruction. */
  readonly target: number
  /** 0, 0xf2 or 0xf3, for instructions that repeat. */
  readonly rep: number
  readonly lock: boolean
  /** Effective address size of implicit memory operands (string instructions, xlat) and of loop counters. */
  readonly addressSize: AddressSize
  /** Segment override, or -1; for implicit memory operands. */
  readonly segment: number
  /** Operand size that prefixes and mode give, whatever the operation uses: 16, 32 or 64. */
  readonly operandSize: 16 | 32 | 64
  /** Effective operand size of pushes, pops and near transfers. */
  readonly codeSize: CodeSize
}

/** Gives byte i of the instruction stream; may throw what the caller understands (a page fault on fetch). */
export type Fetch = (offset: number) => number

/** More than 15 bytes: #GP, not #UD. */
export const MAX_LENGTH = 15
