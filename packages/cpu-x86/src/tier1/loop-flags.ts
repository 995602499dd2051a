/**
 * Flags that go round a loop. Most are overwritten there before anybody reads them, unless an access to memory fails:
 * so what they follow from is kept in locals, and the words are made only when they are asked for.
 */
import { I32, I64, type ValueType } from '@godwit/wasm-encoder'
import type { Insn, Size } from '../decode/insn.ts'
import { Flags, type Deferred, type FlagHome, type Known } from '../flags.ts'
import type { Emit } from '../wasm/emit.ts'
import { k32, local, type Val } from '../wasm/value.ts'

interface Form {
  readonly kind: 'add' | 'sub' | 'logic'
  readonly size: Size
  /** CF is given by itself. */
  readonly cf: boolean
}

const FORMS: Readonly<Record<string, readonly [kind: Form['kind'], cf: boolean]>> = {
  add: ['add', false],
  inc: ['add', true],
  sub: ['sub', false],
  cmp: ['sub', false],
  dec: ['sub', true],
  neg: ['sub', false],
  and: ['logic', false],
  or: ['logic', false],
  xor: ['logic', false],
  test: ['logic', false],
}
/** Leave pending flags as they are. */
const KEEPS = new Set(['mov', 'movzx', 'movsx', 'movsxd', 'lea', 'jcc', 'jmp', 'setcc', 'cmov', 'push', 'pop', 'nop'])

const SLOTS = ['a', 'b', 'r', 'cf'] as const
type Slot = (typeof SLOTS)[number]

export class LoopFlags {
  readonly deferred: Deferred
  private readonly e: Emit
  private readonly form: Form
  private readonly home: () => FlagHome
  /** Not zero: the locals say what the flags are, not the words. */
  private readonly lazy: number
  private readonly locals: Partial<Record<Slot, Val>> = {}

  private constructor(form: Form, e: Emit, node: number, home: () => FlagHome) {
    this.form = form
    this.e = e
    this.home = home
    this.lazy = e.func.local(I32)
    const type: ValueType = form.size === 64 ? I64 : I32
    for (const slot of SLOTS) {
      if (slot === 'cf' ? !form.cf : form.kind === 'logic' && slot !== 'r') continue
      const of = slot === 'cf' ? I32 : type
      this.locals[slot] = local(of, e.func.local(of))
    }
    this.deferred = { kind: 'deferred', node, settle: () => this.settle() }
  }

  /** What a block that ends with these instructions leaves behind, if that is foreseeable. */
  static after(insns: readonly Insn[], e: Emit, node: number, home: () => FlagHome): LoopFlags | undefined {
    for (let i = insns.length - 1; i >= 0; i--) {
      const { op, size } = insns[i]!
      if (KEEPS.has(op)) continue
      const form = FORMS[op]
      return form === undefined ? undefined : new LoopFlags({ kind: form[0], size, cf: form[1] }, e, node, home)
    }
    return undefined
  }

  /** Control comes to the loop's head with flags that are pending, or at rest. */
  arrive(flags: Flags): void {
    const { e } = this
    const { pending } = flags
    if (pending === this.deferred) return
    const fits = pending === undefined || pending.kind === 'deferred' ? undefined : this.fitting(pending)
    if (fits === undefined) {
      flags.flush(true)
      e.assign(this.lazy, k32(0))
      return
    }
    for (const slot of SLOTS) {
      const to = this.locals[slot]
      if (to?.node.kind === 'local') e.assign(to.node.index, fits[slot]!)
    }
    e.assign(this.lazy, k32(1))
  }

  /** A way out: by the locals or, after `resting`, by the words. */
  leave(known: (pending: Known) => void, resting: () => void): void {
    this.e.if(local(I32, this.lazy), () => known(this.known()))
    resting()
  }

  private settle(): void {
    const { e } = this
    e.if(local(I32, this.lazy), () => {
      const flags = new Flags(e, this.home())
      flags.set(this.known())
      flags.flush()
      e.assign(this.lazy, k32(0))
    })
  }

  private known(): Known {
    return { kind: this.form.kind, size: this.form.size, ...this.locals } as unknown as Known
  }

  private fitting(p: Known): Partial<Record<Slot, Val>> | undefined {
    const { form } = this
    if (p.kind === 'cfof') return undefined
    const kind = p.kind === 'adc' ? 'add' : p.kind === 'sbb' ? 'sub' : p.kind
    if (kind !== form.kind || p.size !== form.size) return undefined
    if (p.kind === 'logic') return { r: p.r }
    if ((p.cf !== undefined) !== form.cf) return undefined
    return p.cf === undefined ? { a: p.a, b: p.b, r: p.r } : { a: p.a, b: p.b, r: p.r, cf: p.cf }
  }
}
