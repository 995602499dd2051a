/** Runs of instructions that have one handler together: fewer dispatches, and flags that nobody sees are not stored. */
import type { Insn } from '../decode/insn.ts'

const WITHOUT_STORES = [
  ...['mov', 'movzx', 'movsx', 'movsxd', 'lea', 'add', 'adc', 'sub', 'sbb', 'and', 'or', 'xor', 'cmp', 'test', 'inc'],
  ...['dec', 'neg', 'not', 'imul', 'mul', 'shl', 'shr', 'sar', 'setcc', 'cmov', 'pop', 'nop', 'cbw', 'cwd'],
]
const LEADS = new Set(WITHOUT_STORES)
const LASTS = new Set([...WITHOUT_STORES, 'jcc', 'jmp', 'call', 'ret', 'push'])

/** May stand before the last: it cannot change code, so what follows it in its block is still what was decoded. */
export const leads = (insn: Insn): boolean =>
  LEADS.has(insn.op) &&
  insn.flow === 'next' &&
  !insn.lock &&
  (insn.operands[0]?.kind !== 'mem' ||
    insn.op === 'cmp' ||
    insn.op === 'test' ||
    insn.op === 'mul' ||
    insn.op === 'imul') &&
  insn.operands.every((o) => o.kind !== 'reg' || o.file === 'gpr')

export const lasts = (insn: Insn): boolean => LASTS.has(insn.op) && !insn.lock

export const fusable = (insns: readonly Insn[]): boolean =>
  insns.length === 1 || (insns.slice(0, -1).every(leads) && lasts(insns.at(-1)!))

/** A tree over the handlers of single instructions. */
export class Sequences {
  /** 1 for handlers that a sequence begins with: most do not, and need no look at the tree. */
  private readonly begins = new Uint8Array(65536)
  private readonly next = new Map<number, number>()
  private readonly handlers: number[] = [-1]
  /** Instructions of what find() gave. */
  length = 0

  add(parts: readonly number[], handler: number): void {
    let node = 0
    this.begins[parts[0]!] = 1
    for (const part of parts) {
      const key = node * 65536 + part
      let to = this.next.get(key)
      if (to === undefined) this.next.set(key, (to = this.handlers.push(-1) - 1))
      node = to
    }
    this.handlers[node] = handler
  }

  /** Handler of the longest sequence in the first `count` parts from a position on, or -1. */
  find(parts: ArrayLike<number>, from: number, count: number): number {
    let best = -1
    if (this.begins[parts[from]!] === 0) return best
    let node = 0
    for (let i = from; i < count; i++) {
      const to = this.next.get(node * 65536 + parts[i]!)
      if (to === undefined) break
      node = to
      if (this.handlers[node]! < 0) continue
      best = this.handlers[node]!
      this.length = i - from + 1
    }
    return best
  }
}
