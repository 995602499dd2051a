/** What the integer families share: numbers of an operand's size, and flags that are changed one by one. */
import { I32, I64, type ValueType } from '@godwit/wasm-encoder'
import type { Size } from '../decode/insn.ts'
import { carryVector } from '../flags.ts'
import { k32, k64, type Val } from '../wasm/value.ts'
import type { Place, PlaceOptions, Unit } from './meaning.ts'

export const RAX = 0
export const RCX = 1
export const RDX = 2
export const RBX = 3
export const RSP = 4
export const RBP = 5
export const RSI = 6
export const RDI = 7

/** EFLAGS.CF as a condition code. */
export const CARRY = 2
export const ZERO = 4

export const typeOf = (size: Size): ValueType => (size === 64 ? I64 : I32)
/** A value in the type of a size; an i32 is zero-extended. */
export const fit = (v: Val, size: Size): Val => (size === 64 ? v.to64u() : v.to32())
export const constant = (n: number, size: Size): Val => (size === 64 ? k64(n) : k32(n))
/** Bit i of a value as an i32. */
export const bit = (v: Val, i: number | Val): Val => v.shrU(i).to32().and(1)
export const signOf = (v: Val, size: Size): Val => bit(v, size - 1)

/**
 * Operand 0 of an instruction that takes LOCK, opened to be read and written back. The one place where LOCK will mean an
 * atomic operation: with a single virtual processor nothing can come between.
 */
export const lockable = (u: Unit, options: PlaceOptions = {}): Place => u.place(0, 'both', options)

/** Result, carry and AF (0 or 1) given one by one; OF is clear. */
export function setResultFlags(u: Unit, result: Val, size: Size, cf: Val, af: Val): void {
  u.flags.pending = undefined
  u.flags.home.set(result.to64u().sext(size), carryVector(cf, k32(0)), af.shl(4))
}

/** Memory that string instructions and XLAT read: DS, or the override. */
export const sourceSegment = (u: Unit): number => (u.insn.segment >= 0 ? u.insn.segment : 3)

/** An opened place on the stack. */
export const onStack = (u: Unit, at: Val, size: Size, intent: 'read' | 'write'): Place =>
  u.memory(2, at.to64u(), size, intent)
