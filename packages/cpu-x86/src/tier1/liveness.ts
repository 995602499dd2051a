/** Where the arithmetic flags may still be asked for: by an instruction, or by whoever looks when a region is left. */
import type { Insn } from '../decode/insn.ts'
import type { Region } from './region.ts'

/** Set all six flags and read none. */
const SETS = new Set(['add', 'sub', 'cmp', 'and', 'or', 'xor', 'test', 'neg', 'imul', 'mul'])
/** The same, if their count is a constant that is not zero. */
const SHIFTS = new Set(['shl', 'shr', 'sar'])
/** Neither set nor read all flags. */
const KEEPS = new Set([
  ...[
    'mov',
    'movzx',
    'movsx',
    'movsxd',
    'lea',
    'xchg',
    'bswap',
    'rol',
    'ror',
    'bt',
    'bts',
    'btr',
    'btc',
    'clc',
    'stc',
    'cbw',
    'cwd',
    'not',
    'nop',
    'pause',
  ],
  ...['lfence', 'mfence', 'sfence', 'jmp'],
])

type Effect = 'sets' | 'keeps' | 'reads'

/** An access to memory may end in tier 0, so it counts as a reader. */
export function flagEffect(insn: Insn): Effect {
  const { op, operands, size } = insn
  if (op !== 'lea' && op !== 'nop' && operands.some((o) => o.kind === 'mem')) return 'reads'
  if (operands.some((o) => o.kind === 'reg' && o.file !== 'gpr')) return 'reads'
  if (SETS.has(op)) return 'sets'
  if (KEEPS.has(op)) return 'keeps'
  const count = operands[1]
  if (SHIFTS.has(op) && count?.kind === 'imm' && (count.low & (size === 64 ? 63 : 31)) !== 0) return 'sets'
  return 'reads'
}

/** By node: flags must be right where it begins. A block may be left at its end, so one that keeps them needs them too. */
export function flagsLiveIn({ blocks }: Region): boolean[] {
  return blocks.map((b) => b.insns.map(flagEffect).find((effect) => effect !== 'keeps') !== 'sets')
}
