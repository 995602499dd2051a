/**
 * Flags where ways meet, and where a region is left: what they follow from is kept in locals, and the words are made only
 * when they are asked for. Most are overwritten first, unless an access to memory fails.
 */
import { I32, I64, type Func } from '@godwit/wasm-encoder'
import type { Size } from '../decode/insn.ts'
import { Flags, flagsInState, type Deferred, type FlagHome, type Known } from '../flags.ts'
import { wasm, type Link, type RuntimeFunction } from '../runtime.ts'
import { Emit, type Callee } from '../wasm/emit.ts'
import { k32, k64, local, select, type Val } from '../wasm/value.ts'

const SIZES: readonly Size[] = [8, 16, 32, 64]
/** Bit 0 of c is CF, but for `sub`, whose operands give it. Bit 1 is OF of `cfof`, and of `adc` and `sbb` the carry that came in. */
const KINDS = ['add', 'logic', 'adc', 'sbb', 'addc', 'subc', 'cfof', 'sub'] as const
type Kind = (typeof KINDS)[number]
/** Form 0: the words are right. */
const formOf = (kind: Kind, size: Size): number => 1 + KINDS.indexOf(kind) * SIZES.length + SIZES.indexOf(size)
const FIRST_SUB = formOf('sub', 8)

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
      const [x, y, r] = up ? [p.a, p.b, p.r.not()] : [p.a.not(), p.b, p.r]
      const out = x
        .and(y)
        .or(x.or(y).and(r))
        .shrU(p.size - 1)
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

/** (form, a, b, c): puts the words into the state. */
export const FLAGS_FUNCTION: RuntimeFunction = wasm([I32, I64, I64, I32], [], (f, link: Link) => {
  const e = new Emit(f)
  const cases = KINDS.flatMap((kind) => SIZES.map((size) => ({ kind, size })))
  cases.forEach(() => f.block())
  f.get(0)
    .i32(1)
    .op('i32_sub')
    .brTable(
      cases.map((_, i) => i),
      cases.length - 1,
    )
  for (const { kind, size } of cases) {
    f.end()
    writeWords(e, link.base, unpack(kind, size, local(I64, 1), local(I64, 2), local(I32, 3)))
    f.ret()
  }
})

function writeWords(e: Emit, base: number, known: Known): void {
  const flags = new Flags(e, flagsInState(e, base))
  flags.set(known)
  flags.flush()
}

/** A region's. */
export class LazyFlags {
  readonly deferred: Deferred
  private readonly e: Emit
  private readonly home: FlagHome
  /** The words in the state. */
  private readonly state: FlagHome
  private readonly words: () => Callee
  private readonly form: number
  private readonly a: number
  private readonly b: number
  private readonly c: number

  /** @param words FLAGS_FUNCTION, asked for where it is called */
  constructor(func: Func, e: Emit, home: FlagHome, base: number, words: () => Callee) {
    this.e = e
    this.home = home
    this.state = flagsInState(e, base)
    this.words = words
    this.form = func.local(I32)
    this.a = func.local(I64)
    this.b = func.local(I64)
    this.c = func.local(I32)
    this.deferred = { kind: 'deferred', settle: () => this.settle(), carry: () => this.carry() }
  }

  /** Control goes to where others meet, or out of the region. */
  arrive({ pending }: Flags): void {
    const { e } = this
    if (pending === undefined) e.assign(this.form, k32(0))
    else if (pending.kind !== 'deferred') {
      const { form, a, b, c } = pack(pending)
      e.assign(this.a, a)
      if (formUses(form, 'b')) e.assign(this.b, b)
      if (formUses(form, 'c')) e.assign(this.c, c)
      e.assign(this.form, k32(form))
    }
  }

  /** What `then` sets if a condition holds, and else what was pending. */
  either(flags: Flags, condition: Val, then: () => void): void {
    this.arrive(flags)
    this.e.if(condition, () => {
      then()
      this.arrive(flags)
    })
    flags.set(this.deferred)
  }

  /** On the way out: the words go into the state, unless they are right in their locals. */
  store(then: () => void): void {
    this.e.if(local(I32, this.form), () => {
      this.callWords()
      then()
    })
  }

  private callWords(): void {
    this.e.call(this.words(), [local(I32, this.form), local(I64, this.a), local(I64, this.b), local(I32, this.c)])
  }

  private settle(): void {
    const { e, state } = this
    e.if(local(I32, this.form), () => {
      this.callWords()
      this.home.set(state.res(), state.cv(), state.aux())
      e.assign(this.form, k32(0))
    })
  }

  /** Nothing but arithmetic: INC and DEC ask for what is overwritten as a rule, and then no code is left of it. */
  private carry(): Val {
    const form = local(I32, this.form)
    const borrow = local(I64, this.a).ltU(local(I64, this.b))
    const known = select(form.geU(FIRST_SUB), borrow, local(I32, this.c).and(1))
    return this.e.let(select(form, known, this.home.cv().ltS(0)))
  }
}

function formUses(form: number, part: 'b' | 'c'): boolean {
  const kind = KINDS[(form - 1) >> 2]!
  if (part === 'b') return kind !== 'logic' && kind !== 'cfof'
  return kind !== 'sub'
}
