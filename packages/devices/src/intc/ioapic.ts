/**
 * 82093AA I/O APIC: 24 inputs, each with an entry that says to which processor and vector it goes.
 *
 * The guest sees an index register, a data window and (version 0x20) an EOI register in one page of memory.
 * Messages leave over the `ApicBus` that the board connects. On a PC the board wires ISA interrupt 0 to input 2.
 *
 * Spec  [82093AA] Intel, 82093AA I/O Advanced Programmable Interrupt Controller, order number 290566
 * Wire  "ioapic" version 3
 */
import { device, num, reg, wire, type InterruptSource, type IrqLine } from '@godwit/hw'
import { array, since, u32, u64, u8, unused, type VMState } from '@godwit/vmstate'
import { MODE_EXTINT, type ApicBus } from './apic-bus.ts'

// -- registers ---------------------------------------------------------- [82093AA] 3.0 ----
const IOREGSEL = 0x00
const IOWIN = 0x10
const EOI = 0x40
const REG_ID = 0x00
const REG_VERSION = 0x01
const REG_ARBITRATION = 0x02
const REG_TABLE = 0x10
export const IOAPIC_PINS = 24

const VECTOR = 0xffn
const LEVEL = 1n << 15n // trigger mode
const REMOTE_IRR = 1n << 14n // accepted by a local APIC, no EOI yet
const SEND_PENDING = 1n << 12n
const MASKED = 1n << 16n
const READ_ONLY = REMOTE_IRR | SEND_PENDING
const LOW = 0xffff_ffffn

// -- state ----------------------------------------------------------------------------------
export interface IoapicState {
  id: number
  ioregsel: number
  irr: number
  ioredtbl: bigint[]
}

// -- description ------------------------------------------------------------------------------
const vmstate: VMState<IoapicState> = {
  name: 'ioapic',
  version: 3,
  minVersion: 1,
  life: { born: '0.7.1', versions: { 2: '0.14', 3: '0.14' } },
  fields: {
    id: u8,
    ioregsel: u8,
    unused: unused(
      8,
      {
        born: '0.14',
        was: 'the base address, in qemu-kvm alone',
        lastWriter: null,
        fork: { name: 'qemu-kvm', version: 2 },
        unversioned: ['microvm'],
      },
      2,
    ),
    irr: since(2, u32),
    ioredtbl: array(u64, IOAPIC_PINS),
  },
  preLoad(s) {
    s.irr = 0
  },
}

// -- definition -------------------------------------------------------------------------------
export const ioapic = device({
  type: 'ioapic',
  doc: 'I/O APIC with 24 inputs',
  props: { version: num(0x20, 'version register: 0x11, or 0x20 with an EOI register') },
  wires: [],
  state: (): IoapicState => ({
    id: 0,
    ioregsel: 0,
    irr: 0,
    ioredtbl: Array.from({ length: IOAPIC_PINS }, () => MASKED),
  }),
  vmstate,

  // -- model ------------------------------------------------------------------------------------
  create({ state: s, props }) {
    const links: { bus: ApicBus | undefined; pic: InterruptSource | undefined } = { bus: undefined, pic: undefined }

    /** Sends what is pending and not masked. */
    function service(): void {
      if (s.irr === 0) return
      for (let pin = 0; pin < IOAPIC_PINS; pin++) {
        const entry = s.ioredtbl[pin]!
        if ((s.irr & (1 << pin)) === 0 || entry & MASKED) continue
        if (entry & LEVEL) {
          if (entry & REMOTE_IRR) continue
          s.ioredtbl[pin] = entry | REMOTE_IRR
        } else {
          s.irr &= ~(1 << pin)
        }
        send(entry)
      }
    }

    function send(entry: bigint): void {
      const low = Number(entry & 0xffffn)
      const mode = (low >> 8) & 7
      let vector = low & 0xff
      if (mode === MODE_EXTINT) vector = links.pic?.acknowledge() ?? vector
      links.bus?.deliver(Number(entry >> 56n), (low >> 11) & 1, mode, vector, (low >> 15) & 1)
    }

    function input(pin: number, level: boolean): void {
      const entry = s.ioredtbl[pin]!
      const mask = 1 << pin
      if (entry & LEVEL) {
        s.irr = (level ? s.irr | mask : s.irr & ~mask) >>> 0
        if (level) service()
      } else if (level && !(entry & MASKED)) {
        // an edge at a masked input is lost. [82093AA] 3.2.4 "Interrupt mask"
        s.irr = (s.irr | mask) >>> 0
        service()
      }
    }

    /** A local APIC has finished a level-triggered vector. */
    function eoi(vector: number): void {
      let again = false
      for (let pin = 0; pin < IOAPIC_PINS; pin++) {
        const entry = s.ioredtbl[pin]!
        if ((entry & VECTOR) !== BigInt(vector) || !(entry & LEVEL) || !(entry & REMOTE_IRR)) continue
        s.ioredtbl[pin] = entry & ~REMOTE_IRR
        again = true
      }
      if (again) service()
    }

    function readWindow(): number {
      if (s.ioregsel === REG_ID || s.ioregsel === REG_ARBITRATION) return (s.id << 24) >>> 0
      if (s.ioregsel === REG_VERSION) return props.version | ((IOAPIC_PINS - 1) << 16)
      const entry = s.ioredtbl[(s.ioregsel - REG_TABLE) >> 1]
      if (entry === undefined) return 0
      return Number(s.ioregsel & 1 ? entry >> 32n : entry & LOW)
    }

    function writeWindow(value: number): void {
      if (s.ioregsel === REG_ID) s.id = (value >>> 24) & 0x0f
      const pin = (s.ioregsel - REG_TABLE) >> 1
      const old = s.ioredtbl[pin]
      if (old === undefined) return
      const half = BigInt(value >>> 0)
      let entry = s.ioregsel & 1 ? (old & LOW) | (half << 32n) : (old & ~LOW) | half
      entry = (entry & ~READ_ONLY) | (old & READ_ONLY)
      if (!(entry & LEVEL)) entry &= ~REMOTE_IRR
      s.ioredtbl[pin] = entry
      service()
    }

    const inputs: Record<string, IrqLine> = {}
    for (let pin = 0; pin < IOAPIC_PINS; pin++) inputs[`pin${pin}`] = wire((level) => input(pin, level))

    return {
      io: {
        page: reg(0, 0x1000, 'index at 0x00, data window at 0x10, EOI at 0x40, again every 256 bytes', {
          read(at, size) {
            const offset = at & 0xff
            if (offset === IOREGSEL) return s.ioregsel
            return offset === IOWIN && size === 4 ? readWindow() : 0
          },
          write(value, at, size) {
            const offset = at & 0xff
            if (offset === IOREGSEL) s.ioregsel = value & 0xff
            else if (size !== 4) return
            else if (offset === IOWIN) writeWindow(value)
            else if (offset === EOI && props.version >= 0x20) eoi(value & 0xff)
          },
        }),
      },
      /** Inputs pin0 to pin23. */
      inputs,
      /** Set by the board: where messages go, and who gives the vector of an entry in ExtINT mode. */
      links,
      eoi,
      reset() {
        s.id = s.ioregsel = s.irr = 0
        s.ioredtbl.fill(MASKED)
      },
    }
  },
})
