/** Single bits, scans, counts, CRC. SDM vol. 2. */
import { I32 } from '@godwit/wasm-encoder'
import type { Size } from '../decode/insn.ts'
import type { Val } from '../wasm/value.ts'
import type { Meaning, Meanings, Place, PlaceOptions, Unit } from './meaning.ts'
import { bit, constant, fit, lockable } from './operands.ts'

const SHIFT: Readonly<Record<number, number>> = { 16: 4, 32: 5, 64: 6 }

/** A register as bit offset reaches beyond a memory operand, in both directions. */
function bitPlace(u: Unit, write: boolean): { place: Place; index: Val } {
  const { size, e, insn } = u
  const [target, source] = insn.operands
  const opened = (options: PlaceOptions): Place => (write ? lockable(u, options) : u.place(0, 'read', options))
  const offset = u.place(1, 'read').get()
  const index = e.let(fit(offset.and(size - 1), size))
  if (target!.kind !== 'mem' || source!.kind !== 'reg') return { place: opened({}), index }
  const units = (size === 64 ? offset : offset.to64u()).sext(size).shrS(SHIFT[size]!)
  const address = e.let(
    u
      .address(0)
      .add(units.mul(size / 8))
      .zext(target!.addressSize),
  )
  return { place: opened({ address }), index }
}

const bitTest =
  (change?: (value: Val, mask: Val) => Val): Meaning =>
  (u) => {
    const { place, index } = bitPlace(u, change !== undefined)
    const value = place.get()
    const cf = u.e.let(bit(value, index))
    if (change !== undefined) place.set(u.e.let(change(value, constant(1, u.size).shl(index)).zext(u.size)))
    u.flags.turn(cf)
  }

/** BSF and BSR leave the destination alone when there is no bit, and give ZF; the other flags are undefined. */
const scan =
  (f: (v: Val) => Val): Meaning =>
  (u) => {
    const source = u.place(1, 'read').get()
    const place = u.place(0, 'both')
    u.e.if(source.ne(0), () => place.set(f(source)))
    u.flags.set({ kind: 'logic', size: u.size, r: source })
  }

/** Index of the highest bit set. */
const highest = (v: Val): Val => v.clz().xor(v.type === I32 ? 31 : 63)

/** TZCNT and LZCNT: CF for a source of zero, ZF for a result of zero. */
const countZeros =
  (f: (v: Val, size: Size) => Val): Meaning =>
  (u) => {
    const { size, e } = u
    const source = u.place(1, 'read').get()
    const r = e.let(f(source, size))
    const cf = e.let(source.isZero())
    u.place(0, 'write').set(r)
    u.flags.set({ kind: 'cfof', size, r, cf, of: constant(0, 32) })
  }

const trailing = (v: Val, size: Size): Val => (size === 16 ? v.or(0x10000).ctz() : v.ctz())
const leading = (v: Val, size: Size): Val => (size === 16 ? v.clz().sub(16) : v.clz())

/** All flags but ZF are cleared, PF too. */
const popcnt: Meaning = (u) => {
  const source = u.place(1, 'read').get()
  u.place(0, 'write').set(u.e.let(source.popcnt()))
  u.flags.load(u.e.let(source.isZero().shl(6)))
}

/** CRC-32C (Castagnoli), of 1 to 8 bytes. */
const crc32: Meaning = (u) => {
  const from = u.insn.operands[1]!.size
  const source = u.place(1, 'read').get()
  const place = u.place(0, 'both')
  const crc = place.get().to32()
  const result = u.call('crc32c', [crc, source.to64u(), constant(from, 32)], I32)
  place.set(fit(result, u.size))
}

export const BIT_MEANINGS: Meanings = {
  bt: bitTest(),
  bts: bitTest((v, mask) => v.or(mask)),
  btr: bitTest((v, mask) => v.and(mask.not())),
  btc: bitTest((v, mask) => v.xor(mask)),
  bsf: scan((v) => v.ctz()),
  bsr: scan(highest),
  tzcnt: countZeros(trailing),
  lzcnt: countZeros(leading),
  popcnt,
  crc32,
}
