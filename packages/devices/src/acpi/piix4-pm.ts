/**
 * Power management of the PIIX4, PCI function 00:01.3, with QEMU's hotplug registers beside it.
 *
 * The guest finds the PM timer and the PM1 registers at a base it sets itself; it switches ACPI on through the APM port.
 *
 * Spec  [PIIX4] Intel, 82371AB PCI-to-ISA/IDE Xcelerator, 7 · [ACPI] ACPI Specification 1.0b, 4.7
 *       [HOTPLUG] QEMU, docs/specs/acpi_pci_hotplug, acpi_cpu_hotplug
 * Wire  "piix4_pm" version 3
 */
import { device, flag, handlersOf, num, reg, type Regs } from '@godwit/hw'
import { PciFunction } from '../pci/pci-function.ts'
import { get32, pciState, put32 } from '../pci/pci-state.ts'
import { pulse } from '../pulse.ts'
import { savedTimer } from '../saved-timer.ts'
import { cpuHotplugRegs } from './cpu-hotplug.ts'
import { PCI_BUSES, vmstate, type Piix4PmState } from './pm-state.ts'
import { pmSmbusRegs, pmSmbusState, type SmbusTarget } from './pm-smbus.ts'

// -- registers --------------------------------------------- [ACPI] 4.7.3, [PIIX4] 7.1 ----
const PMBA = 0x40
const DEVACTB = 0x58
const APMC_EN = 0x0200_0000 // DEVACTB: writes to APMC raise SMI
const PMREGMISC = 0x80
const SMBBA = 0x90
const SMBHSTCFG = 0xd2
const TMR_STS = 0x0001
const PWRBTN_STS = 0x0100
const WAK_STS = 0x8000
const PM1_EVENTS = 0x0521 // RTC, power button, global lock, timer
const SCI_EN = 0x0001
const SLP_EN = 0x2000
const ACPI_ENABLE = 0xf1
const ACPI_DISABLE = 0xf0
const GPE_PCI = 0x02

const PM_TIMER_HZ = 3_579_545n
const NS = 1_000_000_000n
const TIMER_MASK = 0xff_ffffn
/** The timer's event comes whenever bit 23 changes. */
const HALF_TIMER = 0x80_0000n
const SOFT_OFF = 0
const SUSPEND_TO_RAM = 1

/** Power-on values from 0x40 on. */
const BYTES = { 0x40: 0x01, 0x5f: 0x10, 0x63: 0x60, 0x67: 0x08, 0x90: 0x01, 0x91: 0xb1, 0xd2: 0x09 }

