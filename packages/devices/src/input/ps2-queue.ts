/** What the keyboard and the mouse share: the bytes that wait for the controller to fetch them. */
import type { IrqLine } from '@godwit/hw'
import { buffer, i32, named, type VMState } from '@godwit/vmstate'

const RING = 256
/** Bytes a device queues on its own; replies to commands find room beyond. */
export const QUEUE_SIZE = 16
const HEADROOM = 8

export interface Ps2Common {
  /** Command whose parameter is awaited, or -1. */
  write_cmd: number
  rptr: number
  wptr: number
  count: number
  data: Uint8Array
}

export const ps2CommonVmstate: VMState<Ps2Common> = {
  name: 'PS2 Common State',
  version: 3,
  minVersion: 2,
  life: { born: '0.8.1' },
  fields: {
    write_cmd: i32,
    rptr: named('queue.rptr', i32),
    wptr: named('queue.wptr', i32),
    count: named('queue.count', i32),
    data: named('queue.data', buffer(RING)),
  },
}

export const ps2Common = (): Ps2Common => ({ write_cmd: -1, rptr: 0, wptr: 0, count: 0, data: new Uint8Array(RING) })

/** What a device on a PS/2 cable owes the controller. */
export interface Ps2Device {
  /** The oldest byte, or the last one once more. */
  read(): number
  write(value: number): void
  /** Puts a byte of the controller's among the device's own: how machines before 6.1 did it. */
  queue(value: number): void
}

/** Where the replies of the last command end in the ring, or -1; a device without them has a constant. */
export interface ReplyEnd {
  'parent_obj.queue.cwptr': number
}

export class Ps2Queue {
  private readonly q: Ps2Common
  private readonly end: ReplyEnd
  private readonly line: IrqLine

  /** `line` is up while bytes wait. */
  constructor(common: Ps2Common, end: ReplyEnd, line: IrqLine) {
    this.q = common
    this.end = end
    this.line = line
  }

  clear(): void {
    Object.assign(this.q, { rptr: 0, wptr: 0, count: 0 })
    this.end['parent_obj.queue.cwptr'] = -1
  }

  get room(): number {
    return QUEUE_SIZE - this.q.count
  }

  /** Queues all of the bytes, or none when they do not fit. */
  put(...bytes: number[]): void {
    const { q } = this
    if (this.room < bytes.length) return
    for (const byte of bytes) {
      q.data[q.wptr] = byte
      q.wptr = (q.wptr + 1) % RING
      q.count++
    }
    this.line.set(q.count > 0)
  }

  /** Puts a reply before everything that waits. */
  reply(...bytes: number[]): void {
    const { q } = this
    q.rptr = (q.rptr - bytes.length + RING) % RING
    bytes.forEach((byte, i) => (q.data[(q.rptr + i) % RING] = byte))
    this.end['parent_obj.queue.cwptr'] = (q.rptr + bytes.length) % RING
    q.count += bytes.length
    this.line.set(true)
  }

  /** A new command makes what is left of the last reply void. */
  dropReply(): void {
    const { q } = this
    const end = this.end['parent_obj.queue.cwptr']
    if (end === -1) return
    q.count = Math.max(0, q.count - ((end - q.rptr + RING) % RING))
    q.rptr = end
    this.end['parent_obj.queue.cwptr'] = -1
  }

  read(): number {
    const { q } = this
    // Programs read once more than there is and expect the last byte again.
    if (q.count === 0) return q.data[(q.rptr - 1 + RING) % RING]!
    const byte = q.data[q.rptr]!
    q.rptr = (q.rptr + 1) % RING
    q.count--
    if (q.rptr === this.end['parent_obj.queue.cwptr']) this.end['parent_obj.queue.cwptr'] = -1
    // Each byte is an edge of its own.
    this.line.lower()
    if (q.count > 0) this.line.raise()
    return byte
  }

  restoreLine(): void {
    this.line.restore(this.q.count > 0)
  }
}

/** Brings what came into bounds: a ring with at most QUEUE_SIZE bytes and HEADROOM bytes of reply. */
export function soundQueue(q: Ps2Common, end: ReplyEnd): void {
  const { rptr } = q
  const from = ((rptr % RING) + RING) % RING
  const cwptr = end['parent_obj.queue.cwptr']
  const reply = cwptr === -1 ? 0 : Math.min(HEADROOM, (((cwptr - from) % RING) + RING) % RING)
  q.rptr = from
  q.count = Math.min(Math.max(q.count, reply), reply + QUEUE_SIZE)
  q.wptr = (from + q.count) % RING
  end['parent_obj.queue.cwptr'] = reply > 0 ? (from + reply) % RING : -1
}
