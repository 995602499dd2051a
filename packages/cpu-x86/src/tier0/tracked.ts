/**
 * An instruction as a meaning sees it while a handler is made. Whatever the meaning looks at becomes part of what the
 * handler is specialised by: the handler then serves every instruction that is alike in those respects, and only those.
 */
import type { ImmOperand, Insn, MemOperand, Operand, RegOperand, Size } from '../decode/insn.ts'
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

/** A view of an instruction that notes in `facets` what is read. op, size, cc and the operands' forms are in the name. */
export const tracked = (insn: Insn, facets: Facets): Insn => new TrackedInsn(insn, facets)

class TrackedInsn implements Insn {
  readonly op: string
  readonly size: Size
  readonly cc: number
  readonly operands: readonly Operand[]
  private readonly insn: Insn
  private readonly facets: Facets

  constructor(insn: Insn, facets: Facets) {
    this.op = insn.op
    this.size = insn.size
    this.cc = insn.cc
    this.operands = insn.operands.map((o, i) => trackedOperand(o, i, facets))
    this.insn = insn
    this.facets = facets
  }

  // What a KeyMap tells apart.

  get rep(): number {
    return this.facets.note('rep', this.insn.rep)
  }

  get lock(): boolean {
    return this.facets.note('lock', this.insn.lock)
  }

  get addressSize(): Insn['addressSize'] {
    return this.facets.note('addressSize', this.insn.addressSize)
  }

  get segment(): number {
    return this.facets.note('segment', this.insn.segment)
  }

  get operandSize(): Insn['operandSize'] {
    return this.facets.note('operandSize', this.insn.operandSize)
  }

  get codeSize(): Insn['codeSize'] {
    return this.facets.note('codeSize', this.insn.codeSize)
  }

  get flow(): Insn['flow'] {
    return this.facets.note('flow', this.insn.flow)
  }

  // In what instructions that it does not tell apart can differ.

  get length(): number {
    return this.facets.bake('length', this.insn.length)
  }

  get target(): number {
    return this.facets.bake('target', this.insn.target)
  }
}

/** An operand, of which only what its form names can be read without being noted. */
class Tracked<O extends Operand> {
  readonly kind: O['kind']
  readonly size: Size
  protected readonly o: O
  private readonly i: number
  private readonly facets: Facets

  constructor(o: O, i: number, facets: Facets) {
    this.kind = o.kind
    this.size = o.size
    this.o = o
    this.i = i
    this.facets = facets
  }

  protected bake(name: string, value: number | boolean): number {
    return this.facets.bake(`${this.i}.${name}`, Number(value))
  }
}

class TrackedReg extends Tracked<RegOperand> implements RegOperand {
  get file(): RegOperand['file'] {
    return this.o.file
  }

  get reg(): number {
    return this.bake('reg', this.o.reg)
  }

  get high(): boolean {
    return this.bake('high', this.o.high) !== 0
  }
}

class TrackedImm extends Tracked<ImmOperand> implements ImmOperand {
  get low(): number {
    return this.bake('low', this.o.low)
  }

  get high(): number {
    return this.bake('high', this.o.high)
  }
}

class TrackedMem extends Tracked<MemOperand> implements MemOperand {
  get addressSize(): MemOperand['addressSize'] {
    return this.o.addressSize
  }

  get base(): number {
    return this.bake('base', this.o.base)
  }

  get index(): number {
    return this.bake('index', this.o.index)
  }

  get scale(): number {
    return this.bake('scale', this.o.scale)
  }

  get dispLow(): number {
    return this.bake('dispLow', this.o.dispLow)
  }

  get dispHigh(): number {
    return this.bake('dispHigh', this.o.dispHigh)
  }

  get ripRelative(): boolean {
    return this.bake('ripRelative', this.o.ripRelative) !== 0
  }

  get segment(): number {
    return this.bake('segment', this.o.segment)
  }
}

function trackedOperand(o: Operand, i: number, facets: Facets): Operand {
  switch (o.kind) {
    case 'reg':
      return new TrackedReg(o, i, facets)
    case 'imm':
      return new TrackedImm(o, i, facets)
    case 'mem':
      return new TrackedMem(o, i, facets)
  }
}

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