// -- model --------------------------------------------------------------------------------
export const piix4Pm = device({
  type: 'PIIX4_PM',
  doc: 'ACPI power management, SMBus and hotplug registers',
  props: {
    'smm-enabled': flag(false, 'the processor has a system management mode'),
    'smm-compat': flag(false, 'without that mode, ACPI is off until the guest switches it on'),
    disable_s3: num(0, '1: no suspend to RAM'),
    disable_s4: num(0, '1: no suspend to disk'),
    s4_val: num(2, 'sleep type that means suspend to disk'),
    'acpi-pci-hotplug-with-bridge-support': flag(true, 'PCI hotplug registers for more than bus 0'),
    'acpi-root-pci-hotplug': flag(true, 'PCI hotplug on bus 0'),
    'memory-hotplug-support': flag(true, 'sends the state of memory hotplug'),
    'x-not-migrate-acpi-index': flag(false, 'leaves the ACPI index out'),
    'cpu-hotplug-legacy': flag(false, 'CPU hotplug begins as a bitmap, until the guest asks for the modern registers'),
    'migrate-smbus': flag(true, 'sends the SMBus host (machines since 4.0)'),
    cpus: num(1, 'processors that are there'),
    'max-cpus': num(1, 'processors there can be'),
    'memory-slots': num(0, 'slots for memory'),
  },
  wires: ['sci', 'smi', 'poweroff', 'suspend'],
  state: (props): Piix4PmState => ({
    parent_obj: pciState({
      vendor: 0x8086,
      device: 0x7113,
      revision: 3,
      classCode: 0x06_80_00,
      status: 0x0280,
      interruptPin: 1,
      bytes: BYTES,
    }),
    'ar.pm1.evt.sts': 0,
    'ar.pm1.evt.en': 0,
    'ar.pm1.cnt.cnt': 0,
    apm: { apmc: 0, apms: 0 },
    smb: pmSmbusState(),
    'ar.tmr.timer': null,
    'ar.tmr.overflow_time': 0n,
    'ar.gpe': { sts: 0, en: 0 },
    'acpi_pci_hotplug.acpi_pcihp_pci_status[0x0]': { up: 0, down: 0 },
    'acpi_pci_hotplug.hotplug_select': 0,
    'acpi_pci_hotplug.acpi_pcihp_pci_status': Array.from({ length: PCI_BUSES }, () => ({ up: 0, down: 0 })),
    'acpi_pci_hotplug.acpi_index': 0,
    acpi_memory_hotplug: {
      selector: 0,
      slots: props['memory-slots'],
      devs: Array.from({ length: props['memory-slots'] }, () => ({
        is_enabled: false,
        is_inserting: false,
        ost_event: 0,
        ost_status: 0,
      })),
    },
    cpuhp_state: {
      selector: 0,
      command: 0,
      cpus: props['max-cpus'],
      devs: Array.from({ length: props['max-cpus'] }, () => ({
        is_inserting: false,
        is_removing: false,
        ost_event: 0,
        ost_status: 0,
      })),
    },
    features: {
      bridges: props['acpi-pci-hotplug-with-bridge-support'],
      acpiIndex: !props['x-not-migrate-acpi-index'],
      smbus: props['migrate-smbus'],
      memory: props['memory-hotplug-support'],
      modernCpu: !props['cpu-hotplug-legacy'],
    },
  }),
  vmstate,
  create({ state: s, props, wires, time, trace }) {
    const clock = time.virtual
    const { config } = s.parent_obj
    const acpiOnly = !props['smm-enabled'] && !props['smm-compat']
    const overflow = savedTimer(clock, s, 'ar.tmr.timer', update)
    let findTarget: (address: number) => SmbusTarget | undefined = () => undefined
    let removable = 0xffff_fffc
    let onEject: ((bus: number, slots: number) => void) | undefined

    const ticks = (): bigint => (clock.now() * PM_TIMER_HZ) / NS
    const nextHalf = (): bigint => (ticks() + HALF_TIMER) & ~(HALF_TIMER - 1n)

    /** PM1 status with the timer's bit brought up to the moment. */
    function status(): number {
      if (ticks() >= s['ar.tmr.overflow_time']) s['ar.pm1.evt.sts'] |= TMR_STS
      return s['ar.pm1.evt.sts']
    }

    function update(): void {
      const sts = status()
      const en = s['ar.pm1.evt.en']
      wires.sci.set((sts & en & PM1_EVENTS) !== 0 || (s['ar.gpe'].sts & s['ar.gpe'].en) !== 0)
      if ((en & TMR_STS) !== 0 && (sts & TMR_STS) === 0) {
        const due = s['ar.tmr.overflow_time']
        overflow.set((due * NS + PM_TIMER_HZ - 1n) / PM_TIMER_HZ)
      } else {
        overflow.cancel()
      }
    }

    function writeStatus(value: number): void {
      if ((status() & value & TMR_STS) !== 0) s['ar.tmr.overflow_time'] = nextHalf()
      s['ar.pm1.evt.sts'] &= ~value
      update()
    }

    function sleep(type: number): void {
      trace('piix4_pm.sleep', { type })
      if (type === SOFT_OFF || (type === props.s4_val && props.disable_s4 === 0)) pulse(wires.poweroff)
      else if (type === SUSPEND_TO_RAM && props.disable_s3 === 0) pulse(wires.suspend)
    }

    function writeControl(value: number): void {
      s['ar.pm1.cnt.cnt'] = (value & ~SLP_EN & 0xffff) | (acpiOnly ? SCI_EN : 0)
      if ((value & SLP_EN) !== 0) sleep((value >> 10) & 7)
    }

    function writeApmc(value: number): void {
      s.apm.apmc = value
      if (value === ACPI_ENABLE || value === ACPI_DISABLE) {
        if (acpiOnly) return
        if (value === ACPI_ENABLE) s['ar.pm1.cnt.cnt'] |= SCI_EN
        else s['ar.pm1.cnt.cnt'] &= ~SCI_EN
        return
      }
      if ((get32(config, DEVACTB) & APMC_EN) !== 0) pulse(wires.smi)
    }

    /** Ports of two-byte registers: a byte access reaches half of one. */
    const halves = (read: () => number, write: (value: number) => void) => ({
      read: (at: number, size: 1 | 2 | 4) => (size === 1 ? (read() >> (8 * at)) & 0xff : read()),
      write: (value: number, at: number, size: 1 | 2 | 4) => write(size === 1 ? value << (8 * at) : value),
    })

    const pm: Regs = {
      PMSTS: reg(0, 2, 'PM1 status; ones clear', halves(status, writeStatus)),
      PMEN: reg(
        2,
        2,
        'PM1 enable',
        halves(
          () => s['ar.pm1.evt.en'],
          (v) => {
            s['ar.pm1.evt.en'] = v & 0xffff
            update()
          },
        ),
      ),
      PMCNTRL: reg(
        4,
        2,
        'PM1 control: SCI enable, sleep',
        halves(() => s['ar.pm1.cnt.cnt'], writeControl),
      ),
      PMTMR: reg(8, 4, 'PM timer, 24 bits at 3.579545 MHz', {
        read: (at) => Number(ticks() & TIMER_MASK) >>> (8 * at),
      }),
    }

    const gpeByte = (at: number): number => ((at < 2 ? s['ar.gpe'].sts : s['ar.gpe'].en) >> (8 * (at & 1))) & 0xff
    const gpe: Regs = {
      GPE0: reg(0, 4, 'two bytes of status, two of enable', {
        read(at, size) {
          let value = 0
          for (let i = 0; i < size; i++) value |= gpeByte(at + i) << (8 * i)
          return value >>> 0
        },
        write(value, at, size) {
          for (let i = 0; i < size; i++) {
            const shift = 8 * ((at + i) & 1)
            const byte = (value >>> (8 * i)) & 0xff
            if (at + i < 2) s['ar.gpe'].sts &= ~(byte << shift)
            else s['ar.gpe'].en = (s['ar.gpe'].en & ~(0xff << shift)) | (byte << shift)
          }
          update()
        },
      }),
    }

    const bus = (): { up: number; down: number } | undefined =>
      s.features.bridges
        ? s['acpi_pci_hotplug.acpi_pcihp_pci_status'][s['acpi_pci_hotplug.hotplug_select']]
        : s['acpi_pci_hotplug.acpi_pcihp_pci_status[0x0]']
    const pciHotplug: Regs = {
      PCI_UP: reg(0, 4, 'slots that got a device; reading clears', {
        read() {
          const b = bus()
          const value = b?.up ?? 0
          if (b !== undefined && s.features.bridges) b.up = 0
          return value
        },
      }),
      PCI_DOWN: reg(4, 4, 'slots whose device shall go', { read: () => bus()?.down ?? 0 }),
      EJECT: reg(8, 4, 'slots to eject', {
        read: () => 0,
        write(value) {
          const b = bus()
          if (b === undefined) return
          b.down = (b.down & ~value) >>> 0
          b.up = (b.up & ~value) >>> 0
          onEject?.(s['acpi_pci_hotplug.hotplug_select'], value)
        },
      }),
      REMOVABLE: reg(12, 4, 'slots that can be hotplugged', {
        read() {
          if (bus() === undefined) return 0
          return s['acpi_pci_hotplug.hotplug_select'] === 0 ? removable : 0xffff_ffff
        },
      }),
      SELECT: reg(16, 4, 'bus the registers above speak of', {
        read: () => (bus() === undefined ? 0 : s['acpi_pci_hotplug.hotplug_select']),
        write: (v) => void (s['acpi_pci_hotplug.hotplug_select'] = s.features.bridges ? v : 0),
      }),
      ...(s.features.bridges && s.features.acpiIndex
        ? {
            ACPI_INDEX: reg(20, 4, "a slot's number for the operating system; 0: none", {
              read() {
                if (bus() === undefined) return 0
                const value = s['acpi_pci_hotplug.acpi_index']
                s['acpi_pci_hotplug.acpi_index'] = 0
                return value
              },
              write: () => void (s['acpi_pci_hotplug.acpi_index'] = 0),
            }),
          }
        : {}),
    }

    const apm: Regs = {
      APMC: reg(0, 1, 'command to the firmware', { read: () => s.apm.apmc, write: writeApmc }),
      APMS: reg(1, 1, "the firmware's scratch", { read: () => s.apm.apms, write: (v) => void (s.apm.apms = v) }),
    }

    const pci = new PciFunction(s.parent_obj, {
      written(at, size) {
        const touches = (from: number, length: number): boolean => at < from + length && from < at + size
        if (touches(PMBA, 4) || touches(PMREGMISC, 1)) mapPm()
        if (touches(SMBBA, 4) || touches(SMBHSTCFG, 1)) mapSmbus()
      },
    })
    const window = (name: string, regs: Regs) =>
      pci.window({ kind: 'io', name, base: 0, size: 64, priority: 1, io: handlersOf(regs) })
    const pmWindow = window('piix4-pm', pm)
    const smbusWindow = window(
      'pm-smbus',
      pmSmbusRegs(s.smb, (address) => findTarget(address)),
    )

    function mapPm(): void {
      pmWindow.set((config[PMREGMISC]! & 1) !== 0 ? get32(config, PMBA) & 0xffc0 : null)
    }

    function mapSmbus(): void {
      smbusWindow.set((config[SMBHSTCFG]! & 1) !== 0 ? get32(config, SMBBA) & 0xffc0 : null)
    }

    function raiseGpe(bit: number): void {
      s['ar.gpe'].sts |= bit
      update()
    }

    const cpuhp = cpuHotplugRegs(s, props.cpus)
    mapSmbus()

    return {
      pci,
      /** Base is port 0xb2. */
      apm,
      /** Base is port 0xafe0, 4 ports. */
      gpe,
      /** Base is port 0xae00, 24 ports. */
      pciHotplug,
      /** Base is port 0xaf00, 32 ports: their meaning changes, so they are handlers and not registers. */
      cpuHotplug: cpuhp,
      /** PM1 and SMBus registers appear by themselves where the guest maps them; these are for inspection. */
      pm,
      /** Who answers on the SMBus. */
      connect(find: (address: number) => SmbusTarget | undefined): void {
        findTarget = find
      },
      /** Which slots of bus 0 can be hotplugged, and who is told of ejections. */
      connectHotplug(slots: number, eject: (bus: number, slots: number) => void): void {
        removable = slots >>> 0
        onEject = eject
      },
      /** A device was plugged into a slot, or shall leave it. */
      plugged(busNumber: number, slot: number, up: boolean): void {
        const b = s.features.bridges
          ? s['acpi_pci_hotplug.acpi_pcihp_pci_status'][busNumber]
          : s['acpi_pci_hotplug.acpi_pcihp_pci_status[0x0]']
        if (b === undefined) return
        if (up) b.up = (b.up | (1 << slot)) >>> 0
        else b.down = (b.down | (1 << slot)) >>> 0
        raiseGpe(GPE_PCI)
      },
      /** Somebody pressed the power button; a guest that has not enabled it does not notice. */
      powerButton(): void {
        if ((s['ar.pm1.evt.en'] & PWRBTN_STS) === 0) return
        s['ar.pm1.evt.sts'] |= PWRBTN_STS
        update()
      },
      /** The machine wakes from suspend. */
      wake(): void {
        s['ar.pm1.evt.sts'] |= WAK_STS | PWRBTN_STS
        update()
      },
      reset() {
        pci.reset()
        config.fill(0, 0x58, 0x5c)
        put32(config, PMBA, 1)
        config[PMREGMISC] = 0
        // Firmware takes this for "SMM is set up already" where there is none.
        if (!props['smm-enabled']) config[DEVACTB + 3] = 0x02
        put32(config, SMBBA, 0xb101)
        Object.assign(s.apm, { apmc: 0, apms: 0 })
        Object.assign(s['ar.gpe'], { sts: 0, en: 0 })
        s['ar.pm1.evt.sts'] = 0
        s['ar.pm1.evt.en'] = 0
        s['ar.pm1.cnt.cnt'] = acpiOnly ? SCI_EN : 0
        s['ar.tmr.overflow_time'] = 0n
        Object.assign(s.smb, pmSmbusState(), { smb_data: s.smb.smb_data.fill(0) })
        s['acpi_pci_hotplug.hotplug_select'] = 0
        mapPm()
        mapSmbus()
        update()
      },
      afterLoad() {
        pci.afterLoad()
        mapPm()
        mapSmbus()
        overflow.rearm()
        const events = s['ar.pm1.evt.sts'] & s['ar.pm1.evt.en'] & PM1_EVENTS
        wires.sci.restore(events !== 0 || (s['ar.gpe'].sts & s['ar.gpe'].en) !== 0)
      },
    }
  },
})
