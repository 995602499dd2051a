/**
 * High precision event timer: a counter of 100 MHz with comparators.
 *
 * The guest sees a block of memory registers of 64 bits, read and written in halves. In legacy mode comparators 0
 * and 1 replace the interrupts of the interval timer and the real-time clock, whose wires lead through here.
 *
 * Spec  [HPET] IA-PC HPET Specification, revision 1.0a
 * Wire  "hpet" version 2
 */
import { device, flag, num, reg, wire } from '@godwit/hw'
import { born, inside, struct, timer, u64, u8, varray, type Subsection, type VMState } from '@godwit/vmstate'

// -- registers ------------------------------------------------------ [HPET] 2.3 "Register model" ----
const TICK_NS = 10n
const ID_LOW = 0x8086_a001 // Intel, 64-bit counter, legacy capable, revision 1
const PERIOD_FS = 10_000_000
const ENABLE = 1n // of the whole block
const LEGACY = 2n
const TN_LEVEL = 1n << 1n
const TN_INT_ENABLE = 1n << 2n
const TN_PERIODIC = 1n << 3n
const TN_PERIODIC_CAP = 1n << 4n
const TN_SIZE_CAP = 1n << 5n
const TN_SETVAL = 1n << 6n
const TN_32BIT = 1n << 8n
const TN_FSB_ENABLE = 1n << 14n
const TN_FSB_CAP = 1n << 15n
const TN_WRITABLE = 0x7f4en
const ALL = 0xffff_ffff_ffff_ffffn
const LOW = 0xffff_ffffn
const RTC_IRQ = 8
/** Output wires, one per input of the I/O APIC that a comparator can be routed to. */
const ROUTES = [
  'irq0',
  'irq1',
  'irq2',
  'irq3',
  'irq4',
  'irq5',
  'irq6',
  'irq7',
  'irq8',
  'irq9',
  'irq10',
  'irq11',
  'irq12',
  'irq13',
  'irq14',
  'irq15',
  'irq16',
  'irq17',
  'irq18',
  'irq19',
  'irq20',
  'irq21',
  'irq22',
  'irq23',
] as const
export const HPET_ROUTES = ROUTES.length
/** A periodic comparator that is faster fires at this distance. */
const SHORTEST_TICKS = 100n
/** No timer is set farther ahead, so that expiries stay within the stream's 63 bits. */
const FARTHEST_NS = 1n << 61n

// -- state ----------------------------------------------------------------------------------
export interface HpetTimer {
  tn: number
  config: bigint
  cmp: bigint
  fsb: bigint
  period: bigint
  wrap_flag: number
  qemu_timer: bigint | null
}

export interface HpetState {
  config: bigint
  isr: bigint
  hpet_counter: bigint
  num_timers_save: number
  timer: HpetTimer[]
  rtc_irq_level: number
  hpet_offset: bigint
  /** Not every machine sends the offset. */
  offsetSaved: boolean
  offsetCame: boolean
}

// -- description ------------------------------------------------------------------------------
const comparator: VMState<HpetTimer> = {
  name: 'hpet_timer',
  version: 1,
  minVersion: 1,
  life: { born: '0.10' },
  fields: { tn: u8, config: u64, cmp: u64, fsb: u64, period: u64, wrap_flag: u8, qemu_timer: timer },
}

const rtcLevel: Subsection<HpetState> = {
  name: 'hpet/rtc_irq_level',
  version: 1,
  born: '1.1',
  when: 'the RTC interrupt line routed through the HPET is high',
  needed: (s) => s.rtc_irq_level !== 0,
}
const offset: Subsection<HpetState> = {
  name: 'hpet/offset',
  version: 1,
  born: '2.12',
  gate: { type: 'hpet', property: 'hpet-offset-saved', value: 'false', offFor: '2.11', until: '11.0' },
  when: 'the guest has enabled the HPET',
  needed: (s) => s.offsetSaved && (s.config & ENABLE) !== 0n,
  postLoad(s) {
    s.offsetCame = true
  },
}

const fresh = (tn: number): HpetTimer => ({
  tn,
  config: 0n,
  cmp: ALL,
  fsb: 0n,
  period: 0n,
  wrap_flag: 0,
  qemu_timer: null,
})

