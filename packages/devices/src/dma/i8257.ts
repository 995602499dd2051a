/**
 * 8237A DMA controller, as two of them sit in a PC: bytes on channels 0 to 3, words on channels 4 to 7.
 *
 * The registers are complete; no device of ours transfers by it yet.
 *
 * Spec  [8237A] Intel, 8237A High Performance Programmable DMA Controller
 * Wire  "dma" version 1
 */
import { device, num, reg, type Reg } from '@godwit/hw'
import { array, derived, i32, struct, u16, u8, type VMState } from '@godwit/vmstate'

const ADDRESS = 0
const COUNT = 1
const MODE_DECREMENT = 0x20
const MASK_ALL = 0xff

export interface DmaChannelState {
  /** Current address, and bytes done. */
  now: Int32Array
  base: Uint16Array
  mode: number
  page: number
  pageh: number
  dack: number
  eop: number
}

export interface DmaState {
  command: number
  mask: number
  flip_flop: number
  dshift: number
  regs: DmaChannelState[]
  status: number
}

const channelVmstate: VMState<DmaChannelState> = {
  name: 'dma_regs',
  version: 1,
  minVersion: 1,
  life: { born: '0.6.1' },
  fields: {
    now: array<Int32Array, number>(i32, 2),
    base: array<Uint16Array, number>(u16, 2),
    mode: u8,
    page: u8,
    pageh: u8,
    dack: u8,
    eop: u8,
  },
}

export const vmstate: VMState<DmaState> = {
  name: 'dma',
  version: 1,
  minVersion: 1,
  life: { born: '0.6.1' },
  fields: {
    command: u8,
    mask: u8,
    flip_flop: u8,
    dshift: i32,
    regs: array<DmaChannelState[], DmaChannelState>(struct(channelVmstate), 4),
    status: derived('nothing: QEMU does not send it'),
  },
}

const channel = (): DmaChannelState => ({
  now: new Int32Array(2),
  base: new Uint16Array(2),
  mode: 0,
  page: 0,
  pageh: 0,
  dack: 0,
  eop: 0,
})

/** Channels by the last three bits of their page register's port. */
const PAGE_CHANNELS: readonly (readonly [number, number])[] = [
  [1, 2],
  [2, 3],
  [3, 1],
  [7, 0],
]

export const i8257 = device({
  type: 'i8257',
  doc: 'DMA controller',
  props: {
    dshift: num(0, '0: channels of bytes, 1: channels of words'),
  },
  wires: [],
  state: (props): DmaState => ({
    command: 0,
    mask: MASK_ALL,
    flip_flop: 0,
    dshift: props.dshift,
    regs: [channel(), channel(), channel(), channel()],
    status: 0,
  }),
  vmstate,
  create({ state: s, props }) {
    const shift = props.dshift

    /** [8237A] "First/Last Flip-Flop": low and high byte take turns. */
    function flip(): number {
      const was = s.flip_flop
      s.flip_flop = was === 0 ? 1 : 0
      return was
    }

    function readCount(n: number, which: number): number {
      const r = s.regs[n]!
      const high = flip()
      const step = (r.mode & MODE_DECREMENT) !== 0 ? -1 : 1
      const value = which === COUNT ? (r.base[COUNT]! << shift) - r.now[COUNT]! : r.now[ADDRESS]! + r.now[COUNT]! * step
      return (value >> (shift + (high !== 0 ? 8 : 0))) & 0xff
    }

    function writeCount(n: number, which: number, value: number): void {
      const r = s.regs[n]!
      if (flip() === 0) {
        r.base[which] = (r.base[which]! & 0xff00) | value
      } else {
        r.base[which] = (r.base[which]! & 0x00ff) | (value << 8)
        r.now[ADDRESS] = r.base[ADDRESS]! << shift
        r.now[COUNT] = 0
      }
    }

    function clear(): void {
      s.command = 0
      s.mask = MASK_ALL
      s.flip_flop = 0
      s.status = 0
    }

    function request(value: number): void {
      const bit = 1 << (value & 3)
      s.status = (value & 4) !== 0 ? s.status | (bit << 4) : s.status & ~(bit << 4)
      s.status &= ~bit
    }

    function readStatus(): number {
      const value = s.status
      s.status &= 0xf0
      return value
    }

    function oneMask(value: number): void {
      const bit = 1 << (value & 3)
      s.mask = (value & 4) !== 0 ? s.mask | bit : s.mask & ~bit
    }

    const io: Record<string, Reg> = {}
    const at = (n: number, name: string, doc: string, behaviour: Pick<Reg, 'read' | 'write'>): void => {
      io[name] = reg(n << shift, 1, doc, behaviour)
    }
    for (let n = 0; n < 4; n++) {
      for (const [which, name] of [
        [ADDRESS, 'ADDRESS'],
        [COUNT, 'COUNT'],
      ] as const) {
        at(2 * n + which, `${name}${n}`, `${name.toLowerCase()} of channel ${n}, low byte first`, {
          read: () => readCount(n, which),
          write: (v) => writeCount(n, which, v),
        })
      }
    }
    const nothing = { read: () => 0 }
    at(0x8, 'STATUS_COMMAND', 'status; command', { read: readStatus, write: (v) => void (s.command = v) })
    at(0x9, 'REQUEST', 'requests a transfer; reads the masks', { read: () => s.mask, write: request })
    at(0xa, 'SINGLE_MASK', 'masks one channel', { ...nothing, write: oneMask })
    at(0xb, 'MODE', 'mode of a channel', { ...nothing, write: (v) => void (s.regs[v & 3]!.mode = v) })
    at(0xc, 'CLEAR_FLIP_FLOP', 'next is the low byte', { ...nothing, write: () => void (s.flip_flop = 0) })
    at(0xd, 'MASTER_CLEAR', 'resets the controller', { ...nothing, write: clear })
    at(0xe, 'CLEAR_MASK', 'unmasks all channels', { ...nothing, write: () => void (s.mask = 0) })
    at(0xf, 'ALL_MASK', 'masks of all channels', { ...nothing, write: (v) => void (s.mask = v) })

    const pages = (key: 'page' | 'pageh'): Record<string, Reg> =>
      Object.fromEntries(
        PAGE_CHANNELS.map(([offset, n]) => [
          `${key}${n}`,
          reg(offset, 1, `${key === 'page' ? 'bits 16-23' : 'bits 24-31'} of the address of channel ${n}`, {
            read: () => s.regs[n]![key],
            write: (v) => void (s.regs[n]![key] = v),
          }),
        ]),
      )

    return {
      /** Base is port 0x00 (16 ports) for bytes, 0xc0 (32 ports) for words. */
      io,
      /** Base is port 0x80 for bytes, 0x88 for words. */
      pages: pages('page'),
      /** Of boards that have them (a pc-i440fx does not): base is port 0x480 for bytes, 0x488 for words. */
      highPages: pages('pageh'),
      reset: clear,
    }
  },
})
