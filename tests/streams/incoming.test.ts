/** Guests that ran in a real QEMU go on in this machine. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createMachine, type Machine } from '../../packages/machines/src/index.ts'
import { IncomingMigration, memoryChannels } from '../../packages/migration-net/src/index.ts'
import { TickWatch } from '../../scripts/ticks.mjs'
import { stream, streamNames } from './fixtures.ts'

const SMALL = { hpet: 'off', vmport: 'off', acpi: 'off', smm: 'off' }
const PIECE = 1 << 20

interface Arrived {
  readonly machine: Machine
  /** What the guest has printed since it came. */
  readonly text: () => string
  readonly resets: () => number
}

/** A machine with counted time that has taken a recorded guest and not yet run it. */
async function arrive(name: string, bytes: Uint8Array): Promise<Arrived> {
  const machine = createMachine({
    type: 'pc-i440fx-5.2',
    cpu: 'qemu64',
    memoryBytes: 128 * 2 ** 20,
    incoming: true,
    time: {},
    props: name.includes('-min-') ? SMALL : {},
  })
  let text = ''
  let resets = 0
  machine.events.onReset = () => resets++
  machine.connectSerial({
    write: (data) => void (text += Buffer.from(data).toString('latin1')),
    onData: undefined,
    ready: () => undefined,
  })
  const [source, channel] = memoryChannels()
  const incoming = new IncomingMigration({ machine, channel, autostart: false })
  const taken = incoming.run()
  for (let at = 0; at < bytes.length; at += PIECE) await source.send(bytes.subarray(at, at + PIECE))
  await source.close()
  expect(await taken).toEqual({ outcome: 'completed', running: false, warnings: [] })
  return { machine, text: () => text, resets: () => resets }
}

const seconds = (machine: Machine): number => Number(machine.time.virtual.now()) / 1e9

const firmware = streamNames('reference').filter((n) => /^i440fx-(min|base)-bios-/.test(n))

test.each(firmware)('%s: SeaBIOS goes on counting 18.2 ticks a second', async (name) => {
  const { machine, resets } = await arrive(name, stream('reference', name))
  const ram = machine.ramBlocks.find((b) => b.name === 'pc.ram')!
  const ticks = (): number => Buffer.from(ram.bytes.subarray(0x46c, 0x470)).readUInt32LE()
  const before = { ticks: ticks(), at: seconds(machine) }
  expect(machine.runFor(1_000_000)).toBe(1_000_000)
  const passed = seconds(machine) - before.at
  expect(passed).toBeGreaterThan(1)
  expect((ticks() - before.ticks) / passed).toBeCloseTo(18.2, 1)
  expect(resets()).toBe(0)
  expect(machine.runState).not.toBe('shutdown')
})

/** Made by scripts/record-guests.mjs; too large to be kept here. */
const folder = join(process.env.GODWIT_CACHE ?? join(homedir(), '.cache', 'godwit'), 'captures')
const captures = existsSync(folder) ? readdirSync(folder).filter((n) => n.endsWith('.mig')) : []
const guests = captures.length > 0 ? captures : ['(none recorded: node scripts/record-guests.mjs)']

test.skipIf(captures.length === 0).each(guests)(
  '%s: Linux goes on with its memory whole and time right',
  async (name) => {
    const { machine, text, resets } = await arrive(name, readFileSync(join(folder, name)))
    const watch = new TickWatch(256)
    const came: { at: number; uptime: number }[] = []
    let fed = 0
    for (let n = 0; n < 250 && came.length < 5; n++) {
      machine.runFor(200_000)
      const first = /@@TICK (\d+) /.exec(text())
      if (first === null) continue
      if (fed === 0) watch.last = Number(first[1]) - 1
      const ticks = watch.feed(text().slice(fed))
      fed = text().length
      for (let i = 0; i < ticks; i++) came.push({ at: seconds(machine), uptime: watch.lastUptime })
    }
    expect(watch.faults).toEqual([])
    expect(came.length).toBeGreaterThanOrEqual(5)
    expect(watch.last).toBeGreaterThanOrEqual(8)
    const [first, last] = [came[0]!, came.at(-1)!]
    const rate = (last.uptime - first.uptime) / (last.at - first.at)
    expect(rate).toBeGreaterThan(0.9)
    expect(rate).toBeLessThan(1.1)
    expect(text()).not.toMatch(/panic|BUG|Oops|segfault|unstable/)
    expect(resets()).toBe(0)
  },
)
