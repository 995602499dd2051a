/**
 * Flags where ways meet, and where a region is left: what they follow from is kept in locals, and the words are made only
 * when they are asked for. Most are overwritten first, unless an access to memory fails.
 */
import { I32, I64, type Func } from '@godwit/wasm-encoder'
import type { Size } from '../decode/insn.ts'
import {
  Flags,
  carries,
  carryVector,
  flagsInState,
  overflow,
  type Deferred,
  type FlagHome,
  type Known,
  type Pending,
} from '../flags.ts'
import { wasm, type Link, type RuntimeFunction } from '../runtime.ts'
import { Emit, type Callee } from '../wasm/emit.ts'
import { Val, k32, k64, local, select } from '../wasm/value.ts'

const SIZES: readonly Size[] = [8, 16, 32, 64]
/** Bit 0 of c is CF, but for `sub`, whose operands give it. Bit 1 is OF of `cfof`, and of `adc` and `sbb` the carry that came in. */
const KINDS = ['add', 'logic', 'adc', 'sbb', 'addc', 'subc', 'cfof', 'sub'] as const
type Kind = (typeof KINDS)[number]
/** Form 0: the words are right. */
const formOf = (kind: Kind, size: Size): number => 1 + KINDS.indexOf(kind) * SIZES.length + SIZES.indexOf(size)
const FIRST_SUB = formOf('sub', 8)
/** Beside a form: CF (next bit) is another, and OF (the one after) if the last bit does not say that it stays. */
const FORMS = 0xff
const TURNED = 8
const STAYS = TURNED + 3
const turnedForm = (cf: Val, of: Val | undefined): Val =>
  cf
    .shl(TURNED + 1)
    .or(of === undefined ? 1 << STAYS : of.shl(TURNED + 2))
    .or(1 << TURNED)

interface Packed {
  readonly form: number
  readonly a: Val
  readonly b: Val
  readonly c: Val
}

function pack(p: Known): Packed {
  const none = k64(0)
  switch (p.kind) {
    case 'logic':
      return { form: formOf('logic', p.size), a: p.r.to64u(), b: none, c: k32(0) }
    case 'cfof':
      return { form: formOf('cfof', p.size), a: p.r.to64u(), b: none, c: p.cf.or(p.of.shl(1)) }
    default: {
      const [a, b] = [p.a.to64u(), p.b.to64u()]
      if (p.cf !== undefined) {
        const up = p.kind === 'add' || p.kind === 'adc'
        // The operand of INC and DEC, or with ADC and SBB what makes the result of it.
        const by = up ? p.r.sub(p.a) : p.a.sub(p.r)
        return { form: formOf(up ? 'addc' : 'subc', p.size), a, b: by.to64u(), c: p.cf }
      }
      if (p.kind === 'sub') return { form: formOf('sub', p.size), a, b, c: k32(0) }
      if (p.kind === 'add') return { form: formOf('add', p.size), a, b, c: p.r.ltU(p.a) }
      const up = p.kind === 'adc'
      const into = up ? p.r.sub(p.a).sub(p.b) : p.a.sub(p.b).sub(p.r)
      const out = carries(p).shrU(p.size - 1)
      return { form: formOf(p.kind, p.size), a, b, c: out.to32().and(1).or(into.to32().and(1).shl(1)) }
    }
  }
}

function unpack(kind: Kind, size: Size, a64: Val, b64: Val, c: Val): Known {
  const narrow = (v: Val): Val => (size === 64 ? v : v.to32())
  const [a, b] = [narrow(a64), narrow(b64)]
  const into = size === 64 ? c.shrU(1).to64u() : c.shrU(1)
  switch (kind) {
    case 'logic':
      return { kind, size, r: a }
    case 'cfof':
      return { kind, size, r: a, cf: c.and(1), of: c.shrU(1) }
    case 'add':
      return { kind, size, a, b, r: a.add(b).zext(size) }
    case 'sub':
      return { kind, size, a, b, r: a.sub(b).zext(size) }
    case 'adc':
      return { kind, size, a, b, r: a.add(b).add(into).zext(size) }
    case 'sbb':
      return { kind, size, a, b, r: a.sub(b).sub(into).zext(size) }
    case 'addc':
      return { kind: 'add', size, a, b: b.zext(size), r: a.add(b).zext(size), cf: c.and(1) }
    case 'subc':
      return { kind: 'sub', size, a, b: b.zext(size), r: a.sub(b).zext(size), cf: c.and(1) }
  }
}

/** (form, a, b, c): puts the words into the state; what a form does not tell is there. */
export const FLAGS_FUNCTION: RuntimeFunction = wasm([I32, I64, I64, I32], [], (f, link: Link) => {
  const e = new Emit(f)
  const cases = KINDS.flatMap((kind) => SIZES.map((size) => ({ kind, size })))
  f.block()
  cases.forEach(() => f.block())
  f.get(0)
    .i32(FORMS)
    .op('i32_and')
    .i32(1)
    .op('i32_sub')
    .brTable(
      cases.map((_, i) => i),
      cases.length,
    )
  cases.forEach(({ kind, size }, i) => {
    f.end()
    writeWords(e, link.base, unpack(kind, size, local(I64, 1), local(I64, 2), local(I32, 3)))
    f.br(cases.length - 1 - i)
  })
  f.end()
  const bit = (n: number): Val => local(I32, 0).shrU(n).and(1)
  e.if(bit(TURNED), () => {
    const home = flagsInState(e, link.base)
    const of = e.let(select(bit(STAYS), overflow(home.cv()), bit(TURNED + 2)))
    home.set(home.res(), carryVector(bit(TURNED + 1), of), home.aux())
  })
})

