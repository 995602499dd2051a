import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createConnection, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'godwit-migrate-'))
const main = join(import.meta.dirname, 'main.ts')
const children: ChildProcess[] = []
afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
})

/** Firmware that counts in memory and says 1, 2 … 7, 0, 1 … on the first serial port, for ever. */
function counter(): string {
  const image = new Uint8Array(0x10000)
  image.set([
    ...[0x31, 0xc0, 0x8e, 0xd8], // xor ax, ax; mov ds, ax
    ...[0xff, 0x06, 0x00, 0x10], // next: inc word [0x1000]
    ...[0x75, 0xfa], // jnz next
    ...[0xff, 0x06, 0x02, 0x10], // inc word [0x1002]
    ...[0xba, 0xfd, 0x03, 0xec, 0xa8, 0x20, 0x74, 0xfb], // mov dx, 0x3fd; in al, dx; test al, 0x20; jz back to in
    ...[0xa0, 0x02, 0x10, 0x24, 0x07, 0x04, 0x30], // mov al, [0x1002]; and al, 7; add al, '0'
    ...[0xba, 0xf8, 0x03, 0xee], // mov dx, 0x3f8; out dx, al
    ...[0xeb, 0xe1], // jmp next
  ])
  image.set([0xea, 0x00, 0x00, 0x00, 0xf0], 0xfff0) // jmp 0xf000:0
  const path = join(folder, 'counter.bin')
  writeFileSync(path, image)
  return path
}

interface Running {
  readonly serial: () => string
  readonly ask: (execute: string, args?: object) => Promise<unknown>
  readonly event: (name: string) => Promise<unknown>
  readonly ended: Promise<number | null>
  readonly errors: () => string
}

async function godwit(name: string, ...args: string[]): Promise<Running> {
  const serial = join(folder, `${name}.serial`)
  const monitor = join(folder, `${name}.qmp`)
  const child = spawn(
    process.execPath,
    ['--conditions=@godwit/source', '--import', 'tsx', main, 'run', '-M', 'pc-i440fx-5.2', '-m', '16'].concat(
      ['--serial', `file:${serial}`, '--qmp', `unix:${monitor}`],
      args,
    ),
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  children.push(child)
  let errors = ''
  child.stderr.on('data', (d: Buffer) => (errors += d.toString()))
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  await until(() => existsSync(monitor) || child.exitCode !== null)
  if (child.exitCode !== null) throw new Error(errors)
  const { ask, event } = talk(await connected(monitor))
  await ask('qmp_capabilities')
  return { serial: () => readFileSync(serial, 'utf8'), ask, event, ended, errors: () => errors }
}

/** The socket's file is there a moment before anybody listens. */
async function connected(path: string): Promise<Socket> {
  for (;;) {
    const socket = createConnection(path)
    const there = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true))
      socket.once('error', () => resolve(false))
    })
    if (there) return socket
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

function talk(socket: Socket): Pick<Running, 'ask' | 'event'> {
  const replies: ((value: unknown) => void)[] = []
  const seen: { event: string }[] = []
  const waiting: (() => void)[] = []
  let rest = ''
  socket.on('data', (d: Buffer) => {
    const lines = (rest + d.toString()).split('\r\n')
    rest = lines.pop()!
    for (const line of lines) {
      const value = JSON.parse(line) as Record<string, unknown>
      if ('event' in value) seen.push(value as { event: string })
      else if (!('QMP' in value)) replies.shift()!(value)
      for (const wake of waiting.splice(0)) wake()
    }
  })
  socket.on('error', () => undefined)
  return {
    ask(execute, args) {
      socket.write(JSON.stringify({ execute, ...(args === undefined ? {} : { arguments: args }) }))
      return new Promise((resolve) => replies.push(resolve))
    },
    async event(name) {
      for (;;) {
        const found = seen.find((e) => e.event === name)
        if (found !== undefined) return found
        await new Promise<void>((resolve) => waiting.push(resolve))
      }
    },
  }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10))
}

test('A guest that counts goes on counting in another process: nothing is lost, nothing is said twice.', async () => {
  const bios = counter()
  const address = `unix:${join(folder, 'wire')}`
  const [a, b] = await Promise.all([godwit('a', '--bios', bios), godwit('b', '--bios', bios, '--incoming', address)])
  await until(() => a.serial().length > 20)
  expect(await b.ask('query-status')).toEqual({ return: { status: 'inmigrate', running: false } })
  expect(await a.ask('migrate', { uri: address })).toEqual({ return: {} })
  await b.event('RESUME')
  await until(() => b.serial().length > 20)
  expect(await a.ask('query-status')).toEqual({ return: { status: 'postmigrate', running: false } })
  expect(await b.ask('query-status')).toEqual({ return: { status: 'running', running: true } })
  await b.ask('stop')
  const said = a.serial() + b.serial()
  expect(said).toBe(Array.from(said, (_, i) => String((i + 1) % 8)).join(''))
  await Promise.all([a.ask('quit'), b.ask('quit')])
  expect(await Promise.all([a.ended, b.ended])).toEqual([0, 0])
  expect([a.errors(), b.errors()]).toEqual(['', ''])
})

test('A guest goes on where it is when the process that should take it dies.', async () => {
  const bios = counter()
  const address = `unix:${join(folder, 'wire2')}`
  const [c, d] = await Promise.all([godwit('c', '--bios', bios), godwit('d', '--bios', bios, '--incoming', address)])
  await until(() => c.serial().length > 5)
  await c.ask('migrate-set-parameters', { 'max-bandwidth': 100_000, 'downtime-limit': 0 })
  await c.ask('migrate', { uri: address })
  await until(() => c.serial().length > 10)
  await d.ask('quit')
  await d.ended
  const failed = async (): Promise<boolean> =>
    ((await c.ask('query-migrate')) as { return: { status: string } }).return.status === 'failed'
  while (!(await failed())) await new Promise((resolve) => setTimeout(resolve, 10))
  const before = c.serial().length
  await until(() => c.serial().length > before + 5)
  expect(await c.ask('query-status')).toEqual({ return: { status: 'running', running: true } })
  expect(c.serial()).toBe(Array.from(c.serial(), (_, i) => String((i + 1) % 8)).join(''))
  await c.ask('quit')
  expect(await c.ended).toBe(0)
  expect(c.errors()).toMatch(/^godwit: migration source, phase rounds: .*\n$/)
})

test('SIGTERM ends a machine in order.', async () => {
  const e = await godwit('e', '--bios', counter())
  children.at(-1)!.kill('SIGTERM')
  await e.event('SHUTDOWN')
  expect(await e.ended).toBe(0)
})
