/** The x87 instructions. SDM vol. 1, chapter 8 and vol. 2. Values cross into fpu/ as bits; slots are numbered from the top. */
import { I32, I64, V128 } from '@godwit/wasm-encoder'
import { CC } from '../flags.ts'
import { ARITH, type Arith } from '../fpu/x87-arith.ts'
import { KINDS, type MemoryFormat } from '../fpu/x87-convert.ts'
import { OPERATION_NAMES } from '../fpu/x87-unary.ts'
import { S } from '../state.ts'
import { k32, local, type Val } from '../wasm/value.ts'
import type { Meaning, Meanings, Place, Unit } from './meaning.ts'
import { setCompareFlags } from './sse-float.ts'
import { guard, isMemory } from './vector.ts'

/** What a waiting instruction does first; it also remembers where it was. */
function enter(u: Unit): void {
  guard(u, S.fpuWaitBlock)
  u.setField(S.fpuIp, u.here())
}

/** Address of the memory operand, which is remembered. */
function operandAddress(u: Unit): Val {
  const at = u.e.let(u.address(0))
  return at
}

const memoryFormat = (u: Unit, integer: boolean): MemoryFormat => {
  const { size } = u.insn.operands[0]!
  if (size === 80) return 'extended'
  if (integer) return size === 16 ? 'word' : size === 32 ? 'dword' : 'qword'
  return size === 32 ? 'single' : 'double'
}
const kindNumber = (kind: MemoryFormat): Val => k32(KINDS.indexOf(kind))

const lowWord = (x: Val): Val => x.to32()
const highWord = (x: Val): Val => (x.type === I64 ? x.shrU(32).to32() : k32(0))

/** A memory operand of 16, 32 or 64 bits, read. */
function readOperand(u: Unit): Val {
  const address = operandAddress(u)
  const x = u.e.let(u.place(0, 'read', { address }).get())
  u.setField(S.fpuDp, address)
  return x
}

function operate(name: string, i: (u: Unit) => Val = () => k32(0)): Meaning {
  const code = OPERATION_NAMES.indexOf(name)
  if (code < 0) throw new Error(`no x87 operation ${name}`)
  return (u) => {
    enter(u)
    u.call('x87_operate', [k32(code), i(u)])
  }
}

/** The last operand is ST(i). */
const lastRegister = (u: Unit): Val => {
  const last = u.insn.operands.length - 1
  return last < 0 ? k32(1) : u.number(last)
}

function arith(op: Arith, integer: boolean, pop: boolean): Meaning {
  const code = k32(ARITH.indexOf(op))
  return (u) => {
    enter(u)
    if (isMemory(u, 0)) {
      const x = readOperand(u)
      u.call('x87_arith_memory', [code, kindNumber(memoryFormat(u, integer)), lowWord(x), highWord(x)])
    } else u.call('x87_arith', [code, u.number(0), u.number(1), k32(pop ? 1 : 0)])
  }
}

function compare(name: string, integer: boolean, pops: number): Meaning {
  const registers = integer ? undefined : operate(name, lastRegister)
  return (u) => {
    if (!isMemory(u, 0)) return registers!(u)
    enter(u)
    const x = readOperand(u)
    u.call('x87_compare_memory', [kindNumber(memoryFormat(u, integer)), lowWord(x), highWord(x), k32(pops)])
  }
}

function compareFlags(quiet: boolean, pop: boolean): Meaning {
  return (u) => {
    enter(u)
    const r = u.call('x87_compare_flags', [lastRegister(u), k32(quiet ? 1 : 0), k32(pop ? 1 : 0)], I32)
    u.flags.flush()
    u.e.if(r.geS(0), () => setCompareFlags(u, r))
  }
}

function load(integer: boolean, format?: MemoryFormat): Meaning {
  const register = integer ? undefined : operate('fld', lastRegister)
  return (u) => {
    if (!isMemory(u, 0)) return register!(u)
    enter(u)
    const kind = format ?? memoryFormat(u, integer)
    if (kind !== 'extended' && kind !== 'bcd') {
      const x = readOperand(u)
      u.call('x87_load', [kindNumber(kind), lowWord(x), highWord(x), k32(0)])
      return
    }
    const address = operandAddress(u)
    const low = u.e.let(u.place(0, 'read', { address, size: 64 }).get())
    const high = u.e.let(u.place(0, 'read', { address: address.add(8), size: 16 }).get())
    u.setField(S.fpuDp, address)
    u.call('x87_load', [kindNumber(kind), lowWord(low), highWord(low), high])
  }
}

