/** The x87 runtime functions as generated code calls them: the common cases in WebAssembly, the rest in x87-functions.ts. */
import { I32, I64 } from '@godwit/wasm-encoder'
import { wasm, type RuntimeFunctions } from '../runtime.ts'
import { S } from '../state.ts'
import type { Emit } from '../wasm/emit.ts'
import { k32, k64, local, select, type Val } from '../wasm/value.ts'
import { ARITH } from './x87-arith.ts'
import { KINDS, type MemoryFormat } from './x87-convert.ts'
import { INTEGER_BIT, isOdd } from './x87-algorithms.ts'
import { giveUp } from './x87-fast-arith.ts'
import { PE, Stack } from './x87-stack.ts'
import { OPERATION_NAMES } from './x87-unary.ts'
import { INEXACT, UP } from './x87-values.ts'

const kind = (name: MemoryFormat): number => KINDS.indexOf(name)
const p32 = (i: number): Val => local(I32, i)

/** Number of an operation in OPERATIONS. */
const operation = (name: string): number => OPERATION_NAMES.indexOf(name)

/** 0 greater, 1 less, 2 equal, for normal numbers and zeros. */
function orderOf(e: Emit, sa: Val, ma: Val, sb: Val, mb: Val): Val {
  const ea = e.let(sa.and(0x7fff))
  const eb = e.let(sb.and(0x7fff))
  const smaller = e.let(ea.ltU(eb).or(ea.eq(eb).and(ma.ltU(mb))))
  const equal = e.let(ea.eq(eb).and(ma.eq(mb)))
  const bothZero = ma.or(mb).isZero()
  const signs = e.let(sa.xor(sb).shrU(15).and(1))
  const negative = e.let(sa.shrU(15).and(1))
  const less = select(signs, negative, smaller.xor(negative))
  return e.let(select(bothZero.or(equal.and(signs.xor(1))), k32(2), less))
}

/** Neither normal nor zero. */
const isStrange = (se: Val, mant: Val): Val => isOdd(se.and(0x7fff), mant).and(mant.ne(0).or(se.and(0x7fff).ne(0)))

/** Condition codes for an order below 3. */
function setCodes(stack: Stack, order: Val): void {
  const codes = select(order.eq(2), k32(0x4000), order.shl(8))
  stack.state.set(S.fpuStatus, stack.state.get(S.fpuStatus).and(~0x4700).or(codes))
}

/** Condition codes from the flags of x87v_remainder. */
export const remainderCodes = (flags: Val): Val =>
  flags
    .shrU(UP - 9)
    .and(0x200)
    .or(
      flags
        .shrU(UP + 1)
        .and(1)
        .shl(14),
    )
    .or(flags.shrU(UP + 2 - 8).and(0x100))

/** Arithmetic by number on values; gives 1 if done. */
function dispatch(stack: Stack, op: Val, a: [Val, Val], b: [Val, Val], to: Val): void {
  const { e, link } = stack
  const call = (name: string, [sx, mx]: [Val, Val], [sy, my]: [Val, Val]): void => {
    for (const x of [sx, mx, sy, my, to]) x.emit(e.func)
    e.func.call(link.func(name)).ret()
  }
  const negated = ([s, m]: [Val, Val]): [Val, Val] => [s.xor(0x8000), m]
  const rules: Readonly<Record<(typeof ARITH)[number], () => void>> = {
    add: () => call('x87_add', a, b),
    mul: () => call('x87_mul', a, b),
    sub: () => call('x87_add', a, negated(b)),
    subr: () => call('x87_add', b, negated(a)),
    div: () => call('x87_div', a, b),
    divr: () => call('x87_div', b, a),
  }
  ARITH.forEach((name, i) => e.if(op.eq(i), rules[name]))
}

