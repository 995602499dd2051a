/**
 * 8042 keyboard controller: ports 0x60 and 0x64, behind them the keyboard and the mouse, the A20 gate and a reset line.
 *
 * Spec  [8042] IBM, PS/2 Hardware Interface Technical Reference, "Keyboard and Auxiliary Device Controller"
 * Wire  "pckbd" version 3
 */
import { device, flag, reg, wire } from '@godwit/hw'
import { born, derived, inside, struct, u32, u8, type Subsection, type VMState } from '@godwit/vmstate'
import { pulse } from '../pulse.ts'
import { savedTimer } from '../saved-timer.ts'
import type { Ps2Device } from './ps2-queue.ts'

// -- registers ----------------------------------------------------------------------------
const OBF = 0x01 // status: output buffer full
const SELF_TEST = 0x04
const CMD = 0x08
const UNLOCKED = 0x10
const MOUSE_OBF = 0x20
const KBD_INT = 0x01 // command byte
const MOUSE_INT = 0x02
const DISABLE_KBD = 0x10
const DISABLE_MOUSE = 0x20
const TRANSLATE = 0x40
const OUT_RESET = 0x01 // output port
const OUT_A20 = 0x02
const OUT_ONES = 0xcc
const OUT_OBF = 0x10
const OUT_MOUSE_OBF = 0x20

const READ_MODE = 0x20
const WRITE_MODE = 0x60
const MOUSE_DISABLE = 0xa7
const MOUSE_ENABLE = 0xa8
const TEST_MOUSE = 0xa9
const RUN_SELF_TEST = 0xaa
const TEST_KBD = 0xab
const KBD_DISABLE = 0xad
const KBD_ENABLE = 0xae
const READ_INPORT = 0xc0
const READ_OUTPORT = 0xd0
const WRITE_OUTPORT = 0xd1
const WRITE_OBUF = 0xd2
const WRITE_AUX_OBUF = 0xd3
const WRITE_MOUSE = 0xd4
const DISABLE_A20 = 0xdd
const ENABLE_A20 = 0xdf

// What waits for the output buffer; the last two lie where the command byte disables their source.
const PENDING_KBD_OLD = 0x01
const PENDING_AUX_OLD = 0x02
const PENDING_CTRL_KBD = 0x04
const PENDING_CTRL_AUX = 0x08
const PENDING_KBD = DISABLE_KBD
const PENDING_AUX = DISABLE_MOUSE
const PENDING_ALL = PENDING_CTRL_KBD | PENDING_CTRL_AUX | PENDING_KBD | PENDING_AUX
const FROM_KBD = 1
const FROM_MOUSE = 2
const FROM_CTRL = 4
const THROTTLED = 1 // migration_flags
const THROTTLE_NS = 1_000_000n

// -- state --------------------------------------------------------------------------------
export interface KbdState {
  write_cmd: number
  status: number
  /** The command byte. */
  mode: number
  /** `pending` in the form that travels. */
  pending_tmp: number
  outport: number
  migration_flags: number
  /** Where the byte in the output buffer comes from. */
  obsrc: number
  obdata: number
  /** The byte the controller itself has to say. */
  cbdata: number
  pending: number
  throttle: bigint | null
  extended: boolean
  came: { outport: boolean; extended: boolean }
}

export interface I8042State {
  kbd: KbdState
}

const outportOf = (s: KbdState): number =>
  OUT_RESET |
  OUT_A20 |
  OUT_ONES |
  ((s.status & OBF) !== 0 ? OUT_OBF : 0) |
  ((s.status & MOUSE_OBF) !== 0 ? OUT_MOUSE_OBF : 0)

