/** What firmware does to the chipset before it starts a kernel, for boots without firmware. */
import type { AddressSpace } from '@godwit/memory'
import { PM_BASE } from '../firmware/acpi.ts'

const CONFIG_ADDRESS = 0xcf8
const CONFIG_DATA = 0xcfc
const PIIX3_FUNCTION = 0x8000_0800
const PM_FUNCTION = 0x8000_0b00

/** PIRQ A to D on ISA 10, 10, 11, 11; those level-triggered; power management at its ports, with its SCI on line 9. */
export function programChipset(ports: AddressSpace, hasPower: boolean): void {
  const config = (fn: number, register: number, size: 1 | 2 | 4, value: number): void => {
    ports.write(CONFIG_ADDRESS, 4, (fn | (register & 0xfc)) >>> 0)
    ports.write(CONFIG_DATA + (register & 3), size, value)
  }
  for (const [i, line] of [10, 10, 11, 11].entries()) config(PIIX3_FUNCTION, 0x60 + i, 1, line)
  ports.write(0x4d0, 1, 0)
  ports.write(0x4d1, 1, (1 << 2) | (1 << 3) | (1 << 1))
  if (!hasPower) return
  config(PM_FUNCTION, 0x3c, 1, 9)
  config(PM_FUNCTION, 0x40, 4, PM_BASE | 1)
  config(PM_FUNCTION, 0x80, 1, 1)
  config(PM_FUNCTION, 0x90, 4, 0x700 | 1)
  config(PM_FUNCTION, 0xd2, 1, 0x09)
  ports.write(PM_BASE + 4, 2, 1) // SCI_EN: there is no SMI handler that would do it
}
