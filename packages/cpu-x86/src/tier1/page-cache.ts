/**
 * Which accesses in a loop keep their last page in locals. It saves the soft-TLB's entry, whose address and contents would
 * stand between an address and what lies there; but locals are few, and where pages alternate the branch is mispredicted.
 * So: the stack, and small tables, whose index is a byte or the like.
 */
import type { Insn, MemOperand } from '../decode/insn.ts'
import { k64 } from '../wasm/value.ts'

/** A translation in locals: a page's linear address, and what makes an address in it a host address. */
export interface PageCache {
  readonly page: number
  readonly addend: number
}

/** No address is within a page of this one. */
export const NO_PAGE = k64(0, 0x4000_0000)

/** Key of accesses by the stack pointer. */
export const STACK = 'stack'
const RSP = 4
/** Most bytes from a table's first entry to its last. */
const TABLE = 8192

/** Accesses with the same key share a cache; '' has none. */
export function cacheKey(insns: readonly Insn[], index: number, o: MemOperand): string {
  if (o.base === RSP && o.index < 0) return STACK
  // An index alone is often written as a base.
  if (o.index < 0) return o.base >= 0 && small(insns, index, o.base, 1) ? `base${o.base}+${o.dispLow}` : ''
  return small(insns, index, o.index, 1 << o.scale) ? `${o.base}+${o.index}+${o.dispLow}` : ''
}

/** The last instruction of the block that wrote a register left a small number there. */
function small(insns: readonly Insn[], before: number, reg: number, scale: number): boolean {
  for (let i = before - 1; i >= 0; i--) {
    const { op, operands, size } = insns[i]!
    const to = operands[0]
    if (to?.kind !== 'reg' || to.file !== 'gpr' || to.reg !== reg) continue
    if (op === 'cmp' || op === 'test') continue
    const by = operands[1]
    if (op === 'movzx') return by!.size === 8 && 255 * scale < TABLE
    if (by?.kind !== 'imm' || size < 32) return false
    if (op === 'and') return by.low >= 0 && by.high === by.low >> 31 && by.low * scale < TABLE
    return op === 'shr' && 2 ** (size - (by.low & (size - 1))) * scale <= TABLE
  }
  return false
}
