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

/** Properties that a KeyMap tells apart. */
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
      return `${fits32(o) ? 'i' : 'I'}${o.size}`
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

const FILES = { gpr: 0, seg: 1, cr: 2, dr: 3, st: 4, mmx: 5, xmm: 6 } as const
const SEGMENT_FORMS = { '': 0, b: 1, s: 2 } as const
/** Sizes as numbers of 3 bits. */
const sizeCode = (size: number): number => (size === 0 ? 0 : size === 80 ? 6 : 29 - Math.clz32(size))

/** What formOf() says, and the size of an immediate, in 12 bits. */
function operandCode(o: Operand | undefined, mode: Mode): number {
  if (o === undefined) return 0
  const size = sizeCode(o.size) << 2
  switch (o.kind) {
    case 'reg':
      return 1 | size | (FILES[o.file] << 5)
    case 'imm':
      return 2 | size | (fits32(o) ? 0 : 32)
    case 'mem': {
      const form = SEGMENT_FORMS[segmentForm(o.segment, mode)]
      const address = sizeCode(o.addressSize) - 2
      const flags = (o.index >= 0 ? 1 : 0) | (o.ripRelative ? 2 : 0) | (wideDisplacement(o) ? 4 : 0)
      return 3 | size | (flags << 5) | (form << 8) | (address << 10)
    }
  }
}

/**
 * Finds what instructions have in common that a handler can depend on, register numbers and values aside. Three steps
 * of small integers: this is looked up for every instruction that is decoded.
 */
export class KeyMap<T> {
  private readonly ops = new Map<string, Map<number, Map<number, T>>>()

  get(insn: Insn, mode: Mode): T | undefined {
    return this.ops.get(insn.op)?.get(formKey(insn, mode))?.get(restKey(insn, mode))
  }

  set(insn: Insn, mode: Mode, value: T): void {
    let forms = this.ops.get(insn.op)
    if (forms === undefined) this.ops.set(insn.op, (forms = new Map<number, Map<number, T>>()))
    const form = formKey(insn, mode)
    let rest = forms.get(form)
    if (rest === undefined) forms.set(form, (rest = new Map<number, T>()))
    rest.set(restKey(insn, mode), value)
  }
}

function formKey(insn: Insn, mode: Mode): number {
  const { operands } = insn
  return sizeCode(insn.size) | (operandCode(operands[0], mode) << 3) | (operandCode(operands[1], mode) << 15)
}

function restKey(insn: Insn, mode: Mode): number {
  const repeat = insn.rep === 0 ? 0 : insn.rep - 0xf1
  // A third operand is never memory.
  return (
    mode.key |
    (repeat << 5) |
    ((insn.lock ? 1 : 0) << 7) |
    (((insn.addressSize >> 5) & 3) << 8) |
    ((insn.segment + 1) << 10) |
    (((insn.operandSize >> 5) & 3) << 13) |
    (((insn.codeSize >> 5) & 3) << 15) |
    ((insn.cc + 1) << 17) |
    ((operandCode(insn.operands[2], mode) & 0xff) << 22)
  )
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
