/** A client of QEMU's monitor protocol over any pair of byte streams: one question at a time. */
import type { Readable, Writable } from 'node:stream'

/** QEMU's own refusal of a command. */
export class QmpRefusal extends Error {
  constructor(command: string, description: string) {
    super(`${command}: ${description}`)
    this.name = 'QmpRefusal'
  }
}

const ANSWER_MS = 20_000
/** The longest real answer, the properties of a device, has some 100 KB. */
const LONGEST = 16 << 20

export class QmpClient {
  private readonly output: Writable
  private text = ''
  private readonly lines: string[] = []
  private wake: (() => void) | undefined
  private closed = false
  /** Letters since the last line was taken. */
  private unread = 0

  private constructor(input: Readable, output: Writable) {
    this.output = output
    input.setEncoding('utf8')
    input.on('data', (chunk: string) => {
      this.text += chunk
      const lines = this.text.split('\n')
      this.text = lines.pop()!
      this.lines.push(...lines.filter((l) => l.trim() !== ''))
      this.unread += chunk.length
      if (this.unread > LONGEST) input.destroy()
      this.wake?.()
    })
    const end = (): void => {
      this.closed = true
      this.wake?.()
    }
    input.on('end', end).on('error', end).on('close', end)
    output.on('error', end)
  }

  /** Waits for the greeting and leaves negotiation mode. */
  static async open(input: Readable, output: Writable): Promise<QmpClient> {
    const client = new QmpClient(input, output)
    const greeting = await client.next('the greeting', Date.now() + ANSWER_MS)
    if (!('QMP' in greeting))
      throw new QmpRefusal('greeting', `expected {"QMP": …}, came ${JSON.stringify(greeting).slice(0, 80)}`)
    await client.run('qmp_capabilities')
    return client
  }

  /** @throws QmpRefusal when QEMU says no, goes away, or does not answer within 20 s. */
  async run(execute: string, args?: object): Promise<unknown> {
    this.output.write(`${JSON.stringify({ execute, ...(args === undefined ? {} : { arguments: args }) })}\n`)
    const limit = Date.now() + ANSWER_MS
    for (;;) {
      const answer = await this.next(execute, limit)
      if ('event' in answer) continue
      if ('error' in answer) {
        const desc = (answer['error'] as { desc?: unknown } | null)?.desc
        throw new QmpRefusal(execute, typeof desc === 'string' ? desc : 'refused')
      }
      return answer['return']
    }
  }

  private async next(waitingFor: string, limit: number): Promise<Record<string, unknown>> {
    // events alone are no answer, however many come
    if (Date.now() > limit) throw new QmpRefusal(waitingFor, `no answer within ${ANSWER_MS / 1000} s`)
    while (this.lines.length === 0) {
      if (this.unread > LONGEST) throw new QmpRefusal(waitingFor, `more than ${LONGEST >> 20} MiB came, and no answer`)
      if (this.closed) throw new QmpRefusal(waitingFor, 'the monitor was closed')
      const left = limit - Date.now()
      if (left <= 0) throw new QmpRefusal(waitingFor, `no answer within ${ANSWER_MS / 1000} s`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left)
        this.wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      this.wake = undefined
    }
    const line = this.lines.shift()!
    if (this.lines.length === 0) this.unread = this.text.length
    let answer: unknown
    try {
      answer = JSON.parse(line)
    } catch {
      throw new QmpRefusal(waitingFor, `expected JSON, came ${line.slice(0, 80)}`)
    }
    if (typeof answer === 'object' && answer !== null) return answer as Record<string, unknown>
    throw new QmpRefusal(waitingFor, `expected an object, came ${line.slice(0, 80)}`)
  }
}
