/** Runtime functions of the integer families. */
import { I32, I64 } from '@godwit/wasm-encoder'
import { wasm, type RuntimeFunctions } from '../runtime.ts'
import { Emit } from '../wasm/emit.ts'
import { k64, local, type Val } from '../wasm/value.ts'

/** The reversed polynomial of CRC-32C. */
const CASTAGNOLI = 0x82f63b78

export const INTEGER_FUNCTIONS: RuntimeFunctions = {
  /** (high, low, divisor): quotient of 128 by 64 bits, unsigned; high < divisor. The remainder is low - q * divisor. */
  div128: wasm([I64, I64, I64], [I64], (f) => {
    const e = new Emit(f)
    const [high, low, divisor] = [local(I64, 0), local(I64, 1), local(I64, 2)]
    e.if(high.isZero(), () => {
      low.divU(divisor).emit(f)
      f.ret()
    })
    divide(e, high, low, divisor).emit(f)
  }),

  /** (crc, data, bits): CRC-32C without the inversions. */
  crc32c: wasm([I32, I64, I32], [I32], (f) => {
    const e = new Emit(f)
    const [crc, data, bits] = [local(I32, 0), local(I64, 1), local(I32, 2)]
    e.loop((start) => {
      const low = crc.xor(data.to32()).and(1)
      e.assign(0, crc.shrU(1).xor(low.neg().and(CASTAGNOLI)))
      e.assign(1, data.shrU(1))
      e.assign(2, bits.sub(1))
      e.brIf(bits, start)
    })
    crc.emit(f)
  }),

  /** (to, from, bytes): host addresses. */
  copy_bytes: wasm([I32, I32, I32], [], (f) => {
    f.get(0).get(1).get(2).memoryCopy()
  }),

  /** (to, value, bytes, size): elements of 8, 16, 32 or 64 bits, zero-extended. */
  fill_elements: wasm([I32, I64, I32, I32], [], (f) => {
    const e = new Emit(f)
    const [to, value, bytes, size] = [local(I32, 0), local(I64, 1), local(I32, 2), local(I32, 3)]
    e.if(size.eq(8), () => e.assign(1, value.mul(k64(0x01010101, 0x01010101))))
    e.if(size.eq(16), () => e.assign(1, value.mul(k64(0x00010001, 0x00010001))))
    e.if(size.eq(32), () => e.assign(1, value.or(value.shl(32))))
    e.if(
      value.eq(value.rotl(8)),
      () => {
        to.emit(f)
        value.to32().emit(f)
        bytes.emit(f)
        f.memoryFill()
      },
      () => fill(e, to, value, bytes),
    )
  }),
}

/** Eight bytes at a time, then the rest by halves: the pattern repeats at each. */
function fill(e: Emit, to: Val, value: Val, bytes: Val): void {
  e.block((end) => {
    e.loop((start) => {
      e.brIf(bytes.ltU(8), end)
      e.store('i64_store', to, value)
      e.assign(0, to.add(8))
      e.assign(2, bytes.sub(8))
      e.br(start)
    })
  })
  for (const [bit, op] of [
    [4, 'i64_store32'],
    [2, 'i64_store16'],
  ] as const) {
    e.if(bytes.and(bit), () => {
      e.store(op, to, value)
      e.assign(0, to.add(bit))
    })
  }
}

/** Two digits of 32 bits, by estimate and correction (Knuth, The Art of Computer Programming, vol. 2, algorithm D). */
function divide(e: Emit, high: Val, low: Val, divisor: Val): Val {
  const s = e.let(divisor.clz())
  const d = e.let(divisor.shl(s))
  const d1 = e.let(d.shrU(32))
  const d0 = e.let(d.zext(32))
  const top = e.let(high.shl(s).or(low.shrU(1).shrU(k64(63).sub(s))))
  const rest = e.let(low.shl(s))
  const digit = (n: Val, next: Val): Val => {
    const q = e.temp(I64)
    const r = e.temp(I64)
    const [quotient, remainder] = [local(I64, q), local(I64, r)]
    e.assign(q, n.divU(d1))
    e.assign(r, n.sub(quotient.mul(d1)))
    e.block((end) => {
      e.loop((start) => {
        const high = quotient.shrU(32).ne(0)
        const over = quotient.mul(d0).gtU(remainder.shl(32).or(next))
        e.brIf(high.or(over).isZero(), end)
        e.assign(q, quotient.sub(1))
        e.assign(r, remainder.add(d1))
        e.brIf(remainder.shrU(32).isZero(), start)
      })
    })
    return quotient
  }
  const q1 = e.let(digit(top, e.let(rest.shrU(32))))
  const middle = e.let(top.shl(32).or(rest.shrU(32)).sub(q1.mul(d)))
  const q0 = digit(middle, e.let(rest.zext(32)))
  return q1.shl(32).add(q0)
}
