/** Runtime functions of the x87, MMX and SSE meanings. */
import { I32 } from '@godwit/wasm-encoder'
import { GuestFault, type Cpu } from '../cpu.ts'
import { ts, wasm, type RuntimeFunctions } from '../runtime.ts'
import { EXC, S } from '../state.ts'
import { updateFpuBlocks } from './blocks.ts'
import { softArithmetic } from './sse-soft.ts'
import { FAST_ARITH } from './x87-fast-arith.ts'
import { X87_FAST } from './x87-fast.ts'
import { X87_FUNCTIONS } from './x87-functions.ts'
import { X87_VALUES } from './x87-values.ts'
import { X87_WHOLE } from './x87-whole.ts'
import { compareStrings } from './strings.ts'

export { updateFpuBlocks } from './blocks.ts'

const CR4_OSXMMEXCPT = 0x400
const viewOf = (cpu: Cpu): DataView => new DataView(cpu.host.memory.buffer)

export const FPU_FUNCTIONS: RuntimeFunctions = {
  ...X87_FUNCTIONS,
  ...FAST_ARITH,
  ...X87_FAST,
  ...X87_VALUES,
  ...X87_WHOLE,
  /** Raises an exception without an error code. */
  fpu_blocked: wasm([I32], [I32], (f, link) => {
    f.i32(0)
      .get(0)
      .mem('i32_store', link.base + S.vector)
    f.i32(0)
      .i32(0)
      .mem('i32_store', link.base + S.hasErrorCode)
    f.i32(1)
  }),
  /** Arithmetic on S.temp under the guest's MXCSR; records exception flags and raises #XM for unmasked ones. */
  sse_soft: ts([I32, I32], [I32], (cpu) => {
    const view = viewOf(cpu)
    return (code, imm) => {
      const flags = softArithmetic(view, cpu.base, code, imm)
      const mxcsr = view.getUint32(cpu.base + S.mxcsr, true)
      view.setUint32(cpu.base + S.mxcsr, mxcsr | flags, true)
      if ((flags & ~(mxcsr >> 7) & 63) === 0) return 0
      const handled = (view.getUint32(cpu.base + S.cr4, true) & CR4_OSXMMEXCPT) !== 0
      throw new GuestFault(handled ? EXC.XM : EXC.UD)
    }
  }),
  sse_strings: ts([I32, I32, I32, I32], [I32], (cpu) => {
    const view = viewOf(cpu)
    return (imm, a, b, index) => compareStrings(view, cpu.base, imm, a, b, index !== 0)
  }),
  /** LDMXCSR: reserved bits raise #GP(0). */
  set_mxcsr: ts([I32], [I32], (cpu) => {
    const view = viewOf(cpu)
    return (value) => {
      if ((value & ~0xffff) !== 0) throw new GuestFault(EXC.GP, 0)
      view.setUint32(cpu.base + S.mxcsr, value, true)
      updateFpuBlocks(view, cpu.base)
      return 0
    }
  }),
}
