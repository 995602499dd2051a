/**
 * A record: one decoded instruction in host memory, 32 bytes. It is position-independent inside its page, so every
 * mapping of a physical page shares its records; RIP is S.codePage + OFFSET.
 */
import type { Insn, Operand } from '../decode/insn.ts'
import { S, SEG } from '../state.ts'
import { wideDisplacement } from './tracked.ts'

/** Byte offsets in a record. */
export const R = {
  bytes: 32,
  /** u16: index of the handler. */
  handler: 0,
  /** u16: offset in the page; 4096 or more behind an instruction that ends at or beyond the page's end. */
  offset: 2,
  /** u16: instructions of the block before this one. */
  index: 4,
  length: 6,
  scale: 7,
  /** Three u16: register operands in order, as offsets from the CPU area (numbers where the file has no fixed place). */
  regs: 8,
  base: 14,
  indexReg: 16,
  /** u16: offset of the memory operand's segment. */
  segment: 18,
  /** i32, or i64 over the immediate; of a direct transfer: the displacement of its target. */
  disp: 20,
  /** i32 or i64; a second immediate follows. */
  imm: 24,
  /** u32, of direct transfers: record of the next instruction, and of the target; 0: not in this page, or not decoded. */
  nextLink: 24,
  link: 28,
  /** u32, of computed jumps and calls: low half of the RIP that it went to last; 0: it has not run. */
  lastTarget: 28,
} as const

/** Handlers that are always there. */
export const HANDLER = {
  /** Was dropped: looks itself up anew. */
  dead: 0,
  /** Goes on at `link`, wherever that is. */
  forward: 1,
  /** Ends a block without a transfer: goes on at OFFSET. */
  next: 2,
} as const
export const FIXED_HANDLERS = 3

export const isDirect = (insn: Insn): boolean => insn.flow === 'jump' || insn.flow === 'cond' || insn.flow === 'call'

/** Where it leads only running it tells. Returns are another matter. */
export const isComputed = (op: string): boolean => op === 'jmp_indirect' || op === 'call_indirect'

/** The host memory as the words of records. Decoding is warm: plain typed arrays are several times a DataView's speed. */
export interface RecordWriter {
  readonly bytes: Uint8Array
  readonly halves: Uint16Array
  readonly words: Int32Array
}

export const recordWriter = (buffer: ArrayBufferLike): RecordWriter => ({
  bytes: new Uint8Array(buffer),
  halves: new Uint16Array(buffer),
  words: new Int32Array(buffer),
})

/** Writes the fields that every record has, and clears the others. */
export function writeHead(to: RecordWriter, at: number, handler: number, offset: number, index: number): void {
  const { words } = to
  const w = at >>> 2
  words[w] = handler | (offset << 16)
  words[w + 1] = index
  for (let i = w + 2; i < w + 8; i++) words[i] = 0
}

/** Writes the fields that follow from an instruction. */
export function writeRecord(
  to: RecordWriter,
  at: number,
  insn: Insn,
  handler: number,
  offset: number,
  index: number,
): void {
  writeHead(to, at, handler, offset, index)
  const { bytes, halves, words } = to
  bytes[at + R.length] = insn.length
  const { operands } = insn
  let reg = 0
  let imm = 0
  for (let i = 0; i < operands.length; i++) {
    const o = operands[i]!
    if (o.kind === 'reg') {
      halves[((at + R.regs) >>> 1) + reg++] = registerField(o)
    } else if (o.kind === 'imm') {
      words[((at + R.imm) >>> 2) + imm++] = o.low
      if (o.high !== o.low >> 31) words[((at + R.imm) >>> 2) + imm++] = o.high
    } else {
      halves[(at + R.base) >>> 1] = o.base < 0 ? S.zero : S.gpr + 8 * o.base
      halves[(at + R.indexReg) >>> 1] = o.index < 0 ? S.zero : S.gpr + 8 * o.index
      bytes[at + R.scale] = o.scale
      halves[(at + R.segment) >>> 1] = S.seg + SEG.size * o.segment
      words[(at + R.disp) >>> 2] = o.dispLow
      if (wideDisplacement(o)) words[(at + R.disp + 4) >>> 2] = o.dispHigh
    }
  }
  if (isDirect(insn)) words[(at + R.disp) >>> 2] = insn.target
}

function registerField(o: Extract<Operand, { kind: 'reg' }>): number {
  switch (o.file) {
    case 'gpr':
      return S.gpr + 8 * o.reg + (o.high ? 1 : 0)
    case 'xmm':
      return S.xmm + 16 * o.reg
    case 'mmx':
      return S.fpr + 16 * o.reg
    default:
      return o.reg
  }
}