function writeWords(e: Emit, base: number, known: Known): void {
  const flags = new Flags(e, flagsInState(e, base))
  flags.set(known)
  flags.flush()
}

/** What is pending, with its values bound by `keep`, so that it outlives its block. */
export function bound<P extends Pending | undefined>(pending: P, keep: (value: Val) => Val): P {
  if (pending === undefined || pending.kind === 'deferred') return pending
  const kept: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(pending))
    kept[name] = value instanceof Val ? keep(value) : name === 'under' ? bound(value as Known, keep) : value
  return kept as unknown as P
}

/** A region's. */
export class LazyFlags {
  readonly deferred: Deferred
  private readonly e: Emit
  private readonly home: FlagHome
  /** The words in the state. */
  private readonly state: FlagHome
  private readonly words: () => Callee
  private readonly turns: boolean
  private readonly form: number
  private readonly a: number
  private readonly b: number
  private readonly c: number

  /**
   * @param words FLAGS_FUNCTION, asked for where it is called
   * @param turns there are rotates
   */
  constructor(func: Func, e: Emit, home: FlagHome, base: number, words: () => Callee, turns: boolean) {
    this.e = e
    this.home = home
    this.state = flagsInState(e, base)
    this.words = words
    this.turns = turns
    this.form = func.local(I32)
    this.a = func.local(I64)
    this.b = func.local(I64)
    this.c = func.local(I32)
    this.deferred = { kind: 'deferred', settle: () => this.settle(), carry: () => this.carry() }
  }

  /** Control goes to where others meet, or out of the region. */
  arrive({ pending }: Flags): void {
    const { e } = this
    if (pending?.kind === 'turned') {
      const { under, cf, of } = pending
      const before = local(I32, this.form)
      if (under?.kind !== 'deferred') e.assign(this.form, turnedForm(cf, of).or(this.operands(under)))
      else if (of !== undefined) e.assign(this.form, turnedForm(cf, of).or(before.and(FORMS)))
      else {
        // OF may be another already.
        const over = before.shrU(STAYS).or(before.shrU(TURNED).and(1).xor(1)).shl(STAYS)
        const turned = before.and(FORMS | (1 << (TURNED + 2))).or(1 << TURNED)
        e.assign(this.form, turned.or(over).or(cf.shl(TURNED + 1)))
      }
    } else if (pending?.kind !== 'deferred') e.assign(this.form, this.operands(pending))
  }

  private operands(known: Known | undefined): Val {
    if (known === undefined) return k32(0)
    const { e } = this
    const { form, a, b, c } = pack(known)
    e.assign(this.a, a)
    if (formUses(form, 'b')) e.assign(this.b, b)
    if (formUses(form, 'c')) e.assign(this.c, c)
    return k32(form)
  }

  /** What `then` sets if a condition holds, and else what was pending. */
  either(flags: Flags, condition: Val, then: () => void): void {
    this.arrive(flags)
    flags.set(this.deferred)
    this.e.if(condition, () => {
      then()
      this.arrive(flags)
    })
    flags.set(this.deferred)
  }

  /** On the way out: the words go into the state, unless they are right in their locals. */
  store(atRest: boolean, then: () => void): void {
    this.e.if(local(I32, this.form), () => {
      this.callWords(atRest)
      then()
    })
  }

  /** @param atRest those in the state are right if no form says otherwise */
  private callWords(atRest: boolean): void {
    const { home } = this
    if (this.turns && !atRest)
      this.e.if(local(I32, this.form).and(FORMS).isZero(), () => this.state.set(home.res(), home.cv(), home.aux()))
    this.e.call(this.words(), [local(I32, this.form), local(I64, this.a), local(I64, this.b), local(I32, this.c)])
  }

  private settle(): void {
    const { e, state } = this
    e.if(local(I32, this.form), () => {
      this.callWords(false)
      this.home.set(state.res(), state.cv(), state.aux())
      e.assign(this.form, k32(0))
    })
  }

  /** Nothing but arithmetic: INC and DEC ask for what is overwritten as a rule, and then no code is left of it. */
  private carry(): Val {
    const whole = local(I32, this.form)
    const form = this.turns ? this.e.let(whole.and(FORMS)) : whole
    const borrow = local(I64, this.a).ltU(local(I64, this.b))
    const known = select(form.geU(FIRST_SUB), borrow, local(I32, this.c).and(1))
    const carry = select(form, known, this.home.cv().ltS(0))
    if (!this.turns) return this.e.let(carry)
    return this.e.let(select(whole.shrU(TURNED), whole.shrU(TURNED + 1).and(1), carry))
  }
}

function formUses(form: number, part: 'b' | 'c'): boolean {
  const kind = KINDS[(form - 1) >> 2]!
  if (part === 'b') return kind !== 'logic' && kind !== 'cfof'
  return kind !== 'sub'
}
