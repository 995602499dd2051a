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

/** Writes the fields that follow from an instruction. */
export function writeRecord(
  view: DataView,
  at: number,
  insn: Insn,
  handler: number,
  offset: number,
  index: number,
): void {
  for (let i = 0; i < R.bytes; i += 4) view.setUint32(at + i, 0, true)
  view.setUint16(at + R.handler, handler, true)
  view.setUint16(at + R.offset, offset, true)
  view.setUint16(at + R.index, index, true)
  view.setUint8(at + R.length, insn.length)
  let reg = 0
  let imm = 0
  for (const o of insn.operands) {
    if (o.kind === 'reg') {
      view.setUint16(at + R.regs + 2 * reg++, registerField(o), true)
    } else if (o.kind === 'imm') {
      view.setInt32(at + R.imm + 4 * imm++, o.low, true)
      if (o.high !== o.low >> 31) view.setInt32(at + R.imm + 4 * imm++, o.high, true)
    } else {
      view.setUint16(at + R.base, o.base < 0 ? S.zero : S.gpr + 8 * o.base, true)
      view.setUint16(at + R.indexReg, o.index < 0 ? S.zero : S.gpr + 8 * o.index, true)
      view.setUint8(at + R.scale, o.scale)
      view.setUint16(at + R.segment, S.seg + SEG.size * o.segment, true)
      view.setInt32(at + R.disp, o.dispLow, true)
      if (wideDisplacement(o)) view.setInt32(at + R.disp + 4, o.dispHigh, true)
    }
  }
  if (isDirect(insn)) view.setInt32(at + R.disp, insn.target, true)
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
