/**
 * VMware's absolute mouse, and the port through which it is reached.
 *
 * The guest reads port 0x5658 with a magic number and a command in its registers, and finds answers in them.
 *
 * Spec  [BACKDOOR] VMware, open-vm-tools: backdoor_def.h, vmmouse_defs.h
 * Wire  "vmmouse" version 0
 */
import { device, flag, num, reg } from '@godwit/hw'
import { array, equal, i32, u16, u32, u8, type VMState } from '@godwit/vmstate'

const MAGIC = 0x564d_5868
const GET_VERSION = 0x0a
const GET_RAM_SIZE = 0x14
const MOUSE_DATA = 0x27
const MOUSE_STATUS = 0x28
const MOUSE_COMMAND = 0x29
const READ_ID = 0x4541_4552
const DISABLE = 0x0000_00f5
const REQUEST_RELATIVE = 0x4c45_5252
const REQUEST_ABSOLUTE = 0x5342_4152
const VERSION = 0x3442_554a
const VM_VERSION = 6
const QUEUE = 1024
const ERROR = 0xffff
const ALL_ONES = 0xffff_ffff

export interface VmmouseState {
  queue_size: number
  queue: Uint32Array
  nb_queue: number
  status: number
  absolute: number
}

export const vmstate: VMState<VmmouseState> = {
  name: 'vmmouse',
  version: 0,
  minVersion: 0,
  life: { born: '0.9.1' },
  fields: {
    queue_size: equal(i32),
    queue: array<Uint32Array, number>(u32, QUEUE),
    nb_queue: u16,
    status: u16,
    absolute: u8,
  },
  postLoad(s) {
    if (s.nb_queue > QUEUE) throw new RangeError(`vmmouse with ${s.nb_queue} words in a queue of ${QUEUE}`)
  },
}

/** Registers of the processor that reads the port. */
export interface BackdoorRegisters {
  eax: number
  ebx: number
  ecx: number
  edx: number
  esi: number
  edi: number
}

export const vmmouse = device({
  type: 'vmmouse',
  doc: "VMware's absolute mouse",
  props: {},
  wires: [],
  state: (): VmmouseState => ({
    queue_size: QUEUE,
    queue: new Uint32Array(QUEUE),
    nb_queue: 0,
    status: ERROR,
    absolute: 0,
  }),
  vmstate,
  create({ state: s }) {
    function command(value: number): void {
      if (value === READ_ID) {
        s.queue[0] = VERSION
        s.nb_queue = 1
        s.status = 0
      } else if (value === DISABLE) {
        s.status = ERROR
      } else if (value === REQUEST_RELATIVE) {
        s.absolute = 0
      } else if (value === REQUEST_ABSOLUTE) {
        s.absolute = 1
      }
    }

    /** Takes 1 to 6 words of the queue into the registers, in their order. */
    function data(r: BackdoorRegisters): void {
      const count = r.ebx
      if (!(count >= 1 && count <= 6) || count > s.nb_queue) {
        s.status = ERROR
        r.eax = ERROR
        return
      }
      const names = ['eax', 'ebx', 'ecx', 'edx', 'esi', 'edi'] as const
      names.forEach((name, i) => {
        if (i < count) r[name] = s.queue[i]!
      })
      s.queue.copyWithin(0, count, s.nb_queue)
      s.nb_queue -= count
    }

    return {
      /** Serves one of the mouse's commands; false for any other. */
      serve(number: number, r: BackdoorRegisters): boolean {
        if (number === MOUSE_DATA) data(r)
        else if (number === MOUSE_STATUS) r.eax = ((s.status << 16) | s.nb_queue) >>> 0
        else if (number === MOUSE_COMMAND) command(r.ebx)
        else return false
        return true
      },
      /** Where the pointer is, 0 to 0xffff each way, the wheel's turn, and buttons (0x20 left, 0x10 right, 0x08 middle). */
      move(x: number, y: number, wheel: number, buttons: number): void {
        if (s.status === ERROR || s.absolute === 0 || s.nb_queue > QUEUE - 4) return
        s.queue.set([buttons & 0x38, x & 0xffff, y & 0xffff, wheel & 0xff], s.nb_queue)
        s.nb_queue += 4
      },
      reset() {
        s.queue_size = QUEUE
        s.nb_queue = 0
        s.status = ERROR
        s.absolute = 0
      },
      afterLoad: () => undefined,
    }
  },
})

export const vmport = device({
  type: 'vmport',
  doc: "VMware's back door, port 0x5658",
  props: {
    'x-read-set-eax': flag(true, 'an unserved command sets eax'),
    'x-signal-unsupported-cmd': flag(true, 'an unserved command answers all ones'),
    'vmware-vmx-version': num(VM_VERSION, 'version that is told'),
    'ram-mib': num(128, 'RAM that is told'),
  },
  wires: [],
  state: () => ({}),
  vmstate: 'stateless',
  create({ props }) {
    let registers: BackdoorRegisters | undefined
    let mouse: { serve(number: number, r: BackdoorRegisters): boolean } | undefined

    function read(): number {
      const r = registers
      if (r === undefined || r.eax !== MAGIC) return ALL_ONES
      const number = r.ecx & 0xffff
      if (number === GET_VERSION) {
        r.ebx = MAGIC
        r.eax = props['vmware-vmx-version']
      } else if (number === GET_RAM_SIZE) {
        r.ebx = 0x1177
        r.eax = props['ram-mib']
      } else if (mouse?.serve(number, r) !== true) {
        return props['x-signal-unsupported-cmd'] ? ALL_ONES : r.eax
      }
      return r.eax
    }

    return {
      /** Base is port 0x5658. */
      io: {
        BACKDOOR: reg(0, 4, 'serves the command in ecx when eax holds the magic number', {
          read,
          write: () => void read(),
        }),
      },
      connect(to: BackdoorRegisters, served: typeof mouse): void {
        registers = to
        mouse = served
      },
      reset: () => undefined,
    }
  },
})
