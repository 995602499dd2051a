/**
 * CPU hotplug registers of QEMU's ACPI tables: a bitmap of present processors, or a selector with commands.
 *
 * Spec  [HOTPLUG] QEMU, docs/specs/acpi_cpu_hotplug
 */
import type { IoHandlers } from '@godwit/memory'
import type { CpuHotplugDevice, Piix4PmState } from './pm-state.ts'

const SELECTOR = 0
const FLAGS = 4
const COMMAND = 5
const DATA = 8
const NEXT_WITH_EVENT = 0
const OST_EVENT = 1
const OST_STATUS = 2
const ARCH_ID = 3
const PRESENT = 1
const INSERTING = 2
const REMOVING = 4

/** `present`: how many processors there are; they cannot be added or removed while the machine runs. */
export function cpuHotplugRegs(s: Piix4PmState, present: number): IoHandlers {
  const c = s.cpuhp_state
  const selected = (): CpuHotplugDevice | undefined => c.devs[c.selector]

  function bitmap(offset: number): number {
    let byte = 0
    for (let bit = 0; bit < 8; bit++) if (offset * 8 + bit < present) byte |= 1 << bit
    return byte
  }

  function readModern(offset: number): number {
    const device = selected()
    if (device === undefined) return 0
    if (offset === FLAGS) {
      return (
        (c.selector < present ? PRESENT : 0) |
        (device.is_inserting ? INSERTING : 0) |
        (device.is_removing ? REMOVING : 0)
      )
    }
    if (offset === DATA) return c.command === NEXT_WITH_EVENT || c.command === ARCH_ID ? c.selector : 0
    return 0
  }

  function writeFlags(value: number): void {
    const device = selected()
    if (device === undefined) return
    if ((value & INSERTING) !== 0) device.is_inserting = false
    else if ((value & REMOVING) !== 0) device.is_removing = false
  }

  function nextWithEvent(): void {
    for (let i = 0; i < c.devs.length; i++) {
      const at = (c.selector + i) % c.devs.length
      if (c.devs[at]!.is_inserting || c.devs[at]!.is_removing) {
        c.selector = at
        return
      }
    }
  }

  function writeModern(offset: number, value: number): void {
    if (offset === SELECTOR) c.selector = value
    else if (selected() === undefined) return
    else if (offset === FLAGS) writeFlags(value)
    else if (offset === COMMAND) {
      if (value > ARCH_ID) return
      c.command = value
      if (value === NEXT_WITH_EVENT) nextWithEvent()
    } else if (offset === DATA) {
      if (c.command === OST_EVENT) selected()!.ost_event = value
      else if (c.command === OST_STATUS) selected()!.ost_status = value
    }
  }

  return {
    read(offset, size) {
      if (s.features.modernCpu) return readModern(offset)
      let value = 0
      for (let i = 0; i < size; i++) value |= bitmap(offset + i) << (8 * i)
      return value >>> 0
    },
    write(offset, _size, value) {
      if (s.features.modernCpu) writeModern(offset, value)
      // Nothing ever wrote to the bitmap, so a 0 at its begin asks for the modern registers.
      else if (offset === 0 && value === 0) s.features.modernCpu = true
    },
  }
}
