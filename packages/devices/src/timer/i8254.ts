/**
 * i8254 programmable interval timer: three counters of 16 bits at 1.193182 MHz.
 *
 * The guest sees a port per counter and a control port. Counter 0 drives the timer interrupt, counter 2 the speaker.
 * The HPET in legacy mode takes counter 0's interrupt away.
 *
 * Spec  [8254] Intel, 82C54 Programmable Interval Timer, order number 231244
 * Wire  "i8254" version 3
 */
import { device, reg, wire } from '@godwit/hw'
import { array, derived, i32, i64, named, since, struct, u16, u32, u8, type VMState } from '@godwit/vmstate'

// -- registers ---------------------------------------------------------- [8254] "Programming" ----
const FREQUENCY = 1_193_182n
const SECOND = 1_000_000_000n
const CONTROL = 3
const READ_BACK = 3 // counter 3 of a control word
const NO_LATCH_COUNT = 0x20
const NO_LATCH_STATUS = 0x10
// how the next byte is read or written
const LSB = 1
const MSB = 2
const WORD_LSB = 3
const WORD_MSB = 4

// -- state ----------------------------------------------------------------------------------
export interface I8254Channel {
  count: number
  latched_count: number
  count_latched: number
  status_latched: number
  status: number
  read_state: number
  write_state: number
  write_latch: number
  rw_mode: number
  mode: number
  bcd: number
  gate: number
  count_load_time: bigint
  next_transition_time: bigint
}

export interface I8254State {
  irq_disabled: number
  channels: I8254Channel[]
  /** Of counter 0, once more; -1 for none. */
  next_transition_time: bigint
  /** Last level of counter 0's output wire. */
  out: boolean
}

// -- description ------------------------------------------------------------------------------
const channel: VMState<I8254Channel> = {
  name: 'pit channel',
  version: 2,
  minVersion: 2,
  life: { born: '0.6.0' },
  fields: {
    count: i32,
    latched_count: u16,
    count_latched: u8,
    status_latched: u8,
    status: u8,
    read_state: u8,
    write_state: u8,
    write_latch: u8,
    rw_mode: u8,
    mode: u8,
    bcd: u8,
    gate: u8,
    count_load_time: i64,
    next_transition_time: i64,
  },
  postLoad(c) {
    if (c.count < 1 || c.count > 0x10000) throw new RangeError(`count 1 to 65536, came ${c.count}`)
  },
}

const vmstate: VMState<I8254State> = {
  name: 'i8254',
  version: 3,
  minVersion: 2,
  life: { born: '0.6.0', versions: { 3: '1.1' } },
  fields: {
    irq_disabled: named('channels[0].irq_disabled', since(3, u32)),
    channels: array(struct(channel), 3),
    next_transition_time: named('channels[0].next_transition_time', i64),
    out: derived('counter 0 and its next transition'),
  },
  preSave(s) {
    s.channels[0]!.next_transition_time = s.next_transition_time
  },
  preLoad(s) {
    s.irq_disabled = 0
  },
  postLoad(s) {
    s.channels[0]!.next_transition_time = s.next_transition_time
    s.out = s.irq_disabled === 0 && levelBefore(s.channels[0]!, s.next_transition_time)
  },
}

const freshChannel = (): I8254Channel => ({
  count: 0x10000,
  latched_count: 0,
  count_latched: 0,
  status_latched: 0,
  status: 0,
  read_state: 0,
  write_state: 0,
  write_latch: 0,
  rw_mode: 0,
  mode: 3,
  bcd: 0,
  gate: 1,
  count_load_time: 0n,
  next_transition_time: 0n,
})

