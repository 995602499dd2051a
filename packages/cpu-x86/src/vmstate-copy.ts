/** Between the processor and the plain object that travels: see vmstate.ts. */
import type { Cpu } from './cpu.ts'
import { CR0, CR4, DESC, dplOf, EFER, FLAG, LDTR, TR } from './cpu-state.ts'
import { S } from './state.ts'
import type { CpuWire, SegmentWire } from './vmstate.ts'

/** QEMU's derived word: it loads what comes, so it must be right. */
export function hflagsOf(cpu: Cpu): number {
  const { state } = cpu
  const { cr0, cr4, efer, code64 } = state
  const flags = state.systemFlags
  const bit = (on: boolean, n: number): number => (on ? 1 << n : 0)
  const cs = state.segFlags(1)
  const dpl = dplOf(state.segFlags(2))
  const protectedCode = (cr0 & CR0.PE) !== 0 && (flags & FLAG.VM) === 0 && (cs & DESC.big) !== 0
  const bases = state.segBase(3) !== 0 || state.segBase(0) !== 0 || state.segBase(2) !== 0
  const addSegment = !code64 && (!protectedCode || bases)
  const long = (efer & EFER.LMA) !== 0
  const breakpoints = (cr4 & CR4.DE) !== 0 ? ioBreakpoints(state.low(S.dr + 56)) : false
  return (
    (dpl |
      bit(state.low(S.shadow) !== 0, 3) |
      bit(code64 || (cs & DESC.big) !== 0, 4) |
      bit(code64 || (state.segFlags(2) & DESC.big) !== 0, 5) |
      bit(addSegment, 6) |
      bit((cr0 & CR0.PE) !== 0, 7) |
      (flags & FLAG.TF) |
      ((cr0 & (CR0.MP | CR0.EM | CR0.TS)) << 8) |
      (flags & FLAG.IOPL) |
      bit(long, 14) |
      bit(code64, 15) |
      (flags & (FLAG.RF | FLAG.VM | FLAG.AC)) |
      bit(state.inSmm, 19) |
      bit((efer & EFER.SVME) !== 0, 20) |
      bit((cr4 & CR4.OSFXSR) !== 0, 22) |
      bit((cr4 & CR4.SMAP) !== 0, 23) |
      bit(breakpoints, 24) |
      bit((cr4 & CR4.UMIP) !== 0, 27)) >>>
    0
  )
}

/** DR7: an enabled breakpoint of type I/O (2). */
function ioBreakpoints(dr7: number): boolean {
  for (let i = 0; i < 4; i++) {
    if (((dr7 >> (2 * i)) & 3) !== 0 && ((dr7 >> (16 + 4 * i)) & 3) === 2) return true
  }
  return false
}

export function fill(s: CpuWire): void {
  const { state } = s.cpu
  s['env.regs'].forEach((_, i) => (s['env.regs'][i] = state.gpr(i)))
  s['env.eip'] = state.big(S.rip)
  s['env.eflags'] = BigInt(state.eflags)
  s['env.hflags'] = hflagsOf(s.cpu)
  fillFpu(s)
  s['env.segs'].forEach((w, i) => fillSegment(s, w, i))
  fillSegment(s, s['env.ldt'], LDTR)
  fillSegment(s, s['env.tr'], TR)
  // selector and flags of these two mean nothing; they stay as they came
  Object.assign(s['env.gdt'], { base: state.big(S.gdtBase), limit: state.word(S.gdtLimit) })
  Object.assign(s['env.idt'], { base: state.big(S.idtBase), limit: state.word(S.idtLimit) })
  s['env.sysenter_cs'] = state.sysenterCs
  s['env.sysenter_esp'] = BigInt.asUintN(64, BigInt(state.sysenterEsp))
  s['env.sysenter_eip'] = BigInt.asUintN(64, BigInt(state.sysenterEip))
  s['env.cr[0]'] = state.big(S.cr0)
  s['env.cr[2]'] = state.big(S.cr2)
  s['env.cr[3]'] = state.big(S.cr3)
  s['env.cr[4]'] = state.big(S.cr4)
  s['env.dr'].forEach((_, i) => (s['env.dr'][i] = state.big(S.dr + 8 * i)))
  s['env.a20_mask'] = state.low(S.a20Mask)
  fillVectors(s)
  s['env.efer'] = state.big(S.efer)
  s['env.star'] = state.big(S.star)
  s['env.lstar'] = state.big(S.lstar)
  s['env.cstar'] = state.big(S.cstar)
  s['env.fmask'] = state.big(S.fmask)
  s['env.kernelgsbase'] = state.big(S.kernelGsBase)
  s['env.smbase'] = state.smbase >>> 0
  s['env.pat'] = state.pat
  // Other bits (newer QEMUs set VGIF) stay as they came.
  s['env.hflags2'] = (s['env.hflags2'] & ~0x14) | 1 | (state.nmiBlocked ? 4 : 0) | (state.smiInsideNmi ? 0x10 : 0)
  state.mtrrFixed.forEach((v, i) => (s['env.mtrr_fixed'][i] = v))
  s['env.mtrr_deftype'] = state.mtrrDefType
  s['env.mtrr_var'].forEach((w, i) => Object.assign(w, { base: state.mtrrBase[i], mask: state.mtrrMask[i] }))
  s['env.mcg_cap'] = state.mcgCap
  s['env.mcg_status'] = state.mcgStatus
  s['env.mcg_ctl'] = state.mcgCtl
  state.mceBanks.forEach((v, i) => (s['env.mce_banks'][i] = v))
  s['env.tsc_aux'] = state.big(S.tscAux)
  s['env.xcr0'] = state.xcr0
  s['env.tsc_offset'] = state.tscOffset
  s['env.tsc_adjust'] = state.tscAdjust
  s['env.tsc_deadline'] = state.tscDeadline
  s['env.msr_ia32_misc_enable'] = state.miscEnable
  s['env.msr_ia32_feature_control'] = state.featureControl
  s['env.tsc_khz'] = state.tscKhz
  // Nought is not sent: machine versions before this subsection go without it.
  s['env.msr_smi_count'] = s.cpu.model.quirks.sendsSmiCount ? state.smiCount : 0n
}

