/** Rules of the x87 instructions that compiled code does on locals. Each says whether it has done its instruction. */
import { I32, I64 } from '@godwit/wasm-encoder'
import { setCompareFlags } from '../semantics/sse-float.ts'
import { INTEGER_BIT } from '../fpu/x87-algorithms.ts'
import { NEAREST, pack80 } from '../fpu/soft.ts'
import { roundedConstant } from '../fpu/x87-convert.ts'
import { remainderCodes } from '../fpu/x87-fast.ts'
import { UP } from '../fpu/x87-values.ts'
import { CONDITIONS } from '../semantics/x87.ts'
import { ARITH, type Arith } from '../fpu/x87-arith.ts'
import { k32, k64, local, select, type Val } from '../wasm/value.ts'
import type { Emit } from '../wasm/emit.ts'
import type { RegionUnit } from './unit.ts'
import type { Value, X87Emitter } from './x87-emit.ts'
import { inMemory, stackNumber } from './x87-shape.ts'

type Rule = (x: X87Emitter, unit: RegionUnit, offset: number) => boolean

const ZERO: Value = { se: k32(0), mant: k64(0) }

/** A number of memory in the form of registers; what is neither normal nor zero is tier 0's. */
function decodeReal(x: X87Emitter, bits: Val): Value {
  const { e } = x.g
  const [width, exponents, bias] = bits.type === I64 ? [52, 0x7ff, 1023] : [23, 0xff, 127]
  const high = bits.type === I64 ? e.let(bits.shrU(32).to32()) : bits
  const exponent = e.let(high.shrU(bits.type === I64 ? 20 : 23).and(exponents))
  const sign = e.let(high.shrU(16).and(0x8000))
  const se = e.temp(I32)
  const mant = e.temp(I64)
  e.assign(se, exponent.add(0x3fff - bias).or(sign))
  e.assign(
    mant,
    bits
      .to64u()
      .shl(63 - width)
      .or(INTEGER_BIT),
  )
  e.unlikely(exponent.sub(1).geU(exponents - 1), () => {
    e.unlikely(bits.shl(1).ne(0), () => x.g.bail())
    e.assign(se, sign)
    e.assign(mant, k64(0))
  })
  return { se: local(I32, se), mant: local(I64, mant) }
}

function decodeInteger(e: Emit, bits: Val, size: number): Value {
  const n = e.let(size === 64 ? bits : bits.sext(size).to64s())
  const magnitude = e.let(select(n.ltS(0), k64(0).sub(n), n))
  const zeros = e.let(magnitude.clz())
  const sign = n.shrU(63).to32().shl(15)
  const se = e.let(select(n.isZero(), k32(0), sign.or(k32(0x3fff + 63).sub(zeros.to32()))))
  return { se, mant: e.let(magnitude.shl(zeros)) }
}

/** Opens and reads memory operand 0. */
function readMemory(
  x: X87Emitter,
  unit: RegionUnit,
  integer: boolean,
): { readonly address: Val; readonly value: Value } {
  const size = unit.insn.operands[0]!.size as 16 | 32 | 64 | 80
  const { address, places } = x.open(unit, 'read', size)
  const bits = x.g.e.let(places[0]!.get())
  if (size === 80) return { address, value: { mant: bits, se: x.g.e.let(places[1]!.get()) } }
  return { address, value: integer ? decodeInteger(x.g.e, bits, size) : decodeReal(x, bits) }
}

const CONSTANTS = ['fld1', 'fldl2t', 'fldl2e', 'fldpi', 'fldlg2', 'fldln2', 'fldz']
function nearest(which: number): Value {
  const { mant, se } = pack80(roundedConstant(which, NEAREST))
  return { mant: k64(Number(mant & 0xffff_ffffn), Number(mant >> 32n)), se: k32(se) }
}

const negated = ({ se, mant }: Value): Value => ({ se: se.xor(0x8000), mant })

function compute(x: X87Emitter, op: Arith, a: Value, b: Value): Value {
  const run = (name: string, p: Value, q: Value): Value =>
    x.call(`x87v_${name}${x.locals.precision}`, [p.mant, p.se, q.mant, q.se])
  switch (op) {
    case 'add':
      return run('add', a, b)
    case 'mul':
      return run('mul', a, b)
    case 'sub':
      return run('add', a, negated(b))
    case 'subr':
      return run('add', b, negated(a))
    case 'div':
      return run('div', a, b)
    case 'divr':
      return run('div', b, a)
  }
}

const arith =
  (op: Arith, integer: boolean, pop: boolean): Rule =>
  (x, unit, offset) => {
    const { insn } = unit
    x.check()
    if (inMemory(insn)) {
      const { address, value } = readMemory(x, unit, integer)
      x.need(0)
      const result = compute(x, op, x.value(0), value)
      x.operand(address)
      finish(x, offset, 0, result)
      return true
    }
    const [to, from] = [stackNumber(insn, 0), stackNumber(insn, 1)]
    x.need(to)
    x.need(from)
    finish(x, offset, to, compute(x, op, x.value(to), x.value(from)))
    if (pop) x.pop()
    return true
  }

