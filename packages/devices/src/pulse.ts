import type { IrqLine } from '@godwit/hw'

/** One short high on a wire: how a chip asks for a reset or for power off. */
export function pulse(line: IrqLine): void {
  line.raise()
  line.lower()
}
