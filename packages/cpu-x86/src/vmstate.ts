/**
 * The sections of a processor: "cpu" version 12 and "cpu_common" version 1, field for field as qemu-system-x86_64
 * writes them. The state that travels is a plain object: preSave fills it from the processor, postLoad takes it in.
 */
import {
  array,
  i32,
  inside,
  named,
  struct,
  u16,
  u32,
  u64,
  u8,
  derived,
  type Subsection,
  type VMState,
} from '@godwit/vmstate'
import type { Cpu } from './cpu.ts'
import { CR0, CR4, DESC, dplOf, EFER, FLAG, LDTR, TR } from './cpu-state.ts'
import { PENDING, S } from './state.ts'

interface SegmentWire {
  selector: number
  base: bigint
  limit: number
  flags: number
}
interface FpRegWire {
  mantissa: bigint
  exponent: number
}
interface XmmWire {
  low: bigint
  high: bigint
}
interface MtrrWire {
  base: bigint
  mask: bigint
}

const segment = struct<SegmentWire>({
  name: 'segment',
  version: 1,
  minVersion: 1,
  fields: { selector: u32, base: u64, limit: u32, flags: u32 },
})
const fpReg = struct<FpRegWire>({
  name: 'fpreg',
  version: 0,
  minVersion: 0,
  fields: { mantissa: u64, exponent: u16 },
})
const vectorHalf = (name: string, first: number) =>
  struct<XmmWire>({
    name,
    version: 1,
    minVersion: 1,
    fields: { low: named(`_q_ZMMReg[${first}]`, u64), high: named(`_q_ZMMReg[${first + 1}]`, u64) },
  })
const mtrr = struct<MtrrWire>({ name: 'mtrr_var', version: 1, minVersion: 1, fields: { base: u64, mask: u64 } })

const many = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make)
const noSegment = (): SegmentWire => ({ selector: 0, base: 0n, limit: 0, flags: 0 })
const zeros = (count: number): bigint[] => many(count, () => 0n)

/** What goes over the wire, with QEMU's names. Values the processor does not have keep what a stream brought. */
export const newCpuWire = (cpu: Cpu) => ({
  cpu,
  'env.regs': zeros(16),
  'env.eip': 0n,
  'env.eflags': 0n,
  'env.hflags': 0,
  'env.fpuc': 0,
  'env.fpus_vmstate': 0,
  'env.fptag_vmstate': 0,
  'env.fpregs_format_vmstate': 0,
  'env.fpregs': many(8, (): FpRegWire => ({ mantissa: 0n, exponent: 0 })),
  'env.segs': many(6, noSegment),
  'env.ldt': noSegment(),
  'env.tr': noSegment(),
  'env.gdt': noSegment(),
  'env.idt': noSegment(),
  'env.sysenter_cs': 0,
  'env.sysenter_esp': 0n,
  'env.sysenter_eip': 0n,
  'env.cr[0]': 0n,
  'env.cr[2]': 0n,
  'env.cr[3]': 0n,
  'env.cr[4]': 0n,
  'env.dr': zeros(8),
  'env.a20_mask': -1,
  'env.mxcsr': 0,
  'env.xmm_regs[0]': many(16, (): XmmWire => ({ low: 0n, high: 0n })),
  'env.efer': 0n,
  'env.star': 0n,
  'env.lstar': 0n,
  'env.cstar': 0n,
  'env.fmask': 0n,
  'env.kernelgsbase': 0n,
  'env.smbase': 0,
  'env.pat': 0n,
  'env.hflags2': 1,
  'env.vm_hsave': 0n,
  'env.vm_vmcb': 0n,
  'env.tsc_offset': 0n,
  'env.intercept': 0n,
  'env.intercept_cr_read': 0,
  'env.intercept_cr_write': 0,
  'env.intercept_dr_read': 0,
  'env.intercept_dr_write': 0,
  'env.intercept_exceptions': 0,
  'env.v_tpr': 0,
  'env.mtrr_fixed': zeros(11),
  'env.mtrr_deftype': 0n,
  'env.mtrr_var': many(8, (): MtrrWire => ({ base: 0n, mask: 0n })),
  'env.interrupt_injected': -1,
  'env.mp_state': 0,
  'env.tsc': 0n,
  'env.exception_nr': -1,
  'env.soft_interrupt': 0,
  'env.nmi_injected': 0,
  'env.nmi_pending': 0,
  'env.has_error_code': 0,
  'env.sipi_vector': 0,
  'env.mcg_cap': 0n,
  'env.mcg_status': 0n,
  'env.mcg_ctl': 0n,
  'env.mce_banks': zeros(40),
  'env.tsc_aux': 0n,
  'env.system_time_msr': 0n,
  'env.wall_clock_msr': 0n,
  'env.xcr0': 1n,
  'env.xstate_bv': 0n,
  'env.xmm_regs[1]': many(16, (): XmmWire => ({ low: 0n, high: 0n })),
  'env.poll_control_msr': 0n,
  'env.fpop': 0,
  'env.fpip': 0n,
  'env.fpdp': 0n,
  'env.tsc_adjust': 0n,
  'env.tsc_deadline': 0n,
  'env.msr_ia32_misc_enable': 1n,
  'env.msr_ia32_feature_control': 0n,
  'env.msr_smi_count': 0n,
})

