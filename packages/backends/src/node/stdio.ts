import type { Char } from '@godwit/hw'
import { ESCAPE_HELP, EscapeFilter } from '../escape.ts'
import { InputQueue } from '../input-queue.ts'

/** Typed bytes that may wait for the guest before reading stops. */
const HIGH_WATER = 4096

/** What of process.stdin is needed. */
export interface TerminalInput {
  readonly isTTY?: boolean
  setRawMode?(raw: boolean): unknown
  on(event: 'data', listener: (data: Uint8Array) => void): unknown
  pause(): unknown
  resume(): unknown
}

export interface TerminalOutput {
  write(data: Uint8Array | string): unknown
}

export interface StdioOptions {
  readonly input: TerminalInput
  readonly output: TerminalOutput
  /** Ctrl-A x was typed. */
  readonly onQuit: () => void
}

export interface StdioChar extends Char {
  /** Gives the terminal back as it was; may be called again, also while the process exits. */
  restore(): void
}

/**
 * The terminal as a serial console. A real terminal is put into raw mode, so that every key, Ctrl-C too, reaches the
 * guest; it is restored when the process exits, however that comes about.
 */
export function stdioChar(options: StdioOptions): StdioChar {
  const { input, output } = options
  const queue = new InputQueue()
  const escape = new EscapeFilter((action) => {
    if (action === 'help') output.write(`\n${ESCAPE_HELP}`)
    else options.onQuit()
  })
  const terminal = input.isTTY === true
  let raw = false
  const char: StdioChar = {
    onData: undefined,
    write(data) {
      // the device reuses its buffer, and a pipe may write later
      output.write(data.slice())
    },
    ready() {
      queue.deliver(char)
      if (queue.length < HIGH_WATER) input.resume()
    },
    restore() {
      if (!raw) return
      raw = false
      input.setRawMode?.(false)
    },
  }
  if (terminal) {
    input.setRawMode?.(true)
    raw = true
    process.once('exit', () => char.restore())
  }
  input.on('data', (data) => {
    queue.push(terminal ? escape.filter(data) : data)
    queue.deliver(char)
    if (queue.length >= HIGH_WATER) input.pause()
  })
  return char
}
