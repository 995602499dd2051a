/** `godwit run`: from options to a machine that runs, with its terminal, monitor and migrations. */
import { rmSync, writeFileSync } from 'node:fs'
import { fileChar, socketChar, stdioChar } from '@godwit/backends/node'
import { nullChar, type Char } from '@godwit/hw'
import { ChannelError } from '@godwit/migration-net'
import { AddressError, parseUri } from '@godwit/migration-net/node'
import { buildMachine } from './build-machine.ts'
import { Control } from './control.ts'
import { reasonOf } from './files.ts'
import { listingReport } from './listing-report.ts'
import type { WatchedMachine } from './machine-shape.ts'
import type { RunOptions } from './options.ts'
import type { Facts } from './qmp/commands.ts'
import { profileReport } from './profile-report.ts'
import { serveQmp, serveQmpOnStdio, type QmpServer } from './qmp/server.ts'
import type { SerialPlace, SocketPlace } from './places.ts'
import { statistics, stopwatch } from './statistics.ts'
import { UsageError } from './usage-error.ts'
import { PACKAGE, VERSION } from './version.ts'

/** Runs until the guest, the user or the monitor ends it. Resolves with the exit status; throws UsageError. */
export async function run(options: RunOptions): Promise<number> {
  // a file that cannot be written is better known at once
  if (options.profile !== undefined) writeReport('profile', options.profile, '')
  if (options.hotCode !== undefined) writeReport('hot-code', options.hotCode, '')
  const machine = await buildMachine(options)
  let settle: (status: number) => void = () => undefined
  const ended = new Promise<number>((resolve) => (settle = resolve))
  const control = new Control({
    machine,
    autostart: !options.stopped,
    onEnd: (status) => settle(status),
    onMessage: (line) => void process.stderr.write(`godwit: ${line}\n`),
    uuid: options.uuid,
    noShutdown: options.noShutdown,
    noReboot: options.noReboot,
  })
  if (options.debugPorts) machine.events.onDebugByte = (byte) => void process.stderr.write(Uint8Array.of(byte))
  const unhook = hookSignals(control)
  const tidy: (() => void)[] = []
  let qmp: QmpServer | undefined
  const spent = stopwatch()
  try {
    if (options.pidfile !== undefined) writePidfile(options.pidfile, tidy)
    qmp = await startQmp(options, control, () => statistics(machine, spent()))
    const serial = await openSerial(options.serial ?? { kind: 'null' }, control)
    machine.connectSerial(serial)
    if (options.incoming !== undefined) await expectGuest(options.incoming, control)
    else if (!options.stopped) machine.start()
    return await ended
  } finally {
    unhook()
    for (const work of tidy) work()
    await qmp?.close()
    if (machine.lost === undefined) {
      if (options.stats) process.stderr.write(statistics(machine, spent()))
      const { profile, hotCode } = options
      if (profile !== undefined) writeReport('profile', profile, profileText(profile, machine.processor.profile()))
      if (hotCode !== undefined) writeReport('hot-code', hotCode, listingReport(machine.processor.compiled()))
    }
    await machine.close?.()
  }
}

async function expectGuest(uri: string, control: Control): Promise<void> {
  try {
    await control.expectGuest(parseUri(uri))
  } catch (thrown) {
    if (thrown instanceof AddressError) throw new UsageError(`--incoming ${uri}: ${thrown.message}`)
    if (thrown instanceof ChannelError) throw new UsageError(`--incoming ${uri}: ${thrown.detail}`)
    throw thrown
  }
}

async function startQmp(o: RunOptions, control: Control, figures: () => string): Promise<QmpServer | undefined> {
  if (o.qmp === undefined) return undefined
  const facts = { ...(await factsOf(o)), statistics: figures }
  if (o.qmp.kind === 'stdio') return serveQmpOnStdio(control, facts)
  const place = o.qmp
  return openPlace('qmp', place, () => serveQmp(place, control, facts))
}

async function openSerial(place: SerialPlace, control: Control): Promise<Char> {
  if (place.kind === 'null') return nullChar()
  if (place.kind === 'stdio') {
    return stdioChar({ input: process.stdin, output: process.stdout, onQuit: () => control.quit('host-ui') })
  }
  if (place.kind === 'file') {
    const { path } = place
    try {
      return fileChar(path)
    } catch (thrown) {
      throw new UsageError(`--serial file:${path}: ${reasonOf(thrown)}`)
    }
  }
  const char = await openPlace('serial', place, () => socketChar(place, place.server))
  if (place.wait) await char.connected
  return char
}

async function openPlace<T>(option: string, place: SocketPlace, open: () => Promise<T>): Promise<T> {
  const name = place.kind === 'tcp' ? `tcp:${place.host}:${place.port}` : `unix:${place.path}`
  // a socket file that a killed process left behind
  if (place.kind === 'unix' && place.server) await removeStale(place.path)
  try {
    return await open()
  } catch (thrown) {
    throw new UsageError(`--${option} ${name}: ${reasonOf(thrown)}`)
  }
}

async function removeStale(path: string): Promise<void> {
  const { createConnection } = await import('node:net')
  const { statSync } = await import('node:fs')
  try {
    if (!statSync(path).isSocket()) return
  } catch {
    return
  }
  const alive = await new Promise<boolean>((resolve) => {
    const socket = createConnection({ path })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
  if (!alive) rmSync(path, { force: true })
}

function hookSignals(control: Control): () => void {
  const end = (): void => control.quit('host-signal')
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, end)
  return () => {
    for (const signal of signals) process.off(signal, end)
  }
}

function writePidfile(path: string, tidy: (() => void)[]): void {
  try {
    writeFileSync(path, `${process.pid}\n`)
  } catch (thrown) {
    throw new UsageError(`--pidfile ${path}: ${reasonOf(thrown)}`)
  }
  tidy.push(() => rmSync(path, { force: true }))
}

function writeReport(option: string, path: string, text: string): void {
  try {
    writeFileSync(path, text)
  } catch (thrown) {
    throw new UsageError(`--${option} ${path}: ${reasonOf(thrown)}`)
  }
}

const profileText = (path: string, profile: ReturnType<WatchedMachine['processor']['profile']>): string =>
  path.endsWith('.json') ? `${JSON.stringify(profile)}\n` : profileReport(profile)

async function factsOf(o: RunOptions): Promise<Facts> {
  const { machineTypes, namesOf, refusalsOf } = await import('@godwit/machines')
  const [major, minor, micro] = VERSION.split('.').map(Number)
  return {
    version: { major: major!, minor: minor!, micro: micro! },
    package: PACKAGE,
    name: o.name,
    uuid: o.uuid,
    pid: process.pid,
    machines: machineTypes()
      .filter((type) => refusalsOf(type).length === 0)
      .map((type) => {
        const alias = namesOf(type)[0]
        return alias === undefined ? { name: type.name } : { name: type.name, alias }
      }),
  }
}
