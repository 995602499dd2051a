/**
 * Local APIC (xAPIC) of one processor.
 *
 * The guest sees a page of 32-bit registers, 16 bytes apart, at the address in IA32_APIC_BASE. Interrupts come over
 * the APIC bus, from the timer and from two pins: LINT0 (the 8259A pair, usually in ExtINT mode) and LINT1 (NMI).
 * Outputs: `intr` is a level; `nmi`, `smi`, `init` and `sipi` are pulses.
 *
 * Spec  [SDM] Intel SDM, vol. 3, chapter "Advanced Programmable Interrupt Controller"
 * Wire  "apic" version 3, instance is the APIC id
 */
import { device, flag, num, reg, wire, type InterruptSource, type IrqLine, type LocalApic } from '@godwit/hw'
import {
  MODE_EXTINT,
  MODE_FIXED,
  MODE_INIT,
  MODE_LOWEST,
  MODE_NMI,
  MODE_SMI,
  MODE_STARTUP,
  type ApicOnBus,
  type ApicWires,
} from './apic-bus.ts'
import {
  apicState,
  BASE_BSP,
  BASE_DEFAULT,
  BASE_ENABLE,
  getBit,
  highest,
  LVT_MASKED,
  modeOf,
  setBit,
  vmstate,
} from './apic-state.ts'

// -- registers ------------------------------------------ [SDM] "Local APIC register address map" ----
const VERSION = 0x0005_0014 // six LVT entries, version 0x14
const SVR_ENABLE = 0x100
const SVR_NO_EOI_BROADCAST = 0x1000
const LVT_TIMER = 0
const LVT_LINT0 = 3
const LVT_LINT1 = 4
const LVT_ERROR = 5
const LVT_PERIODIC = 0x2_0000
const LVT_LEVEL = 0x8000
const ESR_ILLEGAL_REGISTER = 0x80
const ESR_ILLEGAL_VECTOR = 0x40
const ICR_PENDING = 0x1000
/** A periodic timer that is faster fires at this distance: its interrupts merge in the IRR anyway. */
const SHORTEST_NS = 1000n

