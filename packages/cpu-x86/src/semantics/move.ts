/** Data movement, conversions, flag bits. SDM vol. 2. */
import { I32 } from '@godwit/wasm-encoder'
import { S } from '../state.ts'
import { k32, k64, select, type Val } from '../wasm/value.ts'
import type { Meaning, Meanings, Unit } from './meaning.ts'
import { CARRY, RAX, RBX, RDX, fit, lockable, sourceSegment } from './operands.ts'

const mov: Meaning = (u) => {
  const value = u.place(1, 'read').get()
  u.place(0, 'write').set(value)
}

const movzx: Meaning = (u) => u.place(0, 'write').set(fit(u.place(1, 'read').get(), u.size))

const movsx: Meaning = (u) => {
  const from = u.insn.operands[1]!.size
  const value = u.place(1, 'read').get()
  const wide = u.size === 64 ? value.to64u() : value
  u.place(0, 'write').set(wide.sext(from).zext(u.size))
}

const lea: Meaning = (u) => u.place(0, 'write').set(fit(u.address(1), u.size).zext(u.size))

/** With memory it is locked, prefix or not. */
const xchg: Meaning = (u) => {
  const a = lockable(u)
  const b = u.place(1, 'both')
  const [x, y] = [a.get(), b.get()]
  a.set(y)
  b.set(x)
}

/** The source is read, and the upper half of a 32-bit destination cleared, whatever the condition says. */
const cmov: Meaning = (u) => {
  const value = u.place(1, 'read').get()
  const place = u.place(0, 'both')
  place.set(select(u.flags.cond(u.insn.cc), value, place.get()))
}

const setcc: Meaning = (u) => {
  const value = u.e.let(u.flags.cond(u.insn.cc))
  u.place(0, 'write').set(value)
}

/** Bytes reversed: i32 with two rotates, i64 in three steps. */
function reversed(v: Val, size: number): Val {
  if (size === 16) return v.shl(8).or(v.shrU(8)).zext(16)
  if (size === 32)
    return v
      .rotl(8)
      .and(0x00ff00ff)
      .or(v.rotr(8).and(k32(-0x00ff0100)))
  const swap = (x: Val, mask: number, by: number): Val =>
    x
      .and(k64(mask, mask))
      .shl(by)
      .or(x.shrU(by).and(k64(mask, mask)))
  return swap(swap(v, 0x00ff00ff, 8), 0x0000ffff, 16).rotl(32)
}

/** Of 16 bits the result is undefined; processors give zero. */
const bswap: Meaning = (u) => {
  const place = u.place(0, 'both')
  place.set(u.size === 16 ? k32(0) : reversed(place.get(), u.size))
}

const movbe: Meaning = (u) => {
  const value = u.place(1, 'read').get()
  u.place(0, 'write').set(u.e.let(reversed(value, u.size)))
}

/** CBW, CWDE, CDQE. */
const cbw: Meaning = (u) => {
  const half = u.size === 64 ? 32 : u.size === 32 ? 16 : 8
  u.setReg(RAX, u.size, fit(u.reg(RAX, half), u.size).sext(half).zext(u.size))
}

/** CWD, CDQ, CQO. */
const cwd: Meaning = (u) => {
  const sign = u
    .reg(RAX, u.size)
    .sext(u.size)
    .shrS(u.size === 64 ? 63 : 31)
  u.setReg(RDX, u.size, sign.zext(u.size))
}

const xlat: Meaning = (u) => {
  const { addressSize } = u.insn
  const at = u
    .reg(RBX, addressSize)
    .add(fit(u.reg(RAX, 8), addressSize))
    .zext(addressSize)
  u.setReg(RAX, 8, u.memory(sourceSegment(u), at.to64u(), 8, 'read').get())
}

const salc: Meaning = (u) => u.setReg(RAX, 8, u.flags.cond(CARRY).neg().zext(8))

const lahf: Meaning = (u) => {
  const ah = u.e.let(u.flags.image().and(0xff).or(2))
  u.setReg(RAX, 16, u.reg(RAX, 8).or(ah.shl(8)))
}

const sahf: Meaning = (u) => {
  const kept = u.flags.image().and(0x800)
  u.flags.load(u.e.let(u.reg(RAX, 16).shrU(8).and(0xd5).or(kept)))
}

function setDirection(u: Unit, down: boolean): void {
  const flags = u.field(I32, S.eflags)
  u.setField(S.eflags, down ? flags.or(0x400) : flags.and(~0x400))
  u.setField(S.direction, k32(down ? -1 : 1))
}

const nothing: Meaning = () => undefined

export const MOVE_MEANINGS: Meanings = {
  mov,
  movzx,
  movsx,
  movsxd: movsx,
  lea,
  xchg,
  cmov,
  setcc,
  bswap,
  movbe,
  cbw,
  cwd,
  xlat,
  salc,
  lahf,
  sahf,
  clc: (u) => u.flags.turn(k32(0)),
  stc: (u) => u.flags.turn(k32(1)),
  cmc: (u) => u.flags.turn(u.e.let(u.flags.cond(CARRY).xor(1))),
  cld: (u) => setDirection(u, false),
  std: (u) => setDirection(u, true),
  // One processor, in order, without caches: there is nothing to fence or flush.
  lfence: nothing,
  mfence: nothing,
  sfence: nothing,
  clflush: (u) => {
    u.place(0, 'read', { size: 8 })
  },
  nop: nothing,
  pause: nothing,
}