const outport: Subsection<KbdState> = {
  name: 'pckbd_outport',
  version: 1,
  born: '2.2',
  when: 'the output port differs from its default',
  needed: (s) => s.outport !== outportOf(s),
  postLoad: (s) => {
    s.came.outport = true
  },
}
const extendedState: Subsection<KbdState> = {
  name: 'pckbd/extended_state',
  version: 0,
  born: '6.1',
  gate: { type: 'i8042', property: 'extended-state', value: 'false', offFor: '6.0' },
  when: 'the i8042 property extended-state is on',
  needed: (s) => s.extended,
  preSave: (s) => {
    s.migration_flags = s.throttle !== null ? THROTTLED : 0
  },
  postLoad: (s) => {
    s.came.extended = true
  },
}

export const kbdVmstate: VMState<KbdState> = {
  name: 'pckbd',
  version: 3,
  minVersion: 3,
  life: { born: '0.6.0', versions: { 2: '0.8.0', 3: '0.8.1' } },
  fields: {
    write_cmd: u8,
    status: u8,
    mode: u8,
    pending_tmp: born('0.8.1', u8, { formerly: { '6.1': 'pending' } }),
    outport: inside(outport, u8),
    migration_flags: inside(extendedState, u32),
    obsrc: inside(extendedState, u32),
    obdata: inside(extendedState, u8),
    cbdata: inside(extendedState, u8),
    pending: derived('pending_tmp'),
    throttle: derived('migration_flags: a full throttle time from the moment of loading'),
    extended: derived('property extended-state'),
    came: derived('which subsections came; only while loading'),
  },
  preSave(s) {
    s.pending_tmp = s.extended
      ? s.pending
      : ((s.pending & PENDING_KBD) !== 0 ? PENDING_KBD_OLD : 0) |
        ((s.pending & PENDING_AUX) !== 0 ? PENDING_AUX_OLD : 0)
  },
  preLoad(s) {
    s.came = { outport: false, extended: false }
    s.migration_flags = 0
  },
  postLoad(s) {
    if (!s.came.outport) s.outport = outportOf(s)
    s.pending = s.pending_tmp
    if (!s.came.extended) {
      s.obsrc = (s.status & OBF) === 0 ? 0 : (s.status & MOUSE_OBF) !== 0 ? FROM_MOUSE : FROM_KBD
      if ((s.pending & PENDING_KBD_OLD) !== 0) s.pending |= PENDING_KBD
      if ((s.pending & PENDING_AUX_OLD) !== 0) s.pending |= PENDING_AUX
    }
    s.pending &= PENDING_ALL
    s.came = { outport: false, extended: false }
  },
}

export const vmstate: VMState<I8042State> = {
  name: 'pckbd',
  version: 3,
  minVersion: 3,
  life: { born: '0.12' },
  fields: { kbd: struct(kbdVmstate) },
}

const nobody: Ps2Device = { read: () => 0, write: () => undefined, queue: () => undefined }