function fillSegment(s: CpuWire, w: SegmentWire, i: number): void {
  const { state } = s.cpu
  w.selector = state.selector(i) & 0xffff
  w.base = state.big(S.seg + 48 * i)
  w.limit = state.segLimit(i)
  w.flags = state.segFlags(i) >>> 0
}

function fillFpu(s: CpuWire): void {
  const { state } = s.cpu
  s['env.fpuc'] = state.low(S.fpuControl) & 0xffff
  s['env.fpus_vmstate'] = (state.low(S.fpuStatus) & 0xc7ff) | ((state.low(S.fpuTop) & 7) << 11)
  let tags = 0
  for (let i = 0; i < 8; i++) if (state.bytes[S.fpuEmpty + i] === 0) tags |= 1 << i
  s['env.fptag_vmstate'] = tags
  s['env.fpregs_format_vmstate'] = 0
  s['env.fpregs'].forEach((w, i) => {
    w.tmp.mantissa = state.big(S.fpr + 16 * i)
    w.tmp.exponent = state.view.getUint16(S.fpr + 16 * i + 8, true)
  })
  s['env.fpop'] = state.low(S.fpuOpcode) & 0x7ff
  s['env.fpip'] = state.big(S.fpuIp)
  s['env.fpdp'] = state.big(S.fpuDp)
}

function fillVectors(s: CpuWire): void {
  const { state } = s.cpu
  s['env.mxcsr'] = state.word(S.mxcsr)
  s['env.xmm_regs[0]'].forEach((w, i) => {
    w.low = state.big(S.xmm + 16 * i)
    w.high = state.big(S.xmm + 16 * i + 8)
  })
  s['env.xmm_regs[1]'].forEach((w, i) => {
    w.low = state.ymmHigh[2 * i]!
    w.high = state.ymmHigh[2 * i + 1]!
  })
}

/** Takes a state that came into the processor. What the engine caches is rebuilt by Processor.afterLoad. */
export function take(s: CpuWire): void {
  if (s['env.fpregs_format_vmstate'] !== 0) throw new Error('x87 registers of 80 bits (format 0)')
  if ((s['env.hflags'] & 0x20_0000) !== 0) throw new Error('a guest outside nested virtualisation (SVM)')
  const flags = s['env.eflags']
  if (flags > 0xffff_ffffn || (flags & 2n) === 0n) {
    throw new RangeError(`eflags of 32 bits with bit 1 set, came 0x${flags.toString(16)}`)
  }
  const { state } = s.cpu
  s['env.regs'].forEach((v, i) => state.setGpr(i, v))
  state.setBig(S.rip, s['env.eip'])
  state.setBig(S.cr0, s['env.cr[0]'])
  state.setBig(S.cr2, s['env.cr[2]'])
  state.setBig(S.cr3, s['env.cr[3]'])
  state.setBig(S.cr4, s['env.cr[4]'])
  state.setBig(S.efer, s['env.efer'])
  state.eflags = Number(s['env.eflags'] & 0xffff_ffffn)
  takeFpu(s)
  const real = (Number(s['env.cr[0]'] & 1n) & 1) === 0
  s['env.segs'].forEach((w, i) => takeSegment(s, w, i, real))
  takeSegment(s, s['env.ldt'], LDTR, false)
  takeSegment(s, s['env.tr'], TR, false)
  state.cpl = dplOf(state.segFlags(2))
  state.setBig(S.gdtBase, s['env.gdt'].base)
  state.setWord(S.gdtLimit, s['env.gdt'].limit)
  state.setBig(S.idtBase, s['env.idt'].base)
  state.setWord(S.idtLimit, s['env.idt'].limit)
  state.sysenterCs = s['env.sysenter_cs']
  state.sysenterEsp = canonical(s['env.sysenter_esp'], 'SYSENTER_ESP')
  state.sysenterEip = canonical(s['env.sysenter_eip'], 'SYSENTER_EIP')
  s['env.dr'].forEach((v, i) => state.setBig(S.dr + 8 * i, v))
  state.setWord(S.a20Mask, s['env.a20_mask'])
  takeVectors(s)
  state.setBig(S.star, s['env.star'])
  state.setBig(S.lstar, s['env.lstar'])
  state.setBig(S.cstar, s['env.cstar'])
  state.setBig(S.fmask, s['env.fmask'])
  state.setBig(S.kernelGsBase, s['env.kernelgsbase'])
  state.setBig(S.tscAux, s['env.tsc_aux'])
  state.smbase = s['env.smbase']
  state.pat = s['env.pat']
  state.nmiBlocked = (s['env.hflags2'] & 4) !== 0
  state.smiInsideNmi = (s['env.hflags2'] & 0x10) !== 0
  state.setWord(S.shadow, (s['env.hflags'] >> 3) & 1)
  takeMachine(s)
  const inSmm = (s['env.hflags'] & 0x8_0000) !== 0
  if (inSmm !== state.inSmm) {
    state.inSmm = inSmm
    state.onSmm?.(inSmm)
  }
}

