/**
 * PS/2 keyboard: answers commands, sends scan codes.
 *
 * Spec  [PS/2] IBM, PS/2 Hardware Interface Technical Reference, "Keyboard and Auxiliary Device Controller"
 * Wire  "ps2kbd" version 3
 */
import { device } from '@godwit/hw'
import { born, bool, i32, inside, since, struct, type Subsection, type VMState } from '@godwit/vmstate'
import { Ps2Queue, ps2Common, ps2CommonVmstate, soundQueue, type Ps2Common } from './ps2-queue.ts'
import { set2Of } from './scan-codes.ts'

// -- commands -----------------------------------------------------------------------------
const SET_LEDS = 0xed
const ECHO = 0xee
const SCAN_CODE_SET = 0xf0
const GET_ID = 0xf2
const SET_RATE = 0xf3
const ENABLE = 0xf4
const RESET_DISABLE = 0xf5
const RESET_ENABLE = 0xf6
const SET_ALL_TYPEMATIC = 0xfa
const SET_MAKE_BREAK = 0xfc
const RESET = 0xff
const ACK = 0xfa
const SELF_TEST_PASSED = 0xaa
const RESEND = 0xfe
/** Scan code set 1, 2 or 3 as it looks after translation by the controller. */
const TRANSLATED_SET = [0, 0x43, 0x41, 0x3f] as const

// -- state --------------------------------------------------------------------------------
export interface Ps2KeyboardState {
  parent_obj: Ps2Common
  scan_enabled: number
  /** 1: codes go out in set 1, as the controller's translation would make them. */
  translate: number
  scancode_set: number
  /** Bit 0 Scroll Lock, 1 Num Lock, 2 Caps Lock. */
  ledstate: number
  need_high_bit: boolean
  'parent_obj.queue.cwptr': number
}

type Sub = Subsection<Ps2KeyboardState>
const leds: Sub = {
  name: 'ps2kbd/ledstate',
  version: 3,
  minVersion: 2,
  born: '1.0',
  when: 'the LED state is not 0',
  needed: (s) => s.ledstate !== 0,
}
const highBit: Sub = {
  name: 'ps2kbd/need_high_bit',
  version: 1,
  born: '2.8',
  when: 'half of a two-byte code is pending',
  needed: (s) => s.need_high_bit,
}
const replies: Sub = {
  name: 'ps2kbd/command_reply_queue',
  version: 0,
  born: '6.2',
  when: 'a command reply queue exists (cwptr not -1)',
  needed: (s) => s['parent_obj.queue.cwptr'] !== -1,
}

export const vmstate: VMState<Ps2KeyboardState> = {
  name: 'ps2kbd',
  version: 3,
  minVersion: 2,
  life: { born: '0.8.0', versions: { 2: '0.8.1', 3: '0.10' } },
  fields: {
    parent_obj: born('0.8.0', struct(ps2CommonVmstate), { formerly: { '7.1': 'common' } }),
    scan_enabled: i32,
    translate: born('0.8.1', i32),
    scancode_set: since(3, i32),
    ledstate: inside(leds, i32),
    need_high_bit: inside(highBit, bool),
    'parent_obj.queue.cwptr': inside(replies, born('6.2', i32, { formerly: { '7.1': 'common.queue.cwptr' } })),
  },
  preLoad(s) {
    s.ledstate = 0
    s.need_high_bit = false
    s['parent_obj.queue.cwptr'] = -1
  },
  postLoad(s, version) {
    if (version === 2) s.scancode_set = 2
    soundQueue(s.parent_obj, s)
  },
}

// -- model --------------------------------------------------------------------------------
export const ps2Keyboard = device({
  type: 'ps2-kbd',
  doc: 'PS/2 keyboard',
  props: {},
  wires: ['irq'],
  state: (): Ps2KeyboardState => ({
    parent_obj: ps2Common(),
    scan_enabled: 1,
    translate: 0,
    scancode_set: 2,
    ledstate: 0,
    need_high_bit: false,
    'parent_obj.queue.cwptr': -1,
  }),
  vmstate,
  create({ state: s, wires }) {
    const common = s.parent_obj
    const queue = new Ps2Queue(common, s, wires.irq)
    let onLeds: ((leds: number) => void) | undefined

    function setLeds(value: number): void {
      s.ledstate = value
      onLeds?.(value)
    }

    function defaults(scan: boolean): void {
      s.scan_enabled = scan ? 1 : 0
      s.scancode_set = 2
      queue.clear()
      setLeds(0)
    }

    function command(value: number): void {
      switch (value) {
        case 0x00:
          return queue.reply(ACK)
        case ECHO:
          return queue.reply(ECHO)
        case GET_ID:
          return queue.reply(ACK, 0xab, s.translate !== 0 ? 0x41 : 0x83)
        case ENABLE:
          s.scan_enabled = 1
          return queue.reply(ACK)
        case SCAN_CODE_SET:
        case SET_LEDS:
        case SET_RATE:
        case SET_MAKE_BREAK:
          common.write_cmd = value
          return queue.reply(ACK)
        case RESET_DISABLE:
          defaults(false)
          return queue.reply(ACK)
        case RESET_ENABLE:
          defaults(true)
          return queue.reply(ACK)
        case RESET:
          defaults(true)
          return queue.reply(ACK, SELF_TEST_PASSED)
        case SET_ALL_TYPEMATIC:
          return queue.reply(ACK)
        default:
          return queue.reply(RESEND)
      }
    }

    function parameter(of: number, value: number): void {
      common.write_cmd = -1
      if (of === SCAN_CODE_SET) {
        if (value === 0) {
          const set = s.scancode_set & 3
          return queue.reply(ACK, s.translate !== 0 ? TRANSLATED_SET[set]! : set)
        }
        if (value > 3) return queue.reply(RESEND)
        s.scancode_set = value
      } else if (of === SET_LEDS) {
        setLeds(value)
      }
      queue.reply(ACK)
    }

    return {
      read: () => queue.read(),
      queue: (value: number) => queue.put(value),
      write(value: number): void {
        queue.dropReply()
        if (common.write_cmd === -1) command(value)
        else parameter(common.write_cmd, value)
      },
      setTranslation(on: boolean): void {
        s.translate = on ? 1 : 0
      },
      /** A key went down or up: its code in set 1, 0xe0xx for the extended ones. */
      key(code: number, down: boolean): void {
        if (s.scan_enabled === 0) return
        const low = code & 0x7f
        const prefix = code > 0xff ? [0xe0] : []
        if (s.translate !== 0 || s.scancode_set === 1) queue.put(...prefix, down ? low : low | 0x80)
        else {
          const make = set2Of(code)
          if (make !== undefined) queue.put(...prefix, ...(down ? [make] : [0xf0, make]))
        }
      },
      /** Told when the guest sets the lights. */
      watchLeds(watch: (leds: number) => void): void {
        onLeds = watch
        watch(s.ledstate)
      },
      reset() {
        common.write_cmd = -1
        queue.clear()
        common.data.fill(0)
        s.scan_enabled = 1
        s.translate = 0
        s.scancode_set = 2
        s.need_high_bit = false
        setLeds(0)
        wires.irq.lower()
      },
      afterLoad() {
        queue.restoreLine()
        onLeds?.(s.ledstate)
      },
    }
  },
})

export type Ps2Keyboard = ReturnType<(typeof ps2Keyboard)['create']>
