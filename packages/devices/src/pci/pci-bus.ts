/**
 * The root PCI bus of the 440FX: finds functions by number and brings their interrupt pins to four wires.
 *
 * Spec  [PCI] PCI Local Bus Specification 3.0, 2.2.6 and 3.2.2.3
 * Wire  "PCIBUS" version 1
 */
import { device } from '@godwit/hw'
import type { AddressSpace } from '@godwit/memory'
import { array, equal, i32, type VMState } from '@godwit/vmstate'
import type { PciFunction } from './pci-function.ts'

const PINS = 4

export interface PciBusState {
  nirq: number
  /** How many functions assert each wire. */
  irq_count: Int32Array
}

export const vmstate: VMState<PciBusState> = {
  name: 'PCIBUS',
  version: 1,
  minVersion: 1,
  life: { born: '0.9.1' },
  fields: { nirq: equal(i32), irq_count: array<Int32Array, number>(i32, PINS) },
}

/** Device and function number in one byte, as the configuration address has them. */
export const devfn = (slot: number, fn = 0): number => (slot << 3) | fn

export const pciBus = device({
  type: 'PCI',
  doc: 'Root PCI bus with four interrupt wires',
  props: {},
  wires: ['pirqa', 'pirqb', 'pirqc', 'pirqd'],
  state: (): PciBusState => ({ nirq: PINS, irq_count: new Int32Array(PINS) }),
  vmstate,
  create({ state: s, wires }) {
    const out = [wires.pirqa, wires.pirqb, wires.pirqc, wires.pirqd]
    const functions = new Map<number, PciFunction>()
    let spaces: { ports: AddressSpace; memory: AddressSpace } | undefined

    /** The board turns the pins by one from slot to slot, so that INTA# of neighbours do not meet. */
    const wireOf = (at: number, pin: number): number => (pin + (at >> 3) + PINS - 1) % PINS

    function plug(at: number, fn: PciFunction): void {
      if (spaces === undefined) throw new Error('a PCI bus needs its address spaces before its functions')
      if (functions.has(at)) throw new Error(`PCI function ${at >> 3}.${at & 7} is taken`)
      functions.set(at, fn)
      fn.plug({
        ...spaces,
        changeInterrupt(pin, change) {
          const n = wireOf(at, pin)
          s.irq_count[n]! += change
          out[n]!.set(s.irq_count[n] !== 0)
        },
      })
    }

    return {
      /** Gives the bus the address spaces its functions' base addresses appear in. */
      connect(ports: AddressSpace, memory: AddressSpace): void {
        spaces = { ports, memory }
      },
      plug,
      functionAt: (at: number): PciFunction | undefined => functions.get(at),
      functions: (): ReadonlyMap<number, PciFunction> => functions,
      /** `address`: bus, device, function and register as in CONFADD. Nobody there: all ones. */
      readConfig(address: number, size: 1 | 2 | 4): number {
        const fn = ((address >>> 16) & 0xff) === 0 ? functions.get((address >>> 8) & 0xff) : undefined
        return fn === undefined ? 0xffff_ffff : fn.readConfig(address & 0xff, size)
      },
      writeConfig(address: number, value: number, size: 1 | 2 | 4): void {
        if (((address >>> 16) & 0xff) === 0)
          functions.get((address >>> 8) & 0xff)?.writeConfig(address & 0xff, value, size)
      },
      reset() {
        for (const fn of functions.values()) fn.reset()
      },
      afterLoad() {
        out.forEach((line, n) => line.restore(s.irq_count[n] !== 0))
      },
    }
  },
})

export type PciBus = ReturnType<(typeof pciBus)['create']>
