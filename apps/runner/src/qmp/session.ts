/** One client of the monitor: greeting, negotiation, requests in order, events in between. */
import { ChannelError } from '@godwit/migration-net'
import { Refusal, type Control } from '../control.ts'
import { checkArguments, type Arguments } from './arguments.ts'
import { commands, versionOf, type Facts } from './commands.ts'
import { JsonStream, type JsonPiece } from './json-stream.ts'
import { QmpError } from './qmp-error.ts'

export interface SessionOptions {
  readonly control: Control
  readonly facts: Facts
  readonly send: (line: string) => void
  readonly nowMs?: () => number
}

interface Request {
  readonly command: string
  readonly args: Arguments
}

export class QmpSession {
  private readonly options: SessionOptions
  private readonly json = new JsonStream()
  private readonly unlisten: () => void
  private negotiated = false
  private work: Promise<void> = Promise.resolve()

  constructor(options: SessionOptions) {
    this.options = options
    this.unlisten = options.control.listen((event, data) => this.event(event, data))
    this.send({ QMP: { version: versionOf(options.facts), capabilities: [] } })
  }

  /** Takes what the client sent; resolves when all of it has been answered. */
  feed(bytes: Uint8Array): Promise<void> {
    for (const piece of this.json.feed(bytes)) this.work = this.work.then(() => this.answer(piece))
    return this.work
  }

  close(): void {
    this.unlisten()
  }

  private async answer(piece: JsonPiece): Promise<void> {
    let id: { id: unknown } | undefined
    const afterwards: (() => void)[] = []
    try {
      if ('error' in piece) throw new QmpError(piece.error)
      const object = objectOf(piece.value)
      if ('id' in object) id = { id: object['id'] }
      const request = requestOf(object)
      const result = await this.execute(request, (work) => afterwards.push(work))
      this.send({ return: result, ...id })
    } catch (thrown) {
      this.send({ error: errorOf(thrown), ...id })
    }
    for (const work of afterwards) work()
  }

  /** The reply, or a promise of it. */
  private execute(request: Request, afterwards: (work: () => void) => void): unknown {
    const { command, args } = request
    const { control, facts } = this.options
    if (command === 'qmp_capabilities') {
      if (this.negotiated) {
        throw new QmpError('Capabilities negotiation is already complete, command ignored', 'CommandNotFound')
      }
      checkArguments({ enable: 'list?' }, args)
      const [first] = (args['enable'] ?? []) as unknown[]
      if (first !== undefined) throw new QmpError(`Capability ${JSON.stringify(first)} not available`)
      this.negotiated = true
      return {}
    }
    if (!this.negotiated) {
      throw new QmpError("Expecting capabilities negotiation with 'qmp_capabilities'", 'CommandNotFound')
    }
    const found = Object.hasOwn(commands, command) ? commands[command] : undefined
    if (found === undefined) throw new QmpError(`The command ${command} has not been found`, 'CommandNotFound')
    if (found.signature !== 'any') checkArguments(found.signature, args)
    return found.run({ control, facts, args, afterwards })
  }

  private event(event: string, data: Record<string, unknown> | undefined): void {
    if (!this.negotiated) return
    const ms = (this.options.nowMs ?? Date.now)()
    const timestamp = { seconds: Math.floor(ms / 1000), microseconds: Math.floor((ms % 1000) * 1000) }
    this.send({ timestamp, event, ...(data === undefined ? {} : { data }) })
  }

  private send(value: unknown): void {
    this.options.send(`${print(value)}\r\n`)
  }
}

function objectOf(value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new QmpError('QMP input must be a JSON object')
}

function requestOf(object: Record<string, unknown>): Request {
  for (const key of Object.keys(object)) {
    if (key !== 'execute' && key !== 'arguments' && key !== 'id') {
      throw new QmpError(`QMP input member '${key}' is unexpected`)
    }
  }
  const { execute, arguments: args = {} } = object
  if (execute === undefined) throw new QmpError("QMP input lacks member 'execute'")
  if (typeof execute !== 'string') throw new QmpError("QMP input member 'execute' must be a string")
  if (typeof args !== 'object' || args === null || Array.isArray(args)) {
    throw new QmpError("QMP input member 'arguments' must be an object")
  }
  return { command: execute, args: args as Arguments }
}

function errorOf(thrown: unknown): { class: string; desc: string } {
  if (thrown instanceof QmpError) return { class: thrown.errorClass, desc: thrown.message }
  if (thrown instanceof ChannelError) return { class: 'GenericError', desc: thrown.detail }
  if (thrown instanceof Refusal) return { class: 'GenericError', desc: thrown.message }
  return { class: 'GenericError', desc: thrown instanceof Error ? thrown.message : String(thrown) }
}

/** JSON spaced as QEMU prints it. */
function print(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(print).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, v]) => v !== undefined)
    return `{${entries.map(([k, v]) => `${JSON.stringify(k)}: ${print(v)}`).join(', ')}}`
  }
  return JSON.stringify(value)
}
