/** Decimal adjustments of 16- and 32-bit code. SDM vol. 2, pseudo-code of each. */
import { EXC } from '../state.ts'
import { k32, select, type Val } from '../wasm/value.ts'
import type { Meaning, Meanings, Unit } from './meaning.ts'
import { CARRY, RAX, setResultFlags } from './operands.ts'

const auxiliary = (u: Unit): Val => u.flags.image().shrU(4).and(1)

/** DAA and DAS. */
const decimal =
  (subtract: boolean): Meaning =>
  (u) => {
    const { e } = u
    const af = e.let(auxiliary(u))
    const carry = e.let(u.flags.cond(CARRY))
    const al = u.reg(RAX, 8)
    const low = e.let(al.and(15).gtU(9).or(af))
    const high = e.let(al.gtU(0x99).or(carry))
    const fix = select(low, k32(6), k32(0)).add(select(high, k32(0x60), k32(0)))
    const r = e.let((subtract ? al.sub(fix) : al.add(fix)).zext(8))
    // DAS keeps the borrow of its first step.
    const cf = subtract ? e.let(high.or(low.and(al.ltU(6)))) : high
    u.setReg(RAX, 8, r)
    setResultFlags(u, r, 8, cf, low)
  }

/** AAA and AAS. */
const ascii =
  (subtract: boolean): Meaning =>
  (u) => {
    const { e } = u
    const af = e.let(auxiliary(u))
    const ax = u.reg(RAX, 16)
    const adjust = e.let(ax.and(15).gtU(9).or(af))
    const fix = select(adjust, k32(0x106), k32(0))
    const r = e.let((subtract ? ax.sub(fix) : ax.add(fix)).and(0xff0f))
    u.setReg(RAX, 16, r)
    setResultFlags(u, e.let(r.and(0xff)), 8, adjust, adjust)
  }

const aam: Meaning = (u) => {
  const { e } = u
  const base = u.place(0, 'read').get()
  u.raise(EXC.DE, -1, base.isZero())
  const al = u.reg(RAX, 8)
  const low = e.let(al.remU(base))
  u.setReg(RAX, 16, e.let(low.or(al.divU(base).shl(8))))
  u.flags.set({ kind: 'logic', size: 8, r: low })
}

const aad: Meaning = (u) => {
  const { e } = u
  const base = u.place(0, 'read').get()
  const ax = u.reg(RAX, 16)
  const r = e.let(ax.and(0xff).add(ax.shrU(8).mul(base)).and(0xff))
  u.setReg(RAX, 16, r)
  u.flags.set({ kind: 'logic', size: 8, r })
}

export const BCD_MEANINGS: Meanings = {
  daa: decimal(false),
  das: decimal(true),
  aaa: ascii(false),
  aas: ascii(true),
  aam,
  aad,
}
