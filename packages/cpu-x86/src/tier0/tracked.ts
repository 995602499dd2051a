/**
 * An instruction as a meaning sees it while a handler is made. Whatever the meaning looks at becomes part of what the
 * handler is specialised by: the handler then serves every instruction that is alike in those respects, and only those.
 */
import type { ImmOperand, Insn, MemOperand, Operand, RegOperand } from '../decode/insn.ts'
import type { Mode } from './mode.ts'

/** What a meaning looked at, and the value it saw. */
export class Facets {
  private readonly seen = new Map<string, string | number>()
  /** True when a value was looked at that instructions of one base key can differ in (a register number, an immediate). */
  baked = false

  note<T extends string | number | boolean>(name: string, value: T): T {
    this.seen.set(name, typeof value === 'boolean' ? (value ? 1 : 0) : value)
    return value
  }

  bake<T extends string | number>(name: string, value: T): T {
    this.baked = true
    this.seen.set(name, value)
    return value
  }

  get key(): string {
    return [...this.seen]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => `${name}=${value}`)
      .join(',')
  }
}

/** Properties in which two records of one base key are the same: see baseKey(). */
const KEYED = ['rep', 'lock', 'addressSize', 'segment', 'operandSize', 'codeSize', 'flow'] as const
/** Properties in which they can differ. */
const FREE = ['length', 'target'] as const

/** A view of an instruction that notes in `facets` what is read. op, size, cc and the operands' forms are in the name. */
export function tracked(insn: Insn, facets: Facets): Insn {
  const view = {
    op: insn.op,
    size: insn.size,
    cc: insn.cc,
    operands: insn.operands.map((o, i) => trackedOperand(o, i, facets)),
  }
  for (const name of KEYED)
    Object.defineProperty(view, name, { enumerable: true, get: () => facets.note(name, insn[name]) })
  for (const name of FREE)
    Object.defineProperty(view, name, { enumerable: true, get: () => facets.bake(name, insn[name]) })
  return view as unknown as Insn
}

function trackedOperand(o: Operand, i: number, facets: Facets): Operand {
  const view = {}
  const fixed: readonly string[] = FIXED[o.kind]
  for (const [name, value] of Object.entries(o) as [string, string | number | boolean][]) {
    const get = fixed.includes(name) ? () => value : () => facets.bake(`${i}.${name}`, Number(value))
    Object.defineProperty(view, name, { enumerable: true, get })
  }
  return view as Operand
}

/** Operand properties that its form names. */
const FIXED = {
  reg: ['kind', 'file', 'size'] satisfies (keyof RegOperand)[],
  imm: ['kind', 'size'] satisfies (keyof ImmOperand)[],
  mem: ['kind', 'size', 'addressSize'] satisfies (keyof MemOperand)[],
} as const

/** Distinguishes an operand as far as a handler must: the registers and values themselves stay in the record. */
export function formOf(o: Operand, mode: Mode): string {
  switch (o.kind) {
    case 'reg':
      return `${LETTER[o.file]}${o.size === 0 ? '' : o.size}`
    case 'imm':
      return fits32(o) ? 'i' : 'I'
    case 'mem': {
      const wide = wideDisplacement(o) ? 'D' : ''
      return `m${o.size}a${o.addressSize}${o.index >= 0 ? 'x' : ''}${o.ripRelative ? 'p' : ''}${segmentForm(o.segment, mode)}${wide}`
    }
  }
}

/** More than 32 bits of the displacement count (absolute addresses in 64-bit mode). */
export const wideDisplacement = (o: MemOperand): boolean => o.addressSize === 64 && o.dispHigh !== o.dispLow >> 31

const LETTER = { gpr: 'r', seg: 's', cr: 'c', dr: 'd', st: 'f', mmx: 'q', xmm: 'v' } as const

const fits32 = (v: { readonly low: number; readonly high: number }): boolean => v.high === v.low >> 31

/** How a segment takes part in an address: not at all, by its base, or by base, limits and rights. */
export function segmentForm(segment: number, mode: Mode): '' | 'b' | 's' {
  if (mode.code === 64) return segment >= 4 ? 'b' : ''
  return mode.flat && segment < 4 ? '' : 's'
}

/** Everything a handler can depend on, except register numbers and values. */
export function baseKey(insn: Insn, mode: Mode): string {
  let key = `${insn.op}.${insn.size}`
  for (const o of insn.operands) key += `.${formOf(o, mode)}`
  if (insn.cc >= 0) key += `.c${insn.cc}`
  return `${key}|${insn.rep}.${insn.lock ? 1 : 0}.${insn.addressSize}.${insn.segment}.${insn.operandSize}.${insn.codeSize}.${mode.key}`
}

/** The name of a handler as far as its operands go: what facets are added to. */
export function formName(insn: Insn, mode: Mode): string {
  let name = `${insn.op}.${insn.size}`
  for (const o of insn.operands) name += `.${formOf(o, mode)}`
  return insn.cc >= 0 ? `${name}.c${insn.cc}` : name
}

/** The values that a handler which bakes some is told apart by. */
export function valueKey(insn: Insn): string {
  let key = `${insn.length}.${insn.target}`
  for (const o of insn.operands) {
    if (o.kind === 'reg') key += `.${o.reg}${o.high ? 'h' : ''}`
    else if (o.kind === 'imm') key += `.${o.low}:${o.high}`
    else key += `.${o.base}.${o.index}.${o.scale}.${o.dispLow}.${o.dispHigh}.${o.segment}`
  }
  return key
}
