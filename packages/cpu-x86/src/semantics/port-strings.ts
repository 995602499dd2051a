/** INS and OUTS. Memory is translated before the port is touched: a port is read once. SDM vol. 2. */
import { I32 } from '@godwit/wasm-encoder'
import { S } from '../state.ts'
import { k32 } from '../wasm/value.ts'
import type { Meaning, Meanings, Unit } from './meaning.ts'
import { RDI, RDX, RSI } from './operands.ts'
import { advance, destination, repeat, source } from './string.ts'

const one = k32(1)

/** They are `leave` instructions, because a port can change anything, but as a rule the next one follows. */
function goOn(u: Unit): void {
  u.flags.flush()
  u.jumpTo(u.next())
}

const ins: Meaning = (u) => {
  repeat(u, () => {
    const to = destination(u, 'write')
    u.fallible('port_in', [u.reg(RDX, 16), k32(u.size)])
    to.set(u.field(I32, S.result).zext(u.size))
    advance(u, RDI, one)
    return { done: one }
  })
  goOn(u)
}

const outs: Meaning = (u) => {
  repeat(u, () => {
    const value = source(u).get()
    u.fallible('port_out', [u.reg(RDX, 16), k32(u.size), value])
    advance(u, RSI, one)
    return { done: one }
  })
  goOn(u)
}

export const PORT_STRING_MEANINGS: Meanings = { ins, outs }
