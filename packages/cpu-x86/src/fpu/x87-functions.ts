/** Runtime functions of the x87 meanings, in TypeScript: exact and complete. Those of x87-fast.ts fall back to the slow ones. */
import { I32 } from '@godwit/wasm-encoder'
import { GuestFault, type Cpu } from '../cpu.ts'
import { ts, type RuntimeFunctions } from '../runtime.ts'
import { EXC, S } from '../state.ts'
import { ARITH, arithMemory, arithRegisters, compareCodes, compareNumbers, STAYS } from './x87-arith.ts'
import { decodeMemory, KINDS, load, loadBcd, loadExtended, storeBcd, storeInteger, storeReal } from './x87-convert.ts'
import {
  fxrstor,
  fxsave,
  initialize,
  loadEnvironment,
  loadRegisters,
  saveEnvironment,
  saveRegisters,
} from './x87-image.ts'
import { X87 } from './x87-state.ts'
import { operate } from './x87-unary.ts'

const fpuOf = (cpu: Cpu): X87 => new X87(new DataView(cpu.host.memory.buffer), cpu.base)
const join = (low: number, high: number): bigint => BigInt(low >>> 0) | (BigInt(high >>> 0) << 32n)

function store(fpu: X87, kind: (typeof KINDS)[number], chop: boolean): boolean {
  const at = fpu.base + S.temp
  if (kind === 'extended') {
    if (fpu.empty(0)) {
      if (fpu.underflow()) return false
      fpu.view.setBigUint64(at, 0xc000000000000000n, true)
      fpu.view.setUint16(at + 8, 0xffff, true)
      return true
    }
    fpu.c1(false)
    fpu.view.setBigUint64(at, fpu.view.getBigUint64(fpu.slot(0), true), true)
    fpu.view.setUint16(at + 8, fpu.view.getUint16(fpu.slot(0) + 8, true), true)
    return true
  }
  if (kind === 'bcd') {
    const bcd = storeBcd(fpu)
    if (bcd === undefined) return false
    fpu.view.setBigUint64(at, bcd[0], true)
    fpu.view.setUint16(at + 8, bcd[1], true)
    return true
  }
  const bits = kind === 'single' || kind === 'double' ? storeReal(fpu, kind) : storeInteger(fpu, kind, chop)
  if (bits === undefined) return false
  fpu.view.setBigUint64(at, bits, true)
  return true
}

export const X87_FUNCTIONS: RuntimeFunctions = {
  /** ST(to) op= ST(from); pops if asked. */
  x87_arith_slow: ts([I32, I32, I32, I32], [], (cpu) => {
    const fpu = fpuOf(cpu)
    return (op, to, from, pop) => arithRegisters(fpu, ARITH[op]!, to, from, pop !== 0)
  }),
  /** ST(0) op= memory's bits in a format of KINDS. */
  x87_arith_memory_slow: ts([I32, I32, I32, I32], [], (cpu) => {
    const fpu = fpuOf(cpu)
    return (op, kind, low, high) => arithMemory(fpu, ARITH[op]!, decodeMemory(KINDS[kind]!, join(low, high)))
  }),
  x87_compare_memory_slow: ts([I32, I32, I32, I32], [], (cpu) => {
    const fpu = fpuOf(cpu)
    return (kind, low, high, pops) =>
      compareCodes(fpu, fpu.empty(0) ? undefined : fpu.get(0), decodeMemory(KINDS[kind]!, join(low, high)), false, pops)
  }),
  /** FCOMI and the like: 0 greater, 1 less, 2 equal, 3 unordered, -1 if the flags stay. */
  x87_compare_flags_slow: ts([I32, I32, I32], [I32], (cpu) => {
    const fpu = fpuOf(cpu)
    return (i, quiet, pop) => {
      const b = fpu.empty(i) ? undefined : fpu.get(i)
      const r = compareNumbers(fpu, fpu.empty(0) ? undefined : fpu.get(0), b, quiet !== 0)
      if (r >= 0 && r < STAYS && pop !== 0) fpu.pop()
      return r < 0 ? r : r & 3
    }
  }),
  /** Pushes a value in a format of KINDS: low and high word, and 16 bits above. */
  x87_load_slow: ts([I32, I32, I32, I32], [], (cpu) => {
    const fpu = fpuOf(cpu)
    return (kind, low, high, top) => {
      const name = KINDS[kind]!
      if (name === 'bcd') loadBcd(fpu, join(low, high), top)
      else if (name === 'extended') loadExtended(fpu, join(low, high), top)
      else load(fpu, name, join(low, high))
    }
  }),
  /** ST(0) in a format of KINDS to S.temp; 0 if memory keeps what it had. Flags: 1 pops, 2 truncates. */
  x87_store_slow: ts([I32, I32], [I32], (cpu) => {
    const fpu = fpuOf(cpu)
    return (kind, flags) => {
      if (!store(fpu, KINDS[kind]!, (flags & 2) !== 0)) return 0
      if ((flags & 1) !== 0) fpu.pop()
      return 1
    }
  }),
  /** An instruction of OPERATIONS on ST(0) and ST(i). */
  x87_operate_slow: ts([I32, I32], [], (cpu) => {
    const fpu = fpuOf(cpu)
    return (which, i) => operate(fpu, which, i)
  }),
  x87_set_control_slow: ts([I32], [], (cpu) => {
    const fpu = fpuOf(cpu)
    return (value) => {
      fpu.control = value!
    }
  }),
  x87_initialize: ts([], [], (cpu) => {
    const fpu = fpuOf(cpu)
    return () => initialize(fpu)
  }),
  /** Environment, and with `registers` all of the state, to S.fpuImage. */
  x87_save: ts([I32, I32], [], (cpu) => {
    const fpu = fpuOf(cpu)
    return (small, registers) => {
      saveEnvironment(fpu, small !== 0)
      if (registers !== 0) saveRegisters(fpu, cpu.base + S.fpuImage + (small !== 0 ? 14 : 28), 10)
    }
  }),
  /** After the image has been written: FNSTENV masks all exceptions, FNSAVE initializes. */
  x87_saved: ts([I32], [], (cpu) => {
    const fpu = fpuOf(cpu)
    return (registers) => {
      if (registers !== 0) initialize(fpu)
      else fpu.control |= 0x3f
    }
  }),
  x87_restore: ts([I32, I32], [], (cpu) => {
    const fpu = fpuOf(cpu)
    return (small, registers) => {
      const length = loadEnvironment(fpu, small !== 0)
      if (registers !== 0) loadRegisters(fpu, cpu.base + S.fpuImage + length, 10)
    }
  }),
  x87_fxsave: ts([I32, I32], [], (cpu) => {
    const fpu = fpuOf(cpu)
    return (wide, count) => fxsave(fpu, wide !== 0, count)
  }),
  x87_fxrstor: ts([I32, I32], [I32], (cpu) => {
    const fpu = fpuOf(cpu)
    return (wide, count) => {
      if (!fxrstor(fpu, wide !== 0, count)) throw new GuestFault(EXC.GP, 0)
      return 0
    }
  }),
}