export type CpuWire = ReturnType<typeof newCpuWire>

const sub = (name: string, needed: (s: CpuWire) => boolean, preLoad?: (s: CpuWire) => void): Subsection<CpuWire> => ({
  name: `cpu/${name}`,
  version: 1,
  minVersion: 1,
  needed,
  ...(preLoad === undefined ? {} : { preLoad }),
})

// KVM's default of the poll control MSR is 1; without KVM it is 0, so it always travels.
const pollControl = sub('poll_control_msr', (s) => s['env.poll_control_msr'] !== 1n)
const fpopIpDp = sub('fpop_ip_dp', (s) => s['env.fpop'] !== 0 || s['env.fpip'] !== 0n || s['env.fpdp'] !== 0n)
const tscAdjust = sub('msr_tsc_adjust', (s) => s['env.tsc_adjust'] !== 0n)
const tscDeadline = sub('msr_tscdeadline', (s) => s['env.tsc_deadline'] !== 0n)
const miscEnable = sub('msr_ia32_misc_enable', (s) => s['env.msr_ia32_misc_enable'] !== 1n)
const featureControl = sub('msr_ia32_feature_control', (s) => s['env.msr_ia32_feature_control'] !== 0n)
const smiCount = sub('msr_smi_count', (s) => s['env.msr_smi_count'] !== 0n)

export const cpuVmstate: VMState<CpuWire> = {
  name: 'cpu',
  version: 12,
  minVersion: 11,
  fields: {
    cpu: derived('the processor itself'),
    'env.regs': array(u64, 16),
    'env.eip': u64,
    'env.eflags': u64,
    'env.hflags': u32,
    'env.fpuc': u16,
    'env.fpus_vmstate': u16,
    'env.fptag_vmstate': u16,
    'env.fpregs_format_vmstate': u16,
    'env.fpregs': array(fpReg, 8),
    'env.segs': array(segment, 6),
    'env.ldt': segment,
    'env.tr': segment,
    'env.gdt': segment,
    'env.idt': segment,
    'env.sysenter_cs': u32,
    'env.sysenter_esp': u64,
    'env.sysenter_eip': u64,
    'env.cr[0]': u64,
    'env.cr[2]': u64,
    'env.cr[3]': u64,
    'env.cr[4]': u64,
    'env.dr': array(u64, 8),
    'env.a20_mask': i32,
    'env.mxcsr': u32,
    'env.xmm_regs[0]': array(vectorHalf('xmm_reg', 0), 16),
    'env.efer': u64,
    'env.star': u64,
    'env.lstar': u64,
    'env.cstar': u64,
    'env.fmask': u64,
    'env.kernelgsbase': u64,
    'env.smbase': u32,
    'env.pat': u64,
    'env.hflags2': u32,
    'env.vm_hsave': u64,
    'env.vm_vmcb': u64,
    'env.tsc_offset': u64,
    'env.intercept': u64,
    'env.intercept_cr_read': u16,
    'env.intercept_cr_write': u16,
    'env.intercept_dr_read': u16,
    'env.intercept_dr_write': u16,
    'env.intercept_exceptions': u32,
    'env.v_tpr': u8,
    'env.mtrr_fixed': array(u64, 11),
    'env.mtrr_deftype': u64,
    'env.mtrr_var': array(mtrr, 8),
    'env.interrupt_injected': i32,
    'env.mp_state': u32,
    'env.tsc': u64,
    'env.exception_nr': i32,
    'env.soft_interrupt': u8,
    'env.nmi_injected': u8,
    'env.nmi_pending': u8,
    'env.has_error_code': u8,
    'env.sipi_vector': u32,
    'env.mcg_cap': u64,
    'env.mcg_status': u64,
    'env.mcg_ctl': u64,
    'env.mce_banks': array(u64, 40),
    'env.tsc_aux': u64,
    'env.system_time_msr': u64,
    'env.wall_clock_msr': u64,
    'env.xcr0': u64,
    'env.xstate_bv': u64,
    'env.xmm_regs[1]': array(vectorHalf('ymmh_reg', 2), 16),
    'env.poll_control_msr': inside(pollControl, u64),
    'env.fpop': inside(fpopIpDp, u16),
    'env.fpip': inside(fpopIpDp, u64),
    'env.fpdp': inside(fpopIpDp, u64),
    'env.tsc_adjust': inside(tscAdjust, u64),
    'env.tsc_deadline': inside(tscDeadline, u64),
    'env.msr_ia32_misc_enable': inside(miscEnable, u64),
    'env.msr_ia32_feature_control': inside(featureControl, u64),
    'env.msr_smi_count': inside(smiCount, u64),
  },
  preSave: (s) => fill(s),
  preLoad(s) {
    s['env.poll_control_msr'] = 1n
    s['env.fpop'] = 0
    s['env.fpip'] = s['env.fpdp'] = 0n
    s['env.tsc_adjust'] = s['env.tsc_deadline'] = s['env.msr_ia32_feature_control'] = s['env.msr_smi_count'] = 0n
    s['env.msr_ia32_misc_enable'] = 1n
  },
  postLoad: (s) => take(s),
}

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