// -- definition -------------------------------------------------------------------------------
export const i8254 = device({
  type: 'isa-pit',
  doc: 'Programmable interval timer',
  props: {},
  wires: ['out0'],
  state: (): I8254State => ({
    irq_disabled: 0,
    channels: [freshChannel(), freshChannel(), freshChannel()],
    next_transition_time: -1n,
    out: false,
  }),
  vmstate,

  // -- model ------------------------------------------------------------------------------------
  create({ state: s, time, wires }) {
    const clock = time.virtual
    const transition = clock.timer(() => evaluate(s.next_transition_time))

    /** Sets counter 0's wire to its level at `now` and the timer to the next change. */
    function evaluate(now: bigint): void {
      if (s.irq_disabled !== 0) return
      const c = s.channels[0]!
      s.out = outAt(c, now)
      s.next_transition_time = nextTransition(c, now)
      c.next_transition_time = s.next_transition_time
      arm()
      wires.out0.set(s.out)
    }

    function arm(): void {
      if (s.next_transition_time === -1n || s.irq_disabled !== 0) transition.cancel()
      else transition.set(s.next_transition_time)
    }

    function loadCount(index: number, value: number): void {
      const c = s.channels[index]!
      c.count_load_time = clock.now()
      c.count = value === 0 ? 0x10000 : value
      if (index === 0) evaluate(c.count_load_time)
    }

    function setGate(index: number, level: boolean): void {
      const c = s.channels[index]!
      // a rising gate starts these modes anew; QEMU lets modes 0 and 4 count on. [8254] "Gate pin operations summary"
      if (level && c.gate === 0 && (c.mode === 1 || c.mode === 2 || c.mode === 3 || c.mode === 5)) {
        c.count_load_time = clock.now()
        if (index === 0) evaluate(c.count_load_time)
      }
      c.gate = level ? 1 : 0
    }

    function latchCount(c: I8254Channel): void {
      if (c.count_latched !== 0) return
      c.latched_count = countAt(c, clock.now())
      c.count_latched = c.rw_mode
    }

    function latchStatus(c: I8254Channel): void {
      if (c.status_latched !== 0) return
      c.status = (outAt(c, clock.now()) ? 0x80 : 0) | (c.rw_mode << 4) | (c.mode << 1) | c.bcd
      c.status_latched = 1
    }

    function writeControl(value: number): void {
      const which = value >> 6
      if (which === READ_BACK) {
        for (let i = 0; i < 3; i++) {
          if ((value & (2 << i)) === 0) continue
          if ((value & NO_LATCH_COUNT) === 0) latchCount(s.channels[i]!)
          if ((value & NO_LATCH_STATUS) === 0) latchStatus(s.channels[i]!)
        }
        return
      }
      const c = s.channels[which]!
      const access = (value >> 4) & 3
      if (access === 0) {
        latchCount(c)
        return
      }
      c.rw_mode = c.read_state = c.write_state = access
      c.mode = (value >> 1) & 7
      c.bcd = value & 1
    }

    function writeCounter(index: number, value: number): void {
      const c = s.channels[index]!
      switch (c.write_state) {
        case WORD_LSB:
          c.write_latch = value
          c.write_state = WORD_MSB
          break
        case WORD_MSB:
          c.write_state = WORD_LSB
          loadCount(index, c.write_latch | (value << 8))
          break
        case MSB:
          loadCount(index, value << 8)
          break
        case LSB:
          loadCount(index, value)
          break
        default: // no control word yet
      }
    }

    function readCounter(index: number): number {
      const c = s.channels[index]!
      if (c.status_latched !== 0) {
        c.status_latched = 0
        return c.status
      }
      if (c.count_latched !== 0) {
        const high = c.count_latched === MSB
        c.count_latched = c.count_latched === WORD_LSB ? MSB : 0
        return high ? c.latched_count >> 8 : c.latched_count & 0xff
      }
      const count = countAt(c, clock.now())
      const high = c.read_state === MSB || c.read_state === WORD_MSB
      if (c.read_state === WORD_LSB) c.read_state = WORD_MSB
      else if (c.read_state === WORD_MSB) c.read_state = WORD_LSB
      return high ? count >> 8 : count & 0xff
    }

    return {
      io: {
        counters: reg(0, 3, 'counters 0 to 2', {
          read: (at) => readCounter(at),
          write: (v, at) => writeCounter(at, v & 0xff),
        }),
        control: reg(CONTROL, 1, 'mode, latch and read-back commands; write-only', {
          read: () => 0,
          write: (v) => writeControl(v & 0xff),
        }),
      },
      sizes: { min: 1, max: 1 } as const,
      inputs: {
        /** Up while the HPET takes the timer interrupt. */
        disable: wire((level) => {
          if (level) {
            s.irq_disabled = 1
            transition.cancel()
            s.out = false
            wires.out0.lower()
          } else {
            s.irq_disabled = 0
            evaluate(clock.now())
          }
        }),
      },
      /** Counter 2 as port 0x61 shows it. */
      gate2: () => s.channels[2]!.gate !== 0,
      setGate2: (level: boolean) => setGate(2, level),
      out2: () => outAt(s.channels[2]!, clock.now()),
      reset() {
        s.channels.forEach((c, i) => {
          c.mode = 3
          c.gate = i === 2 ? 0 : 1
          c.count = 0x10000
          c.count_load_time = clock.now()
        })
        evaluate(clock.now())
      },
      afterLoad() {
        arm()
        wires.out0.restore(s.out)
      },
    }
  },
})

