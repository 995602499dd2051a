/** The owner's side of the link between threads: asks and waits for the answer, and hears what happens by itself. */
import { MessageChannel, receiveMessageOnPort, type MessagePort, type Worker } from 'node:worker_threads'
import { errorOf } from './fault.ts'
import { FLAG, newFlags } from './flags.ts'
import type { Happening, Start, ThreadOptions, ToMachine, ToOwner } from './messages.ts'
import type { Requests } from './requests.ts'
import { spawnThread } from './spawn.ts'

/** One look at whether an answer has come, ms. */
const LOOK_MS = 100
const PATIENCE_MS = 10_000

/** The machine's thread has ended, or does not answer. */
export class MachineLost extends Error {
  constructor(reason: string) {
    super(`the machine's thread ${reason}`)
    this.name = 'MachineLost'
  }
}

export interface LinkOptions {
  readonly stopAtReset?: boolean
  /** Bytes of the options that may be moved to the thread instead of being copied. */
  readonly move?: readonly ArrayBuffer[]
  /** Whoever has not answered after so long never will, ms. Default 10000. */
  readonly patienceMs?: number
}

export interface Heard {
  happens(happening: Happening): void
  /** Said once, unless the thread was ended by `close`. */
  lost(error: MachineLost): void
}

export class ThreadLink {
  readonly worker: Worker
  readonly flags = newFlags()
  heard: Heard | undefined
  private readonly port: MessagePort
  private readonly queue: Happening[] = []
  private telling = false
  private asked = 0
  private over: MachineLost | undefined
  private readonly patienceMs: number

  constructor(options: ThreadOptions, { stopAtReset = false, move = [], patienceMs = PATIENCE_MS }: LinkOptions = {}) {
    this.patienceMs = patienceMs
    const { port1, port2 } = new MessageChannel()
    this.port = port1
    const start: Start = { options, port: port2, flags: this.flags, stopAtReset }
    this.worker = spawnThread(start, [port2, ...move])
    this.worker.on('error', (error) => this.lose(`ended: ${error.stack ?? error.message}`))
    this.worker.on('exit', (status) => {
      this.drain()
      this.lose(`ended with status ${status}`)
    })
    this.port.on('message', (message: ToOwner) => {
      if (message.kind !== 'answer' && message.kind !== 'refusal') this.queue.push(message)
      this.tellAll()
    })
    // the thread itself keeps the process
    this.port.unref()
  }

  /** Why there is nobody to ask any more. */
  get lost(): MachineLost | undefined {
    return this.over
  }

  /**
   * Asks, and waits for the answer: the guest gets round to it between two slices. What happened before it is told before
   * this returns. Throws what the machine threw; MachineLost.
   * @param patient the work may take any time
   */
  ask<K extends keyof Requests>(name: K, args: Parameters<Requests[K]>, patient = false): ReturnType<Requests[K]> {
    if (this.over !== undefined) throw this.over
    const id = ++this.asked
    this.send({ kind: 'ask', id, name, args })
    let answer: ToOwner | undefined
    for (let waited = 0; ;) {
      const seen = Atomics.load(this.flags, FLAG.answered)
      answer = this.drain(id)
      if (answer !== undefined || this.queue.some((h) => h.kind === 'died')) break
      if (Atomics.wait(this.flags, FLAG.answered, seen, LOOK_MS) === 'timed-out') waited += LOOK_MS
      if (waited >= this.patienceMs && !patient) {
        this.lose(`has not answered "${name}" for ${this.patienceMs / 1000} s`)
        break
      }
    }
    this.tellAll()
    if (answer?.kind === 'answer') return answer.value as ReturnType<Requests[K]>
    if (answer?.kind === 'refusal') throw errorOf(answer.fault)
    throw this.over ?? new MachineLost('is ending')
  }

  send(message: ToMachine): void {
    this.port.postMessage(message)
    Atomics.store(this.flags, FLAG.asked, 1)
    Atomics.notify(this.flags, FLAG.asked)
  }

  async close(): Promise<void> {
    this.over ??= new MachineLost('was ended')
    this.heard = undefined
    await this.worker.terminate()
    this.port.close()
  }

  /** Takes what has come: happenings into the queue, in order, and the answer to return it. */
  private drain(id = 0): ToOwner | undefined {
    for (;;) {
      const found = receiveMessageOnPort(this.port) as { message: ToOwner } | undefined
      if (found === undefined) return undefined
      const { message } = found
      if (message.kind !== 'answer' && message.kind !== 'refusal') this.queue.push(message)
      else if (message.id === id) return message
    }
  }

  private tellAll(): void {
    // whoever is told may ask, and what came before that answer has its turn after what came earlier
    if (this.telling) return
    this.telling = true
    try {
      for (let next = this.queue.shift(); next !== undefined; next = this.queue.shift()) {
        if (next.kind === 'died') this.lose(`ended: ${errorOf(next.fault).stack}`)
        else this.heard?.happens(next)
      }
    } finally {
      this.telling = false
    }
  }

  private lose(reason: string): void {
    this.tellAll()
    if (this.over !== undefined) return
    this.over = new MachineLost(reason)
    void this.worker.terminate()
    this.heard?.lost(this.over)
  }
}
