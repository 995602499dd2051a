/**
 * A function of a PCI device: reads and writes of its configuration space, its base addresses, its interrupt pin.
 *
 * Spec  [PCI] PCI Local Bus Specification 3.0, chapter 6
 */
import { wire, type IrqLine } from '@godwit/hw'
import type { AddressSpace, Mapping, Region } from '@godwit/memory'
import {
  COMMAND,
  COMMAND_INTX_DISABLE,
  COMMAND_IO,
  COMMAND_MASTER,
  COMMAND_MEMORY,
  CONFIG_SIZE,
  INTERRUPT_LINE,
  INTERRUPT_PIN,
  ROM_BAR,
  STATUS,
  STATUS_INTERRUPT,
  BAR0,
  barKind,
  barOffset,
  get16,
  get32,
  put16,
  put32,
  type PciBar,
  type PciDeviceState,
} from './pci-state.ts'

/** What a bus does for a function plugged into it. */
export interface PciSlot {
  readonly ports: AddressSpace
  readonly memory: AddressSpace
  /** Counts one more (1) or one less (-1) function that asserts the pin, 0 for INTA#. */
  changeInterrupt(pin: number, change: 1 | -1): void
}

export interface PciBarRegion extends PciBar {
  /** What answers there; the base is set by the guest. */
  readonly region: Region
}

export interface PciFunctionOptions {
  readonly bars?: readonly PciBarRegion[]
  /** Told after a write to configuration space, which has been masked and taken. */
  readonly written?: (at: number, size: number) => void
}

/** Ports a function answers besides its base addresses; a null base hides them. */
export interface PciWindow {
  set(base: number | null): void
}

/** Base addresses of a PCI function stand over whatever else is there. */
const PRIORITY = 1

export class PciFunction {
  readonly state: PciDeviceState
  /** The function's own interrupt pin. */
  readonly interrupt: IrqLine
  private readonly bars: readonly PciBarRegion[]
  private readonly written: PciFunctionOptions['written']
  private readonly mappings: (Mapping | undefined)[] = []
  private readonly windows: { region: Region; base: number | null; mapping: Mapping | undefined }[] = []
  private slot: PciSlot | undefined

  constructor(state: PciDeviceState, options: PciFunctionOptions = {}) {
    this.state = state
    this.bars = options.bars ?? []
    this.written = options.written
    this.interrupt = wire((level) => this.pinChanged(level))
  }

  get mastering(): boolean {
    return (get16(this.state.config, COMMAND) & COMMAND_MASTER) !== 0
  }

  plug(slot: PciSlot): void {
    this.slot = slot
    this.bars.forEach((bar, i) => {
      const space = bar.kind === 'io' ? slot.ports : slot.memory
      this.mappings[i] = space.add({ ...bar.region, priority: bar.region.priority ?? PRIORITY }, false)
    })
    for (const window of this.windows) {
      window.mapping = slot.ports.add(window.region, window.base !== null)
      window.mapping.set(window.base !== null, window.base ?? 0)
    }
    this.updateMappings()
  }

  /** Ports whose place some register of the function's own says. */
  window(region: Region): PciWindow {
    const window: (typeof this.windows)[number] = { region, base: null, mapping: undefined }
    this.windows.push(window)
    return {
      set(base) {
        window.base = base
        window.mapping?.set(base !== null, base ?? 0)
      },
    }
  }

  /** Takes the function's base addresses out of the address spaces. */
  unplug(): void {
    for (const mapping of this.mappings) mapping?.remove()
    for (const window of this.windows) {
      window.mapping?.remove()
      window.mapping = undefined
    }
    this.mappings.length = 0
    this.slot = undefined
  }

  readConfig(at: number, size: 1 | 2 | 4): number {
    const { config } = this.state
    let value = 0
    for (let i = 0; i < size && at + i < CONFIG_SIZE; i++) value |= config[at + i]! << (8 * i)
    if (this.state.irq_state !== 0 && at <= STATUS && at + size > STATUS)
      value |= STATUS_INTERRUPT << (8 * (STATUS - at))
    return value >>> 0
  }

  writeConfig(at: number, value: number, size: 1 | 2 | 4): void {
    const { config, wmask, w1cmask } = this.state
    const masked = this.interruptsDisabled()
    for (let i = 0; i < size && at + i < CONFIG_SIZE; i++) {
      const byte = (value >>> (8 * i)) & 0xff
      const mask = wmask[at + i]!
      config[at + i] = ((config[at + i]! & ~mask) | (byte & mask)) & ~(byte & w1cmask[at + i]!)
    }
    const touches = (from: number, length: number): boolean => at < from + length && from < at + size
    if (touches(COMMAND, 2) || touches(BAR0, 24) || touches(ROM_BAR, 4)) this.updateMappings()
    if (touches(COMMAND, 2) && this.interruptsDisabled() !== masked) {
      for (let pin = 0; pin < 4; pin++) if (this.level(pin)) this.slot?.changeInterrupt(pin, masked ? 1 : -1)
    }
    this.written?.(at, size)
  }

  /** [PCI] 4.3.1: what RST# does to the standard part of configuration space. */
  reset(): void {
    const { config, wmask, w1cmask } = this.state
    this.interrupt.lower()
    for (const at of [COMMAND, STATUS]) put16(config, at, get16(config, at) & ~(get16(wmask, at) | get16(w1cmask, at)))
    config[0x0c] = 0
    config[INTERRUPT_LINE]! &= ~wmask[INTERRUPT_LINE]!
    for (const bar of this.bars) {
      put32(config, barOffset(bar.index), barKind(bar))
      if (bar.wide) put32(config, barOffset(bar.index) + 4, 0)
    }
    this.updateMappings()
  }

  afterLoad(): void {
    const pin = this.pin()
    this.interrupt.restore(pin >= 0 && this.level(pin))
    this.updateMappings()
  }

  private pin(): number {
    return this.state.config[INTERRUPT_PIN]! - 1
  }

  private interruptsDisabled(): boolean {
    return (get16(this.state.config, COMMAND) & COMMAND_INTX_DISABLE) !== 0
  }

  private pinChanged(level: boolean): void {
    const pin = this.pin()
    if (pin < 0 || pin > 3 || this.level(pin) === level) return
    this.state.irq_state ^= 1 << pin
    if (!this.interruptsDisabled()) this.slot?.changeInterrupt(pin, level ? 1 : -1)
  }

  private level(pin: number): boolean {
    return ((this.state.irq_state >> pin) & 1) !== 0
  }

  private updateMappings(): void {
    this.bars.forEach((bar, i) => {
      const base = this.baseOf(bar)
      this.mappings[i]?.set(base !== null, base ?? 0)
    })
  }

  /** Where the guest has put a region, or null while it answers nowhere. */
  private baseOf(bar: PciBar): number | null {
    const { config } = this.state
    const command = get16(config, COMMAND)
    const at = barOffset(bar.index)
    const low = get32(config, at)
    if (bar.kind === 'io') {
      const base = (low & -bar.sizeBytes) >>> 0
      return (command & COMMAND_IO) !== 0 && base + bar.sizeBytes <= 0x1_0000 ? base : null
    }
    if ((command & COMMAND_MEMORY) === 0) return null
    if (bar.index === 6 && (low & 1) === 0) return null
    const high = bar.wide ? get32(config, at + 4) : 0
    const base = high * 2 ** 32 + ((low & -bar.sizeBytes) >>> 0)
    // While its size is being probed a register holds ones: that is no address.
    const end = base + bar.sizeBytes
    return (bar.wide ? end < 2 ** 52 : end < 2 ** 32) ? base : null
  }
}