// -- arithmetic -------------------------------------------------------------------------------
const ticksOf = (ns: bigint): bigint => (ns * FREQUENCY) / SECOND
const nsOf = (ticks: bigint): bigint => (ticks * SECOND) / FREQUENCY
const ticksSince = (c: I8254Channel, now: bigint): bigint => {
  const ns = now - c.count_load_time
  return ns < 0n ? 0n : ticksOf(ns)
}

function countAt(c: I8254Channel, now: bigint): number {
  const passed = ticksSince(c, now)
  const count = BigInt(c.count)
  if (c.mode === 0 || c.mode === 1 || c.mode === 4 || c.mode === 5) return Number((count - passed) & 0xffffn)
  const gone = c.mode === 3 ? (2n * passed) % count : passed % count
  return (c.count - Number(gone)) & 0xffff
}

/** Level of the output. Mode 2 is up during the tick that reloads, which lasts until the next is due: see nextTransition. */
function outAt(c: I8254Channel, now: bigint): boolean {
  const passed = ticksSince(c, now)
  const count = BigInt(c.count)
  switch (c.mode) {
    case 1:
      return passed < count
    case 2:
      return passed !== 0n && passed % count === 0n
    case 3:
      return passed % count < (count + 1n) >> 1n
    case 4:
    case 5:
      return passed === count
    default: // 0, and the codes 6 and 7, which QEMU treats like it
      return passed >= count
  }
}

/** When the output changes next, -1 for never. Rounds down to ns and up past `now`, exactly as QEMU saves it. */
function nextTransition(c: I8254Channel, now: bigint): bigint {
  const passed = ticksSince(c, now)
  const count = BigInt(c.count)
  const base = passed - (passed % count)
  let next: bigint
  switch (c.mode) {
    case 2:
      next = passed === base && passed !== 0n ? base + count : base + count + 1n
      break
    case 3: {
      const half = (count + 1n) >> 1n
      next = passed - base < half ? base + half : base + count
      break
    }
    case 4:
    case 5:
      if (passed > count) return -1n
      next = passed < count ? count : count + 1n
      break
    default:
      if (passed >= count) return -1n
      next = count
  }
  const at = c.count_load_time + nsOf(next)
  return at <= now ? now + 1n : at
}

/** The level that the wire has while it waits for the transition at `next`. */
function levelBefore(c: I8254Channel, next: bigint): boolean {
  if (next === -1n) return c.mode === 4 || c.mode === 5 ? false : c.mode !== 1
  const before = next - 1n
  if (c.mode !== 2) return outAt(c, before < c.count_load_time ? c.count_load_time : before)
  // Mode 2 falls at a multiple of the count and rises one tick later; between them `outAt` has gone down already.
  const count = BigInt(c.count)
  let tick = ticksOf(next - c.count_load_time)
  if (nsOf(tick) !== next - c.count_load_time) tick += 1n
  return count === 1n ? tick > 2n : (tick - 1n) % count !== 0n
}