function finish(x: X87Emitter, offset: number, to: number, result: Value): void {
  x.set(to, result)
  x.note(result.se)
  x.instruction(offset)
}

/** An instruction that pushes a value, which has no flags. */
function pushing(x: X87Emitter, offset: number, value: Value): void {
  x.push(value)
  x.note(k32(0))
  x.instruction(offset)
}

const load =
  (integer: boolean): Rule =>
  (x, unit, offset) => {
    x.check()
    if (!inMemory(unit.insn)) {
      const from = stackNumber(unit.insn, unit.insn.operands.length - 1)
      x.need(from)
      x.room()
      pushing(x, offset, x.value(from))
      return true
    }
    const { address, value } = readMemory(x, unit, integer)
    x.room()
    x.operand(address)
    pushing(x, offset, value)
    return true
  }

const constant =
  (value: Value): Rule =>
  (x, _unit, offset) => {
    x.check()
    x.room()
    pushing(x, offset, value)
    return true
  }

const store =
  (pop: boolean): Rule =>
  (x, unit, offset) => {
    const { insn } = unit
    const { e } = x.g
    x.check()
    if (!inMemory(insn)) {
      const to = stackNumber(insn, insn.operands.length - 1)
      x.need(0)
      x.set(to, x.value(0))
      x.note(k32(0))
    } else {
      const size = insn.operands[0].size as 32 | 64 | 80
      const { address, places } = x.open(unit, 'write', size)
      x.need(0)
      const { se, mant } = x.value(0)
      if (size === 80) {
        places[0]!.set(mant)
        places[1]!.set(se.and(0xffff))
        x.note(k32(0))
      } else {
        const bits = x.call(size === 64 ? 'x87v_double' : 'x87v_single', [mant, se])
        places[0]!.set(size === 64 ? bits.mant : e.let(bits.mant.to32()))
        x.note(bits.se)
      }
      x.operand(address)
    }
    x.instruction(offset)
    if (pop) x.pop()
    return true
  }

/** In any rounding mode that is nearest or chops. */
const storeInteger =
  (pop: boolean, chop: boolean): Rule =>
  (x, unit, offset) => {
    const { e } = x.g
    x.checkLoosely()
    const size = unit.insn.operands[0]!.size as 16 | 32 | 64
    const { address, places } = x.open(unit, 'write', size)
    x.need(0)
    const { se, mant } = x.value(0)
    const rounding = e.let(x.locals.rounding())
    if (!chop) e.unlikely(rounding.sub(1).ltU(0xbff), () => x.g.bail())
    const n = x.call('x87v_integer', [mant, se, chop ? k32(1) : rounding])
    const narrow = size === 64 ? n.mant : n.mant.sext(size)
    if (size !== 64) e.unlikely(narrow.ne(n.mant), () => x.g.bail())
    places[0]!.set(size === 64 ? n.mant : e.let(n.mant.to32().zext(size)))
    x.operand(address)
    x.note(n.se)
    x.instruction(offset)
    if (pop) x.pop()
    return true
  }

function order(x: X87Emitter, a: Value, b: Value): Val {
  const { e } = x.g
  const result = e.call(x.g.runtime('x87v_order'), [a.mant, a.se, b.mant, b.se], I32)
  e.unlikely(result.ltS(0), () => x.g.bail())
  return result
}

/** Condition codes. */
const compare =
  (pops: number, integer = false, withZero = false): Rule =>
  (x, unit, offset) => {
    const { insn } = unit
    x.check()
    let other: Value
    let address: Val | undefined
    if (inMemory(insn)) ({ address, value: other } = readMemory(x, unit, integer))
    else if (withZero) other = ZERO
    else {
      const i = insn.operands.length === 0 ? 1 : stackNumber(insn, insn.operands.length - 1)
      x.need(i)
      other = x.value(i)
    }
    x.need(0)
    const result = order(x, x.value(0), other)
    if (address !== undefined) x.operand(address)
    const { status } = x.locals
    const codes = select(result.eq(2), k32(0x4000), result.shl(8))
    x.g.e.assign(status, local(I32, status).and(~0x4700).or(codes))
    x.note(k32(0))
    x.instruction(offset)
    for (let i = 0; i < pops; i++) x.pop()
    return true
  }

/** EFLAGS. C1 stays as it is. */
const compareFlags =
  (pop: boolean): Rule =>
  (x, unit, offset) => {
    x.check()
    const i = stackNumber(unit.insn, unit.insn.operands.length - 1)
    x.need(0)
    x.need(i)
    const result = order(x, x.value(0), x.value(i))
    x.instruction(offset)
    if (pop) x.pop()
    setCompareFlags(unit, result)
    return true
  }

const onTop =
  (change: (se: Val) => Val): Rule =>
  (x, _unit, offset) => {
    x.check()
    x.need(0)
    const { se, mant } = x.value(0)
    x.set(0, { se: change(se), mant })
    x.note(k32(0))
    x.instruction(offset)
    return true
  }

