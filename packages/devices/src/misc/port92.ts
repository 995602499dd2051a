/**
 * System control port A at 0x92: fast A20 gate and reset.
 *
 * Spec  [PS/2] IBM, PS/2 Model 50 and 60 Technical Reference, "System Control Port A"
 * Wire  "port92" version 1
 */
import { device, reg } from '@godwit/hw'
import { u8, type VMState } from '@godwit/vmstate'
import { pulse } from '../pulse.ts'

const INIT_NOW = 0x01
const A20 = 0x02

export interface Port92State {
  outport: number
}

export const vmstate: VMState<Port92State> = {
  name: 'port92',
  version: 1,
  minVersion: 1,
  life: { born: '0.14' },
  fields: { outport: u8 },
}

export const port92 = device({
  type: 'port92',
  doc: 'Fast A20 gate and reset',
  props: {},
  wires: ['a20', 'reset'],
  state: (): Port92State => ({ outport: 0 }),
  vmstate,
  create({ state: s, wires }) {
    return {
      io: {
        A: reg(0, 1, 'bit 1 opens the A20 gate, a rising bit 0 resets', {
          read: () => s.outport,
          write(value) {
            const was = s.outport
            s.outport = value
            wires.a20.set((value & A20) !== 0)
            if ((value & INIT_NOW) !== 0 && (was & INIT_NOW) === 0) pulse(wires.reset)
          },
        }),
      },
      reset() {
        s.outport &= ~INIT_NOW
      },
      afterLoad() {
        wires.a20.restore((s.outport & A20) !== 0)
      },
    }
  },
})
