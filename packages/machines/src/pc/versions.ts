import type { Family } from '../family.ts'

/**
 * The versions of pc-i440fx with the compat properties that touch the devices and the stream of this board.
 * Newest first; the newest row is empty. A released row never changes.
 */
export const pcI440fx: Family = {
  name: 'pc-i440fx',
  doc: 'Standard PC (i440FX + PIIX, 1996)',
  alias: 'pc',
  versions: [
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
  ],
}