function fill(s: CpuWire): void {
  const { state } = s.cpu
  s['env.regs'].forEach((_, i) => (s['env.regs'][i] = state.gpr(i)))
  s['env.eip'] = state.big(S.rip)
  s['env.eflags'] = BigInt(state.eflags)
  s['env.hflags'] = hflagsOf(s.cpu)
  fillFpu(s)
  s['env.segs'].forEach((w, i) => fillSegment(s, w, i))
  fillSegment(s, s['env.ldt'], LDTR)
  fillSegment(s, s['env.tr'], TR)
  Object.assign(s['env.gdt'], { selector: 0, base: state.big(S.gdtBase), limit: state.word(S.gdtLimit), flags: 0 })
  Object.assign(s['env.idt'], { selector: 0, base: state.big(S.idtBase), limit: state.word(S.idtLimit), flags: 0 })
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
  s['env.tsc_adjust'] = state.tscAdjust
  s['env.tsc_deadline'] = state.tscDeadline
  s['env.msr_ia32_misc_enable'] = state.miscEnable
  s['env.msr_ia32_feature_control'] = state.featureControl
  s['env.msr_smi_count'] = state.smiCount
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
    w.mantissa = state.big(S.fpr + 16 * i)
    w.exponent = state.view.getUint16(S.fpr + 16 * i + 8, true)
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
function take(s: CpuWire): void {
  if (s['env.fpregs_format_vmstate'] !== 0) throw new Error('x87 registers of 80 bits (format 0)')
  if ((s['env.hflags'] & 0x20_0000) !== 0) throw new Error('a guest outside nested virtualisation (SVM)')
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
  state.sysenterEsp = Number(BigInt.asIntN(64, s['env.sysenter_esp']))
  state.sysenterEip = Number(BigInt.asIntN(64, s['env.sysenter_eip']))
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
  state.tscAdjust = s['env.tsc_adjust']
  state.tscDeadline = s['env.tsc_deadline']
  state.miscEnable = s['env.msr_ia32_misc_enable']
  state.featureControl = s['env.msr_ia32_feature_control']
  state.smiCount = s['env.msr_smi_count']
}

function takeSegment(s: CpuWire, w: SegmentWire, i: number, real: boolean): void {
  const base = Number(BigInt.asIntN(64, w.base))
  // Real mode has no privilege; old streams carry a DPL there.
  s.cpu.state.setSegment(i, w.selector & 0xffff, base, w.limit, real ? w.flags & ~0x6000 : w.flags)
}

function takeFpu(s: CpuWire): void {
  const { state } = s.cpu
  state.setWord(S.fpuControl, s['env.fpuc'])
  state.setWord(S.fpuStatus, s['env.fpus_vmstate'] & 0xc7ff)
  state.setWord(S.fpuTop, (s['env.fpus_vmstate'] >> 11) & 7)
  for (let i = 0; i < 8; i++) state.bytes[S.fpuEmpty + i] = ((s['env.fptag_vmstate'] >> i) & 1) ^ 1
  s['env.fpregs'].forEach((w, i) => {
    state.setBig(S.fpr + 16 * i, w.mantissa)
    state.view.setUint16(S.fpr + 16 * i + 8, w.exponent, true)
  })
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

// -- cpu_common ------------------------------------------------------------------------------------------------------
export const newCpuCommonWire = (cpu: Cpu) => ({ cpu, halted: 0, interrupt_request: 0 })
export type CpuCommonWire = ReturnType<typeof newCpuCommonWire>

/** QEMU's bits of interrupt_request, and ours. */
const REQUESTS: readonly (readonly [theirs: number, ours: number])[] = [
  [0x002, PENDING.intr],
  [0x040, PENDING.smi],
  [0x200, PENDING.nmi],
  [0x400, PENDING.init],
  [0x800, PENDING.sipi],
]

export const cpuCommonVmstate: VMState<CpuCommonWire> = {
  name: 'cpu_common',
  version: 1,
  minVersion: 1,
  fields: { cpu: derived('the processor itself'), halted: u32, interrupt_request: u32 },
  preSave(s) {
    const pending = s.cpu.state.low(S.pending)
    s.halted = s.cpu.state.low(S.halted) === 0 ? 0 : 1
    s.interrupt_request = REQUESTS.reduce((w, [theirs, ours]) => ((pending & ours) !== 0 ? w | theirs : w), 0)
  },
  postLoad(s) {
    const { state } = s.cpu
    state.setWord(S.halted, s.halted)
    const bits = REQUESTS.reduce((w, [theirs, ours]) => ((s.interrupt_request & theirs) !== 0 ? w | ours : w), 0)
    state.setWord(S.pending, bits)
  },
}