// -- model --------------------------------------------------------------------------------
export const i8042 = device({
  type: 'i8042',
  doc: 'Keyboard controller',
  props: {
    'extended-state': flag(true, 'the controller keeps its own byte apart from those of the devices, and sends it'),
    'kbd-throttle': flag(false, 'no sooner than 1 ms after a keyboard byte was read comes the next'),
  },
  wires: ['kbd', 'mouse', 'a20', 'reset'],
  state: (props): I8042State => ({
    kbd: {
      write_cmd: 0,
      status: CMD | UNLOCKED,
      mode: KBD_INT | MOUSE_INT,
      pending_tmp: 0,
      outport: OUT_RESET | OUT_A20 | OUT_ONES,
      migration_flags: 0,
      obsrc: 0,
      obdata: 0,
      cbdata: 0,
      pending: 0,
      throttle: null,
      extended: props['extended-state'],
      came: { outport: false, extended: false },
    },
  }),
  vmstate,
  create({ state, props, wires, time, trace }) {
    const s = state.kbd
    let keyboard: Ps2Device & { setTranslation?(on: boolean): void } = nobody
    let mouse: Ps2Device = nobody
    const throttle = savedTimer(time.virtual, s, 'throttle', offer)

    const pendingNow = (): number =>
      s.extended ? s.pending & (~s.mode | ~(PENDING_KBD | PENDING_AUX)) & 0xff : s.pending

    function updateLines(): void {
      const full = (s.status & OBF) !== 0
      const ofMouse = (s.status & MOUSE_OBF) !== 0
      wires.kbd.set(full && !ofMouse && (s.mode & KBD_INT) !== 0 && (s.mode & DISABLE_KBD) === 0)
      wires.mouse.set(full && ofMouse && (s.mode & MOUSE_INT) !== 0)
    }

    /** The wires follow from status and mode at all times, so that a loaded state knows them. */
    function setMode(mode: number): void {
      s.mode = mode
      updateLines()
    }

    function emptyBuffer(): void {
      s.status &= ~(OBF | MOUSE_OBF)
      s.outport &= ~(OUT_OBF | OUT_MOUSE_OBF)
    }

    /** Fills the output buffer with what waits, controller first, then keyboard. */
    function fillBuffer(): void {
      const pending = pendingNow()
      emptyBuffer()
      if (pending !== 0) {
        s.status |= OBF
        s.outport |= OUT_OBF
        if ((pending & PENDING_CTRL_KBD) !== 0) {
          s.obsrc = FROM_CTRL
        } else if ((pending & PENDING_CTRL_AUX) !== 0) {
          s.status |= MOUSE_OBF
          s.outport |= OUT_MOUSE_OBF
          s.obsrc = FROM_CTRL
        } else if ((pending & PENDING_KBD) !== 0) {
          s.obsrc = FROM_KBD
        } else {
          s.status |= MOUSE_OBF
          s.outport |= OUT_MOUSE_OBF
          s.obsrc = FROM_MOUSE
        }
      }
      updateLines()
    }

    function offer(): void {
      if ((s.status & OBF) !== 0 || s.throttle !== null) return
      if (pendingNow() !== 0) fillBuffer()
    }

    const sourceLine = (bit: number) =>
      wire((level) => {
        s.pending = level ? s.pending | bit : s.pending & ~bit
        offer()
      })
    const keyboardLine = sourceLine(PENDING_KBD)
    const mouseLine = sourceLine(PENDING_AUX)

    function say(value: number, aux: boolean): void {
      if (!s.extended) {
        ;(aux ? mouse : keyboard).queue(value)
        return
      }
      s.cbdata = value
      s.pending &= ~(PENDING_CTRL_KBD | PENDING_CTRL_AUX)
      s.pending |= aux ? PENDING_CTRL_AUX : PENDING_CTRL_KBD
      offer()
    }

    function readData(): number {
      if ((s.status & OBF) === 0) return s.obdata
      emptyBuffer()
      updateLines()
      if ((s.obsrc & FROM_KBD) !== 0) {
        if (props['kbd-throttle']) throttle.set(time.virtual.now() + THROTTLE_NS)
        s.obdata = keyboard.read()
      } else if ((s.obsrc & FROM_MOUSE) !== 0) {
        s.obdata = mouse.read()
      } else if ((s.obsrc & FROM_CTRL) !== 0) {
        s.obdata = s.cbdata
        s.pending &= ~(PENDING_CTRL_KBD | PENDING_CTRL_AUX)
        if (pendingNow() !== 0) fillBuffer()
      }
      return s.obdata
    }

    function writeOutport(value: number): void {
      s.outport = value
      wires.a20.set((value & OUT_A20) !== 0)
      if ((value & OUT_RESET) === 0) reset('output port')
    }

    function setA20(on: boolean): void {
      s.outport = on ? s.outport | OUT_A20 : s.outport & ~OUT_A20
      wires.a20.set(on)
    }

    function reset(by: string): void {
      trace('i8042.reset', { by })
      pulse(wires.reset)
    }

    function writeData(value: number): void {
      const command = s.write_cmd
      s.write_cmd = 0
      switch (command) {
        case 0:
          // A byte for the keyboard switches its interface on again.
          setMode(s.mode & ~DISABLE_KBD)
          keyboard.write(value)
          offer()
          break
        case WRITE_MODE:
          setMode(value)
          keyboard.setTranslation?.((value & TRANSLATE) !== 0)
          offer()
          break
        case WRITE_OBUF:
          say(value, false)
          break
        case WRITE_AUX_OBUF:
          say(value, true)
          break
        case WRITE_OUTPORT:
          writeOutport(value)
          break
        case WRITE_MOUSE:
          s.mode &= ~DISABLE_MOUSE
          mouse.write(value)
          offer()
          break
        default:
          break
      }
    }

    function writeCommand(value: number): void {
      if (value >= 0xf0) {
        // [8042]: F0-FF pulse the low bits of the output port that are 0; bit 0 is the reset line.
        if ((value & 1) === 0) reset('pulse')
        return
      }
      switch (value) {
        case READ_MODE:
          return say(s.mode, false)
        case WRITE_MODE:
        case WRITE_OBUF:
        case WRITE_AUX_OBUF:
        case WRITE_MOUSE:
        case WRITE_OUTPORT:
          s.write_cmd = value
          return
        case MOUSE_DISABLE:
          s.mode |= DISABLE_MOUSE
          return
        case MOUSE_ENABLE:
          s.mode &= ~DISABLE_MOUSE
          return offer()
        case TEST_MOUSE:
          return say(0x00, false)
        case RUN_SELF_TEST:
          s.status |= SELF_TEST
          return say(0x55, false)
        case TEST_KBD:
          return say(0x00, false)
        case KBD_DISABLE:
          return setMode(s.mode | DISABLE_KBD)
        case KBD_ENABLE:
          setMode(s.mode & ~DISABLE_KBD)
          return offer()
        case READ_INPORT:
          return say(0x80, false)
        case READ_OUTPORT:
          return say(s.outport, false)
        case ENABLE_A20:
          return setA20(true)
        case DISABLE_A20:
          return setA20(false)
        default:
          trace('i8042.unknown', { value })
      }
    }

    return {
      /** Base is port 0x60; 0x64 is the second register. */
      io: {
        DATA: reg(0, 1, 'output buffer; input for keyboard, mouse or the last command', {
          read: readData,
          write: writeData,
        }),
        STATUS: reg(4, 1, 'status; command', { read: () => s.status, write: writeCommand }),
      },
      /** Up while the keyboard or the mouse has a byte. */
      inputs: { keyboard: keyboardLine, mouse: mouseLine },
      /** Plugs in the keyboard and the mouse. */
      connect(kbd: typeof keyboard, aux: Ps2Device): void {
        keyboard = kbd
        mouse = aux
      },
      reset() {
        throttle.cancel()
        Object.assign(s, {
          write_cmd: 0,
          mode: KBD_INT | MOUSE_INT,
          status: CMD | UNLOCKED,
          outport: OUT_RESET | OUT_A20 | OUT_ONES,
          pending: 0,
          obsrc: 0,
          obdata: 0,
          cbdata: 0,
        })
        wires.a20.raise()
        updateLines()
      },
      afterLoad() {
        s.throttle = (s.migration_flags & THROTTLED) !== 0 ? time.virtual.now() + THROTTLE_NS : null
        throttle.rearm()
        keyboardLine.restore((s.pending & PENDING_KBD) !== 0)
        mouseLine.restore((s.pending & PENDING_AUX) !== 0)
        wires.a20.restore((s.outport & OUT_A20) !== 0)
        const full = (s.status & OBF) !== 0
        const ofMouse = (s.status & MOUSE_OBF) !== 0
        wires.kbd.restore(full && !ofMouse && (s.mode & KBD_INT) !== 0 && (s.mode & DISABLE_KBD) === 0)
        wires.mouse.restore(full && ofMouse && (s.mode & MOUSE_INT) !== 0)
      },
    }
  },
})
