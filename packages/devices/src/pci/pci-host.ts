/**
 * Configuration mechanism 1: the address goes to 0xcf8, the data through 0xcfc.
 *
 * Spec  [PCI] PCI Local Bus Specification 3.0, 3.2.2.3.2
 * Wire  "PCIHost" version 1
 */
import { device, flag, reg } from '@godwit/hw'
import { derived, u32, type VMState } from '@godwit/vmstate'
import type { PciBus } from './pci-bus.ts'

const ENABLE = 0x8000_0000

export interface PciHostState {
  config_reg: number
  sent: boolean
}

export const vmstate: VMState<PciHostState> = {
  name: 'PCIHost',
  version: 1,
  minVersion: 1,
  life: {
    born: '5.1',
    gate: { type: 'pci-host-bridge', property: 'x-config-reg-migration-enabled', value: 'false', offFor: '5.0' },
  },
  needed: (s) => s.sent,
  fields: { config_reg: u32, sent: derived('property x-config-reg-migration-enabled') },
}

export const pciHost = device({
  type: 'i440FX-pcihost',
  doc: 'The two ports through which PCI configuration space is reached',
  props: {
    'x-config-reg-migration-enabled': flag(true, 'send the address register'),
  },
  wires: [],
  state: (props): PciHostState => ({ config_reg: 0, sent: props['x-config-reg-migration-enabled'] }),
  vmstate,
  create({ state: s }) {
    let bus: PciBus | undefined
    const enabled = (): boolean => s.config_reg >= ENABLE
    return {
      connect(to: PciBus): void {
        bus = to
      },
      io: {
        CONFADD: reg(0, 4, 'bus, device, function and register; takes only double words', {
          read: () => s.config_reg,
          write(value, at, size) {
            if (at === 0 && size === 4) s.config_reg = value >>> 0
          },
        }),
        CONFDATA: reg(4, 4, 'the register that CONFADD names', {
          read: (at, size) =>
            enabled() && bus !== undefined ? bus.readConfig((s.config_reg | at) >>> 0, size) : 0xffff_ffff,
          write(value, at, size) {
            if (enabled()) bus?.writeConfig((s.config_reg | at) >>> 0, value, size)
          },
        }),
      },
      // The address register survives a reset, as QEMU has it.
      reset: () => undefined,
    }
  },
})
