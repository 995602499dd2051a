import type { Version } from '../family.ts'

/**
 * What the PC machine types share: for each version, how it differs from the row above in the devices and the stream
 * of our boards. Newest first. The row of the newest release takes what is changed now; rows below it never change.
 * `godwit machine set-default` writes here. Properties of devices that we have not are in compat's data.
 */
export const pcRows: readonly Version[] = [
  { version: '11.1', compat: {} },
  { version: '11.0', compat: { migration: { 'switchover-ack-legacy': 'on' } } },
  { version: '10.2', compat: {} },
  { version: '10.1', compat: {} },
  {
    version: '10.0',
    compat: {
      'x86_64-cpu': {
        'x-consistent-cache': 'false',
        'x-vendor-cpuid-only-v2': 'false',
        'x-arch-cap-always-on': 'true',
        'x-pdcm-on-even-without-pmu': 'true',
      },
    },
  },
  {
    version: '9.2',
    compat: { migration: { 'send-switchover-start': 'off', 'multifd-clean-tls-termination': 'false' } },
  },
  { version: '9.1', compat: { 'pci-device': { 'x-pcie-ext-tag': 'false' } } },
  {
    version: '9.0',
    compat: {
      'x86_64-cpu': {
        'x-amd-topoext-features-only': 'false',
        'x-l1-cache-per-thread': 'false',
        'guest-phys-bits': '0',
        'legacy-multi-node': 'on',
      },
    },
  },
  { version: '8.2', compat: { migration: { 'zero-page-detection': 'legacy' } } },
  { version: '8.1', compat: {} },
  {
    version: '8.0',
    compat: {
      migration: { 'multifd-flush-after-each-section': 'on' },
      'pci-device': { 'x-pcie-ari-nextfn-1': 'on' },
    },
    board: { 'smbios-entry-point': '2.8' },
  },
  {
    version: '7.2',
    compat: { migration: { 'x-preempt-pre-7-2': 'true' }, 'pci-device': { 'x-pcie-err-unc-mask': 'off' } },
  },
  { version: '7.1', compat: {} },
  { version: '7.0', compat: {} },
  { version: '6.2', compat: { PIIX4_PM: { 'x-not-migrate-acpi-index': 'on' } } },
  {
    version: '6.1',
    compat: {
      'x86_64-cpu': {
        'hv-version-id-build': '0x1bbc',
        'hv-version-id-major': '0x0006',
        'hv-version-id-minor': '0x0001',
      },
    },
  },
  {
    version: '6.0',
    compat: {
      i8042: { 'extended-state': 'false' },
      'qemu64-x86_64-cpu': { family: '6', model: '6', stepping: '3' },
      'x86_64-cpu': { 'x-vendor-cpuid-only': 'off' },
    },
  },
  { version: '5.2', compat: { PIIX4_PM: { 'smm-compat': 'on' } } },
  { version: '5.1', compat: { 'x86_64-cpu': { 'kvm-msi-ext-dest-id': 'off' } }, board: { 'pci-root-uid': '1' } },
  {
    version: '5.0',
    compat: {
      'pci-host-bridge': { 'x-config-reg-migration-enabled': 'off' },
      vmport: {
        'x-read-set-eax': 'off',
        'x-signal-unsupported-cmd': 'off',
        'x-report-vmx-type': 'off',
        'x-cmds-v2': 'off',
      },
    },
  },
  { version: '4.2', compat: { fw_cfg: { 'acpi-mr-restore': 'false' } } },
  { version: '4.1', compat: {} },
  { version: '4.0', compat: {} },
  {
    version: '3.1',
    compat: { 'x86_64-cpu': { 'x-intel-pt-auto-level': 'off' } },
    board: { 'smbus-migration': 'off' },
  },
  { version: '3.0', compat: { 'x86_64-cpu': { 'x-hv-synic-kvm-only': 'on' } } },
  { version: '2.12', compat: { 'x86_64-cpu': { 'legacy-cache': 'on', topoext: 'off' } } },
  {
    version: '2.11',
    compat: { hpet: { 'hpet-offset-saved': 'false' }, 'x86_64-cpu': { 'x-migrate-smi-count': 'off' } },
  },
  {
    version: '2.10',
    compat: { 'i440FX-pcihost': { 'x-pci-hole64-fix': 'off' }, 'x86_64-cpu': { 'x-hv-max-vps': '0x40' } },
  },
  { version: '2.9', compat: {} },
  {
    version: '2.8',
    compat: {
      fw_cfg_io: { 'x-file-slots': '0x10' },
      'pci-device': { 'x-pcie-extcap-init': 'off' },
      'x86_64-cpu': { 'tcg-cpuid': 'off', 'vmware-cpuid-freq': 'off' },
    },
  },
  {
    version: '2.7',
    compat: {
      ioapic: { version: '0x11' },
      'isa-pcspk': { migrate: 'off' },
      'x86_64-cpu': { 'l3-cache': 'off', 'full-cpuid-auto-level': 'off' },
    },
  },
  {
    version: '2.6',
    compat: {
      'apic-common': { 'legacy-instance-id': 'on' },
      'x86_64-cpu': { 'cpuid-0xb': 'off', 'fill-mtrr-mask': 'off' },
    },
  },
  {
    version: '2.5',
    compat: { 'isa-fdc': { fallback: '144' } },
    board: { 'save-tsc-khz': 'off', 'fw-cfg-order': 'legacy' },
  },
  {
    version: '2.4',
    compat: {
      fw_cfg_io: { dma_enabled: 'off' },
      'qemu32-x86_64-cpu': { 'model-id': 'QEMU Virtual CPU version 2.4.0', popcnt: 'on' },
      'qemu64-x86_64-cpu': {
        'model-id': 'QEMU Virtual CPU version 2.4.0',
        sse4a: 'on',
        abm: 'on',
        popcnt: 'on',
      },
      'x86_64-cpu': { check: 'off' },
    },
  },
]
