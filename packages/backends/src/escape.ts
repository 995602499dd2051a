/** Keys behind the escape key of a serial console: the same as QEMU's. */
export type EscapeAction = 'quit' | 'help'

const CTRL_A = 1

/**
 * Takes Ctrl-A sequences out of what is typed: Ctrl-A x quits, Ctrl-A h helps, Ctrl-A Ctrl-A types one Ctrl-A.
 * Another key after Ctrl-A is dropped.
 */
export class EscapeFilter {
  private armed = false
  private readonly act: (action: EscapeAction) => void

  constructor(act: (action: EscapeAction) => void) {
    this.act = act
  }

  /** What is left for the guest. */
  filter(data: Uint8Array): Uint8Array {
    const out: number[] = []
    for (const byte of data) {
      if (!this.armed) {
        if (byte === CTRL_A) this.armed = true
        else out.push(byte)
        continue
      }
      this.armed = false
      if (byte === CTRL_A) out.push(byte)
      else if (byte === 0x78 || byte === 0x58) this.act('quit')
      else if (byte === 0x68 || byte === 0x3f) this.act('help')
    }
    return Uint8Array.from(out)
  }
}

export const ESCAPE_HELP = 'Ctrl-A h  this help\nCtrl-A x  quit\nCtrl-A Ctrl-A  send Ctrl-A\n'
