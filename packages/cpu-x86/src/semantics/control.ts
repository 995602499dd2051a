/** Near transfers of control. SDM vol. 2. */
import { EXC } from '../state.ts'
import type { Meaning, Meanings, Unit } from './meaning.ts'
import { RCX, RSP, ZERO, constant, fit } from './operands.ts'
import { pop, push } from './stack.ts'
import type { Val } from '../wasm/value.ts'

/** An address of the code's width as a full RIP. */
const target = (v: Val): Val => v.to64u()

const call: Meaning = (u) => {
  const { codeSize } = u.insn
  push(u, fit(u.next(), codeSize).zext(codeSize), codeSize)
  u.jump()
}

const callIndirect: Meaning = (u) => {
  const { codeSize } = u.insn
  const to = u.place(0, 'read').get()
  push(u, fit(u.next(), codeSize).zext(codeSize), codeSize)
  u.jumpTo(target(to))
}

const ret: Meaning = (u) => {
  const { value, sp } = pop(u, u.insn.codeSize)
  let end = sp
  if (u.insn.operands.length > 0) {
    const extra = u.place(0, 'read', { size: 16 }).get().and(0xffff)
    end = u.e.let(sp.add(fit(extra, u.stackSize)).zext(u.stackSize))
  }
  u.setReg(RSP, u.stackSize, end)
  u.jumpTo(target(value))
}

/** LOOP, LOOPE, LOOPNE: the counter has the size of an address. */
const loop =
  (zero?: boolean): Meaning =>
  (u: Unit) => {
    const { addressSize } = u.insn
    const count = u.e.let(u.reg(RCX, addressSize).sub(constant(1, addressSize)).zext(addressSize))
    let taken = count.ne(0)
    if (zero !== undefined) {
      const z = u.e.let(u.flags.cond(ZERO))
      taken = taken.and(zero ? z : z.isZero())
    }
    u.setReg(RCX, addressSize, count)
    u.branch(taken)
  }

/** #BR unless a signed index lies between the two bounds in memory. */
const bound: Meaning = (u) => {
  const { size } = u
  const index = u.place(0, 'read').get().sext(size)
  const address = u.address(1)
  const lower = u.place(1, 'read', { size, address }).get().sext(size)
  const next = u.e.let(address.add(size / 8).zext(u.insn.addressSize))
  const upper = u.place(1, 'read', { size, address: next }).get().sext(size)
  u.raise(EXC.BR, -1, index.ltS(lower).or(index.gtS(upper)))
}

export const CONTROL_MEANINGS: Meanings = {
  jmp: (u) => u.jump(),
  jmp_indirect: (u) => u.jumpTo(target(u.place(0, 'read').get())),
  jcc: (u) => u.branch(u.flags.cond(u.insn.cc)),
  jcxz: (u) => u.branch(u.reg(RCX, u.insn.addressSize).isZero()),
  call,
  call_indirect: callIndirect,
  ret,
  loop: loop(),
  loope: loop(true),
  loopne: loop(false),
  bound,
  ud2: (u) => u.raise(EXC.UD, -1),
}
