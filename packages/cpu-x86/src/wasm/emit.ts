import { I32, type Func, type MemoryOp, type SimdMemoryOp, type ValueType } from '@godwit/wasm-encoder'
import { k32, local, type Val } from './value.ts'

export interface Label {
  readonly depth: number
}

/** A function by its place in table 0, and the number of its type. */
export interface TableCall {
  readonly slot: number
  readonly type: number
}
/** A function that can be called: its index, or a place in the table. */
export type Callee = number | TableCall

const NONE: readonly Val[] = []

/** Statements over values. Temporaries are pooled: release() at the end of a guest instruction recycles them. */
export class Emit {
  readonly func: Func
  depth = 0
  /** Temporaries by the low bits of their types, and those that are in use. */
  private readonly free: number[][] = [[], [], [], [], [], [], [], []]
  private readonly used: number[] = []
  private readonly kept: number[] = []

  constructor(func: Func) {
    this.func = func
  }

  /** A local of its own until release(). */
  temp(type: ValueType): number {
    const index = this.free[type & 7]!.pop() ?? this.func.local(type)
    this.used.push(index)
    return index
  }

  /** Binds a value to a temporary so that it can be used again; constants and locals of ours are bound already. */
  let(value: Val): Val {
    if (value.isConst) return value
    const index = this.temp(value.type)
    value.emit(this.func)
    this.func.set(index)
    return local(value.type, index)
  }

  /** Recycles temporaries except those that the values still name. */
  release(keep: readonly Val[] = NONE): void {
    const { used, kept, func } = this
    kept.length = 0
    for (const v of keep) v.locals(kept)
    let left = 0
    for (const index of used) {
      if (kept.includes(index)) used[left++] = index
      else this.free[func.typeOf(index) & 7]!.push(index)
    }
    used.length = left
  }

  assign(index: number, value: Val): void {
    value.emit(this.func)
    this.func.set(index)
  }

  load(type: ValueType, op: MemoryOp | SimdMemoryOp, address: Val, offset = 0): Val {
    const index = this.temp(type)
    address.emit(this.func)
    this.func.mem(op, offset).set(index)
    return local(type, index)
  }

  store(op: MemoryOp | SimdMemoryOp, address: Val, value: Val, offset = 0): void {
    address.emit(this.func)
    value.emit(this.func)
    this.func.mem(op, offset)
  }

  /** Calls a function whose arguments are there. */
  invoke(callee: Callee): void {
    if (typeof callee === 'number') this.func.call(callee)
    else this.func.i32(callee.slot).callIndirect(callee.type)
  }

  /** Calls a function; its result, if it has one, is bound. */
  call(callee: Callee, args: readonly Val[], result?: ValueType): Val {
    for (const a of args) a.emit(this.func)
    this.invoke(callee)
    if (result === undefined) return k32(0)
    const index = this.temp(result)
    this.func.set(index)
    return local(result, index)
  }

  if(condition: Val, then: () => void, otherwise?: () => void): void {
    if (condition.isConst) {
      if (condition.low !== 0) then()
      else otherwise?.()
      return
    }
    condition.emit(this.func)
    this.body(then, otherwise)
  }

  /** An if that is hardly ever taken. */
  unlikely(condition: Val, then: () => void): void {
    if (condition.isConst) {
      if (condition.low !== 0) then()
      return
    }
    condition.emit(this.func)
    this.func.hint(0)
    this.body(then)
  }

  /** Calls a function that hardly ever has a result that is not 0, and does something then. */
  unlikelyResult(callee: Callee, args: readonly Val[], then: () => void): void {
    for (const a of args) a.emit(this.func)
    this.invoke(callee)
    this.func.hint(0)
    this.body(then)
  }

  block(body: (end: Label) => void): void {
    this.func.block()
    this.depth++
    body({ depth: this.depth })
    this.func.end()
    this.depth--
  }

  loop(body: (start: Label) => void): void {
    this.func.loop()
    this.depth++
    body({ depth: this.depth })
    this.func.end()
    this.depth--
  }

  br(label: Label): void {
    this.func.br(this.depth - label.depth)
  }

  brIf(condition: Val, label: Label): void {
    condition.emit(this.func)
    this.func.brIf(this.depth - label.depth)
  }

  /** A condition as an i32 that can be used again. */
  flag(condition: Val): Val {
    return this.let(condition.type === I32 ? condition : condition.ne(0))
  }

  private body(then: () => void, otherwise?: () => void): void {
    this.func.if()
    this.depth++
    then()
    if (otherwise !== undefined) {
      this.func.else()
      otherwise()
    }
    this.func.end()
    this.depth--
  }
}
