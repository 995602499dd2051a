/** SSE4.2 string comparisons: by a runtime function. SDM vol. 1, 10.10 and vol. 2, 4.1. */
import { I32, V128 } from '@godwit/wasm-encoder'
import { S } from '../state.ts'
import { k32, select, type Val } from '../wasm/value.ts'
import type { Meaning, Meanings, Unit } from './meaning.ts'
import { guardSse, imm8, vector } from './vector.ts'

/** Length of a string in EAX or EDX (RAX, RDX with REX.W): its magnitude, at most 16. */
function length(u: Unit, register: number): Val {
  const wide = u.insn.operandSize === 64
  const n = u.e.let(wide ? u.reg(register, 64) : u.reg(register, 32).to64s())
  const sign = n.shrS(63)
  const magnitude = u.e.let(n.xor(sign).sub(sign))
  return u.e.let(select(magnitude.gtU(16), k32(16), magnitude.to32()))
}

function compare(explicit: boolean, index: boolean): Meaning {
  return (u) => {
    guardSse(u)
    const imm = imm8(u, 2)
    // These two do not ask for alignment.
    const b = vector(u, 1, 1)
    const a = vector(u, 0)
    u.setField(S.temp, a)
    u.setField(S.temp + 16, b)
    const lengths = explicit ? [length(u, 0), length(u, 2)] : [k32(-1), k32(-1)]
    // Bit 0 CF, 1 ZF, 2 SF, 3 OF.
    const f = u.call('sse_strings', [imm, ...lengths, k32(index ? 1 : 0)], I32)
    if (index) u.setReg(1, 32, u.field(I32, S.temp + 32))
    else u.setXmm(0, u.field(V128, S.temp + 32))
    const bit = (n: number): Val => f.shrU(n).and(1)
    const cf = bit(0).to64u()
    u.flags.pending = undefined
    // PF and AF are clear: aux bit 2 inverts the even parity of a zero result, bit 7 the sign.
    const zf = bit(1)
    u.flags.home.set(zf.xor(1).to64u(), cf.shl(63).or(cf.xor(bit(3).to64u()).shl(62)), zf.shl(2).or(bit(2).shl(7)))
  }
}

export const SSE_STRING: Meanings = {
  pcmpestrm: compare(true, false),
  pcmpestri: compare(true, true),
  pcmpistrm: compare(false, false),
  pcmpistri: compare(false, true),
}