/** Flags: 1 pops, 2 truncates. */
function store(name: 'fst' | 'fstp' | undefined, flags: number, integer: boolean, format?: MemoryFormat): Meaning {
  const register = name === undefined ? undefined : operate(name, lastRegister)
  return (u) => {
    if (!isMemory(u, 0)) return register!(u)
    enter(u)
    const kind = format ?? memoryFormat(u, integer)
    const address = operandAddress(u)
    const places: { place: Place; value: () => Val }[] = []
    if (kind === 'extended' || kind === 'bcd') {
      places.push(
        { place: u.place(0, 'write', { address, size: 64 }), value: () => u.field(I64, S.temp) },
        {
          place: u.place(0, 'write', { address: address.add(8), size: 16 }),
          value: () => u.field(I32, S.temp + 8).and(0xffff),
        },
      )
    } else if (kind === 'double' || kind === 'qword') {
      places.push({ place: u.place(0, 'write', { address, size: 64 }), value: () => u.field(I64, S.temp) })
    } else {
      const size = kind === 'word' ? 16 : 32
      places.push({
        place: u.place(0, 'write', { address, size }),
        value: () => u.field(I32, S.temp).zext(size),
      })
    }
    u.setField(S.fpuDp, address)
    u.e.if(u.call('x87_store', [kindNumber(kind), k32(flags)], I32), () => {
      for (const { place, value } of places) place.set(value())
    })
  }
}

/** Control instructions do not wait; they meet #NM only. */
const control =
  (body: (u: Unit) => void): Meaning =>
  (u) => {
    guard(u, S.fpuBlock)
    body(u)
  }

const statusWord = (u: Unit): Val => u.field(I32, S.fpuStatus).or(u.field(I32, S.fpuTop).shl(11))

/** Moves an image between S.fpuImage and memory operand 0: both ends are opened first, so that nothing is half done. */
function transfer(u: Unit, bytes: number, unit: 2 | 16, intent: 'read' | 'write', align?: number): void {
  const address = operandAddress(u)
  const size = unit === 2 ? 16 : 128
  const type = unit === 2 ? I32 : V128
  if (align !== undefined) u.place(0, intent, { address, size: 128, align })
  else u.place(0, intent, { address, size })
  u.place(0, intent, { address: u.e.let(address.add(bytes - unit)), size })
  const at = u.e.temp(I32)
  u.e.assign(at, k32(0))
  u.e.loop((start) => {
    const offset = local(I32, at)
    const place = u.place(0, intent, { address: u.e.let(address.add(offset.to64u())), size })
    const image = u.fieldAddress(offset)
    if (intent === 'read') u.e.store(unit === 2 ? 'i32_store16' : 'v128_store', image, place.get(), S.fpuImage)
    else place.set(u.e.load(type, unit === 2 ? 'i32_load16_u' : 'v128_load', image, S.fpuImage))
    u.e.assign(at, offset.add(unit))
    u.e.brIf(local(I32, at).ltU(bytes), start)
  })
}

const isSmall = (u: Unit): boolean => u.insn.operandSize === 16
const imageBytes = (u: Unit, registers: boolean): number => (isSmall(u) ? 14 : 28) + (registers ? 80 : 0)

const save = (registers: boolean): Meaning =>
  control((u) => {
    u.call('x87_save', [k32(isSmall(u) ? 1 : 0), k32(registers ? 1 : 0)])
    transfer(u, imageBytes(u, registers), 2, 'write')
    u.call('x87_saved', [k32(registers ? 1 : 0)])
  })

const restore =
  (registers: boolean): Meaning =>
  (u) => {
    guard(u, S.fpuWaitBlock)
    transfer(u, imageBytes(u, registers), 2, 'read')
    u.call('x87_restore', [k32(isSmall(u) ? 1 : 0), k32(registers ? 1 : 0)])
  }

/** XMM registers that FXSAVE moves: 16 in 64-bit mode. */
const xmmCount = (u: Unit): number => (u.stackSize === 64 ? 16 : 8)
const isWide = (u: Unit): Val => k32(u.insn.operandSize === 64 ? 1 : 0)

