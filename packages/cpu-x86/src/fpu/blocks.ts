/** What stands in the way of x87, MMX and SSE instructions: fields of the state that follow from CR0, CR4 and MXCSR. */
import { EXC, S } from '../state.ts'

const CR0_MP = 2
const CR0_EM = 4
const CR0_TS = 8
const CR0_NE = 0x20
const CR4_OSFXSR = 0x200
/** MXCSR as WebAssembly's arithmetic has it, flags aside. */
const MXCSR_DEFAULT = 0x1f80
const ES = 0x80

/** Recomputes the block fields of the CPU area at `base`. Call it after any of CR0, CR4, MXCSR, FSW.ES has changed. */
export function updateFpuBlocks(view: DataView, base: number): void {
  const cr0 = view.getUint32(base + S.cr0, true)
  const cr4 = view.getUint32(base + S.cr4, true)
  const pending = (view.getUint32(base + S.fpuStatus, true) & ES) !== 0 && (cr0 & CR0_NE) !== 0
  const set = (field: number, value: number): void => view.setInt32(base + field, value, true)
  const mf = pending ? EXC.MF : 0
  const fpu = (cr0 & (CR0_EM | CR0_TS)) !== 0 ? EXC.NM : 0
  set(S.fpuBlock, fpu)
  set(S.fpuWaitBlock, fpu !== 0 ? fpu : mf)
  const emulated = (cr0 & CR0_EM) !== 0
  const switched = (cr0 & CR0_TS) !== 0 ? EXC.NM : 0
  set(S.mmxBlock, emulated ? EXC.UD : switched !== 0 ? switched : mf)
  const sse = emulated || (cr4 & CR4_OSFXSR) === 0 ? EXC.UD : switched
  set(S.sseBlock, sse)
  const mode = view.getUint32(base + S.mxcsr, true) & 0xffc0
  set(S.sseSlow, sse !== 0 ? sse : mode !== MXCSR_DEFAULT ? 256 : 0)
  set(S.waitBlock, (cr0 & (CR0_MP | CR0_TS)) === (CR0_MP | CR0_TS) ? EXC.NM : mf)
}