export const X87_FAST: RuntimeFunctions = {
  /** ST(to) op= ST(from) without pop: 1 if done. */
  x87_try_arith: wasm([I32, I32, I32], [I32], (f, link) => {
    const stack = new Stack(f, link)
    const { e } = stack
    const to = stack.physical(p32(1))
    const from = stack.physical(p32(2))
    giveUp(e, stack.empty(to).or(stack.empty(from)))
    const [a, b] = [stack.slot(to), stack.slot(from)]
    dispatch(stack, p32(0), [stack.se(a), stack.mant(a)], [stack.se(b), stack.mant(b)], a)
    f.i32(0)
  }),
  x87_arith: wasm([I32, I32, I32, I32], [], (f, link) => {
    const stack = new Stack(f, link)
    f.get(0).get(1).get(2).call(link.func('x87_try_arith'))
    f.if()
    stack.e.if(p32(3), () => stack.pop())
    f.ret()
    f.end()
    stack.otherwise('x87_arith_slow')
  }),
  /** Memory bits (format, low, high) as a normal number or zero: its significand; its sign and exponent, or -1, at S.temp. */
  x87_unpack: wasm([I32, I32, I32], [I64], (f, link) => {
    const stack = new Stack(f, link)
    const { e } = stack
    const sign = e.temp(I32)
    const finish = (se: Val, mant: Val): void => {
      stack.state.set(S.temp, se)
      mant.emit(f)
      f.ret()
    }
    const real = (exponent: Val, fraction: Val, all: number, bias: number): void => {
      e.if(exponent.sub(1).ltU(all - 1), () => finish(p32(sign).or(exponent.add(bias)), fraction.or(INTEGER_BIT)))
      e.if(exponent.or(fraction.ne(0)).isZero(), () => finish(p32(sign), k64(0)))
      finish(k32(-1), k64(0))
    }
    const [low, high] = [p32(1), p32(2)]
    const bits = e.let(high.to64u().shl(32).or(low.to64u()))
    e.if(p32(0).eq(kind('double')), () => {
      e.assign(sign, high.shrU(16).and(0x8000))
      real(e.let(high.shrU(20).and(0x7ff)), e.let(bits.shl(11).and(k64(-1, 0x7fffffff))), 0x7ff, 0x3fff - 1023)
    })
    e.if(p32(0).eq(kind('single')), () => {
      e.assign(sign, low.shrU(16).and(0x8000))
      real(e.let(low.shrU(23).and(0xff)), e.let(bits.and(k64(0x7fffff)).shl(40)), 0xff, 0x3fff - 127)
    })
    const n = e.temp(I64)
    e.assign(
      n,
      select(p32(0).eq(kind('qword')), bits, select(p32(0).eq(kind('dword')), low.to64s(), low.sext(16).to64s())),
    )
    const x = local(I64, n)
    e.assign(sign, x.shrU(63).to32().shl(15))
    e.if(x.isZero(), () => finish(k32(0), k64(0)))
    const magnitude = e.let(select(x.ltS(0), k64(0).sub(x), x))
    const z = e.let(magnitude.clz())
    stack.state.set(S.temp, p32(sign).or(k32(0x3fff + 63).sub(z.to32())))
    magnitude.shl(z).emit(f)
  }),
  x87_try_arith_memory: wasm([I32, I32, I32, I32], [I32], (f, link) => {
    const stack = new Stack(f, link)
    const { e } = stack
    const p = stack.physical(0)
    giveUp(e, stack.empty(p))
    const slot = stack.slot(p)
    const mant = e.call(link.func('x87_unpack'), [p32(1), p32(2), p32(3)], I64)
    const se = stack.state.get(S.temp)
    giveUp(e, se.ltS(0))
    dispatch(stack, p32(0), [stack.se(slot), stack.mant(slot)], [se, mant], slot)
    f.i32(0)
  }),
  x87_arith_memory: wasm([I32, I32, I32, I32], [], (f, link) => {
    const stack = new Stack(f, link)
    f.get(0).get(1).get(2).get(3).call(link.func('x87_try_arith_memory'))
    f.if().ret().end()
    stack.otherwise('x87_arith_memory_slow')
  }),
  x87_load: wasm([I32, I32, I32, I32], [], (f, link) => {
    const stack = new Stack(f, link)
    const { e } = stack
    e.if(
      p32(0).ltU(kind('bcd')),
      () => {
        const mant = e.call(link.func('x87_unpack'), [p32(0), p32(1), p32(2)], I64)
        const se = stack.state.get(S.temp)
        e.if(se.geS(0), () => {
          e.if(
            stack.push((slot) => stack.put(slot, se, mant)),
            () => stack.done(),
          )
        })
      },
      () =>
        e.if(p32(0).eq(kind('extended')), () => {
          const mant = p32(2).to64u().shl(32).or(p32(1).to64u())
          e.if(
            stack.push((slot) => stack.put(slot, p32(3), mant)),
            () => stack.done(),
          )
        }),
    )
    stack.otherwise('x87_load_slow')
  }),
  x87_store: wasm([I32, I32], [I32], (f, link) => {
    const stack = new Stack(f, link)
    const { e } = stack
    const p = stack.physical(0)
    const out = link.base + S.temp
    const finish = (): void => {
      e.if(p32(1).and(1), () => stack.pop())
      stack.done(1)
    }
    e.if(stack.empty(p).isZero(), () => {
      const slot = stack.slot(p)
      const se = stack.se(slot)
      const mant = stack.mant(slot)
      const exponent = e.let(se.and(0x7fff))
      e.if(p32(0).eq(kind('extended')), () => {
        e.store('i64_store', k32(0), mant, out)
        e.store('i32_store', k32(0), se, out + 8)
        stack.clearC1()
        finish()
      })
      const control = stack.state.get(S.fpuControl)
      const nearest = e.let(control.and(0xc00).isZero())
      const masked = e.let(control.and(PE).ne(0))
      const isReal = p32(0).leU(kind('double'))
      e.if(isReal.and(mant.or(exponent.to64u()).isZero()), () => {
        const double = p32(0).eq(kind('double'))
        e.store('i64_store', k32(0), se.to64u().shl(select(double, k64(48), k64(16))), out)
        stack.clearC1()
        finish()
      })
      const real = (name: 'single' | 'double', cut: number, all: number, bias: number): void => {
        const scaled = e.let(exponent.sub(0x3fff - bias))
        // The largest exponent is left to the slow path: rounding may overflow it.
        e.if(
          p32(0)
            .eq(kind(name))
            .and(nearest)
            .and(masked)
            .and(scaled.sub(1).ltU(all - 2))
            .and(mant.ltS(0)),
          () => {
            const rest = e.let(mant.shl(64 - cut))
            const kept = e.let(mant.shrU(cut))
            const up = e.let(rest.ltS(0).and(rest.ne(INTEGER_BIT).or(kept.and(1).ne(0))))
            const width = 63 - cut
            // The integer bit of the significand adds one to the exponent field.
            const value = scaled.sub(1).to64u().shl(width).add(kept).add(up.to64u())
            e.store(
              'i64_store',
              k32(0),
              value.or(
                se
                  .shrU(15)
                  .to64u()
                  .shl(name === 'single' ? 31 : 63),
              ),
              out,
            )
            stack.settle(rest.ne(0), up)
            finish()
          },
        )
      }
      real('double', 11, 0x7ff, 1023)
      real('single', 40, 0xff, 127)
      // Integers: 1 <= |x| < 2^63, rounding to nearest or chopping.
      const chop = e.let(p32(1).shrU(1).and(1).or(control.and(0xc00).eq(0xc00)))
      const scale = e.let(exponent.sub(0x3fff))
      const fits = p32(0).sub(kind('word')).leU(2).and(mant.ltS(0)).and(scale.ltU(62)).and(masked)
      e.if(fits.and(chop.or(nearest)), () => {
        const kept = e.let(mant.shrU(k32(63).sub(scale).to64u()))
        const rest = e.let(mant.shl(scale.add(1).to64u()))
        const up = e.let(
          rest
            .ltS(0)
            .and(rest.ne(INTEGER_BIT).or(kept.and(1).ne(0)))
            .and(chop.isZero()),
        )
        const magnitude = e.let(kept.add(up.to64u()))
        const n = e.let(select(se.and(0x8000), k64(0).sub(magnitude), magnitude))
        const narrow = select(p32(0).eq(kind('word')), n.sext(16), select(p32(0).eq(kind('dword')), n.sext(32), n))
        e.if(narrow.eq(n), () => {
          e.store('i64_store', k32(0), n, out)
          stack.settle(rest.ne(0), up)
          finish()
        })
      })
    })
    stack.otherwise('x87_store_slow')
  }),
  x87_compare_memory: wasm([I32, I32, I32, I32], [], (f, link) => {
    const stack = new Stack(f, link)
    const { e } = stack
    const p = stack.physical(0)
    e.if(stack.empty(p).isZero(), () => {
      const slot = stack.slot(p)
      const [sa, ma] = [stack.se(slot), stack.mant(slot)]
      const mb = e.call(link.func('x87_unpack'), [p32(0), p32(1), p32(2)], I64)
      const sb = stack.state.get(S.temp)
      e.if(sb.geS(0).and(isStrange(sa, ma).isZero()), () => {
        setCodes(stack, orderOf(e, sa, ma, sb, mb))
        e.if(p32(3), () => stack.pop())
        stack.done()
      })
    })
    stack.otherwise('x87_compare_memory_slow')
  }),
  x87_compare_flags: wasm([I32, I32, I32], [I32], (f, link) => {
    const stack = new Stack(f, link)
    const { e } = stack
    compareRegisters(stack, p32(0), (order) => {
      e.if(p32(2), () => stack.pop())
      order.emit(f)
      f.ret()
    })
    stack.otherwise('x87_compare_flags_slow')
  }),
  x87_operate: wasm([I32, I32], [], (f, link) => {
    const stack = new Stack(f, link)
    const { e } = stack
    const when = (name: string, body: () => void): void => e.if(p32(0).eq(operation(name)), body)
    const first = (): Val => stack.physical(0)
    when('fxch', () => {
      const [p, q] = [first(), stack.physical(p32(1))]
      e.if(stack.empty(p).or(stack.empty(q)).isZero(), () => {
        const [a, b] = [stack.slot(p), stack.slot(q)]
        const [sa, ma, sb, mb] = [stack.se(a), stack.mant(a), stack.se(b), stack.mant(b)]
        stack.put(a, sb, mb)
        stack.put(b, sa, ma)
        stack.clearC1()
        stack.done()
      })
    })
    when('fld', () => {
      const q = stack.physical(p32(1))
      e.if(stack.empty(q).isZero(), () => {
        const b = stack.slot(q)
        const [sb, mb] = [stack.se(b), stack.mant(b)]
        e.if(
          stack.push((slot) => stack.put(slot, sb, mb)),
          () => stack.done(),
        )
      })
    })
    for (const name of ['fst', 'fstp'])
      when(name, () => {
        const [p, q] = [first(), stack.physical(p32(1))]
        e.if(stack.empty(p).isZero(), () => {
          const a = stack.slot(p)
          stack.put(stack.slot(q), stack.se(a), stack.mant(a))
          stack.mark(q, 0)
          stack.clearC1()
          if (name === 'fstp') stack.pop()
          stack.done()
        })
      })
    for (const [name, change] of [
      ['fchs', (x: Val) => x.xor(0x8000)],
      ['fabs', (x: Val) => x.and(0x7fff)],
    ] as const)
      when(name, () => {
        const p = first()
        e.if(stack.empty(p).isZero(), () => {
          const a = stack.slot(p)
          e.store('i32_store16', a, change(stack.se(a)), 8)
          stack.clearC1()
          stack.done()
        })
      })
    when('fsqrt', () => {
      const p = first()
      e.if(stack.empty(p).isZero(), () => {
        const a = stack.slot(p)
        const done = e.call(link.func('x87_root'), [stack.se(a), stack.mant(a), a], I32)
        e.if(done, () => stack.done())
      })
    })
    /** A function of values for ST(0), with more arguments; the precision exception must be masked. */
    const onTop = (name: string, more: (slot: Val) => readonly Val[], settle?: (flags: Val) => void): void => {
      const p = first()
      e.if(stack.empty(p).isZero().and(stack.state.get(S.fpuControl).and(PE).ne(0)), () => {
        const a = stack.slot(p)
        for (const v of [stack.mant(a), stack.se(a), ...more(a)]) v.emit(f)
        const flags = e.temp(I32)
        const mant = e.temp(I64)
        f.call(link.func(name)).set(flags).set(mant)
        e.if(p32(flags).geS(0), () => {
          stack.put(a, p32(flags), local(I64, mant))
          if (settle === undefined) stack.settle(p32(flags).shrU(INEXACT).and(1), p32(flags).shrU(UP).and(1))
          else settle(p32(flags))
          stack.done()
        })
      })
    }
    when('frndint', () => onTop('x87v_rint', () => [stack.state.get(S.fpuControl)]))
    for (const name of ['fscale', 'fprem', 'fprem1'])
      when(name, () => {
        const q = stack.physical(1)
        e.if(stack.empty(q).isZero(), () => {
          const b = (): Val[] => {
            const slot = stack.slot(q)
            return [stack.mant(slot), stack.se(slot)]
          }
          if (name === 'fscale') onTop('x87v_scale', b)
          else
            onTop(
              'x87v_remainder',
              () => [...b(), k32(name === 'fprem1' ? 1 : 0)],
              (flags) =>
                stack.state.set(S.fpuStatus, stack.state.get(S.fpuStatus).and(~0x4700).or(remainderCodes(flags))),
            )
        })
      })
    when('fld1', () =>
      e.if(
        stack.push((slot) => stack.put(slot, k32(0x3fff), INTEGER_BIT)),
        () => stack.done(),
      ),
    )
    when('fldz', () =>
      e.if(
        stack.push((slot) => stack.put(slot, k32(0), k64(0))),
        () => stack.done(),
      ),
    )
    const comparisons = ['fcom', 'fucom', 'fcomp', 'fucomp', 'fcompp', 'fucompp'].map(operation)
    const isOneOf = comparisons.map((n) => p32(0).eq(n)).reduce((a, b) => a.or(b))
    e.if(isOneOf, () => {
      compareRegisters(
        stack,
        select(
          p32(0)
            .eq(operation('fcompp'))
            .or(p32(0).eq(operation('fucompp'))),
          k32(1),
          p32(1),
        ),
        (order) => {
          setCodes(stack, order)
          const among = (names: readonly string[]): Val =>
            names.map((n) => p32(0).eq(operation(n))).reduce((a, b) => a.or(b))
          e.if(among(['fcomp', 'fucomp', 'fcompp', 'fucompp']), () => stack.pop())
          e.if(among(['fcompp', 'fucompp']), () => stack.pop())
          stack.done()
        },
      )
    })
    stack.otherwise('x87_operate_slow')
  }),
  x87_set_control: wasm([I32], [], (f, link) => {
    const stack = new Stack(f, link)
    const { e } = stack
    const status = stack.state.get(S.fpuStatus)
    e.if(status.and(0x3f).and(p32(0).not()).or(status.and(0x80)).isZero(), () => {
      stack.state.set(S.fpuControl, p32(0).and(0x1f7f).or(0x40))
      stack.done()
    })
    stack.otherwise('x87_set_control_slow')
  }),
}

/** If ST(0) and ST(i) are there and normal or zero: their order. */
function compareRegisters(stack: Stack, i: Val, then: (order: Val) => void): void {
  const { e } = stack
  const [p, q] = [stack.physical(0), stack.physical(i)]
  e.if(stack.empty(p).or(stack.empty(q)).isZero(), () => {
    const [a, b] = [stack.slot(p), stack.slot(q)]
    const [sa, ma, sb, mb] = [stack.se(a), stack.mant(a), stack.se(b), stack.mant(b)]
    e.if(isStrange(sa, ma).or(isStrange(sb, mb)).isZero(), () => then(orderOf(e, sa, ma, sb, mb)))
  })
}
