/**
 * The sections of a processor: "cpu" version 12 and "cpu_common" version 1, field for field as qemu-system-x86_64
 * writes them. The state that travels is a plain object: preSave fills it from the processor, postLoad takes it in.
 */
import {
  born,
  array,
  i32,
  i64,
  inside,
  named,
  since,
  struct,
  tmp,
  u16,
  u32,
  u64,
  u8,
  derived,
  type Release,
  type Subsection,
  type VMState,
} from '@godwit/vmstate'
import type { Cpu } from './cpu.ts'
import { PENDING, S } from './state.ts'
import { fill, take } from './vmstate-copy.ts'

export interface SegmentWire {
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
  life: { born: '0.6.0' },
  fields: { selector: u32, base: u64, limit: u32, flags: u32 },
})
const fpValue: VMState<FpRegWire> = {
  name: 'fpreg_tmp',
  version: 0,
  minVersion: 0,
  life: { born: '0.6.0', described: '2.10' },
  fields: { mantissa: named('tmp_mant', u64), exponent: named('tmp_exp', u16) },
}
const fpReg = struct<{ tmp: FpRegWire }>({
  name: 'fpreg',
  version: 0,
  minVersion: 0,
  life: { born: '0.6.0', described: '2.10' },
  fields: { tmp: tmp(fpValue, { before: (value: FpRegWire) => value, after: (value: FpRegWire) => value }) },
})
const vectorHalf = (name: string, first: number, release: Release, fields = release) =>
  struct<XmmWire>({
    name,
    version: 1,
    minVersion: 1,
    life: { born: release },
    fields: {
      low: born(fields, named(`_q_ZMMReg[${first}]`, u64)),
      high: born(fields, named(`_q_ZMMReg[${first + 1}]`, u64)),
    },
  })
const mtrr = struct<MtrrWire>({
  name: 'mtrr_var',
  version: 1,
  minVersion: 1,
  life: { born: '0.6.0' },
  fields: { base: born('0.10', u64), mask: born('0.10', u64) },
})

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
  'env.fpregs': many(8, (): { tmp: FpRegWire } => ({ tmp: { mantissa: 0n, exponent: 0 } })),
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
  'env.tsc_khz': 0n,
  'env.msr_smi_count': 0n,
})

export type CpuWire = ReturnType<typeof newCpuWire>

const sub = (
  name: string,
  life: Pick<Subsection<CpuWire>, 'born' | 'gate' | 'when'>,
  needed: (s: CpuWire) => boolean,
): Subsection<CpuWire> => ({ name: `cpu/${name}`, version: 1, minVersion: 1, ...life, needed })

// KVM's default of the poll control MSR is 1; without KVM it is 0, so it always travels.
const pollControl = sub(
  'poll_control_msr',
  { born: '4.2', when: 'the poll control MSR of KVM is not 1; under TCG always, as 0' },
  (s) => s['env.poll_control_msr'] !== 1n,
)
const fpopIpDp = sub(
  'fpop_ip_dp',
  { born: '0.15', when: 'FPU opcode, instruction or data pointer is not 0' },
  (s) => s['env.fpop'] !== 0 || s['env.fpip'] !== 0n || s['env.fpdp'] !== 0n,
)
const tscAdjust = sub('msr_tsc_adjust', { born: '1.4', when: 'TSC_ADJUST is not 0' }, (s) => s['env.tsc_adjust'] !== 0n)
const tscDeadline = sub(
  'msr_tscdeadline',
  { born: '1.0', when: 'the TSC deadline MSR is not 0' },
  (s) => s['env.tsc_deadline'] !== 0n,
)
const miscEnable = sub(
  'msr_ia32_misc_enable',
  { born: '1.0', when: 'IA32_MISC_ENABLE differs from its default' },
  (s) => s['env.msr_ia32_misc_enable'] !== 1n,
)
const featureControl = sub(
  'msr_ia32_feature_control',
  { born: '1.7', when: 'IA32_FEATURE_CONTROL is not 0' },
  (s) => s['env.msr_ia32_feature_control'] !== 0n,
)
const tscKhz = sub(
  'tsc_khz',
  {
    born: '2.6',
    gate: { type: 'machine', property: 'save_tsc_khz', value: 'false', offFor: '2.5', until: '10.1' },
    when: 'the TSC frequency is known (KVM, or tsc-frequency given)',
  },
  (s) => s['env.tsc_khz'] !== 0n,
)
const smiCount = sub(
  'msr_smi_count',
  {
    born: '2.12',
    gate: { type: 'x86_64-cpu', property: 'x-migrate-smi-count', value: 'false', offFor: '2.11' },
    when: 'the SMI counter is not 0 and x-migrate-smi-count is on',
  },
  (s) => s['env.msr_smi_count'] !== 0n,
)