/** Conditions that FCMOVcc names. */
export const CONDITIONS = { b: CC.b, e: CC.z, be: CC.be, u: CC.p, nb: CC.nb, ne: CC.nz, nbe: CC.a, nu: CC.np } as const

const fcmov = (cc: number): Meaning => {
  const code = k32(OPERATION_NAMES.indexOf('fcmov'))
  return (u) => {
    enter(u)
    const condition = u.e.let(u.flags.cond(cc))
    u.call('x87_operate', [code, lastRegister(u).or(condition.shl(3))])
  }
}

const PLAIN = [
  ...['fchs', 'fabs', 'ftst', 'fxam', 'fsqrt', 'frndint', 'fscale', 'fxtract', 'fprem', 'fprem1', 'fcompp', 'fucompp'],
  ...['fld1', 'fldl2t', 'fldl2e', 'fldpi', 'fldlg2', 'fldln2', 'fldz', 'fincstp', 'fdecstp'],
  ...['f2xm1', 'fyl2x', 'fptan', 'fpatan', 'fyl2xp1', 'fsincos', 'fsin', 'fcos'],
].filter((name) => OPERATION_NAMES.includes(name))

export const X87_MEANINGS: Meanings = {
  ...Object.fromEntries(PLAIN.map((name) => [name, operate(name)])),
  ...Object.fromEntries(
    ARITH.flatMap((op) => [
      [`f${op}`, arith(op, false, false)],
      [`fi${op}`, arith(op, true, false)],
      [`f${op}p`, arith(op, false, true)],
    ]),
  ),
  ...Object.fromEntries(Object.entries(CONDITIONS).map(([name, cc]) => [`fcmov${name}`, fcmov(cc)])),
  fcom: compare('fcom', false, 0),
  fcomp: compare('fcomp', false, 1),
  ficom: compare('fcom', true, 0),
  ficomp: compare('fcomp', true, 1),
  fucom: operate('fucom', lastRegister),
  fucomp: operate('fucomp', lastRegister),
  fcomi: compareFlags(false, false),
  fcomip: compareFlags(false, true),
  fucomi: compareFlags(true, false),
  fucomip: compareFlags(true, true),
  fxch: operate('fxch', lastRegister),
  ffree: operate('ffree', lastRegister),
  ffreep: operate('ffreep', lastRegister),
  fld: load(false),
  fild: load(true),
  fbld: load(false, 'bcd'),
  fst: store('fst', 0, false),
  fstp: store('fstp', 1, false),
  fist: store(undefined, 0, true),
  fistp: store(undefined, 1, true),
  fisttp: store(undefined, 3, true),
  fbstp: store(undefined, 1, false, 'bcd'),
  fnop: (u) => guard(u, S.fpuWaitBlock),
  fwait: (u) => guard(u, S.waitBlock),
  fnclex: control((u) => {
    u.call('x87_operate', [k32(OPERATION_NAMES.indexOf('fnclex')), k32(0)])
  }),
  fninit: control((u) => {
    u.call('x87_initialize', [])
  }),
  /** 8087 and 80287 relics: nothing since. */
  fneni: control(() => {}),
  fndisi: control(() => {}),
  fnsetpm: control(() => {}),
  fldcw: (u) => {
    guard(u, S.fpuWaitBlock)
    u.call('x87_set_control', [u.e.let(u.place(0, 'read', { size: 16 }).get())])
  },
  fnstcw: control((u) => u.place(0, 'write', { size: 16 }).set(u.field(I32, S.fpuControl).and(0xffff))),
  fnstsw: control((u) => u.place(0, 'write', { size: 16 }).set(statusWord(u).and(0xffff))),
  fnstenv: save(false),
  fnsave: save(true),
  fldenv: restore(false),
  frstor: restore(true),
  fxsave: control((u) => {
    u.call('x87_fxsave', [isWide(u), k32(xmmCount(u))])
    transfer(u, 160 + 16 * xmmCount(u), 16, 'write', 16)
  }),
  fxrstor: control((u) => {
    transfer(u, 160 + 16 * xmmCount(u), 16, 'read', 16)
    u.fallible('x87_fxrstor', [isWide(u), k32(xmmCount(u))])
  }),
}