/** A function of ST(0), and perhaps ST(1), in any rounding mode. */
const whole =
  (name: string, more: (x: X87Emitter) => readonly Val[], withSecond: boolean): Rule =>
  (x, _unit, offset) => {
    x.checkLoosely()
    x.need(0)
    if (withSecond) x.need(1)
    const { se, mant } = x.value(0)
    finish(x, offset, 0, x.call(name, [mant, se, ...more(x)]))
    return true
  }

const second = (x: X87Emitter): Val[] => {
  const { se, mant } = x.value(1)
  return [mant, se]
}

const remainder =
  (nearest: boolean): Rule =>
  (x, _unit, offset) => {
    x.checkLoosely()
    x.need(0)
    x.need(1)
    const { se, mant } = x.value(0)
    const result = x.call('x87v_remainder', [mant, se, ...second(x), k32(nearest ? 1 : 0)])
    const { status } = x.locals
    x.g.e.assign(status, local(I32, status).and(~0x4700).or(remainderCodes(result.se).and(~0x200)))
    x.set(0, result)
    x.noteUp(result.se)
    x.instruction(offset)
    return true
  }

const moveIf =
  (cc: number): Rule =>
  (x, unit, offset) => {
    const { e } = x.g
    x.checkLoosely()
    const i = stackNumber(unit.insn, unit.insn.operands.length - 1)
    x.need(0)
    x.need(i)
    const condition = e.let(unit.flags.cond(cc))
    const [a, b] = [x.value(0), x.value(i)]
    x.set(0, { se: select(condition, b.se, a.se), mant: select(condition, b.mant, a.mant) })
    x.instruction(offset)
    return true
  }

export const RULES: Readonly<Record<string, Rule>> = {
  ...Object.fromEntries(
    ARITH.flatMap((op): [string, Rule][] => [
      [`f${op}`, arith(op, false, false)],
      [`fi${op}`, arith(op, true, false)],
      [`f${op}p`, arith(op, false, true)],
    ]),
  ),
  fld: load(false),
  fild: load(true),
  ...Object.fromEntries(CONSTANTS.map((name, i) => [name, constant(nearest(i))])),
  fst: store(false),
  fstp: store(true),
  fist: storeInteger(false, false),
  fistp: storeInteger(true, false),
  fisttp: storeInteger(true, true),
  fcom: compare(0),
  fucom: compare(0),
  fcomp: compare(1),
  fucomp: compare(1),
  fcompp: compare(2),
  fucompp: compare(2),
  ficom: compare(0, true),
  ficomp: compare(1, true),
  ftst: compare(0, false, true),
  fcomi: compareFlags(false),
  fucomi: compareFlags(false),
  fcomip: compareFlags(true),
  fucomip: compareFlags(true),
  fchs: onTop((se) => se.xor(0x8000)),
  fabs: onTop((se) => se.and(0x7fff)),
  fxch: (x, unit, offset) => {
    const { e } = x.g
    x.check()
    const i = stackNumber(unit.insn, unit.insn.operands.length - 1)
    x.need(0)
    x.need(i)
    const [a, b] = [x.value(0), x.value(i)]
    const [se, mant] = [e.temp(I32), e.temp(I64)]
    e.assign(se, a.se)
    e.assign(mant, a.mant)
    x.set(0, b)
    x.set(i, { se: local(I32, se), mant: local(I64, mant) })
    x.note(k32(0))
    x.instruction(offset)
    return true
  },
  fsqrt: (x, _unit, offset) => {
    x.check()
    x.need(0)
    const { se, mant } = x.value(0)
    finish(x, offset, 0, x.call(`x87v_root${x.locals.precision}`, [mant, se]))
    return true
  },
  frndint: whole('x87v_rint', (x) => [x.g.e.let(x.locals.rounding())], false),
  fscale: whole('x87v_scale', second, true),
  fprem: remainder(false),
  fprem1: remainder(true),
  ...Object.fromEntries(Object.entries(CONDITIONS).map(([name, cc]) => [`fcmov${name}`, moveIf(cc)])),
  fxam: (x, _unit, offset) => {
    const { e } = x.g
    x.checkLoosely()
    const { se, mant } = x.value(0)
    const codes = e.call(x.g.runtime('x87v_class'), [mant, se, x.isEmpty(0)], I32)
    e.unlikely(codes.ltS(0), () => x.g.bail())
    const { status } = x.locals
    e.assign(status, local(I32, status).and(~0x4700).or(codes))
    // C1 is the sign.
    x.noteUp(se.shl(UP - 15))
    x.instruction(offset)
    return true
  },
  fldcw: (x, unit) => {
    const { e } = x.g
    x.checkLoosely()
    const value = e.let(unit.place(0, 'read', { size: 16 }).get())
    // What unmasks may make a flag of old a pending exception.
    e.unlikely(value.and(0x3f).ne(0x3f).or(local(I32, x.locals.status).and(0x80)), () => x.g.bail())
    x.locals.setControl(value)
    x.uncheck()
    return true
  },
  fnstsw: (x, unit) => {
    x.checkLoosely()
    const to = unit.place(0, 'write', { size: 16 })
    to.set(x.g.e.let(x.locals.statusWord(x.top).and(0xffff)))
    return true
  },
}