export const cpuVmstate: VMState<CpuWire> = {
  name: 'cpu',
  version: 12,
  minVersion: 11,
  life: {
    born: '0.6.0',
    versions: {
      2: '0.6.0',
      3: '0.7.0',
      4: '0.9.0',
      5: '0.10',
      6: '0.10',
      7: '0.10',
      8: '0.10',
      9: '0.11',
      10: '0.11',
      11: '0.12',
      12: '0.13',
    },
    minVersions: { 11: '2.10' },
    dead: {
      'env.sysenter_esp': { wire: 'uint64 of versions below 7', born: '0.6.0', died: '2.10' },
      'env.sysenter_eip': { wire: 'uint64 of versions below 7', born: '0.6.0', died: '2.10' },
      'parent_obj.halted': { wire: 'uint32 of version 5', born: '0.10', died: '2.10' },
    },
  },
  fields: {
    cpu: derived('the processor itself'),
    'env.regs': array(u64, 16),
    'env.eip': u64,
    'env.eflags': u64,
    'env.hflags': u32,
    'env.fpuc': u16,
    'env.fpus_vmstate': u16,
    'env.fptag_vmstate': u16,
    'env.fpregs_format_vmstate': born('0.7.0', u16),
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
    'env.mxcsr': born('0.7.0', u32),
    'env.xmm_regs[0]': born('0.7.0', array(vectorHalf('xmm_reg', 0, '0.6.0', '0.7.0'), 16)),
    'env.efer': born('0.7.0', u64),
    'env.star': born('0.7.0', u64),
    'env.lstar': born('0.7.0', u64),
    'env.cstar': born('0.7.0', u64),
    'env.fmask': born('0.7.0', u64),
    'env.kernelgsbase': born('0.7.0', u64),
    'env.smbase': born('0.9.0', u32),
    'env.pat': born('0.10', u64),
    'env.hflags2': born('0.10', u32),
    'env.vm_hsave': born('0.10', u64),
    'env.vm_vmcb': born('0.10', u64),
    'env.tsc_offset': born('0.10', u64),
    'env.intercept': born('0.10', u64),
    'env.intercept_cr_read': born('0.10', u16),
    'env.intercept_cr_write': born('0.10', u16),
    'env.intercept_dr_read': born('0.10', u16),
    'env.intercept_dr_write': born('0.10', u16),
    'env.intercept_exceptions': born('0.10', u32),
    'env.v_tpr': born('0.10', u8),
    'env.mtrr_fixed': born('0.10', array(u64, 11)),
    'env.mtrr_deftype': born('0.10', u64),
    'env.mtrr_var': born('0.10', array(mtrr, 8)),
    'env.interrupt_injected': born('0.11', i32),
    'env.mp_state': born('0.11', u32),
    'env.tsc': born('0.11', u64),
    'env.exception_nr': born('0.12', i32, { formerly: { '4.1': 'env.exception_injected' } }),
    'env.soft_interrupt': born('0.12', u8),
    'env.nmi_injected': born('0.12', u8),
    'env.nmi_pending': born('0.12', u8),
    'env.has_error_code': born('0.12', u8),
    'env.sipi_vector': born('0.12', u32),
    'env.mcg_cap': born('0.11', u64),
    'env.mcg_status': born('0.11', u64),
    'env.mcg_ctl': born('0.11', u64),
    'env.mce_banks': born('0.11', array(u64, 40)),
    'env.tsc_aux': born('0.12', u64),
    'env.system_time_msr': born('0.12', u64),
    'env.wall_clock_msr': born('0.12', u64),
    'env.xcr0': since(12, u64),
    'env.xstate_bv': since(12, u64),
    'env.xmm_regs[1]': since(12, array(vectorHalf('ymmh_reg', 2, '0.13'), 16)),
    'env.poll_control_msr': inside(pollControl, u64),
    'env.fpop': inside(fpopIpDp, u16),
    'env.fpip': inside(fpopIpDp, u64),
    'env.fpdp': inside(fpopIpDp, u64),
    'env.tsc_adjust': inside(tscAdjust, u64),
    'env.tsc_deadline': inside(tscDeadline, u64),
    'env.msr_ia32_misc_enable': inside(miscEnable, u64),
    'env.msr_ia32_feature_control': inside(featureControl, u64),
    'env.tsc_khz': inside(tscKhz, i64),
    'env.msr_smi_count': inside(smiCount, u64),
  },
  preSave: fill,
  preLoad(s) {
    s['env.poll_control_msr'] = 1n
    s['env.fpop'] = 0
    s['env.fpip'] = s['env.fpdp'] = 0n
    s['env.tsc_adjust'] = s['env.tsc_deadline'] = s['env.msr_ia32_feature_control'] = s['env.msr_smi_count'] = 0n
    s['env.msr_ia32_misc_enable'] = 1n
    s['env.tsc_khz'] = s.cpu.state.tscKhz
  },
  postLoad: take,
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

/** Requests to QEMU's own run loop, which say nothing of the guest: exit, exit of a block, halt, debug, poll, TPR access. */
const RUN_LOOP = 0x20b5

export const cpuCommonVmstate: VMState<CpuCommonWire> = {
  name: 'cpu_common',
  version: 1,
  minVersion: 1,
  life: { born: '0.10' },
  fields: { cpu: derived('the processor itself'), halted: u32, interrupt_request: u32 },
  preSave(s) {
    const pending = s.cpu.state.low(S.pending)
    s.halted = s.cpu.state.low(S.halted) === 0 ? 0 : 1
    s.interrupt_request = REQUESTS.reduce((w, [theirs, ours]) => ((pending & ours) !== 0 ? w | theirs : w), 0)
  },
  postLoad(s) {
    const { state } = s.cpu
    if (s.halted > 1) throw new RangeError(`halted 0 or 1, came ${s.halted}`)
    const unknown = s.interrupt_request & ~REQUESTS.reduce((w, [theirs]) => w | theirs, RUN_LOOP)
    if (unknown !== 0)
      throw new RangeError(`no request but those of this processor, came 0x${(unknown >>> 0).toString(16)}`)
    state.setWord(S.halted, s.halted)
    const bits = REQUESTS.reduce((w, [theirs, ours]) => ((s.interrupt_request & theirs) !== 0 ? w | ours : w), 0)
    state.setWord(S.pending, bits)
  },
}