// -- definition -------------------------------------------------------------------------------
export const apic = device({
  type: 'apic',
  doc: 'Local APIC',
  props: { id: num(0, 'initial APIC id'), bsp: flag(true, 'the bootstrap processor') },
  wires: ['intr', 'nmi', 'smi', 'init', 'sipi'],
  state: apicState,
  vmstate,

  // -- model ------------------------------------------------------------------------------------
  create({ state: s, props, time, wires }) {
    const clock = time.virtual
    const links: {
      bus: ApicWires | undefined
      pic: InterruptSource | undefined
      onBase: ((address: number, enabled: boolean) => void) | undefined
    } = { bus: undefined, pic: undefined, onBase: undefined }

    const enabled = (): boolean => (s.spurious_vec & SVR_ENABLE) !== 0
    const hardwareEnabled = (): boolean => (s.apicbase & BASE_ENABLE) !== 0

    // -- priorities: [SDM] "Interrupt acceptance for fixed interrupts", "Task and processor priorities"
    function processorPriority(): number {
      const inService = Math.max(0, highest(s.isr)) & 0xf0
      return (s.tpr & 0xf0) >= inService ? s.tpr : inService
    }

    /** The vector to deliver now, or -1. */
    function pending(): number {
      if (!enabled()) return -1
      const vector = highest(s.irr)
      return vector >= 16 && vector >> 4 > processorPriority() >> 4 ? vector : -1
    }

    /** True while the 8259A pair asks through LINT0, or directly because the APIC is off. */
    function picAsks(): boolean {
      if (!lint0.level) return false
      const entry = s.lvt[LVT_LINT0]!
      return !hardwareEnabled() || ((entry & LVT_MASKED) === 0 && modeOf(entry) === MODE_EXTINT)
    }

    const asks = (): boolean => pending() >= 0 || picAsks()
    const update = (): void => wires.intr.set(asks())

    function request(vector: number, level: boolean): void {
      if (vector < 16) {
        fail(ESR_ILLEGAL_VECTOR)
        return
      }
      setBit(s.irr, vector, true)
      setBit(s.tmr, vector, level)
      update()
    }

    function fail(bit: number): void {
      if ((s.esr & bit) !== 0) return
      s.esr |= bit
      // an error entry with an illegal vector must not report itself for ever
      const entry = s.lvt[LVT_ERROR]!
      if ((entry & LVT_MASKED) === 0 && (entry & 0xff) >= 16) request(entry & 0xff, false)
    }

    function pulse(line: IrqLine): void {
      line.raise()
      line.lower()
    }

    function local(index: number): void {
      const entry = s.lvt[index]!
      if (entry & LVT_MASKED) return
      const mode = modeOf(entry)
      const pin = index === LVT_LINT0 || index === LVT_LINT1
      if (mode === MODE_FIXED) request(entry & 0xff, pin && (entry & LVT_LEVEL) !== 0)
      else if (mode === MODE_NMI) pulse(wires.nmi)
      else if (mode === MODE_SMI) pulse(wires.smi)
      else update()
    }

    function receive(mode: number, vector: number, trigger: number): void {
      if (mode === MODE_FIXED || mode === MODE_LOWEST || mode === MODE_EXTINT) request(vector, trigger !== 0)
      else if (mode === MODE_SMI) pulse(wires.smi)
      else if (mode === MODE_NMI) pulse(wires.nmi)
      else if (mode === MODE_INIT) {
        initialize()
        pulse(wires.init)
      } else if (mode === MODE_STARTUP) {
        // one that does not wait ignores it. [SDM] "MP initialization protocol"
        if (s.wait_for_sipi === 0) return
        s.wait_for_sipi = 0
        s.sipi_vector = vector
        pulse(wires.sipi)
      }
    }

    const self: ApicOnBus = {
      matches(dest, destMode) {
        if (destMode === 0) return dest === 0xff || dest === s.id
        if (s.dest_mode === 0xf) return (dest & s.log_dest) !== 0
        if (s.dest_mode !== 0) return false
        return (dest & 0xf0) === (s.log_dest & 0xf0) && (dest & s.log_dest & 0x0f) !== 0
      },
      receive,
    }

    /** Sends what the ICR says. [SDM] "Issuing interprocessor interrupts" */
    function sendIpi(): void {
      const low = s.icr[0]!
      const mode = modeOf(low)
      const shorthand = (low >> 18) & 3
      const trigger = (low >> 15) & 1
      const assert = (low >> 14) & 1
      if (mode === MODE_INIT && trigger === 1 && assert === 0) {
        s.arb_id = s.id
        return
      }
      const dest = s.icr[1]! >>> 24
      if (shorthand === 1) receive(mode, low & 0xff, trigger)
      else if (links.bus === undefined) {
        if (shorthand === 2 || (shorthand === 0 && self.matches(dest, (low >> 11) & 1))) {
          receive(mode, low & 0xff, trigger)
        }
      } else if (shorthand === 0) links.bus.deliver(dest, (low >> 11) & 1, mode, low & 0xff, trigger)
      else links.bus.shorthand(self, shorthand, mode, low & 0xff, trigger)
    }

    function endOfInterrupt(): void {
      const vector = highest(s.isr)
      if (vector < 0) return
      setBit(s.isr, vector, false)
      if (getBit(s.tmr, vector) && (s.spurious_vec & SVR_NO_EOI_BROADCAST) === 0) links.bus?.eoi(vector)
      update()
    }

    // -- timer: [SDM] "APIC timer"; the bus clock is 1 GHz
    const expiry = clock.timer(() => {
      local(LVT_TIMER)
      rearm()
    })

    function rearm(now = clock.now()): void {
      s.timer_expiry = nextExpiry(now)
      if (s.timer_expiry === null) expiry.cancel()
      else expiry.set((s.next_time = s.timer_expiry))
    }

    function elapsed(now: bigint): bigint {
      const ns = now - s.initial_count_load_time
      return (ns < 0n ? 0n : ns) >> BigInt(s.count_shift)
    }

    function nextExpiry(now: bigint): bigint | null {
      const entry = s.lvt[LVT_TIMER]!
      if (entry & LVT_MASKED || s.initial_count === 0) return null
      const period = BigInt(s.initial_count) + 1n
      const shift = BigInt(s.count_shift)
      const passed = elapsed(now)
      if ((entry & LVT_PERIODIC) === 0) {
        return passed >= period - 1n ? null : s.initial_count_load_time + (period << shift)
      }
      const from = period << shift < SHORTEST_NS ? elapsed(now + SHORTEST_NS) : passed
      return s.initial_count_load_time + (((from / period + 1n) * period) << shift)
    }

    function currentCount(): number {
      const passed = elapsed(clock.now())
      const initial = BigInt(s.initial_count)
      if (s.lvt[LVT_TIMER]! & LVT_PERIODIC) return Number(initial - (passed % (initial + 1n)))
      return passed >= initial ? 0 : Number(initial - passed)
    }

    function read(index: number): number {
      if (index >= 0x10 && index < 0x18) return s.isr[index - 0x10]!
      if (index >= 0x18 && index < 0x20) return s.tmr[index - 0x18]!
      if (index >= 0x20 && index < 0x28) return s.irr[index - 0x20]!
      if (index >= 0x32 && index < 0x38) return s.lvt[index - 0x32]!
      switch (index) {
        case 0x02:
          return (s.id << 24) >>> 0
        case 0x03:
          return VERSION
        case 0x08:
          return s.tpr
        case 0x09: // arbitration priority
        case 0x0b: // EOI
          return 0
        case 0x0a:
          return processorPriority()
        case 0x0d:
          return (s.log_dest << 24) >>> 0
        case 0x0e:
          return ((s.dest_mode << 28) | 0x0fff_ffff) >>> 0
        case 0x0f:
          return s.spurious_vec
        case 0x28:
          return s.esr
        case 0x30:
        case 0x31:
          return s.icr[index - 0x30]!
        case 0x38:
          return s.initial_count
        case 0x39:
          return currentCount()
        case 0x3e:
          return s.divide_conf
        default:
          fail(ESR_ILLEGAL_REGISTER)
          return 0
      }
    }

    function write(index: number, value: number): void {
      if (index >= 0x32 && index < 0x38) {
        writeLvt(index - 0x32, value)
        return
      }
      if (index >= 0x10 && index < 0x28) return // read-only
      switch (index) {
        case 0x02:
          s.id = value >>> 24
          break
        case 0x03:
        case 0x09:
        case 0x0a:
        case 0x39:
          break // read-only
        case 0x08:
          s.tpr = value & 0xff
          update()
          break
        case 0x0b:
          endOfInterrupt()
          break
        case 0x0d:
          s.log_dest = value >>> 24
          break
        case 0x0e:
          s.dest_mode = value >>> 28
          break
        case 0x0f:
          s.spurious_vec = value & 0x1ff
          update()
          break
        case 0x28:
          s.esr = 0
          break
        case 0x30:
          s.icr[0] = value & ~ICR_PENDING
          sendIpi()
          break
        case 0x31:
          s.icr[1] = value
          break
        case 0x38:
          s.initial_count = value >>> 0
          s.initial_count_load_time = clock.now()
          // the same moment, or a count of a few ns would be over before it began and never expire
          rearm(s.initial_count_load_time)
          break
        case 0x3e: {
          s.divide_conf = value & 0x0b
          s.count_shift = (((value & 3) | ((value >> 1) & 4)) + 1) & 7
          rearm()
          break
        }
        default:
          fail(ESR_ILLEGAL_REGISTER)
      }
    }

    function writeLvt(index: number, value: number): void {
      s.lvt[index] = value
      if (index === LVT_TIMER) rearm()
      else if (index === LVT_LINT0) {
        if (lint0.level) local(LVT_LINT0)
        update()
      }
    }

    /** LINT0's level is the PIC's to restore; whether `intr` is up depends on it, in whichever order they load. */
    const lint0 = wire(
      (level) => {
        const entry = s.lvt[LVT_LINT0]!
        if (level) local(LVT_LINT0)
        else if (modeOf(entry) === MODE_FIXED && entry & LVT_LEVEL) setBit(s.irr, entry & 0xff, false)
        update()
      },
      () => wires.intr.restore(asks()),
    )

    /** What INIT leaves: everything but id, base and arbitration id. [SDM] "Local APIC state after INIT" */
    function initialize(): void {
      s.tpr = 0
      s.spurious_vec = 0xff
      s.log_dest = 0
      s.dest_mode = 0xf
      for (const words of [s.isr, s.tmr, s.irr, s.icr]) words.fill(0)
      s.lvt.fill(LVT_MASKED)
      s.esr = 0
      s.divide_conf = s.count_shift = s.initial_count = 0
      s.initial_count_load_time = s.next_time = 0n
      s.timer_expiry = null
      expiry.cancel()
      s.sipi_vector = 0
      s.wait_for_sipi = props.bsp ? 0 : 1
      update()
    }

    const cpu: LocalApic = {
      acknowledge() {
        const vector = pending()
        if (vector >= 0) {
          setBit(s.irr, vector, false)
          setBit(s.isr, vector, true)
          update()
          return vector
        }
        if (picAsks()) return links.pic?.acknowledge() ?? -1
        // a fixed interrupt that went away by a higher task priority. [SDM] "Spurious interrupt"
        if (enabled() && highest(s.irr) >= 16) return s.spurious_vec & 0xff
        return -1
      },
      readBase: () => BigInt(s.apicbase),
      writeBase(value) {
        const kept = s.apicbase & (BASE_BSP | BASE_ENABLE)
        s.apicbase = (Number(value & 0xffff_f000n) | kept) >>> 0
        // once off it stays off until reset, as in QEMU
        if ((value & BigInt(BASE_ENABLE)) === 0n) {
          s.apicbase = (s.apicbase & ~BASE_ENABLE) >>> 0
          s.spurious_vec &= ~SVR_ENABLE
        }
        links.onBase?.((s.apicbase & 0xffff_f000) >>> 0, hardwareEnabled())
        update()
      },
      readTpr: () => s.tpr >> 4,
      writeTpr(value) {
        s.tpr = (value & 0x0f) << 4
        update()
      },
    }

    return {
      io: {
        page: reg(0, 0x1000, 'registers of 32 bits, 16 bytes apart', {
          read: (at, size) => (size === 4 && (at & 0xf) === 0 ? read(at >> 4) >>> 0 : 0),
          write(value, at, size) {
            if (size === 4 && (at & 0xf) === 0) write(at >> 4, value)
          },
        }),
      },
      /** lint0: the PIC pair's output; lint1: NMI. */
      inputs: {
        lint0,
        lint1: wire((level) => {
          if (level) local(LVT_LINT1)
        }),
      },
      /** Set by the board: the APIC bus, the PIC pair behind ExtINT, and who moves the register page. */
      links,
      /** The processor's side. */
      cpu,
      /** The bus's side: give it to `apicBus().join`. */
      self,
      /** Vector of the start-up message behind the last `sipi` pulse. */
      sipiVector: () => s.sipi_vector,
      /** True while the processor waits for a start-up message. */
      waitsForSipi: () => s.wait_for_sipi !== 0,
      reset() {
        s.apicbase = (BASE_DEFAULT | BASE_ENABLE | (props.bsp ? BASE_BSP : 0)) >>> 0
        s.id = props.id
        s.arb_id = 0
        initialize()
        // PIC interrupts reach the bootstrap processor before anybody programs the APIC
        if (props.bsp) s.lvt[LVT_LINT0] = MODE_EXTINT << 8
        links.onBase?.(BASE_DEFAULT, true)
        update()
      },
      afterLoad() {
        if (s.timer_expiry === null) expiry.cancel()
        else expiry.set(s.timer_expiry)
        wires.intr.restore(asks())
        links.onBase?.((s.apicbase & 0xffff_f000) >>> 0, hardwareEnabled())
      },
    }
  },
})
