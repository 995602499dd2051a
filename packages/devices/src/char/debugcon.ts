/** A port that prints what is written to it: firmware's debug output. Reads say that it is there. */
import { device, nullChar, num, reg, type Char } from '@godwit/hw'

export const debugcon = device({
  type: 'isa-debugcon',
  doc: 'Debug console of the firmware at port 0x402',
  props: {
    readback: num(0xe9, 'what a read gives'),
  },
  wires: [],
  state: () => ({}),
  vmstate: 'stateless',
  create({ props }) {
    let char: Char = nullChar()
    return {
      io: {
        data: reg(0, 1, 'a byte for the console', {
          read: () => props.readback,
          write: (value) => char.write(Uint8Array.of(value)),
        }),
      },
      connect(to: Char): void {
        char = to
      },
      reset: () => undefined,
    }
  },
})
