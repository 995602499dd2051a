/**
 * A Linux guest of a real QEMU crosses into Godwit, lives there, and goes back into a real QEMU, live.
 * Needs guests recorded by scripts/record-guests.mjs, and QEMUs: GODWIT_QEMUS="11.1=/path/to/qemu 5.2=/other/qemu".
 */
import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, writeSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createMachine, type Machine } from '../../packages/machines/src/index.ts'
import {
  IncomingMigration,
  OutgoingMigration,
  memoryChannels,
  type Channel,
} from '../../packages/migration-net/src/index.ts'
import { TickWatch } from '../../scripts/ticks.mjs'

const BOARDS: Record<string, { props: Record<string, string>; more: string }> = {
  'i440fx-min': { props: { hpet: 'off', vmport: 'off', acpi: 'off', smm: 'off' }, more: ',usb=off,sata=off' },
  'i440fx-base': { props: {}, more: '' },
}
const TICKS = 3
const folder = join(process.env.GODWIT_CACHE ?? join(homedir(), '.cache', 'godwit'), 'captures')
const captures = existsSync(folder) ? readdirSync(folder).filter((n) => n.endsWith('.mig')) : []
const qemus = (process.env.GODWIT_QEMUS ?? '').split(' ').filter((text) => text.includes('='))
const boardOf = (capture: string): string => capture.slice(0, capture.indexOf('-linux-'))
const cases = qemus.flatMap((text) => {
  const [release, path] = text.split('=') as [string, string]
  return captures.map((capture) => ({ capture, release, path }))
})

if (cases.length === 0) {
  const what = captures.length === 0 ? `no recorded guests in ${folder}` : 'GODWIT_QEMUS names no QEMU'
  console.warn(`${what}: recorded guests that go on in a QEMU are left out`)
}

test.skipIf(cases.length === 0).each(cases.length > 0 ? cases : [{ capture: '(none)', release: '', path: '' }])(
  '$capture goes on in Godwit, and from there in QEMU $release',
  async ({ capture, path }) => {
    const board = BOARDS[boardOf(capture)]!
    const run = mkdtempSync(join(tmpdir(), 'hop-'))
    const watch = new TickWatch(256)
    try {
      const machine = createMachine({
        type: 'pc-i440fx-5.2',
        cpu: 'qemu64',
        memoryBytes: 2 ** 27,
        incoming: true,
        time: {},
        props: board.props,
      })
      let text = ''
      machine.connectSerial({
        write: (data) => void (text += Buffer.from(data).toString('latin1')),
        onData: undefined,
        ready: () => undefined,
      })
      await take(machine, readFileSync(join(folder, capture)))
      for (let n = 0; n < 100 && (text.match(/@@TICK[^\n]*\n/g) ?? []).length < TICKS; n++) machine.runFor(500_000)
      watch.last = Number(/@@TICK (\d+) /.exec(text)![1]) - 1
      machine.start()
      const stream = join(run, 'stream')
      expect(await give(machine, stream)).toEqual({ outcome: 'completed' })
      const serial = join(run, 'serial')
      const props = Object.entries(board.props).map(([name, value]) => `,${name}=${value}`)
      const qemu = spawn(
        path,
        [
          ...['-nodefaults', '-no-user-config', '-accel', 'tcg', '-cpu', 'qemu64', '-m', '128', '-net', 'none'],
          ...['-M', `pc-i440fx-5.2${props.join('')}${board.more}`, '-display', 'none', '-serial', `file:${serial}`],
          ...['-incoming', `exec:cat ${stream}`],
        ],
        { stdio: ['ignore', 'ignore', 'pipe'] },
      )
      let complaints = ''
      qemu.stderr.on('data', (data: Buffer) => (complaints += data.toString()))
      const after = (): string => (existsSync(serial) ? readFileSync(serial, 'latin1') : '')
      const end = Date.now() + 60_000
      while ((after().match(/@@TICK[^\n]*\n/g) ?? []).length <= TICKS && qemu.exitCode === null && Date.now() < end) {
        await new Promise((r) => setTimeout(r, 200))
      }
      qemu.kill()
      const before = watch.last
      watch.feed(text + after())
      expect(watch.faults, complaints).toEqual([])
      expect(watch.last, complaints).toBeGreaterThanOrEqual(before + 2 * TICKS)
      expect(text + after()).not.toMatch(/panic|BUG|Oops|segfault/)
    } finally {
      rmSync(run, { recursive: true, force: true })
    }
  },
)

async function take(machine: Machine, bytes: Uint8Array): Promise<void> {
  const [source, channel] = memoryChannels()
  const taken = new IncomingMigration({ machine, channel, autostart: false }).run()
  for (let at = 0; at < bytes.length; at += 1 << 20) await source.send(bytes.subarray(at, at + (1 << 20)))
  await source.close()
  expect(await taken).toEqual({ outcome: 'completed', running: false, warnings: [] })
}

async function give(machine: Machine, path: string): Promise<unknown> {
  const file = openSync(path, 'w')
  const channel: Channel = {
    name: path,
    duplex: false,
    send: (bytes) => Promise.resolve(void writeSync(file, bytes)),
    receive: () => Promise.resolve(undefined),
    close: () => Promise.resolve(),
    abort: () => undefined,
  }
  machine.runState = 'running'
  try {
    return await new OutgoingMigration({ machine, channel }).run()
  } finally {
    machine.pause()
    closeSync(file)
  }
}
