import { mkdtempSync, readFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { fileChar, socketChar, stdioChar, type TerminalInput } from './index.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const folder = mkdtempSync(join(tmpdir(), 'godwit-char-'))

/** A terminal whose keys the test presses. */
function fakeTerminal(isTTY: boolean) {
  const modes: boolean[] = []
  let press: (data: Uint8Array) => void = () => undefined
  let reading = true
  const input: TerminalInput = {
    isTTY,
    setRawMode: (raw) => void modes.push(raw),
    on: (_event, listener) => void (press = listener),
    pause: () => void (reading = false),
    resume: () => void (reading = true),
  }
  const written: string[] = []
  const output = {
    write: (data: Uint8Array | string) =>
      void written.push(typeof data === 'string' ? data : new TextDecoder().decode(data)),
  }
  return { input, output, modes, written, press: (text: string) => press(bytes(text)), reading: () => reading }
}

test('A terminal is raw while the guest has it, and restored once.', () => {
  const t = fakeTerminal(true)
  const char = stdioChar({ input: t.input, output: t.output, onQuit: () => undefined })
  expect(t.modes).toEqual([true])
  char.restore()
  char.restore()
  expect(t.modes).toEqual([true, false])
})

test('A pipe is not put into raw mode, and Ctrl-A in it is data.', () => {
  const t = fakeTerminal(false)
  const char = stdioChar({ input: t.input, output: t.output, onQuit: () => expect.unreachable() })
  const seen: number[] = []
  char.onData = (data) => seen.push(...data) && data.length
  t.press('\x01x')
  expect([t.modes, seen]).toEqual([[], [1, 0x78]])
})

test('Ctrl-A x quits, Ctrl-A h helps, Ctrl-A Ctrl-A reaches the guest once, even cut in two.', () => {
  const t = fakeTerminal(true)
  let quits = 0
  const char = stdioChar({ input: t.input, output: t.output, onQuit: () => void quits++ })
  const seen: number[] = []
  char.onData = (data) => seen.push(...data) && data.length
  t.press('a\x01')
  t.press('\x01b\x01h\x03')
  expect(quits).toBe(0)
  t.press('\x01x')
  expect(quits).toBe(1)
  expect(seen).toEqual([0x61, 1, 0x62, 3])
  expect(t.written.join('')).toContain('Ctrl-A x')
  char.restore()
})

test('What the device cannot take waits in order, and reading stops while too much waits.', () => {
  const t = fakeTerminal(false)
  const char = stdioChar({ input: t.input, output: t.output, onQuit: () => undefined })
  const seen: number[] = []
  let room = 3
  char.onData = (data) => {
    const taken = Math.min(room, data.length)
    seen.push(...data.subarray(0, taken))
    room -= taken
    return taken
  }
  t.press('abcde')
  expect(seen.length).toBe(3)
  t.press('x'.repeat(5000))
  expect(t.reading()).toBe(false)
  room = 10_000
  char.ready()
  expect(t.reading()).toBe(true)
  expect(new TextDecoder().decode(Uint8Array.from(seen.slice(0, 6)))).toBe('abcdex')
  expect(seen.length).toBe(5005)
})

test('A file has what the guest said at once.', () => {
  const path = join(folder, 'log')
  const char = fileChar(path)
  char.write(bytes('hello '))
  char.write(bytes('there'))
  expect(readFileSync(path, 'utf8')).toBe('hello there')
  char.close()
  char.write(bytes('after'))
  expect(readFileSync(path, 'utf8')).toBe('hello there')
})

test.each(['unix', 'tcp'] as const)(
  'A %s server carries bytes both ways, and takes another peer after the first.',
  async (kind) => {
    const char = await socketChar(
      kind === 'unix' ? { kind, path: join(folder, 'serial') } : { kind, host: '127.0.0.1', port: 0 },
      true,
    )
    char.write(bytes('nobody is there'))
    expect(char.dropped).toBe(15)
    const seen: number[] = []
    let told: () => void = () => undefined
    char.onData = (data) => {
      seen.push(...data)
      told()
      return data.length
    }
    for (const key of ['a', 'b']) {
      const at = char.listening!
      const peer = at.kind === 'tcp' ? createConnection(at.port, at.host) : createConnection(at.path)
      const arrived = new Promise<void>((resolve) => (told = resolve))
      peer.write(key)
      await arrived
      const answer = new Promise<string>((resolve) => peer.once('data', (d) => resolve(d.toString())))
      char.write(bytes(`got ${key}`))
      expect(await answer).toBe(`got ${key}`)
      peer.destroy()
      while (true) {
        const before = char.dropped
        char.write(bytes('?'))
        if (char.dropped > before) break
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    expect(String.fromCharCode(...seen)).toBe('ab')
    char.close()
  },
)

test('A client finds its server, or says why not.', async () => {
  await expect(socketChar({ kind: 'unix', path: join(folder, 'nobody') }, false)).rejects.toThrow(/ENOENT/)
  const server = await socketChar({ kind: 'tcp', host: '127.0.0.1', port: 0 }, true)
  const client = await socketChar(server.listening!, false)
  await server.connected
  const heard = new Promise<string>((resolve) => {
    server.onData = (data) => {
      resolve(new TextDecoder().decode(data))
      return data.length
    }
  })
  client.write(bytes('hi'))
  expect(await heard).toBe('hi')
  client.close()
  server.close()
})

test('A stream of the host can be the input.', async () => {
  const input = new PassThrough()
  const char = stdioChar({ input, output: { write: () => true }, onQuit: () => undefined })
  const heard = new Promise<number>((resolve) => {
    char.onData = (data) => {
      resolve(data[0]!)
      return data.length
    }
  })
  input.write(Uint8Array.of(42))
  expect(await heard).toBe(42)
})
