/** What x87 instructions do to the height of the register stack, and so how far each block's top is from a region's entry. */
import type { Insn, MemOperand, RegOperand } from '../decode/insn.ts'
import { X87_MEANINGS } from '../semantics/x87.ts'
import { successorsOf, type RegionBlock } from './region.ts'

const POPS = new Map<string, number>([
  ...['faddp', 'fmulp', 'fsubp', 'fsubrp', 'fdivp', 'fdivrp', 'fstp', 'fistp', 'fisttp', 'fbstp', 'ffreep'].map(one),
  ...['fcomp', 'fucomp', 'ficomp', 'fcomip', 'fucomip', 'fyl2x', 'fyl2xp1', 'fpatan', 'fincstp'].map(one),
  ['fcompp', 2],
  ['fucompp', 2],
])
const PUSHES = new Set([
  ...['fld', 'fild', 'fbld', 'fld1', 'fldz', 'fldl2t', 'fldl2e', 'fldpi', 'fldlg2', 'fldln2'],
  ...['fdecstp', 'fptan', 'fsincos', 'fxtract'],
])
function one(name: string): [string, number] {
  return [name, 1]
}

export const isX87 = (insn: Insn): boolean => X87_MEANINGS[insn.op] !== undefined

/** How much an instruction moves the top, modulo 8. */
export const movesTop = (insn: Insn): number => (PUSHES.has(insn.op) ? 7 : (POPS.get(insn.op) ?? 0))

/** Uses the registers as MMX does, or makes their top 0. */
const isMmx = (insn: Insn): boolean =>
  insn.op === 'emms' || insn.operands.some((o) => o.kind === 'reg' && o.file === 'mmx')

/** Number of the x87 register that operand i is, counted from the top. */
export const stackNumber = (insn: Insn, i: number): number => (insn.operands[i] as RegOperand).reg
export const inMemory = (insn: Insn): insn is Insn & { readonly operands: readonly [MemOperand] } =>
  insn.operands[0]?.kind === 'mem'

export interface X87Shape {
  /** Top of the stack at the beginning of each block, relative to a region's own zero. */
  readonly tops: readonly number[]
  /** Registers that are named, relative to the same. */
  readonly used: readonly number[]
}

/** Nothing if there is no x87 code, or MMX code as well. */
export function x87Shape(blocks: readonly RegionBlock[]): X87Shape | undefined {
  let found = false
  for (const { insns } of blocks)
    for (const insn of insns) {
      if (isMmx(insn)) return undefined
      found ||= isX87(insn)
    }
  if (!found) return undefined
  const tops = topsOf(blocks)
  const used = new Set<number>()
  blocks.forEach(({ insns }, n) => {
    let top = tops[n]!
    for (const insn of insns) {
      if (!isX87(insn)) continue
      const moved = movesTop(insn)
      used.add(moved === 7 ? (top + 7) & 7 : top)
      for (const o of insn.operands) if (o.kind === 'reg' && o.file === 'st') used.add((top + o.reg) & 7)
      // FCOMPP and the like name none.
      if (insn.operands.length === 0) used.add((top + 1) & 7)
      top = (top + moved) & 7
    }
  })
  return { tops, used: [...used].sort((a, b) => a - b) }
}

/** Spreads from one block of each connected part, forwards and backwards. */
function topsOf(blocks: readonly RegionBlock[]): number[] {
  const moved = blocks.map(({ insns }) => insns.reduce((sum, insn) => sum + (isX87(insn) ? movesTop(insn) : 0), 0))
  const before: number[][] = blocks.map(() => [])
  blocks.forEach((b, n) => successorsOf(b).forEach((s) => before[s]!.push(n)))
  const tops: (number | undefined)[] = blocks.map(() => undefined)
  blocks.forEach((_, first) => {
    if (tops[first] !== undefined) return
    tops[first] = 0
    const reached = new Set([first])
    const reach = (n: number, top: number): void => {
      if (tops[n] !== undefined) return
      tops[n] = top & 7
      reached.add(n)
    }
    for (const n of reached) {
      for (const s of successorsOf(blocks[n]!)) reach(s, tops[n]! + moved[n]!)
      for (const p of before[n]!) reach(p, tops[n]! - moved[p]!)
    }
  })
  return tops.map((top) => top ?? 0)
}
