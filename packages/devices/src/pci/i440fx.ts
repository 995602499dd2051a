/**
 * 440FX host bridge (PMC), PCI function 00:00.0.
 *
 * The guest decides here what it sees between 640 KiB and 1 MiB: PAM for the firmware's part, SMRAM for the video hole.
 *
 * Spec  [440FX] Intel, 82441FX PCI and Memory Controller, 3.2
 * Wire  "I440FX" version 3
 */
import { device, num } from '@godwit/hw'
import { struct, unused, type VMState } from '@godwit/vmstate'
import type { Shadow } from './pam.ts'
import { PciFunction } from './pci-function.ts'
import { pciDeviceVmstate, pciState, type PciDeviceState } from './pci-state.ts'

const DRB0 = 0x57 // here: RAM in units of 8 MiB, as QEMU's firmware reads it
const PAM0 = 0x59
const PAM6 = 0x5f
const SMRAM = 0x72
const D_OPEN = 0x40 // SMRAM: RAM shows outside system management mode
const G_SMRAME = 0x08 // SMRAM: RAM shows in system management mode
const RE = 1 // PAM: reads go to RAM
const WE = 2 // PAM: writes go to RAM

export interface I440fxState {
  parent_obj: PciDeviceState
}

export const vmstate: VMState<I440fxState> = {
  name: 'I440FX',
  version: 3,
  minVersion: 3,
  life: {
    born: '0.6.1',
    described: '0.9.0',
    versions: { 2: '0.9.1', 3: '0.12' },
    dead: {
      smm_enabled: { wire: 'uint8', born: '0.9.0', died: '2.4', became: 'unused@0' },
    },
  },
  fields: {
    parent_obj: struct(pciDeviceVmstate),
    unused: unused(1, { born: '2.4', was: 'whether SMM was enabled', lastWriter: '2.3', unversioned: [] }),
  },
}

export const i440fx = device({
  type: 'i440FX',
  doc: '440FX host bridge: what is RAM and what is ROM below 1 MiB',
  props: {
    'ram-size': num(128 * 1024 * 1024, 'bytes of RAM in the machine'),
  },
  wires: [],
  state: (props): I440fxState => ({
    parent_obj: pciState({
      vendor: 0x8086,
      device: 0x1237,
      revision: 2,
      classCode: 0x06_00_00,
      bytes: { [DRB0]: Math.min(255, Math.floor(props['ram-size'] / (8 * 1024 * 1024))), [SMRAM]: 0x02 },
    }),
  }),
  vmstate,
  create({ state: s, trace }) {
    const { config } = s.parent_obj
    let shadow: Shadow | undefined

    function pam(): void {
      for (let segment = 0; segment < 13; segment++) {
        const byte = config[PAM0 + ((segment + 1) >> 1)]!
        const bits = segment === 0 || segment % 2 === 0 ? byte >> 4 : byte
        // QEMU shows RAM only where it can be read; writes alone go to the bus.
        shadow?.pam(segment, (bits & RE) !== 0, (bits & WE) !== 0)
      }
      trace('i440fx.pam')
    }

    function smram(): void {
      shadow?.smram((config[SMRAM]! & D_OPEN) !== 0, (config[SMRAM]! & G_SMRAME) !== 0)
    }

    const pci = new PciFunction(s.parent_obj, {
      written(at, size) {
        if (at <= PAM6 && at + size > PAM0) pam()
        if (at <= SMRAM && at + size > SMRAM) smram()
      },
    })

    return {
      pci,
      connect(to: Shadow): void {
        shadow = to
        pam()
        smram()
      },
      reset() {
        pci.reset()
        config.fill(0, PAM0, PAM6 + 1)
        config[SMRAM] = 0x02
        pam()
        smram()
      },
      afterLoad() {
        pci.afterLoad()
        pam()
        smram()
      },
    }
  },
})
