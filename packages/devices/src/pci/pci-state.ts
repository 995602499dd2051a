/**
 * The configuration space of a PCI function as state: 256 bytes with three masks beside them.
 *
 * Spec  [PCI] PCI Local Bus Specification 3.0, chapter 6
 * Wire  "PCIDevice" version 2, inside each function's section
 */
import { born, derived, i32PositiveLe, named, pciConfig, pciIrqState, since, type VMState } from '@godwit/vmstate'

export const CONFIG_SIZE = 256

export const COMMAND = 0x04
export const STATUS = 0x06
const CACHE_LINE_SIZE = 0x0c
export const BAR0 = 0x10
export const ROM_BAR = 0x30
export const CAPABILITIES = 0x34
export const INTERRUPT_LINE = 0x3c
export const INTERRUPT_PIN = 0x3d

export const COMMAND_IO = 0x0001
export const COMMAND_MEMORY = 0x0002
export const COMMAND_MASTER = 0x0004
export const COMMAND_INTX_DISABLE = 0x0400
const COMMAND_SERR = 0x0100
export const STATUS_INTERRUPT = 0x08
const STATUS_CAP_LIST = 0x10
/** Parity, abort and system error bits: written ones clear them. */
const STATUS_ERRORS = 0xf900

export interface PciDeviceState {
  version_id: number
  /** The interrupt bit of the status register is not in here: it follows from irq_state. */
  config: Uint8Array
  /** Levels of INTA# to INTD#, bits 0 to 3. */
  irq_state: number
  /** Bits the guest may write. */
  wmask: Uint8Array
  /** Bits that a written one clears. */
  w1cmask: Uint8Array
  /** Bits that must be the same on both sides of a migration. */
  cmask: Uint8Array
}

/** Bits that say what device this is. */
function compared(s: PciDeviceState): Uint8Array {
  return s.cmask.map((bits, i) => bits & ~s.wmask[i]! & ~s.w1cmask[i]!)
}

export const pciDeviceVmstate: VMState<PciDeviceState> = {
  name: 'PCIDevice',
  version: 2,
  minVersion: 1,
  life: { born: '0.6.1', versions: { 2: '0.9.1' } },
  fields: {
    version_id: born('0.9.0', i32PositiveLe),
    config: named('config[0]', pciConfig(CONFIG_SIZE, compared)),
    irq_state: since(2, pciIrqState),
    wmask: derived('what device this is'),
    w1cmask: derived('what device this is'),
    cmask: derived('what device this is'),
  },
  postLoad(s) {
    s.config[STATUS]! &= ~STATUS_INTERRUPT
  },
}

/** One base address register; index 6 is the expansion ROM. */
export interface PciBar {
  readonly index: number
  readonly kind: 'io' | 'memory'
  /** A power of two. */
  readonly sizeBytes: number
  /** A 64-bit register, which takes the next index too. */
  readonly wide?: boolean
  readonly prefetchable?: boolean
}

/** What a function is, as its configuration space says at power-on. */
export interface PciMakeup {
  readonly vendor: number
  readonly device: number
  readonly revision?: number
  /** Base class, subclass and programming interface, 24 bits. */
  readonly classCode: number
  readonly multifunction?: boolean
  /** 1 to 4 for INTA# to INTD#. */
  readonly interruptPin?: number
  readonly subsystemVendor?: number
  readonly subsystem?: number
  readonly bars?: readonly PciBar[]
  /** Status register without the capability bit. */
  readonly status?: number
  /** Further bytes from 0x40 on. */
  readonly bytes?: Readonly<Record<number, number>>
}

export const barOffset = (index: number): number => (index === 6 ? ROM_BAR : BAR0 + 4 * index)

export const get16 = (b: Uint8Array, at: number): number => b[at]! | (b[at + 1]! << 8)
export const get32 = (b: Uint8Array, at: number): number => (get16(b, at) | (get16(b, at + 2) << 16)) >>> 0
export const put16 = (b: Uint8Array, at: number, value: number): void => {
  b[at] = value
  b[at + 1] = value >>> 8
}
export const put32 = (b: Uint8Array, at: number, value: number): void => {
  put16(b, at, value)
  put16(b, at + 2, value >>> 16)
}

/** The low bits of a base address register, which say its kind. */
export function barKind(bar: PciBar): number {
  if (bar.index === 6) return 0
  if (bar.kind === 'io') return 1
  return (bar.wide ? 4 : 0) | (bar.prefetchable ? 8 : 0)
}

export function pciState(makeup: PciMakeup): PciDeviceState {
  const config = new Uint8Array(CONFIG_SIZE)
  const wmask = new Uint8Array(CONFIG_SIZE)
  const w1cmask = new Uint8Array(CONFIG_SIZE)
  const cmask = new Uint8Array(CONFIG_SIZE)
  put16(config, 0x00, makeup.vendor)
  put16(config, 0x02, makeup.device)
  put16(config, STATUS, makeup.status ?? 0)
  put32(config, 0x08, ((makeup.classCode << 8) | (makeup.revision ?? 0)) >>> 0)
  config[0x0e] = makeup.multifunction ? 0x80 : 0
  put16(config, 0x2c, makeup.subsystemVendor ?? 0x1af4)
  put16(config, 0x2e, makeup.subsystem ?? 0x1100)
  config[INTERRUPT_PIN] = makeup.interruptPin ?? 0
  for (const [at, value] of Object.entries(makeup.bytes ?? {})) config[Number(at)] = value

  put16(wmask, COMMAND, COMMAND_IO | COMMAND_MEMORY | COMMAND_MASTER | COMMAND_INTX_DISABLE | COMMAND_SERR)
  wmask[CACHE_LINE_SIZE] = 0xff
  wmask[INTERRUPT_LINE] = 0xff
  wmask.fill(0xff, 0x40)
  put16(w1cmask, STATUS, STATUS_ERRORS)
  cmask.fill(0xff, 0x00, 0x04)
  cmask[STATUS] = STATUS_CAP_LIST
  cmask.fill(0xff, 0x08, 0x0c)
  cmask[0x0e] = 0xff
  cmask[CAPABILITIES] = 0xff

  for (const bar of makeup.bars ?? []) {
    const at = barOffset(bar.index)
    put32(config, at, barKind(bar))
    put32(wmask, at, (-bar.sizeBytes | (bar.index === 6 ? 1 : 0)) >>> 0)
    put32(cmask, at, 0xffff_ffff)
    if (bar.wide) {
      put32(wmask, at + 4, 0xffff_ffff)
      put32(cmask, at + 4, 0xffff_ffff)
    }
  }
  return { version_id: 2, config, irq_state: 0, wmask, w1cmask, cmask }
}

/** Puts a capability before the others; its bytes are read-only until their wmask is opened. Returns its offset. */
export function addCapability(s: PciDeviceState, id: number, at: number, sizeBytes: number): number {
  s.config[at] = id
  s.config[at + 1] = s.config[CAPABILITIES]!
  s.config[CAPABILITIES] = at
  s.config[STATUS]! |= STATUS_CAP_LIST
  s.wmask.fill(0, at, at + sizeBytes)
  s.cmask.fill(0xff, at, at + sizeBytes)
  return at
}
