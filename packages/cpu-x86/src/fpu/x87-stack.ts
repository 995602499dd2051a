/** The register stack as runtime functions in WebAssembly reach it. */
import { I32, I64, type Func } from '@godwit/wasm-encoder'
import type { Link } from '../runtime.ts'
import { S } from '../state.ts'
import { Emit } from '../wasm/emit.ts'
import { k32, type Val } from '../wasm/value.ts'
import { fields } from './x87-fast-arith.ts'

const C1 = 0x200
export const PE = 0x20

export class Stack {
  readonly e: Emit
  readonly link: Link
  readonly state: ReturnType<typeof fields>
  private readonly f: Func

  constructor(f: Func, link: Link) {
    this.f = f
    this.e = new Emit(f)
    this.link = link
    this.state = fields(this.e, link)
  }

  top(): Val {
    return this.state.get(S.fpuTop)
  }

  /** Physical number of ST(i). */
  physical(i: Val | number): Val {
    return this.e.let(this.top().add(i).and(7))
  }

  slot(physical: Val): Val {
    return this.e.let(physical.shl(4).add(this.link.base + S.fpr))
  }

  empty(physical: Val): Val {
    return this.e.load(I32, 'i32_load8_u', physical, this.link.base + S.fpuEmpty)
  }

  mark(physical: Val, empty: 0 | 1): void {
    this.e.store('i32_store8', physical, k32(empty), this.link.base + S.fpuEmpty)
  }

  mant(slot: Val): Val {
    return this.e.load(I64, 'i64_load', slot)
  }

  se(slot: Val): Val {
    return this.e.load(I32, 'i32_load16_u', slot, 8)
  }

  put(slot: Val, se: Val, mant: Val): void {
    this.e.store('i64_store', slot, mant)
    this.e.store('i32_store16', slot, se, 8)
  }

  clearC1(): void {
    this.state.set(S.fpuStatus, this.state.get(S.fpuStatus).and(~C1))
  }

  /** Flags of a conversion: PE if inexact, C1 if rounded up. */
  settle(inexact: Val, up: Val): void {
    this.state.set(S.fpuStatus, this.state.get(S.fpuStatus).and(~C1).or(inexact.mul(PE)).or(up.mul(C1)))
  }

  pop(): void {
    const p = this.physical(0)
    this.mark(p, 1)
    this.state.set(S.fpuTop, p.add(1).and(7))
  }

  /** Pushes if there is room; `then` gets the slot. */
  push(fill: (slot: Val) => void): Val {
    const p = this.physical(7)
    const free = this.e.let(this.empty(p))
    this.e.if(free, () => {
      this.mark(p, 0)
      this.state.set(S.fpuTop, p)
      fill(this.slot(p))
      this.clearC1()
    })
    return free
  }

  /** Hands all parameters to another function, and returns what it gives. */
  otherwise(name: string): void {
    this.f.params.forEach((_, i) => this.f.get(i))
    this.f.call(this.link.func(name))
  }

  /** Returns from the function. */
  done(result?: number): void {
    if (result !== undefined) this.f.i32(result)
    this.f.ret()
  }
}
