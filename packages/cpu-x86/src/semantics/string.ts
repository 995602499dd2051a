/**
 * String instructions. With REP one execution does one element, or as many as lie together in plain memory, and asks to
 * be executed again while there is work: so interrupts come between, and a fault finds the registers right.
 */
import { I32 } from '@godwit/wasm-encoder'
import { S } from '../state.ts'
import { k32, local, select, type Val } from '../wasm/value.ts'
import type { Meaning, Meanings, Place, Unit } from './meaning.ts'
import { RAX, RCX, RDI, RDX, RSI, ZERO, constant, fit, sourceSegment } from './operands.ts'

const ES = 0

export const source = (u: Unit): Place =>
  u.memory(sourceSegment(u), u.reg(RSI, u.insn.addressSize).to64u(), u.size, 'read')
export const destination = (u: Unit, intent: 'read' | 'write'): Place =>
  u.memory(ES, u.reg(RDI, u.insn.addressSize).to64u(), u.size, intent)

/** Moves an index register by some elements (i32), in the direction of DF. */
export function advance(u: Unit, number: number, elements: Val): void {
  const { addressSize } = u.insn
  const bytes = u
    .field(I32, S.direction)
    .mul(u.size / 8)
    .mul(elements)
  const by = addressSize === 64 ? bytes.to64s() : bytes
  u.setReg(number, addressSize, u.e.let(u.reg(number, addressSize).add(by).zext(addressSize)))
}

/**
 * Runs a body that says how many elements (i32) it did: once, or by REP while CX counts down.
 * `more` is a further condition to go on.
 */
export function repeat(u: Unit, body: (count: Val | undefined) => { done: Val; more?: Val }): void {
  const { insn, e } = u
  if (insn.rep === 0) {
    body(undefined)
    return
  }
  const { addressSize } = insn
  u.flags.flush()
  const count = u.reg(RCX, addressSize)
  e.if(count.ne(0), () => {
    const { done, more } = body(count)
    u.flags.flush()
    const left = e.let(count.sub(fit(done, addressSize)).zext(addressSize))
    u.setReg(RCX, addressSize, left)
    const again = left.ne(0)
    e.if(more === undefined ? again : again.and(more), () => u.again())
  })
}

/** How many elements can go at once: all in reach, upwards, before the address wraps. At least 1, an i32. */
function reach(u: Unit, count: Val, bytes: Val, ...indexes: number[]): Val {
  const { e, size, insn } = u
  const { addressSize } = insn
  const shift = size === 64 ? 3 : size === 32 ? 2 : size === 16 ? 1 : 0
  const n = e.temp(I32)
  const least = (limit: Val): void => e.assign(n, select(limit.ltU(local(I32, n)), limit, local(I32, n)))
  e.assign(n, select(u.field(I32, S.direction).gtS(0), bytes.shrU(shift), k32(0)))
  if (addressSize === 16) for (const i of indexes) least(e.let(k32(0x10000).sub(u.reg(i, 16)).shrU(shift)))
  const most = constant(4096, addressSize)
  least(e.let(select(count.ltU(most), count, most).to32()))
  return local(I32, n)
}

/** The same downwards, for a copy that the pages' beginnings and an overlap from above may cut short. 0: one at a time. */
function reachDown(u: Unit, count: Val, bytes: Val, from: Val, to: Val): Val {
  const { e, size, insn } = u
  const shift = size === 64 ? 3 : size === 32 ? 2 : size === 16 ? 1 : 0
  const n = e.temp(I32)
  const least = (limit: Val): void => e.assign(n, select(limit.ltU(local(I32, n)), limit, local(I32, n)))
  const behind = (host: Val): Val => e.let(host.and(4095).shrU(shift).add(1))
  const most = constant(4096, insn.addressSize)
  e.assign(n, e.let(select(count.ltU(most), count, most).to32()))
  least(behind(from))
  least(behind(to))
  const apart = e.let(from.sub(to))
  e.if(apart.sub(1).ltU(4095), () => least(e.let(apart.shrU(shift))))
  const plain = bytes.shrU(shift).ne(0).and(u.field(I32, S.direction).ltS(0))
  return select(plain, local(I32, n), k32(0))
}

const one = k32(1)