const vmstate: VMState<HpetState> = {
  name: 'hpet',
  version: 2,
  minVersion: 2,
  life: { born: '0.10', versions: { 2: '0.13' }, minVersions: { 2: '10.1' } },
  fields: {
    config: u64,
    isr: u64,
    hpet_counter: u64,
    num_timers_save: born('0.13', u8, { formerly: { '10.0': 'num_timers' } }),
    timer: varray(struct(comparator), 'num_timers_save', 32),
    rtc_irq_level: inside(rtcLevel, u8),
    hpet_offset: inside(offset, u64),
    offsetSaved: { fate: 'derived', from: 'a property of the machine version' },
    offsetCame: { fate: 'derived', from: 'whether the subsection came' },
  },
  preLoad(s) {
    s.rtc_irq_level = 0
    s.hpet_offset = 0n
    s.offsetCame = false
  },
  postLoad(s) {
    if (s.num_timers_save !== s.timer.length) {
      throw new RangeError(`${s.timer.length} timers, came ${s.num_timers_save}`)
    }
    const odd = s.timer.findIndex((t, i) => t.tn !== i)
    if (odd >= 0) throw new RangeError(`timer ${odd} with its own number, came ${s.timer[odd]!.tn}`)
  },
}

// -- definition -------------------------------------------------------------------------------
export const hpet = device({
  type: 'hpet',
  doc: 'High precision event timer',
  props: {
    timers: num(3, 'comparators, 3 to 32'),
    msi: flag(false, 'comparators can send messages'),
    'hpet-intcap': num(0x4, 'inputs of the I/O APIC that comparators may use: 0x4 i440fx, 0xff0104 q35'),
    'hpet-offset-saved': flag(true, 'the stream has the counter offset; off for machines before 2.12'),
  },
  wires: ['pitDisable', ...ROUTES],
  state: (props): HpetState => ({
    config: 0n,
    isr: 0n,
    hpet_counter: 0n,
    num_timers_save: props.timers,
    timer: Array.from({ length: props.timers }, (_, i) => fresh(i)),
    rtc_irq_level: 0,
    hpet_offset: 0n,
    offsetSaved: props['hpet-offset-saved'],
    offsetCame: true,
  }),
  vmstate,

  // -- model ------------------------------------------------------------------------------------
  create({ state: s, props, time, wires, dma }) {
    const clock = time.virtual
    const timers = s.timer.map((t) => clock.timer(() => fire(t)))
    const lines = ROUTES.map((name) => wires[name])
    /** Counter 0's level is the interval timer's to restore, before or after this device. */
    const pit = wire(drive, restoreLines)

    const enabled = (): boolean => (s.config & ENABLE) !== 0n
    const legacy = (): boolean => (s.config & LEGACY) !== 0n
    const is32 = (t: HpetTimer): boolean => (t.config & TN_32BIT) !== 0n
    const periodic = (t: HpetTimer): boolean => (t.config & TN_PERIODIC) !== 0n
    const width = (t: HpetTimer): number => (is32(t) ? 32 : 64)
    const ticksNow = (): bigint => BigInt.asUintN(64, clock.now() + s.hpet_offset) / TICK_NS
    const offsetFor = (counter: bigint): bigint => BigInt.asUintN(64, counter * TICK_NS - clock.now())

    // -- interrupts: [HPET] 2.4.6 "Interrupts"
    function routeOf(t: HpetTimer): number {
      if (legacy() && t.tn <= 1) return t.tn === 0 ? 0 : RTC_IRQ
      return Number((t.config >> 9n) & 0x1fn)
    }

    function interrupt(t: HpetTimer): void {
      if (!enabled() || (t.config & TN_INT_ENABLE) === 0n) {
        calm(t)
        return
      }
      const bit = 1n << BigInt(t.tn)
      const route = routeOf(t)
      if ((t.config & TN_FSB_ENABLE) !== 0n) {
        dma.write(Number(t.fsb >> 32n), 4, Number(t.fsb & LOW))
      } else if ((t.config & TN_LEVEL) !== 0n) {
        s.isr |= bit
        drive()
      } else {
        s.isr &= ~bit
        drive()
        if (route < HPET_ROUTES) lines[route]!.raise()
        drive()
      }
    }

    function calm(t: HpetTimer): void {
      s.isr &= ~(1n << BigInt(t.tn))
      drive()
    }

    /** Levels of the outputs: comparators that hold one, and outside legacy mode what enters here. */
    function levels(): number {
      let up = 0
      if (!legacy()) up = (pit.level ? 1 : 0) | (s.rtc_irq_level !== 0 ? 1 << RTC_IRQ : 0)
      if (s.isr !== 0n) for (const t of s.timer) if ((s.isr & (1n << BigInt(t.tn))) !== 0n) up |= 1 << routeOf(t)
      return up
    }

    function drive(): void {
      const up = levels()
      for (let i = 0; i < HPET_ROUTES; i++) lines[i]!.set((up & (1 << i)) !== 0)
    }

    function restoreLines(): void {
      const up = levels()
      lines.forEach((line, i) => line.restore((up & (1 << i)) !== 0))
    }

    // -- comparators: [HPET] 2.3.9 "Timer N"
    function set(t: HpetTimer): void {
      const now = ticksNow()
      t.wrap_flag = 0
      let ahead = distance(t, now)
      if (is32(t) && !periodic(t)) {
        // a one-shot 32-bit comparator also fires when the counter wraps. [HPET] 2.3.9.2.3
        const toWrap = (1n << 32n) - (now & LOW)
        if (toWrap < ahead) {
          ahead = toWrap
          t.wrap_flag = 1
        }
      }
      arm(t, ahead)
    }

    /** Ticks until the comparator matches; 0 if it lies in the past half of the circle. */
    function distance(t: HpetTimer, now: bigint): bigint {
      const ahead = BigInt.asIntN(width(t), t.cmp - now)
      return ahead > 0n ? ahead : 0n
    }

    function arm(t: HpetTimer, ticks: bigint): void {
      let ns = ticks * TICK_NS
      if (ns > FARTHEST_NS) ns = FARTHEST_NS
      t.qemu_timer = clock.now() + ns
      timers[t.tn]!.set(t.qemu_timer)
    }

    function cancel(t: HpetTimer): void {
      t.qemu_timer = null
      timers[t.tn]!.cancel()
      calm(t)
    }

    function fire(t: HpetTimer): void {
      t.qemu_timer = null
      const now = ticksNow()
      if (periodic(t) && t.period !== 0n) {
        // the next multiple that is ahead of the counter, at a bearable distance
        if (distance(t, now) === 0n) {
          const late = BigInt.asUintN(width(t), now - t.cmp)
          const more = t.period < SHORTEST_TICKS ? SHORTEST_TICKS / t.period : 0n
          t.cmp = BigInt.asUintN(width(t), t.cmp + (late / t.period + 1n + more) * t.period)
        }
        // a period of half the circle or more is never ahead
        const ahead = distance(t, now)
        arm(t, ahead === 0n ? SHORTEST_TICKS : ahead)
      } else if (is32(t) && !periodic(t) && t.wrap_flag !== 0) {
        t.wrap_flag = 0
        const ahead = distance(t, now)
        if (ahead > 0n) arm(t, ahead)
      }
      interrupt(t)
    }

    function writeTimer(t: HpetTimer, at: number, value: bigint): void {
      const shift = at & 4 ? 32n : 0n
      const merge = (old: bigint): bigint => (old & ~(LOW << shift)) | (value << shift)
      switch (at & 0x18) {
        case 0x00:
          if (shift === 0n) writeTimerConfig(t, value)
          break
        case 0x08:
          writeComparator(t, merge, shift)
          break
        case 0x10:
          t.fsb = merge(t.fsb)
          break
        default: // reserved
      }
    }

    function writeTimerConfig(t: HpetTimer, value: bigint): void {
      const old = t.config
      let next = (old & ~TN_WRITABLE) | (value & TN_WRITABLE)
      if ((old & TN_FSB_CAP) === 0n) next &= ~TN_FSB_ENABLE
      const begins = (bit: bigint): boolean => (old & bit) === 0n && (next & bit) !== 0n
      const ends = (bit: bigint): boolean => (old & bit) !== 0n && (next & bit) === 0n
      // a level on the old route would never fall
      if (begins(TN_FSB_ENABLE) || ends(TN_LEVEL) || (((old ^ next) >> 9n) & 0x1fn) !== 0n) calm(t)
      t.config = next
      if ((next & TN_32BIT) !== 0n) {
        t.cmp &= LOW
        t.period &= LOW
      }
      if (enabled() && begins(TN_INT_ENABLE)) set(t)
      else if (ends(TN_INT_ENABLE)) cancel(t)
    }

    function writeComparator(t: HpetTimer, merge: (old: bigint) => bigint, shift: bigint): void {
      if (is32(t) && shift !== 0n) return
      if (!periodic(t) || (t.config & TN_SETVAL) !== 0n) t.cmp = BigInt.asUintN(width(t), merge(t.cmp))
      if (periodic(t)) t.period = BigInt.asUintN(width(t) - 1, merge(t.period))
      // setting an accumulator of 64 bits takes two writes. [HPET] 2.3.9.2.2
      if (is32(t) || shift !== 0n) t.config &= ~TN_SETVAL
      if (enabled()) set(t)
    }

    function writeConfig(value: bigint): void {
      const old = s.config
      s.config = value & (ENABLE | LEGACY)
      if ((old & ENABLE) === 0n && enabled()) {
        s.hpet_offset = offsetFor(s.hpet_counter)
        for (const t of s.timer) if ((t.config & TN_INT_ENABLE) !== 0n && t.cmp !== ALL) set(t)
      } else if ((old & ENABLE) !== 0n && !enabled()) {
        s.hpet_counter = BigInt.asUintN(64, BigInt.asUintN(64, clock.now() + s.hpet_offset) / TICK_NS)
        s.hpet_offset = 0n
        for (const t of s.timer) cancel(t)
      }
      if ((old & LEGACY) === 0n && legacy()) {
        wires.pitDisable.raise()
        drive()
      } else if ((old & LEGACY) !== 0n && !legacy()) {
        wires.pitDisable.lower()
        drive()
      }
    }

    function read(at: number): number {
      const shift = at & 4 ? 32n : 0n
      const half = (value: bigint): number => Number((value >> shift) & LOW)
      const t = s.timer[(at - 0x100) >> 5]
      if (at >= 0x100 && t !== undefined) {
        return half([t.config, t.cmp, t.fsb, 0n][(at >> 3) & 3]!)
      }
      switch (at & ~4) {
        case 0x00:
          return shift === 0n ? (ID_LOW | ((s.timer.length - 1) << 8)) >>> 0 : PERIOD_FS
        case 0x10:
          return half(s.config)
        case 0x20:
          return half(s.isr)
        case 0xf0:
          return half(enabled() ? ticksNow() : s.hpet_counter)
        default:
          return 0
      }
    }

    function write(at: number, value: bigint): void {
      const t = s.timer[(at - 0x100) >> 5]
      if (at >= 0x100 && t !== undefined) writeTimer(t, at & 0x1f, value)
      else if (at === 0x10) writeConfig(value)
      else if (at === 0x20) {
        for (const one of s.timer) if ((s.isr & value & (1n << BigInt(one.tn))) !== 0n) calm(one)
      } else if ((at & ~4) === 0xf0 && !enabled()) {
        // writing a counter that runs is undefined: ignored
        const shift = at & 4 ? 32n : 0n
        s.hpet_counter = (s.hpet_counter & ~(LOW << shift)) | (value << shift)
      }
    }

    return {
      io: {
        block: reg(0, 0x400, 'registers of 64 bits in halves', {
          read: (at, size) => (size === 4 && (at & 3) === 0 ? read(at) : 0),
          write(value, at, size) {
            if (size === 4 && (at & 3) === 0) write(at, BigInt(value >>> 0))
          },
        }),
      },
      inputs: {
        /** Counter 0 of the interval timer. */
        pit,
        /** The real-time clock. */
        rtc: wire((level) => {
          s.rtc_irq_level = level ? 1 : 0
          drive()
        }),
      },
      reset() {
        for (const t of s.timer) {
          cancel(t)
          t.cmp = ALL
          t.fsb = t.period = 0n
          t.wrap_flag = 0
          t.config = TN_PERIODIC_CAP | TN_SIZE_CAP | (props.msi ? TN_FSB_CAP : 0n)
          t.config |= BigInt(props['hpet-intcap'] >>> 0) << 32n
        }
        writeConfig(0n)
        s.hpet_counter = s.hpet_offset = s.isr = 0n
      },
      beforeSave() {
        if (enabled()) s.hpet_counter = ticksNow()
        s.num_timers_save = s.timer.length
      },
      afterLoad() {
        if (!s.offsetCame && enabled()) s.hpet_offset = offsetFor(s.hpet_counter)
        s.offsetCame = true
        s.timer.forEach((t, i) => {
          t.tn = i
          if (t.qemu_timer === null) timers[i]!.cancel()
          else timers[i]!.set(t.qemu_timer)
        })
        wires.pitDisable.restore(legacy())
        restoreLines()
      },
    }
  },
})
