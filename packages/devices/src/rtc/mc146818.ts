/**
 * MC146818A real-time clock and 128 bytes of CMOS memory.
 *
 * The guest sees two ports: it writes an index to the first and reads or writes the selected byte at the second.
 * Bytes 0x00-0x0d are the clock, 0x32 (and 0x37, the same) the century, the rest memory. While the clock runs its
 * bytes are computed from host time when they are read.
 *
 * Spec  [MC146818A] Motorola, data sheet of the MC146818A
 * Wire  "mc146818rtc" version 3
 */
import { device, num, oneOf, reg } from '@godwit/hw'
import {
  born,
  buffer,
  i64,
  inside,
  timer,
  u16,
  u32,
  u64,
  u8,
  unused,
  type Subsection,
  type VMState,
} from '@godwit/vmstate'
import {
  alarmSeconds,
  readCalendar,
  REG_A,
  REG_B,
  REG_C,
  REG_D,
  SECOND,
  SET,
  writeCalendar,
  isCalendar,
  isAlarm,
  CENTURY,
  CENTURY_PS2,
} from './calendar.ts'

// -- registers --------------------------------------------- [MC146818A] "Registers" ----
const UIP = 0x80 // A: update in progress
const DIVIDER_RESET = 0x60 // A: both upper divider bits hold the divider in reset
const PIE = 0x40 // B: periodic interrupt enable
const AIE = 0x20 // B: alarm interrupt enable
const UIE = 0x10 // B: update-ended interrupt enable
const SQWE = 0x08 // B: square wave enable
const IRQF = 0x80 // C: a flag that is enabled is set
const PF = 0x40
const AF = 0x20
const UF = 0x10
const FLAGS = PF | AF | UF
/** The update begins 244 us before the second is over. [MC146818A] "Update cycle" */
const UIP_HOLD = (8n * SECOND) / 32768n
const REINJECTIONS = 20
/** A periodic timer that is this late starts from now. */
const LOST_NS = SECOND
const JUMP_NS = 60n * SECOND
/** An alarm is never farther ahead. */
const DAY_NS = 86_401n * SECOND

// -- state ----------------------------------------------------------------------------------
export interface RtcState {
  cmos_data: Uint8Array
  cmos_index: number
  periodic_timer: bigint | null
  next_periodic_time: bigint
  irq_coalesced: number
  period: number
  base_rtc: bigint
  last_update: bigint
  offset: bigint
  update_timer: bigint | null
  next_alarm_time: bigint
  irq_reinject_on_ack_count: number
}

// -- description ------------------------------------------------------------------------------
const reinject: Subsection<RtcState> = {
  name: 'mc146818rtc/irq_reinject_on_ack_count',
  version: 1,
  born: '2.2',
  formerly: { '2.3': 'irq_reinject_on_ack_count' },
  when: 'reinjection on acknowledge is under way (count not 0)',
  needed: (s) => s.irq_reinject_on_ack_count !== 0,
}

/** Boards without machine versions that have this clock. */
const BOARDS = ['isapc', 'microvm', 'boards of Alpha, MIPS and PowerPC']