function takeMachine(s: CpuWire): void {
  const { state } = s.cpu
  s['env.mtrr_fixed'].forEach((v, i) => (state.mtrrFixed[i] = v))
  state.mtrrDefType = s['env.mtrr_deftype']
  s['env.mtrr_var'].forEach((w, i) => {
    state.mtrrBase[i] = w.base
    state.mtrrMask[i] = w.mask
  })
  state.mcgCap = s['env.mcg_cap']
  state.mcgStatus = s['env.mcg_status']
  state.mcgCtl = s['env.mcg_ctl']
  s['env.mce_banks'].forEach((v, i) => (state.mceBanks[i] = v))
  state.xcr0 = s['env.xcr0']
  state.tscOffset = s['env.tsc_offset']
  state.tscAdjust = s['env.tsc_adjust']
  state.tscDeadline = s['env.tsc_deadline']
  state.miscEnable = s['env.msr_ia32_misc_enable']
  state.featureControl = s['env.msr_ia32_feature_control']
  state.tscKhz = s['env.tsc_khz']
  state.smiCount = s['env.msr_smi_count']
}

/** An address that this processor can hold: 48 bits, sign-extended. */
function canonical(address: bigint, what: string): number {
  const signed = BigInt.asIntN(64, address)
  if (BigInt.asIntN(48, signed) !== signed) throw new RangeError(`a canonical ${what}, came 0x${address.toString(16)}`)
  return Number(signed)
}

function takeSegment(s: CpuWire, w: SegmentWire, i: number, real: boolean): void {
  if (w.selector > 0xffff) throw new RangeError(`selectors of 16 bits, came 0x${w.selector.toString(16)}`)
  const base = canonical(w.base, 'segment base')
  // Real mode has no privilege; old streams carry a DPL there.
  s.cpu.state.setSegment(i, w.selector, base, w.limit, real ? w.flags & ~0x6000 : w.flags)
}

function takeFpu(s: CpuWire): void {
  const { state } = s.cpu
  state.setWord(S.fpuControl, s['env.fpuc'])
  state.setWord(S.fpuStatus, s['env.fpus_vmstate'] & 0xc7ff)
  state.setWord(S.fpuTop, (s['env.fpus_vmstate'] >> 11) & 7)
  for (let i = 0; i < 8; i++) state.bytes[S.fpuEmpty + i] = ((s['env.fptag_vmstate'] >> i) & 1) ^ 1
  s['env.fpregs'].forEach((w, i) => {
    state.setBig(S.fpr + 16 * i, w.tmp.mantissa)
    state.view.setUint16(S.fpr + 16 * i + 8, w.tmp.exponent, true)
  })
  if (s['env.fpop'] > 0x7ff) throw new RangeError(`an x87 opcode of 11 bits, came 0x${s['env.fpop'].toString(16)}`)
  state.setWord(S.fpuOpcode, s['env.fpop'])
  state.setBig(S.fpuIp, s['env.fpip'])
  state.setBig(S.fpuDp, s['env.fpdp'])
}

function takeVectors(s: CpuWire): void {
  const { state } = s.cpu
  state.setWord(S.mxcsr, s['env.mxcsr'])
  s['env.xmm_regs[0]'].forEach((w, i) => {
    state.setBig(S.xmm + 16 * i, w.low)
    state.setBig(S.xmm + 16 * i + 8, w.high)
  })
  s['env.xmm_regs[1]'].forEach((w, i) => {
    state.ymmHigh[2 * i] = w.low
    state.ymmHigh[2 * i + 1] = w.high
  })
}
