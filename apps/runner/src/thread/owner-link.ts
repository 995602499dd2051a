/** The machine's side of the link between threads. */
import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads'
import type { HostLoop } from '@godwit/machines'
import { faultOf } from './fault.ts'
import { FLAG } from './flags.ts'
import type { Happening, ToMachine, ToOwner } from './messages.ts'

/** An owner who asks something of a stopped machine often asks more at once: waiting costs less than being woken, ms. */
const LINGER_MS = 2
/** Console output that is sent before the slice ends. */
const MOST_OUTPUT = 16384

export interface Served {
  readonly running: boolean
  /** Does what was asked; what it throws is the answer. */
  ask(name: string, args: readonly unknown[]): unknown
  typed(bytes: Uint8Array): void
  /** Called before the owner looks, and between slices. */
  publish(): void
}

export class OwnerLink {
  private readonly port: MessagePort
  private readonly flags: Int32Array
  private served: Served | undefined
  private output = new Uint8Array(MOST_OUTPUT)
  private length = 0

  constructor(port: MessagePort, flags: Int32Array) {
    this.port = port
    this.flags = flags
  }

  /** From now on the owner is listened to. */
  serve(served: Served): void {
    this.served = served
    this.port.on('message', (message: ToMachine) => {
      this.take(message)
      this.linger()
    })
  }

  /** The event loop of this thread, with an ear for the owner between slices. */
  readonly loop: HostLoop = {
    now: () => performance.now(),
    yield: (then) => {
      this.flush()
      setImmediate(then)
    },
    sleep: (ms, then) => {
      this.flush()
      const id = setTimeout(then, ms)
      return () => clearTimeout(id)
    },
    attend: () => {
      if (Atomics.load(this.flags, FLAG.asked) !== 0) {
        this.drain()
        this.linger()
      }
      this.flush()
      this.served?.publish()
    },
  }

  /** Bytes of the console: they are sent together. */
  serial(bytes: Uint8Array): void {
    if (bytes.length + this.length > MOST_OUTPUT) this.flush()
    if (bytes.length > MOST_OUTPUT) {
      this.post({ kind: 'serial', bytes: bytes.slice() })
      return
    }
    this.output.set(bytes, this.length)
    this.length += bytes.length
  }

  tell(happening: Happening): void {
    this.flush()
    this.post(happening)
  }

  private flush(): void {
    if (this.length === 0) return
    const bytes = this.output.slice(0, this.length)
    this.length = 0
    this.post({ kind: 'serial', bytes })
  }

  private drain(): void {
    Atomics.store(this.flags, FLAG.asked, 0)
    for (;;) {
      const found = receiveMessageOnPort(this.port) as { message: ToMachine } | undefined
      if (found === undefined) return
      this.take(found.message)
    }
  }

  private linger(): void {
    while (this.served?.running === false && Atomics.wait(this.flags, FLAG.asked, 0, LINGER_MS) !== 'timed-out') {
      this.drain()
    }
  }

  private take(message: ToMachine): void {
    const { served } = this
    if (served === undefined) return
    if (message.kind === 'typed') return served.typed(message.bytes)
    const { id, name, args } = message
    let answer: ToOwner
    try {
      answer = { kind: 'answer', id, value: served.ask(name, args) }
    } catch (thrown) {
      answer = { kind: 'refusal', id, fault: faultOf(thrown) }
    }
    this.flush()
    served.publish()
    this.post(answer)
    this.wake()
  }

  /** The last word of this thread. */
  die(thrown: unknown): void {
    this.tell({ kind: 'died', fault: faultOf(thrown) })
    this.wake()
  }

  private wake(): void {
    Atomics.add(this.flags, FLAG.answered, 1)
    Atomics.notify(this.flags, FLAG.answered)
  }

  private post(message: ToOwner): void {
    this.port.postMessage(message)
  }
}
