/**
 * Properties that rows name and no device of ours has, each with its reason. A property that is neither here nor a
 * device's is a misspelling, and the check says so.
 */
import { boardOf, compatOf } from './family.ts'
import type { MachineType } from './registry.ts'

const EXPRESS = 'PCI Express only; the board has conventional PCI'
const KVM = 'offered by KVM alone'
const HYPERV = 'Hyper-V enlightenments are not offered'
const OLD_LEAVES = 'CPUID has the older values in every version'
const SENDER = 'the sender here does not have what the property switches'

/** By "type.property": why the old value needs nothing of us. */
export const WITHOUT_EFFECT: Readonly<Record<string, string>> = {
  'migration.switchover-ack-legacy': SENDER,
  'migration.multifd-clean-tls-termination': SENDER,
  'migration.zero-page-detection': 'zero pages go on the main channel in every version',
  'migration.multifd-flush-after-each-section': SENDER,
  'migration.x-preempt-pre-7-2': SENDER,
  'pci-device.x-pcie-ext-tag': EXPRESS,
  'pci-device.x-pcie-ari-nextfn-1': EXPRESS,
  'pci-device.x-pcie-err-unc-mask': EXPRESS,
  'pci-device.x-pcie-extcap-init': EXPRESS,
  'vmport.x-report-vmx-type': 'the product type is told in no version',
  'vmport.x-cmds-v2': 'the newer commands are served in no version',
  'i440FX-pcihost.x-pci-hole64-fix': 'there is no 64-bit PCI window',
  'isa-fdc.fallback': 'type of a drive without a disk; there is no drive',
  'apic-common.legacy-instance-id': 'with one processor both ways give 0',
  'x86_64-cpu.x-consistent-cache': OLD_LEAVES,
  'x86_64-cpu.x-vendor-cpuid-only': OLD_LEAVES,
  'x86_64-cpu.x-vendor-cpuid-only-v2': OLD_LEAVES,
  'x86_64-cpu.x-amd-topoext-features-only': OLD_LEAVES,
  'x86_64-cpu.x-l1-cache-per-thread': OLD_LEAVES,
  'x86_64-cpu.legacy-multi-node': OLD_LEAVES,
  'x86_64-cpu.guest-phys-bits': 'concerns nested page tables, which no model has',
  'x86_64-cpu.legacy-cache': 'no model here has caches of its own',
  'x86_64-cpu.x-intel-pt-auto-level': 'no model here has processor trace',
  'x86_64-cpu.x-arch-cap-always-on': KVM,
  'x86_64-cpu.x-pdcm-on-even-without-pmu': KVM,
  'x86_64-cpu.kvm-msi-ext-dest-id': KVM,
  'x86_64-cpu.vmware-cpuid-freq': KVM,
  'x86_64-cpu.fill-mtrr-mask': KVM,
  'x86_64-cpu.hv-version-id-build': HYPERV,
  'x86_64-cpu.hv-version-id-major': HYPERV,
  'x86_64-cpu.hv-version-id-minor': HYPERV,
  'x86_64-cpu.x-hv-synic-kvm-only': HYPERV,
  'x86_64-cpu.x-hv-max-vps': HYPERV,
  'x86_64-cpu.check': 'whether a filtered feature is warned of',
}

/** By "type.property=value": what a version that asks for it would need of us. Such a machine is not made. */
export const REFUSED: Readonly<Record<string, string>> = {}

/** Properties of the migration object that are honoured. */
export const MIGRATION_PROPS: readonly string[] = ['send-switchover-start']

/** What boards do by version. */
export const BOARD_VALUES: Readonly<Record<string, string>> = {
  'smbios-entry-point': 'form of the SMBIOS anchor: 2.8 or 3.0',
  'pci-root-uid': 'unique id of the PCI root in the ACPI tables',
  'smbus-migration': 'whether the state of the SMBus host travels',
  'save-tsc-khz': 'whether the rate of the TSC travels',
  'fw-cfg-order': 'order of the files in fw_cfg, and so their keys: by name, or "legacy"',
  'kernel-irqchip-split': 'interrupt controllers between kernel and emulator; q35 under KVM',
}

/** Board values that no board of ours has, by "name=value". */
const REFUSED_BOARD: Readonly<Record<string, string>> = {
  'save-tsc-khz=off': 'the rate of the TSC always travels here',
  'fw-cfg-order=legacy':
    'files of fw_cfg stand in the order of their names here, so the guest would find others under its keys',
}

/** A machine version that asks for what this board has not. */
export class UnmodelledVersion extends RangeError {
  constructor(message: string) {
    super(message)
    this.name = 'UnmodelledVersion'
  }
}

/** Why a machine of this type cannot be made; empty if it can. */
export function refusalsOf({ family, version }: MachineType): string[] {
  if (family.noBoard !== undefined) return [family.noBoard]
  const compat = Object.entries(compatOf(family, version)).flatMap(([type, props]) =>
    Object.entries(props).flatMap(([name, value]) => {
      const why = REFUSED[`${type}.${name}=${value}`]
      return why === undefined ? [] : [`${type}.${name}=${value}: ${why}`]
    }),
  )
  const board = Object.entries(boardOf(family, version)).flatMap(([name, value]) => {
    const why = REFUSED_BOARD[`${name}=${value}`]
    return why === undefined ? [] : [`board ${name}=${value}: ${why}`]
  })
  return [...compat, ...board]
}

/** @throws UnmodelledVersion */
export function refuseUnmodelled(type: MachineType): void {
  const reasons = refusalsOf(type)
  if (reasons.length > 0) {
    throw new UnmodelledVersion(`machine type ${type.name} cannot be made here: ${reasons.join('; ')}`)
  }
}