const movs: Meaning = (u) => {
  const { e, size } = u
  repeat(u, (count) => {
    const from = source(u)
    const to = destination(u, 'write')
    const done = e.temp(I32)
    e.assign(done, one)
    const single = (): void => to.set(from.get())
    const [a, b] = count === undefined ? [] : [from.run?.(), to.run?.()]
    if (a === undefined || b === undefined) {
      single()
    } else {
      const bytes = e.let(select(a.bytes.ltU(b.bytes), a.bytes, b.bytes))
      // An overlap from below repeats what was just written: copy no further than the distance.
      const distance = e.let(b.host.sub(a.host))
      const free = e.let(select(distance.sub(1).ltU(bytes), distance, bytes))
      const n = e.let(reach(u, count!, free, RSI, RDI))
      const copy = (n: Val, from: Val, to: Val): void => {
        u.call('copy_bytes', [to, from, n.mul(size / 8)])
        e.assign(done, n)
      }
      e.if(
        n.gtU(1),
        () => copy(n, a.host, b.host),
        () => {
          const down = u.insn.addressSize === 16 ? k32(0) : e.let(reachDown(u, count!, bytes, a.host, b.host))
          e.if(
            down.gtU(1),
            () => {
              const first = e.let(down.sub(1).mul(size / 8))
              copy(down, a.host.sub(first), b.host.sub(first))
            },
            single,
          )
        },
      )
    }
    const elements = local(I32, done)
    advance(u, RSI, elements)
    advance(u, RDI, elements)
    return { done: elements }
  })
}

const stos: Meaning = (u) => {
  const { e, size } = u
  repeat(u, (count) => {
    const to = destination(u, 'write')
    const value = u.reg(RAX, size)
    const done = e.temp(I32)
    e.assign(done, one)
    const b = count === undefined ? undefined : to.run?.()
    if (b === undefined) {
      to.set(value)
    } else {
      const n = e.let(reach(u, count!, b.bytes, RDI))
      e.if(
        n.gtU(1),
        () => {
          u.call('fill_elements', [b.host, value.to64u(), n.mul(size / 8), k32(size)])
          e.assign(done, n)
        },
        () => to.set(value),
      )
    }
    advance(u, RDI, local(I32, done))
    return { done: local(I32, done) }
  })
}

const lods: Meaning = (u) =>
  repeat(u, () => {
    u.setReg(RAX, u.size, source(u).get())
    advance(u, RSI, one)
    return { done: one }
  })

/** What a comparison leaves, and whether REPE or REPNE goes on. */
function compared(u: Unit, a: Val, b: Val): Val | undefined {
  const { e, size, insn } = u
  const r = e.let(a.sub(b).zext(size))
  u.flags.set({ kind: 'sub', size, a, b, r })
  if (insn.rep === 0) return undefined
  const equal = u.flags.cond(ZERO)
  return e.let(insn.rep === 0xf3 ? equal : equal.isZero())
}

const goingOn = (more: Val | undefined): { done: Val; more?: Val } =>
  more === undefined ? { done: one } : { done: one, more }

const cmps: Meaning = (u) =>
  repeat(u, () => {
    const from = source(u)
    const to = destination(u, 'read')
    const [a, b] = [from.get(), to.get()]
    advance(u, RSI, one)
    advance(u, RDI, one)
    return goingOn(compared(u, a, b))
  })

const scas: Meaning = (u) =>
  repeat(u, () => {
    const b = destination(u, 'read').get()
    advance(u, RDI, one)
    return goingOn(compared(u, u.reg(RAX, u.size), b))
  })

/** The destination is opened before the port is read: a fault must not cost a device's byte. */
const ins: Meaning = (u) => {
  repeat(u, () => {
    const to = destination(u, 'write')
    u.fallible('port_in', [u.reg(RDX, 16), k32(u.size)])
    const value = u.field(I32, S.result)
    to.set(u.size === 32 ? value : value.zext(u.size))
    advance(u, RDI, one)
    return { done: one }
  })
  u.flags.flush()
  u.jumpTo(u.next())
}

const outs: Meaning = (u) => {
  repeat(u, () => {
    const value = source(u).get()
    u.fallible('port_out', [u.reg(RDX, 16), k32(u.size), value])
    advance(u, RSI, one)
    return { done: one }
  })
  u.flags.flush()
  u.jumpTo(u.next())
}

export const STRING_MEANINGS: Meanings = {
  ins,
  outs,
  movs,
  stos,
  lods,
  cmps,
  scas,
}