const vmstate: VMState<RtcState> = {
  name: 'mc146818rtc',
  version: 3,
  minVersion: 3,
  life: {
    born: '0.6.0',
    versions: { 2: '0.12', 3: '1.3' },
    minVersions: { 3: '10.1' },
    dead: {
      next_second_time: { wire: 'int64', born: '0.6.0', died: '1.3', became: 'unused@1' },
      second_timer: { wire: 'timer', born: '0.6.0', died: '1.3', became: 'unused@1' },
      second_timer2: { wire: 'timer', born: '0.6.0', died: '1.3', became: 'unused@1' },
      'current_tm.tm_sec': { wire: 'int32', born: '0.6.0', died: '1.3', became: 'unused@0' },
      'current_tm.tm_min': { wire: 'int32', born: '0.6.0', died: '1.3', became: 'unused@0' },
      'current_tm.tm_hour': { wire: 'int32', born: '0.6.0', died: '1.3', became: 'unused@0' },
      'current_tm.tm_wday': { wire: 'int32', born: '0.6.0', died: '1.3', became: 'unused@0' },
      'current_tm.tm_mday': { wire: 'int32', born: '0.6.0', died: '1.3', became: 'unused@0' },
      'current_tm.tm_mon': { wire: 'int32', born: '0.6.0', died: '1.3', became: 'unused@0' },
      'current_tm.tm_year': { wire: 'int32', born: '0.6.0', died: '1.3', became: 'unused@0' },
    },
  },
  fields: {
    cmos_data: buffer(128),
    cmos_index: u8,
    unused0: unused(7 * 4, { born: '1.3', was: 'the broken-down time', lastWriter: '1.2', unversioned: BOARDS }),
    periodic_timer: timer,
    next_periodic_time: i64,
    unused1: unused(3 * 8, {
      born: '1.3',
      was: 'the next second and two timers',
      lastWriter: '1.2',
      unversioned: BOARDS,
    }),
    irq_coalesced: born('0.10', u32),
    period: born('0.10', u32),
    base_rtc: born('1.3', u64),
    last_update: born('1.3', u64),
    offset: born('1.3', i64),
    update_timer: born('1.3', timer),
    next_alarm_time: born('1.3', u64),
    irq_reinject_on_ack_count: inside(reinject, u16),
  },
  preLoad(s) {
    s.irq_reinject_on_ack_count = 0
  },
  postLoad(s) {
    if (s.cmos_index > 0x7f) throw new RangeError(`cmos_index below 128, came ${s.cmos_index}`)
    s.period = periodOf(s)
  },
}

