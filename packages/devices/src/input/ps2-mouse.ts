/**
 * PS/2 mouse, with the wheel and the five buttons of its later kinds.
 *
 * Spec  [PS/2] IBM, PS/2 Hardware Interface Technical Reference, "Auxiliary Device"
 * Wire  "ps2mouse" version 2
 */
import { device } from '@godwit/hw'
import { born, i32, struct, u8, type VMState } from '@godwit/vmstate'
import { Ps2Queue, ps2Common, ps2CommonVmstate, soundQueue, type Ps2Common } from './ps2-queue.ts'

// -- commands -----------------------------------------------------------------------------
const SCALING_1 = 0xe6
const SCALING_2 = 0xe7
const SET_RESOLUTION = 0xe8
const STATUS_REQUEST = 0xe9
const SET_STREAM = 0xea
const READ_DATA = 0xeb
const RESET_WRAP = 0xec
const SET_WRAP = 0xee
const SET_REMOTE = 0xf0
const GET_TYPE = 0xf2
const SET_RATE = 0xf3
const ENABLE = 0xf4
const DISABLE = 0xf5
const SET_DEFAULTS = 0xf6
const RESET = 0xff
const ACK = 0xfa
const SELF_TEST_PASSED = 0xaa
const REMOTE = 0x40
const ENABLED = 0x20
const SCALE_2 = 0x10
const WHEEL = 3
const FIVE_BUTTONS = 4

// -- state --------------------------------------------------------------------------------
export interface Ps2MouseState {
  parent_obj: Ps2Common
  mouse_status: number
  mouse_resolution: number
  mouse_sample_rate: number
  mouse_wrap: number
  /** 0, WHEEL or FIVE_BUTTONS. */
  mouse_type: number
  /** How far the sequence of rates has come that asks for a wheel. */
  mouse_detect_state: number
  mouse_dx: number
  mouse_dy: number
  mouse_dz: number
  mouse_buttons: number
}

const NO_REPLIES = { 'parent_obj.queue.cwptr': -1 }

export const vmstate: VMState<Ps2MouseState> = {
  name: 'ps2mouse',
  version: 2,
  minVersion: 2,
  life: { born: '0.8.0', versions: { 2: '0.8.1' } },
  fields: {
    parent_obj: born('0.8.0', struct(ps2CommonVmstate), { formerly: { '7.1': 'common' } }),
    mouse_status: u8,
    mouse_resolution: u8,
    mouse_sample_rate: u8,
    mouse_wrap: u8,
    mouse_type: u8,
    mouse_detect_state: u8,
    mouse_dx: i32,
    mouse_dy: i32,
    mouse_dz: i32,
    mouse_buttons: u8,
  },
  postLoad: (s) => soundQueue(s.parent_obj, { ...NO_REPLIES }),
}

const clamp = (value: number, limit: number): number => Math.max(-limit, Math.min(limit, value))

/** As after a reset. */
const still = (): Omit<Ps2MouseState, 'parent_obj'> => ({
  mouse_status: 0,
  mouse_resolution: 0,
  mouse_sample_rate: 0,
  mouse_wrap: 0,
  mouse_type: 0,
  mouse_detect_state: 0,
  mouse_dx: 0,
  mouse_dy: 0,
  mouse_dz: 0,
  mouse_buttons: 0,
})

