/** A QMP client over a unix socket. */
import { connect } from 'node:net'
import { existsSync } from 'node:fs'

export class Qmp {
  #socket
  #waiting = new Map()
  #listeners = []
  #next = 1
  #text = ''
  #greeted
  #closed = false

  constructor(socket) {
    this.#socket = socket
    this.#greeted = new Promise((resolve) => (this.greeting = resolve))
    socket.setEncoding('utf8')
    socket.on('data', (chunk) => this.#take(chunk))
    socket.on('close', () => {
      this.#closed = true
      for (const { reject } of this.#waiting.values()) reject(new Error('the QMP connection was closed'))
      this.#waiting.clear()
    })
    socket.on('error', () => undefined)
  }

  /** Connects when the socket is there, and negotiates. */
  static async open(path, ms = 20_000) {
    const end = Date.now() + ms
    for (;;) {
      if (existsSync(path)) {
        const socket = await new Promise((resolve) => {
          const s = connect(path, () => resolve(s))
          s.once('error', () => resolve(undefined))
        })
        if (socket !== undefined) {
          const qmp = new Qmp(socket)
          await qmp.#greeted
          await qmp.run('qmp_capabilities')
          return qmp
        }
      }
      if (Date.now() > end) throw new Error(`nobody answers at ${path}`)
      await new Promise((r) => setTimeout(r, 50))
    }
  }

  run(execute, args) {
    const id = this.#next++
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new Error('the QMP connection is closed'))
      this.#waiting.set(id, { resolve, reject })
      this.#socket.write(`${JSON.stringify({ execute, id, ...(args === undefined ? {} : { arguments: args }) })}\n`)
    })
  }

  onEvent(listener) {
    this.#listeners.push(listener)
  }

  close() {
    this.#socket.destroy()
  }

  #take(chunk) {
    this.#text += chunk
    const lines = this.#text.split('\n')
    this.#text = lines.pop()
    for (const line of lines) {
      if (line.trim() === '') continue
      const message = JSON.parse(line)
      if (message.QMP !== undefined) this.greeting(message.QMP)
      else if (message.event !== undefined) for (const l of this.#listeners) l(message)
      else {
        const waiting = this.#waiting.get(message.id)
        this.#waiting.delete(message.id)
        if (message.error !== undefined) waiting?.reject(new Error(message.error.desc))
        else waiting?.resolve(message.return)
      }
    }
  }
}
