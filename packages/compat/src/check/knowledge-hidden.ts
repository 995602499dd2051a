/** Subsections in sections that no dump describes: hand-written save code, and what is registered outside devices. */
import { compareVersions } from '@godwit/machines'
import type { Condition } from '../build.ts'

export interface HiddenSubsection {
  /** Name of the description it belongs to; "virtio" stands for every virtio device. */
  readonly section: string
  readonly name: string
  /** Releases of QEMU that know it begin with this. */
  readonly born: string
  readonly when: Condition
  readonly versionIn: (release: string) => number
}

/** Section, name, version, first release, the property that gates it, and when the guest's state makes it needed. */
const TABLE = `
apic | apic_sipi | 1 | 2.2 | - | the processor waits for a startup interrupt
ps2kbd | ps2kbd/ledstate | 3 | 1.0 | - | the LED state is not 0
ps2kbd | ps2kbd/need_high_bit | 1 | 2.8 | - | half of a two-byte code is pending
cpu | cpu/fpop_ip_dp | 1 | 0.15 | - | FPU opcode, instruction or data pointer is not 0
cpu | cpu/msr_tscdeadline | 1 | 1.0 | - | the TSC deadline MSR is not 0
cpu | cpu/msr_ia32_misc_enable | 1 | 1.0 | - | IA32_MISC_ENABLE differs from its default
cpu | cpu/msr_tsc_adjust | 1 | 1.4 | - | TSC_ADJUST is not 0
cpu | cpu/msr_ia32_feature_control | 1 | 1.7 | - | IA32_FEATURE_CONTROL is not 0
cpu | cpu/msr_architectural_pmu | 1 | 1.7 | x86_64-cpu.pmu=on | any architectural PMU MSR is not 0
virtio | virtio/device_endian | 1 | 2.1 | - | the device endianness is not the default one for the target
timer | timer/icount | 1 | 2.2 | accel.icount=on | -
cpu_common | cpu_common/exception_index | 1 | 2.2 | - | TCG only, when an exception number is pending (not -1)
virtio | virtio/64bit_features | 1 | 2.4 | - | feature bits above 31 are offered
virtio | virtio/virtqueues | 1 | 2.4 | - | the device offers VIRTIO 1.0
cpu_common | cpu_common/crash_occurred | 1 | 2.5 | - | the guest reported a crash on this CPU
virtio | virtio/ringsize | 1 | 2.5 | - | a ring size differs from its default
virtio | virtio/extra_state | 1 | 2.5 | - | the transport has extra state (virtio-pci: property migrate-extra, removed 10.1, always since)
cpu | cpu/mcg_ext_ctl | 1 | 2.7 | - | LMCE is enabled and MCG_EXT_CTL is not 0
virtio | virtio/broken | 1 | 2.8 | - | the device is marked broken
virtio | virtio_pci/modern_state | 1 | 2.5 | - | the device is not legacy only (disable-modern off)
virtio | virtio/packed_virtqueues | 1 | 4.2 | - | the device offers packed rings
virtio-net | virtio-net-device/rss | 1, 2 since 10.1 | 5.1 | - | RSS or hash reporting is enabled by the guest
virtio-balloon | virtio-balloon-device/free-page-report | 1 | 4.0 | - | free-page-hint is offered
virtio-balloon | virtio-balloon-device/page-poison | 1 | 5.1 | - | page-poison is offered
cpu | cpu/triple_fault | 1 | 7.2 | - | a triple fault is pending
cpu | cpu/msr_hwcr | 1 | 9.2 | - | the AMD HWCR MSR is not 0
virtio-net | virtio-net-device/backend | 0 | 10.0 | - | the backend is vhost-user and migrates its own state
virtio | virtio/128bit_features | 1 | 10.2 | virtio-net-device.host_tunnel=on | -
virtio | virtio_pci/modern_state/features128 | 1 | 10.2 | virtio-net-device.host_tunnel=on | feature words 2 and 3 are not 0
cpu | cpu/async_pf_msr | 1 | 0.14 | accel.kvm=on | the KVM async-page-fault MSR is not 0
cpu | cpu/async_pv_eoi_msr | 1 | 1.2 | accel.kvm=on | the KVM PV-EOI MSR is not 0
cpu | cpu/steal_time_msr | 1 | 1.5 | accel.kvm=on | the KVM steal-time MSR is not 0
cpu | cpu/mpx | 1 | 2.0 | x86_64-cpu.mpx=on | any MPX bound register, BNDCFGU/BNDSTATUS or BNDCFGS is not 0
cpu | cpu/msr_hyperv_vapic | 1 | 2.0 | accel.kvm=on | the Hyper-V VAPIC MSR is not 0
cpu | cpu/msr_hyperv_time | 1 | 2.0 | accel.kvm=on | the Hyper-V reference TSC MSR is not 0
cpu | cpu/avx512 | 1 | 2.2 | x86_64-cpu.avx512f=on | any opmask or upper ZMM register is not 0
cpu | cpu/xss | 1 | 2.3 | x86_64-cpu.xsaves=on | the XSS MSR is not 0
cpu | cpu/msr_hyperv_crash | 1 | 2.5 | accel.kvm=on | any Hyper-V crash parameter is not 0
cpu | cpu/msr_hyperv_runtime | 1 | 2.5 | accel.kvm=on | hv-runtime is enabled and the MSR is not 0
cpu | cpu/msr_hyperv_synic | 1 | 2.6 | accel.kvm=on | any Hyper-V SynIC MSR is not 0
cpu | cpu/msr_hyperv_stimer | 1 | 2.6 | accel.kvm=on | any Hyper-V synthetic timer MSR is not 0
cpu | cpu/tsc_khz | 1 | 2.6 | accel.kvm=on | the TSC frequency is known
cpu | cpu/pkru | 1 | 2.6 | x86_64-cpu.pku=on | PKRU is not 0
cpu | cpu/spec_ctrl | 1 | 2.12 | x86_64-cpu.spec-ctrl=on | the SPEC_CTRL MSR is not 0
cpu | cpu/intel_pt | 1 | 2.12 | x86_64-cpu.intel-pt=on | any Intel PT (RTIT) MSR is not 0
cpu | cpu/msr_hyperv_reenlightenment | 1 | 3.0 | accel.kvm=on | any Hyper-V reenlightenment MSR is not 0
cpu | cpu/virt_ssbd | 1 | 3.0 | x86_64-cpu.virt-ssbd=on | the VIRT_SSBD MSR is not 0
cpu | cpu/svn_npt | 1 | 3.0 | x86_64-cpu.svm=on | the guest runs a nested guest with nested paging (SVM)
cpu | cpu/kvm_nested_state/vmx/vmcs12 | 1 | 4.1 | accel.kvm=on | the KVM nested state is large enough to hold a VMCS12
cpu | cpu/kvm_nested_state/vmx/shadow_vmcs12 | 1 | 4.1 | accel.kvm=on | the KVM nested state is large enough to hold a shadow VMCS12
cpu | cpu/kvm_nested_state/vmx | 1 | 4.1 | accel.kvm=on | nested VMX with a VMXON pointer set
cpu | cpu/kvm_nested_state/svm | 1 | 5.1 | accel.kvm=on | nested SVM with data present
cpu | cpu/nested_state | 1 | 4.1 | accel.kvm=on | a guest of the guest runs
cpu | cpu/exception_info | 1 | 4.1 | accel.kvm=on | an exception is pending and the vCPU is in guest (nested) mode; before: when KVM exception payload is used
cpu | cpu/poll_control_msr | 1 | 4.2 | - | the poll-control MSR is not 1 (under TCG always)
cpu | cpu/umwait | 1 | 4.2 | x86_64-cpu.waitpkg=on | the UMWAIT control MSR is not 0
cpu | cpu/msr_tsx_ctrl | 1 | 4.2 | x86_64-cpu.tsx-ctrl=on | ARCH_CAPABILITIES offers TSX_CTRL
cpu | cpu/async_pf_int_msr | 1 | 5.2 | accel.kvm=on | the KVM async-page-fault interrupt MSR is not 0
cpu | cpu/pkrs | 1 | 6.0 | x86_64-cpu.pks=on | PKRS is not 0
cpu | cpu/msr_hyperv_hypercall | 1 | 2.0 | accel.kvm=on | the Hyper-V hypercall MSR or guest OS id is not 0
cpu | cpu/svm_guest | 1 | 6.2 | x86_64-cpu.svm=on | the SVM virtual-interrupt control word is not 0
cpu | cpu/intel_sgx | 1 | 6.2 | x86_64-cpu.sgxlc=on | -
cpu | cpu/amd_tsc_scale_msr | 1 | 6.2 | x86_64-cpu.tsc-scale=on | -
cpu | cpu/pdptrs | 1 | 7.0 | accel.kvm=on | the PDPTRs are known
cpu | cpu/msr_xfd | 1 | 7.0 | x86_64-cpu.xfd=on | -
cpu | cpu/intel_amx_xtile | 1 | 7.0 | x86_64-cpu.amx-tile=on | -
cpu | cpu/arch_lbr | 1 | 7.1 | x86_64-cpu.arch-lbr=on | -
cpu | cpu/xen_vcpu | 1 | 8.0 | accel.kvm=on | Xen is emulated
cpu | cpu/fred | 1 | 9.1 | x86_64-cpu.fred=on | -
cpu | cpu/msr_pl0_ssp | 1 | 11.0 | x86_64-cpu.shstk=on | the PL0 SSP MSR is not 0
cpu | cpu/cet_shstk | 1 | 11.0 | x86_64-cpu.shstk=on | -
cpu | cpu/cet | 1 | 11.0 | x86_64-cpu.shstk=on | -
cpu | cpu/apx | 1 | 11.0 | x86_64-cpu.apxf=on | -
cpu | cpu/msr_smi_count | 1 | 2.12 | x86_64-cpu.x-migrate-smi-count=on | an SMI has happened
virtio | virtio/started | 1 | 4.1 | virtio-device.use-started=on | the driver has started the device
virtio | virtio/disabled | 1 | 5.0 | virtio-device.use-disabled-flag=on | bus mastering is off
cpu | cpu/error_code | 1 | 10.2 | x86_64-cpu.x-migrate-error-code=on | an exception with an error code is pending
`

export const HIDDEN: readonly HiddenSubsection[] = TABLE.trim()
  .split('\n')
  .map((line) => line.split(' | ') as [string, string, string, string, string, string])
  .map(([section, name, version, born, gate, state]) => ({
    ...{ section, name, born },
    when: conditionOf(gate, state),
    versionIn: versionsOf(version),
  }))

function conditionOf(gate: string, state: string): Condition {
  const parts = /^(.*)\.(.*)=(.*)$/.exec(gate)
  if (parts === null) return { kind: 'state', sentence: state }
  const [, type, property, value] = parts as unknown as [string, string, string, string]
  return { kind: 'property', type, property, value, ...(state === '-' ? {} : { state }) }
}

/** "1, 2 since 10.1" */
function versionsOf(text: string): (release: string) => number {
  const [first, later] = text.split(', ')
  const [version, since] = later?.split(' since ') ?? []
  return (release) => Number(since !== undefined && compareVersions(release, since) >= 0 ? version : first)
}