// -- definition -------------------------------------------------------------------------------
export const mc146818 = device({
  type: 'mc146818rtc',
  doc: 'Real-time clock and 128 bytes of CMOS memory',
  props: {
    base_year: num(2000, 'year that the two-digit clock counts from; 2000 keeps the century in byte 0x32'),
    lost_tick_policy: oneOf(['discard', 'slew'], 'discard', 'what becomes of periodic ticks the guest did not take'),
  },
  wires: ['irq'],
  state: (): RtcState => ({
    cmos_data: new Uint8Array(128),
    cmos_index: 0,
    periodic_timer: null,
    next_periodic_time: 0n,
    irq_coalesced: 0,
    period: 0,
    base_rtc: 0n,
    last_update: 0n,
    offset: 0n,
    update_timer: null,
    next_alarm_time: 0n,
    irq_reinject_on_ack_count: 0,
  }),
  vmstate,

  // -- model ------------------------------------------------------------------------------------
  create({ state: s, props, time, wires }) {
    const clock = time.host
    const cmos = s.cmos_data
    const slew = props.lost_tick_policy === 'slew'
    const baseYear = props.base_year === 2000 ? 0 : props.base_year
    const periodic = clock.timer(tick)
    const updates = clock.timer(secondEnds)

    const runs = (): boolean => (cmos[REG_B]! & SET) === 0 && (cmos[REG_A]! & 0x70) <= 0x20
    const dividerReset = (): boolean => (cmos[REG_A]! & DIVIDER_RESET) === DIVIDER_RESET
    /** Time the guest's clock shows, ns since 1970. */
    const guestNs = (): bigint => s.base_rtc * SECOND + clock.now() - s.last_update + s.offset

    function showTime(): void {
      writeCalendar(cmos, floorDiv(guestNs(), SECOND), baseYear)
    }

    function takeTime(): void {
      const seconds = readCalendar(cmos, baseYear)
      s.base_rtc = seconds < 0n ? 0n : seconds
      s.last_update = clock.now()
    }

    function setUpdateTimer(at: bigint | null): void {
      s.update_timer = at
      if (at === null) updates.cancel()
      else updates.set(at)
    }

    /** Sets the update timer to the end of the second, or to the alarm when nothing else can change before. */
    function planUpdate(): void {
      if (dividerReset()) {
        setUpdateTimer(null)
        return
      }
      let next = clock.now() + SECOND - modulo(guestNs(), SECOND)
      if (runs()) showTime()
      s.next_alarm_time = next + (alarmSeconds(cmos) - 1n) * SECOND
      if ((cmos[REG_A]! & UIP) === 0 && (cmos[REG_C]! & UF) !== 0) {
        if ((cmos[REG_B]! & SET) !== 0 || (cmos[REG_C]! & AF) !== 0) {
          setUpdateTimer(null)
          return
        }
        next = s.next_alarm_time
      }
      setUpdateTimer(next)
    }

    function secondEnds(): void {
      s.update_timer = null
      if (dividerReset()) return
      cmos[REG_A]! &= ~UIP
      let flags = UF
      if (clock.now() >= s.next_alarm_time) flags |= AF
      const fresh = flags & ~cmos[REG_C]!
      cmos[REG_C]! |= flags
      if ((fresh & cmos[REG_B]!) !== 0) {
        cmos[REG_C]! |= IRQF
        wires.irq.raise()
      }
      planUpdate()
    }

    function updateInProgress(): boolean {
      if (!runs()) return false
      if (s.update_timer !== null && clock.now() >= s.update_timer - UIP_HOLD) {
        cmos[REG_A]! |= UIP
        return true
      }
      return modulo(guestNs(), SECOND) >= SECOND - UIP_HOLD
    }

    /** Sets the periodic timer to the next tick of the 32768 Hz divider chain after `from`. */
    function planPeriodic(from: bigint, oldPeriod: number): void {
      s.period = periodOf(s)
      if (s.period === 0) {
        s.irq_coalesced = 0
        s.periodic_timer = null
        periodic.cancel()
        return
      }
      let lost = 0n
      if (oldPeriod !== 0) {
        // a change of rate keeps what has passed of the present period
        const began = clocksOf(s.next_periodic_time) - BigInt(oldPeriod)
        lost = clocksOf(from) - began
        if (lost < 0n) lost = 0n
        if (lost > BigInt(s.period)) lost = BigInt(s.period)
      }
      const next = clocksOf(from) + BigInt(s.period) - lost
      s.next_periodic_time = (next * SECOND) / 32768n + 1n
      s.periodic_timer = s.next_periodic_time
      periodic.set(s.next_periodic_time)
    }

    /** True if the guest can see the interrupt: it had taken the one before. */
    function deliver(): boolean {
      if (wires.irq.level) return false
      wires.irq.raise()
      return true
    }

    function tick(): void {
      const now = clock.now()
      planPeriodic(now - s.next_periodic_time > LOST_NS ? now : s.next_periodic_time, 0)
      cmos[REG_C]! |= PF
      if ((cmos[REG_B]! & PIE) === 0) return
      cmos[REG_C]! |= IRQF
      if (!slew) wires.irq.raise()
      else {
        if (s.irq_reinject_on_ack_count >= REINJECTIONS) s.irq_reinject_on_ack_count = 0
        if (!deliver() && s.irq_coalesced < 0xffff_ffff) s.irq_coalesced++
      }
    }

    function readData(): number {
      const index = s.cmos_index === CENTURY_PS2 ? CENTURY : s.cmos_index
      if (isCalendar(index)) {
        if (runs()) showTime()
        return cmos[index]!
      }
      if (index === REG_A) return updateInProgress() ? cmos[REG_A]! | UIP : cmos[REG_A]!
      if (index !== REG_C) return cmos[index]!
      const flags = cmos[REG_C]!
      wires.irq.lower()
      cmos[REG_C] = 0
      if ((flags & (UF | AF)) !== 0) planUpdate()
      if (slew && s.irq_coalesced > 0 && (cmos[REG_B]! & PIE) !== 0 && s.irq_reinject_on_ack_count < REINJECTIONS) {
        s.irq_reinject_on_ack_count++
        cmos[REG_C] |= IRQF | PF
        if (deliver()) s.irq_coalesced--
      }
      return flags
    }

    function writeData(value: number): void {
      const index = s.cmos_index === CENTURY_PS2 ? CENTURY : s.cmos_index
      if (index === REG_A) writeA(value)
      else if (index === REG_B) writeB(value)
      else if (index === REG_C || index === REG_D)
        return // read-only
      else {
        cmos[index] = value
        if (isCalendar(index) && runs()) {
          takeTime()
          planUpdate()
        } else if (isAlarm(index)) planUpdate()
      }
    }

    function writeA(value: number): void {
      const rateChanges = ((cmos[REG_A]! ^ value) & 0x0f) !== 0
      if ((value & DIVIDER_RESET) === DIVIDER_RESET) {
        if (runs()) showTime()
        cmos[REG_A]! &= ~UIP
      } else if (dividerReset() && (value & 0x70) <= 0x20) {
        // the first update follows half a second later. [MC146818A] "Divider control"
        if ((cmos[REG_B]! & SET) === 0) {
          s.offset = SECOND / 2n
          takeTime()
        }
        cmos[REG_A]! &= ~UIP
      }
      cmos[REG_A] = (value & ~UIP) | (cmos[REG_A]! & UIP)
      if (rateChanges) planPeriodic(clock.now(), s.period)
      planUpdate()
    }

    function writeB(value: number): void {
      let next = value & 0xff
      const periodicChanges = ((cmos[REG_B]! ^ next) & PIE) !== 0
      if ((next & SET) !== 0) {
        if (runs()) showTime()
        cmos[REG_A]! &= ~UIP
        next &= ~UIE
      } else if ((cmos[REG_B]! & SET) !== 0 && (cmos[REG_A]! & 0x70) <= 0x20) {
        s.offset = modulo(guestNs(), SECOND)
        takeTime()
      }
      // a flag that is set already interrupts as soon as it is enabled
      if ((next & cmos[REG_C]! & FLAGS) !== 0) {
        cmos[REG_C]! |= IRQF
        cmos[REG_B] = next
        wires.irq.raise()
      } else {
        cmos[REG_C]! &= ~IRQF
        cmos[REG_B] = next
        wires.irq.lower()
      }
      if (periodicChanges) planPeriodic(clock.now(), s.period)
      planUpdate()
    }

    cmos[REG_A] = 0x26
    cmos[REG_B] = 0x02
    cmos[REG_D] = 0x80
    s.last_update = clock.now()
    s.base_rtc = floorDiv(s.last_update, SECOND)
    writeCalendar(cmos, s.base_rtc, baseYear)
    planUpdate()

    return {
      io: {
        index: reg(0, 1, 'selects a byte; bit 7 masks NMI', {
          read: () => 0xff,
          write(v) {
            s.cmos_index = v & 0x7f
          },
        }),
        data: reg(1, 1, 'the selected byte', { read: readData, write: (v) => writeData(v & 0xff) }),
      },
      sizes: { min: 1, max: 1 } as const,
      /** CMOS bytes as the board prepares and inspects them: no effect but the byte. */
      getCmos: (index: number): number => cmos[index & 0x7f]!,
      setCmos(index: number, value: number) {
        cmos[index & 0x7f] = value & 0xff
      },
      reset() {
        cmos[REG_B]! &= ~(PIE | AIE | SQWE)
        cmos[REG_C] = 0
        planPeriodic(clock.now(), s.period)
        planUpdate()
        wires.irq.lower()
        s.irq_coalesced = 0
        s.irq_reinject_on_ack_count = 0
      },
      afterLoad() {
        const now = clock.now()
        if (s.update_timer === null) updates.cancel()
        else if (s.update_timer > now + DAY_NS) planUpdate()
        else updates.set(s.update_timer)
        const next = s.periodic_timer
        // another host's clock may be far from the sender's
        if (next !== null && (next < now - JUMP_NS || next > now + JUMP_NS)) planPeriodic(now, 0)
        else if (next === null) periodic.cancel()
        else periodic.set(next)
        wires.irq.restore((cmos[REG_C]! & IRQF) !== 0)
      },
    }
  },
})

// -- arithmetic -------------------------------------------------------------------------------
const clocksOf = (ns: bigint): bigint => (ns * 32768n) / SECOND
const modulo = (a: bigint, b: bigint): bigint => ((a % b) + b) % b
const floorDiv = (a: bigint, b: bigint): bigint => (a - modulo(a, b)) / b

/** Periodic interrupt in 32768 Hz clocks; 0 for none. [MC146818A] "Periodic interrupt rate" */
function periodOf(s: RtcState): number {
  if ((s.cmos_data[REG_B]! & PIE) === 0) return 0
  const rate = s.cmos_data[REG_A]! & 0x0f
  if (rate === 0) return 0
  return 1 << ((rate <= 2 ? rate + 7 : rate) - 1)
}
