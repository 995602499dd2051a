/**
 * PIIX3, the bridge to ISA, PCI function 00:01.0: routes four PCI interrupt wires to ISA interrupts, resets the machine.
 *
 * Spec  [PIIX3] Intel, 82371SB PCI ISA IDE Xcelerator, 2.2
 * Wire  "PIIX3" version 3
 */
import { device, reg, wire, type IrqLine } from '@godwit/hw'
import { born, array, i32, inside, since, struct, u8, type Subsection, type VMState } from '@godwit/vmstate'
import { pulse } from '../pulse.ts'
import { PciFunction } from './pci-function.ts'
import { pciDeviceVmstate, pciState, type PciDeviceState } from './pci-state.ts'

const PIRQRC = 0x60 // four registers: bit 7 off, bits 3-0 ISA interrupt
const RCPU = 0x04 // RC: rising edge resets the processor
const SRST = 0x02 // RC: hard instead of soft

/** Power-on values from 0x40 on. */
const BYTES = {
  0x4c: 0x4d,
  0x4e: 0x03,
  0x60: 0x80,
  0x61: 0x80,
  0x62: 0x80,
  0x63: 0x80,
  0x69: 0x02,
  0x70: 0x80,
  0x76: 0x0c,
  0x77: 0x0c,
  0x78: 0x02,
  0xa0: 0x08,
  0xa8: 0x0f,
}

export interface Piix3State {
  dev: PciDeviceState
  pci_irq_levels_vmstate: Int32Array
  rcr: number
}

const rcr: Subsection<Piix3State> = {
  name: 'PIIX3/rcr',
  version: 1,
  born: '1.4',
  when: 'the reset control register is not 0',
  needed: (s) => s.rcr !== 0,
}

export const vmstate: VMState<Piix3State> = {
  name: 'PIIX3',
  version: 3,
  minVersion: 2,
  life: { born: '0.6.1', described: '0.12', versions: { 3: '0.12' } },
  fields: {
    dev: struct(pciDeviceVmstate),
    pci_irq_levels_vmstate: born('0.9.1', since(3, array<Int32Array, number>(i32, 4))),
    rcr: inside(rcr, u8),
  },
  preLoad: (s) => {
    s.rcr = 0
  },
}

/** Only these ISA interrupts can be reached. */
const ISA = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15] as const
type IsaWire = `isa${(typeof ISA)[number]}`

export const piix3 = device({
  type: 'PIIX3',
  doc: 'PCI to ISA bridge',
  props: {},
  wires: [...ISA.map((n): IsaWire => `isa${n}`), 'reset'] as (IsaWire | 'reset')[],
  state: (): Piix3State => ({
    dev: pciState({
      vendor: 0x8086,
      device: 0x7000,
      classCode: 0x06_01_00,
      multifunction: true,
      status: 0x0200,
      bytes: BYTES,
    }),
    pci_irq_levels_vmstate: new Int32Array(4),
    rcr: 0,
  }),
  vmstate,
  create({ state: s, wires, trace }) {
    const { config } = s.dev
    const isa = ISA.map((n) => wires[`isa${n}`])
    const inputs: IrqLine[] = [0, 1, 2, 3].map(() => wire(route))

    /** Which ISA interrupt a PIRQ wire drives, or -1. */
    const target = (pirq: number): number => (config[PIRQRC + pirq]! < 16 ? config[PIRQRC + pirq]! : -1)

    function levels(): boolean[] {
      const up = isa.map(() => false)
      inputs.forEach((input, pirq) => {
        const n = target(pirq)
        if (input.level && n >= 0) up[n] = true
      })
      return up
    }

    function route(): void {
      levels().forEach((up, n) => isa[n]!.set(up))
      inputs.forEach((input, pirq) => (s.pci_irq_levels_vmstate[pirq] = input.level ? 1 : 0))
    }

    const pci = new PciFunction(s.dev, {
      written(at, size) {
        if (at < PIRQRC + 4 && at + size > PIRQRC) route()
      },
    })

    return {
      pci,
      inputs: { pirqa: inputs[0]!, pirqb: inputs[1]!, pirqc: inputs[2]!, pirqd: inputs[3]! },
      /** Base is port 0xcf9, over the second byte of CONFADD. */
      io: {
        RC: reg(0, 1, 'reset control', {
          read: () => s.rcr,
          write(value) {
            if ((value & RCPU) !== 0) {
              trace('piix3.reset', { value })
              pulse(wires.reset)
              return
            }
            s.rcr = value & SRST
          },
        }),
      },
      reset() {
        pci.reset()
        for (let at = 0x40; at < 0x100; at++) config[at] = 0
        for (const [at, value] of Object.entries(BYTES)) config[Number(at)] = value
        s.rcr = 0
        route()
      },
      afterLoad() {
        pci.afterLoad()
        inputs.forEach((input, pirq) => input.restore(s.pci_irq_levels_vmstate[pirq] !== 0))
        levels().forEach((up, n) => isa[n]!.restore(up))
      },
    }
  },
})
