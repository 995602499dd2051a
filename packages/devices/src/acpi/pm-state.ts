/**
 * The state of the PIIX4 power management function.
 *
 * Wire  "piix4_pm" version 3
 */
import {
  born,
  array,
  bool,
  derived,
  i64,
  inside,
  since,
  struct,
  timer,
  u16,
  u32,
  u8,
  varray,
  when,
  type Gate,
  type Release,
  type Subsection,
  type VMState,
} from '@godwit/vmstate'
import { pciDeviceVmstate, type PciDeviceState } from '../pci/pci-state.ts'
import { pmSmbusVmstate, type PmSmbusState } from './pm-smbus.ts'

export const PCI_BUSES = 256

export interface ApmState {
  apmc: number
  apms: number
}
export interface GpeState {
  sts: number
  en: number
}
export interface PciStatus {
  up: number
  down: number
}
export interface MemoryHotplugDevice {
  is_enabled: boolean
  is_inserting: boolean
  ost_event: number
  ost_status: number
}
export interface MemoryHotplugState {
  selector: number
  slots: number
  devs: MemoryHotplugDevice[]
}
export interface CpuHotplugDevice {
  is_inserting: boolean
  is_removing: boolean
  ost_event: number
  ost_status: number
}
export interface CpuHotplugState {
  selector: number
  command: number
  cpus: number
  devs: CpuHotplugDevice[]
}

export interface Piix4PmState {
  parent_obj: PciDeviceState
  'ar.pm1.evt.sts': number
  'ar.pm1.evt.en': number
  'ar.pm1.cnt.cnt': number
  apm: ApmState
  smb: PmSmbusState
  'ar.tmr.timer': bigint | null
  'ar.tmr.overflow_time': bigint
  'ar.gpe': GpeState
  /** Of bus 0 alone, as machines without hotplug behind bridges have it. */
  'acpi_pci_hotplug.acpi_pcihp_pci_status[0x0]': PciStatus
  'acpi_pci_hotplug.hotplug_select': number
  'acpi_pci_hotplug.acpi_pcihp_pci_status': PciStatus[]
  'acpi_pci_hotplug.acpi_index': number
  acpi_memory_hotplug: MemoryHotplugState
  cpuhp_state: CpuHotplugState
  features: PmFeatures
}

/** What the machine version's properties say of the stream. */
export interface PmFeatures {
  readonly bridges: boolean
  readonly acpiIndex: boolean
  readonly smbus: boolean
  readonly memory: boolean
  /** The modern interface of CPU hotplug; older machines come to it when the guest asks. */
  modernCpu: boolean
}

const apm: VMState<ApmState> = {
  name: 'APM State',
  version: 1,
  minVersion: 1,
  life: { born: '0.9.0', described: '0.13' },
  fields: { apmc: u8, apms: u8 },
}
const gpe: VMState<GpeState> = {
  name: 'gpe',
  version: 1,
  minVersion: 1,
  life: { born: '0.13' },
  fields: { sts: u16, en: u16 },
}
const pciStatus = (name: string, release: Release): VMState<PciStatus> => ({
  name,
  version: 1,
  minVersion: 1,
  life: { born: release },
  fields: { up: u32, down: u32 },
})
const memoryDevice: VMState<MemoryHotplugDevice> = {
  name: 'memory hotplug device state',
  version: 1,
  minVersion: 1,
  life: { born: '2.1' },
  fields: { is_enabled: bool, is_inserting: bool, ost_event: u32, ost_status: u32 },
}
const memory: VMState<MemoryHotplugState> = {
  name: 'memory hotplug state',
  version: 1,
  minVersion: 1,
  life: { born: '2.1' },
  fields: {
    selector: u32,
    slots: derived("the machine's memory slots"),
    devs: varray<MemoryHotplugDevice[], MemoryHotplugDevice>(struct(memoryDevice), 'slots', 256),
  },
}
const cpuDevice: VMState<CpuHotplugDevice> = {
  name: 'CPU hotplug device state',
  version: 1,
  minVersion: 1,
  life: { born: '2.7' },
  fields: { is_inserting: bool, is_removing: bool, ost_event: u32, ost_status: u32 },
}
const cpu: VMState<CpuHotplugState> = {
  name: 'CPU hotplug state',
  version: 1,
  minVersion: 1,
  life: { born: '2.7' },
  fields: {
    selector: u32,
    command: u8,
    cpus: derived('how many processors the machine can have'),
    devs: varray<CpuHotplugDevice[], CpuHotplugDevice>(struct(cpuDevice), 'cpus', 1024),
  },
}

