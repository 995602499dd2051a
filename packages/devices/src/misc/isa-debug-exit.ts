/** A port whose write ends the machine, with a code the host can see: for tests that run inside the guest. */
import { device, reg } from '@godwit/hw'

export const isaDebugExit = device({
  type: 'isa-debug-exit',
  doc: 'Ends the machine with an exit code',
  props: {},
  wires: [],
  state: () => ({}),
  vmstate: 'stateless',
  create() {
    let onExit: ((code: number) => void) | undefined
    return {
      io: {
        code: reg(0, 4, 'n written gives exit code 2n + 1', {
          read: () => 0,
          write: (value) => onExit?.(((value << 1) | 1) & 0xff),
        }),
      },
      connect(exit: (code: number) => void): void {
        onExit = exit
      },
      reset: () => undefined,
    }
  },
})
