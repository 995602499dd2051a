/**
 * What an instruction's meaning is written in. A meaning is a function over a Unit: it asks for operands as Places,
 * combines values, and emits code; a tier decides what an operand is. One rule above all:
 * whatever can fault comes before anything is written.
 */
import type { ValueType } from '@godwit/wasm-encoder'
import type { AddressSize, Insn, Size } from '../decode/insn.ts'
import type { Flags } from '../flags.ts'
import type { Emit } from '../wasm/emit.ts'
import type { Val } from '../wasm/value.ts'

export type Intent = 'read' | 'write' | 'both'

/**
 * An operand that has been opened: a memory operand is translated, and has faulted if it must.
 * Values: sizes 8, 16, 32 as zero-extended i32; 64 as i64; 128 as v128.
 * PlaceOptions.size overrides the operand's own size for registers too (an XMM register read as 32, 64 or 128 bits: its low
 * part; setting fewer than 128 bits leaves the rest). MMX registers are 64 bits; setting one sets all bits of its exponent
 * word (u16 at +8) as MMX writes do. A place of an x87 register is never asked for: see Unit.number().
 */
export interface Place {
  get(): Val
  set(value: Val): void
  /**
   * Of opened memory: its host address (i32), and how many bytes from there on are plain memory that the same intent
   * reaches, up to the page's end (i32; 0 for devices, page borders, pages with code, what has limits to check).
   * To be asked after all places are open. Absent where a tier cannot tell.
   */
  run?(): { readonly host: Val; readonly bytes: Val }
}

/** One instruction being translated by some tier. */
export interface Unit {
  readonly e: Emit
  readonly flags: Flags
  readonly insn: Insn
  /** insn.size, for the integer families. */
  readonly size: Size

  /** Operand i, opened. A 32-bit general register zero-extends when it is set. */
  place(i: number, intent: Intent, options?: PlaceOptions): Place
  /** Register number of register operand i as an i32: constant where the tier knows it, else from the record. */
  number(i: number): Val
  /** Effective address of memory operand i without segment base, zero-extended i64, truncated to the address size. */
  address(i: number): Val

  /** General register by number: i32 zero-extended, or i64. Writing 32 bits clears the upper half. */
  reg(number: number, size: Size): Val
  setReg(number: number, size: Size, value: Val): void
  /** A vector register. */
  xmm(number: number): Val
  setXmm(number: number, value: Val): void

  /** Memory by effective address (i64) and segment: string instructions, stack, tables. */
  memory(segment: number, address: Val, size: Size, intent: Intent, options?: PlaceOptions): Place
  /** The stack: offset is i64, already wrapped to the stack's width. Uses SS. */
  readonly stackSize: AddressSize

  /** A field of the processor's state, by byte offset in S (see state.ts). */
  field(type: ValueType, offset: number): Val
  /** Bytes of a field narrower than 32 bits. */
  field8(offset: number): Val
  setField(offset: number, value: Val): void
  setField8(offset: number, value: Val): void
  /** The host address of a state field, for runtime functions that take pointers: i32. */
  fieldAddress(offset: number | Val): Val

  /** RIP of the next instruction: i64. */
  next(): Val
  /** RIP of this instruction: i64. */
  here(): Val
  /** Calls a runtime function (runtime.ts): pure wasm or TypeScript, cannot fault, returns at most one value. */
  call(name: string, args: readonly Val[], result?: ValueType): Val
  /** Calls a runtime function that returns 0, or 1 after it has put an exception into S.vector: then the instruction
   *  is left, as a fault. RIP and flags at rest are right while it runs. */
  fallible(name: string, args: readonly Val[]): void
  /** For `leave` instructions: RIP is set to the next instruction, flags are at rest, the function runs and the run
   *  loop takes over. The function returns 0, or 1 for a fault (then RIP is this instruction again). */
  system(name: string, args: readonly Val[]): void
  /** Raises an exception if the condition holds (default: always); nothing was done. Error code -1: none. */
  raise(vector: number, errorCode: number, condition?: Val): void

  /** Ends of a meaning that transfers control: exactly one is called last, if any. */
  branch(taken: Val): void
  jump(): void
  jumpTo(rip: Val): void
  /** Repeats this instruction (a REP with work left) after the budget was looked at. */
  again(): void
}

export interface PlaceOptions {
  /** Bytes: misaligned memory raises #GP(0) (SSE). */
  readonly align?: number
  /** An effective address that was computed before (BT with a register offset adds to it). */
  readonly address?: Val
  readonly size?: Size
}

export type Meaning = (u: Unit) => void
export type Meanings = Readonly<Record<string, Meaning>>