// -- model --------------------------------------------------------------------------------
export const ps2Mouse = device({
  type: 'ps2-mouse',
  doc: 'PS/2 mouse',
  props: {},
  wires: ['irq'],
  state: (): Ps2MouseState => ({ parent_obj: ps2Common(), ...still() }),
  vmstate,
  create({ state: s, wires }) {
    const common = s.parent_obj
    const queue = new Ps2Queue(common, { ...NO_REPLIES }, wires.irq)

    function defaults(): void {
      s.mouse_sample_rate = 100
      s.mouse_resolution = 2
      s.mouse_status = 0
    }

    /** Sends what has moved, as far as one packet holds; false when there is no room. */
    function sendPacket(): boolean {
      if (queue.room < (s.mouse_type === 0 ? 3 : 4)) return false
      const dx = clamp(s.mouse_dx, 127)
      const dy = clamp(s.mouse_dy, 127)
      const first = 0x08 | (dx < 0 ? 0x10 : 0) | (dy < 0 ? 0x20 : 0) | (s.mouse_buttons & 7)
      const packet = [first, dx & 0xff, dy & 0xff]
      if (s.mouse_type === WHEEL) {
        const dz = clamp(s.mouse_dz, 127)
        s.mouse_dz -= dz
        packet.push(dz & 0xff)
      } else if (s.mouse_type === FIVE_BUTTONS) {
        const dz = clamp(s.mouse_dz, 7)
        s.mouse_dz -= dz
        packet.push((dz & 0x0f) | ((s.mouse_buttons & 0x18) << 1))
      } else {
        s.mouse_dz = 0
      }
      s.mouse_dx -= dx
      s.mouse_dy -= dy
      queue.put(...packet)
      return true
    }

    function command(value: number): void {
      switch (value) {
        case SCALING_1:
          s.mouse_status &= ~SCALE_2
          break
        case SCALING_2:
          s.mouse_status |= SCALE_2
          break
        case SET_STREAM:
          s.mouse_status &= ~REMOTE
          break
        case SET_WRAP:
          s.mouse_wrap = 1
          break
        case SET_REMOTE:
          s.mouse_status |= REMOTE
          break
        case GET_TYPE:
          return queue.put(ACK, s.mouse_type)
        case SET_RESOLUTION:
        case SET_RATE:
          common.write_cmd = value
          break
        case STATUS_REQUEST:
          return queue.put(ACK, s.mouse_status, s.mouse_resolution, s.mouse_sample_rate)
        case READ_DATA:
          queue.put(ACK)
          sendPacket()
          return
        case ENABLE:
          s.mouse_status |= ENABLED
          break
        case DISABLE:
          s.mouse_status &= ~ENABLED
          break
        case SET_DEFAULTS:
          defaults()
          break
        case RESET:
          defaults()
          s.mouse_type = 0
          queue.clear()
          return queue.put(ACK, SELF_TEST_PASSED, s.mouse_type)
        default:
          return
      }
      queue.put(ACK)
    }

    /** Rates 200, 100, 80 ask for a wheel, 200, 200, 80 for five buttons. */
    function detect(rate: number): void {
      const at = s.mouse_detect_state
      if (at === 0) s.mouse_detect_state = rate === 200 ? 1 : 0
      else if (at === 1) s.mouse_detect_state = rate === 100 ? 2 : rate === 200 ? 3 : 0
      else {
        if (rate === 80) s.mouse_type = at === 2 ? WHEEL : FIVE_BUTTONS
        s.mouse_detect_state = 0
      }
    }

    return {
      read: () => queue.read(),
      queue: (value: number) => queue.put(value),
      write(value: number): void {
        if (common.write_cmd === -1) {
          if (s.mouse_wrap !== 0 && value !== RESET) {
            if (value === RESET_WRAP) s.mouse_wrap = 0
            queue.put(value === RESET_WRAP ? ACK : value)
          } else {
            command(value)
          }
          return
        }
        if (common.write_cmd === SET_RATE) {
          s.mouse_sample_rate = value
          detect(value)
        } else {
          s.mouse_resolution = value
        }
        common.write_cmd = -1
        queue.put(ACK)
      },
      /** The mouse moved by so many counts (y downwards, wheel towards the user) with these buttons held (1 left, 2 right, 4 middle). */
      move(dx: number, dy: number, dz: number, buttons: number): void {
        if ((s.mouse_status & ENABLED) === 0) return
        const limit = 1 << 20
        s.mouse_dx = clamp(s.mouse_dx + Math.trunc(dx), limit)
        s.mouse_dy = clamp(s.mouse_dy - Math.trunc(dy), limit)
        s.mouse_dz = clamp(s.mouse_dz + Math.trunc(dz), limit)
        s.mouse_buttons = buttons & 0x1f
        if ((s.mouse_status & REMOTE) !== 0) return
        while (sendPacket() && (s.mouse_dx !== 0 || s.mouse_dy !== 0 || s.mouse_dz !== 0));
      },
      reset() {
        common.write_cmd = -1
        queue.clear()
        common.data.fill(0)
        Object.assign(s, still())
        wires.irq.lower()
      },
      afterLoad() {
        queue.restoreLine()
      },
    }
  },
})

export type Ps2Mouse = ReturnType<(typeof ps2Mouse)['create']>
