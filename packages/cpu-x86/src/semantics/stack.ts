/** The stack. Every translation comes before the first write; registers change last. SDM vol. 2. */
import { I32, I64 } from '@godwit/wasm-encoder'
import type { Size } from '../decode/insn.ts'
import { local, type Val } from '../wasm/value.ts'
import type { Meaning, Meanings, Unit } from './meaning.ts'
import { RBP, RSP, constant, onStack } from './operands.ts'

/** The stack pointer moved by some bytes and wrapped. */
const moved = (u: Unit, sp: Val, bytes: number): Val => u.e.let(sp.add(constant(bytes, u.stackSize)).zext(u.stackSize))

/** Pushes a value that has been read before. */
export function push(u: Unit, value: Val, size: Size): void {
  const sp = moved(u, u.reg(RSP, u.stackSize), -size / 8)
  onStack(u, sp, size, 'write').set(value)
  u.setReg(RSP, u.stackSize, sp)
}

/** Reads the top; the caller puts the new stack pointer when nothing can fault any more. */
export function pop(u: Unit, size: Size): { value: Val; sp: Val } {
  const sp = u.reg(RSP, u.stackSize)
  return { value: onStack(u, sp, size, 'read').get(), sp: moved(u, sp, size / 8) }
}

const pushOperand: Meaning = (u) => push(u, u.place(0, 'read').get(), u.size)

/** The address of a memory destination counts from the stack pointer after the pop; POP SP keeps what was popped. */
const popOperand: Meaning = (u) => {
  const { value, sp } = pop(u, u.size)
  if (u.insn.operands[0]!.kind !== 'mem') {
    u.setReg(RSP, u.stackSize, sp)
    u.place(0, 'write').set(value)
    return
  }
  const before = u.reg(RSP, u.stackSize)
  u.setReg(RSP, u.stackSize, sp)
  const address = u.address(0)
  u.setReg(RSP, u.stackSize, before)
  u.place(0, 'write', { address }).set(value)
  u.setReg(RSP, u.stackSize, sp)
}

const pusha: Meaning = (u) => {
  const { size } = u
  const sp = u.reg(RSP, u.stackSize)
  const slots = Array.from({ length: 8 }, (_, i) => moved(u, sp, (-(i + 1) * size) / 8))
  const places = slots.map((at) => onStack(u, at, size, 'write'))
  places.forEach((place, i) => place.set(u.reg(i, size)))
  u.setReg(RSP, u.stackSize, slots[7]!)
}

const popa: Meaning = (u) => {
  const { size } = u
  const sp = u.reg(RSP, u.stackSize)
  const values = Array.from({ length: 8 }, (_, i) => onStack(u, moved(u, sp, (i * size) / 8), size, 'read').get())
  values.forEach((value, i) => {
    if (7 - i !== RSP) u.setReg(7 - i, size, value)
  })
  u.setReg(RSP, u.stackSize, moved(u, sp, size))
}

const leave: Meaning = (u) => {
  const frame = u.reg(RBP, u.stackSize)
  const value = onStack(u, frame, u.size, 'read').get()
  u.setReg(RSP, u.stackSize, moved(u, frame, u.size / 8))
  u.setReg(RBP, u.size, value)
}

const enter: Meaning = (u) => {
  const { size, stackSize, e } = u
  const bytes = size / 8
  const room = u.place(0, 'read').get().zext(16)
  const level = e.let(u.place(1, 'read').get().and(31))
  const sp = u.reg(RSP, stackSize)
  const bp = u.reg(RBP, stackSize)
  const top = moved(u, sp, -bytes)
  const frame = u.reg(RBP, size)
  const first = onStack(u, top, size, 'write')
  // Where the new stack pointer will be must be writable before anything changes.
  const pointer = stackSize === 64 ? (v: Val): Val => v.to64u() : (v: Val): Val => v.to32()
  const end = e.let(
    top
      .sub(pointer(level.mul(bytes)))
      .sub(pointer(room))
      .zext(stackSize),
  )
  onStack(u, end, size, 'write')
  first.set(frame)
  e.if(level.ne(0), () => copyFrames(u, level, top, bp, bytes))
  u.setReg(RSP, stackSize, end)
  u.setReg(RBP, size, size === 64 ? top.to64u() : top.to32().zext(size))
}

/** The enclosing frames' pointers, then the new one. */
function copyFrames(u: Unit, level: Val, top: Val, bp: Val, bytes: number): void {
  const { e, size, stackSize } = u
  const type = stackSize === 64 ? I64 : I32
  const index = e.temp(I32)
  const at = e.temp(type)
  const from = e.temp(type)
  const down = (v: number): void => e.assign(v, local(type, v).sub(constant(bytes, stackSize)).zext(stackSize))
  e.assign(index, level)
  e.assign(at, top)
  e.assign(from, bp)
  e.loop((start) => {
    down(at)
    e.assign(index, local(I32, index).sub(1))
    e.if(
      local(I32, index).ne(0),
      () => {
        down(from)
        const value = onStack(u, local(type, from), size, 'read').get()
        onStack(u, local(type, at), size, 'write').set(value)
      },
      () => onStack(u, local(type, at), size, 'write').set(size === 64 ? top.to64u() : top.to32().zext(size)),
    )
    e.brIf(local(I32, index).ne(0), start)
  })
}

export const STACK_MEANINGS: Meanings = { push: pushOperand, pop: popOperand, pusha, popa, enter, leave }