const memhp: Subsection<Piix4PmState> = {
  name: 'piix4_pm/memhp',
  version: 1,
  born: '2.1',
  gate: { type: 'PIIX4_PM', property: 'memory-hotplug-support', value: 'off', offFor: '2.0' },
  when: 'ACPI memory hotplug is enabled',
  needed: (s) => s.features.memory,
}
const cpuhp: Subsection<Piix4PmState> = {
  name: 'piix4_pm/cpuhp',
  version: 1,
  born: '2.7',
  gate: { type: 'PIIX4_PM', property: 'cpu-hotplug-legacy', value: 'true', offFor: '2.6', until: '11.0' },
  when: 'the modern interface of CPU hotplug is in use; since 11.0 always',
  needed: (s) => s.features.modernCpu,
  preLoad: (s) => {
    s.features.modernCpu = true
  },
}

const bridgesGate: Gate = {
  type: 'PIIX4_PM',
  property: 'acpi-pci-hotplug-with-bridge-support',
  value: 'off',
  offFor: '1.7',
}
const bridges = (s: Piix4PmState): boolean => s.features.bridges

export const vmstate: VMState<Piix4PmState> = {
  name: 'piix4_pm',
  version: 3,
  minVersion: 3,
  life: {
    born: '0.9.0',
    versions: { 2: '0.13', 3: '1.3' },
    minVersions: { 3: '1.3' },
    dead: {
      apmc: { wire: 'uint8', born: '0.9.0', died: '0.13', became: 'apm' },
      apms: { wire: 'uint8', born: '0.9.0', died: '0.13', became: 'apm' },
    },
  },
  fields: {
    parent_obj: struct(pciDeviceVmstate),
    'ar.pm1.evt.sts': u16,
    'ar.pm1.evt.en': u16,
    'ar.pm1.cnt.cnt': u16,
    apm: struct(apm),
    smb: born(
      '4.0',
      when(
        'the machine sends its SMBus',
        (s: Piix4PmState, version) => version >= 3 && s.features.smbus,
        struct(pmSmbusVmstate),
        { type: 'machine', property: 'smbus_no_migration_support', value: 'true', offFor: '3.1', until: '11.0' },
      ),
    ),
    'ar.tmr.timer': timer,
    'ar.tmr.overflow_time': i64,
    'ar.gpe': since(2, struct(gpe)),
    'acpi_pci_hotplug.acpi_pcihp_pci_status[0x0]': born(
      '0.13',
      when('no hotplug behind bridges', (s: Piix4PmState) => !bridges(s), struct(pciStatus('pci_status', '0.13'))),
    ),
    'acpi_pci_hotplug.hotplug_select': born('2.0', when('hotplug behind bridges', bridges, u32, bridgesGate)),
    'acpi_pci_hotplug.acpi_pcihp_pci_status': born(
      '2.0',
      when(
        'hotplug behind bridges',
        bridges,
        array<PciStatus[], PciStatus>(struct(pciStatus('acpi_pcihp_pci_status', '2.0')), PCI_BUSES),
        bridgesGate,
      ),
    ),
    'acpi_pci_hotplug.acpi_index': born(
      '6.0',
      when(
        'hotplug behind bridges, and the ACPI index is sent',
        (s: Piix4PmState) => bridges(s) && s.features.acpiIndex,
        u32,
        { type: 'PIIX4_PM', property: 'x-not-migrate-acpi-index', value: 'true', offFor: '6.2' },
      ),
    ),
    acpi_memory_hotplug: inside(memhp, since(1, struct(memory))),
    cpuhp_state: inside(cpuhp, since(1, struct(cpu))),
    features: derived('properties'),
  },
}
