import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Control } from '../control.ts'
import { FakeRunnable } from '../testing/fake-runnable.ts'
import type { Facts } from './commands.ts'
import { JsonStream } from './json-stream.ts'
import { QmpSession } from './session.ts'

const facts: Facts = {
  version: { major: 10, minor: 0, micro: 0 },
  package: 'Godwit',
  name: 'guest',
  uuid: undefined,
  pid: 77,
  machines: [{ name: 'pc-fake-1.0', alias: 'pc' }, { name: 'pc-fake-0.9' }],
}

function start(options: { autostart?: boolean; noShutdown?: boolean; greet?: boolean } = {}) {
  const machine = new FakeRunnable()
  const ends: number[] = []
  const messages: string[] = []
  const control = new Control({
    machine,
    autostart: options.autostart ?? true,
    onEnd: (status) => ends.push(status),
    onMessage: (line) => messages.push(line),
    noShutdown: options.noShutdown ?? false,
  })
  const lines: Record<string, unknown>[] = []
  const session = new QmpSession({
    control,
    facts,
    send: (line) => lines.push(JSON.parse(line) as Record<string, unknown>),
    nowMs: () => 1_700_000_000_123.456,
  })
  const raw = (text: string): Promise<void> => session.feed(new TextEncoder().encode(text))
  const ask = async (execute: string, args?: Record<string, unknown>): Promise<Record<string, unknown>> => {
    await raw(`${JSON.stringify({ execute, ...(args === undefined ? {} : { arguments: args }) })}\r\n`)
    return lines.findLast((line) => !('event' in line))!
  }
  const events = (): string[] =>
    lines
      .filter((l) => 'event' in l)
      .map((l) => {
        const status = (l['data'] as { status?: string } | undefined)?.status
        return status === undefined ? String(l['event']) : status
      })
  return { machine, control, lines, ends, messages, raw, ask, events, session }
}

async function negotiated(options: Parameters<typeof start>[0] = {}) {
  const s = start(options)
  await s.ask('qmp_capabilities')
  return s
}

const until = async (test: () => boolean): Promise<void> => {
  while (!test()) await new Promise((resolve) => setImmediate(resolve))
}
const error = (desc: string, kind = 'GenericError'): unknown => ({ error: { class: kind, desc } })

test('The greeting names the version; nothing but the negotiation is answered before it, and it only once.', async () => {
  const s = start()
  expect(s.lines[0]).toEqual({
    QMP: { version: { qemu: { micro: 0, minor: 0, major: 10 }, package: 'Godwit' }, capabilities: [] },
  })
  expect(await s.ask('query-status')).toEqual(
    error("Expecting capabilities negotiation with 'qmp_capabilities'", 'CommandNotFound'),
  )
  s.machine.start()
  s.control.stop()
  expect(s.events()).toEqual([])
  expect(await s.ask('qmp_capabilities')).toEqual({ return: {} })
  expect(await s.ask('qmp_capabilities')).toEqual(
    error('Capabilities negotiation is already complete, command ignored', 'CommandNotFound'),
  )
})

test.each<[string, string, string?]>([
  ['{"execute":"foo"}', 'The command foo has not been found', 'CommandNotFound'],
  ['{"execute":"toString"}', 'The command toString has not been found', 'CommandNotFound'],
  ['{"execute":"stop","x":1}', "QMP input member 'x' is unexpected"],
  ['{"exec":"stop"}', "QMP input member 'exec' is unexpected"],
  ['{}', "QMP input lacks member 'execute'"],
  ['[]', 'QMP input must be a JSON object'],
  ['{"execute":"stop","arguments":[]}', "QMP input member 'arguments' must be an object"],
  ['{"execute":"stop","arguments":{"a":1}}', "Parameter 'a' is unexpected"],
  ['{"execute":5}', "QMP input member 'execute' must be a string"],
  ['garbage{}', "JSON parse error, invalid keyword 'garbage'"],
  ['{"execute":"migrate","arguments":{}}', "need either 'uri' or 'channels' argument"],
  ['{"execute":"migrate","arguments":{"uri":"bad:x"}}', 'unknown migration protocol: bad:x'],
  ['{"execute":"migrate","arguments":{"uri":5}}', "Invalid parameter type for 'uri', expected: string"],
  ['{"execute":"migrate-incoming","arguments":{"uri":"tcp:0:1"}}', "'-incoming' was not specified on the command line"],
  [
    '{"execute":"migrate-set-capabilities","arguments":{"capabilities":[{"capability":"bogus","state":true}]}}',
    "Parameter 'capability' does not accept value 'bogus'",
  ],
  [
    '{"execute":"migrate-set-parameters","arguments":{"max-bandwidth":"x"}}',
    "Parameter 'max-bandwidth' expects uint64",
  ],
  ['{"execute":"migrate-set-parameters","arguments":{"nope":1}}', "Parameter 'nope' is unexpected"],
])("%s is refused in QEMU's words.", async (line, desc, kind) => {
  const s = await negotiated()
  await s.raw(`${line}\n`)
  expect(s.lines[2]).toEqual(error(desc, kind))
  expect(await s.ask('query-name')).toEqual({ return: { name: 'guest' } })
})

test('An id comes back with the reply and with the error, whatever it is.', async () => {
  const s = await negotiated()
  await s.raw('{"execute":"query-status","id":{"n":[1]}}{"execute":"foo","id":"x"}')
  expect(s.lines.slice(2)).toEqual([
    { return: { status: 'prelaunch', running: false }, id: { n: [1] } },
    { error: { class: 'CommandNotFound', desc: 'The command foo has not been found' }, id: 'x' },
  ])
})

test('stop and cont move the guest, once each, with their events.', async () => {
  const s = await negotiated()
  await s.ask('cont')
  expect(await s.ask('query-status')).toEqual({ return: { status: 'running', running: true } })
  await s.ask('cont')
  await s.ask('stop')
  await s.ask('stop')
  expect(await s.ask('query-status')).toEqual({ return: { status: 'paused', running: false } })
  expect(s.events()).toEqual(['RESUME', 'STOP'])
  expect(s.lines.find((l) => l['event'] === 'STOP')).toEqual({
    timestamp: { seconds: 1_700_000_000, microseconds: 123_456 },
    event: 'STOP',
  })
})

test('Reset and power button reach the machine and are told.', async () => {
  const s = await negotiated()
  await s.ask('system_reset')
  await s.ask('system_powerdown')
  expect(s.machine.log).toEqual(['reset', 'power button'])
  expect(s.lines.find((l) => l['event'] === 'RESET')).toMatchObject({
    data: { guest: false, reason: 'host-qmp-system-reset' },
  })
  expect(s.events()).toEqual(['RESET', 'POWERDOWN'])
})

test('quit answers before it ends with status 0.', async () => {
  const s = await negotiated()
  await s.ask('quit')
  expect(s.ends).toEqual([0])
  expect(s.lines.slice(2).map((l) => ('return' in l ? 'return' : l['event']))).toEqual(['return', 'SHUTDOWN'])
  expect(s.lines.at(-1)).toMatchObject({ data: { guest: false, reason: 'host-qmp-quit' } })
})

test('A guest that powers off ends the process with its status.', async () => {
  const s = await negotiated()
  s.machine.powerOff()
  expect(s.ends).toEqual([0])
  expect(s.lines.at(-1)).toMatchObject({ event: 'SHUTDOWN', data: { guest: true, reason: 'guest-shutdown' } })
  const t = await negotiated()
  t.machine.powerOff(3)
  expect(t.ends).toEqual([3])
})

test('With no-shutdown the machine stays, and only a reset lets it go on.', async () => {
  const s = await negotiated({ noShutdown: true })
  s.machine.start()
  s.machine.powerOff()
  expect(s.ends).toEqual([])
  expect(s.events()).toEqual(['SHUTDOWN', 'STOP'])
  expect(await s.ask('cont')).toEqual(error('Resetting the Virtual Machine is required'))
  await s.ask('system_reset')
  expect(await s.ask('cont')).toEqual({ return: {} })
  expect(s.machine.running).toBe(true)
})

test('A guest migrates between two monitors, with the events and the figures in order.', async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'godwit-qmp-')), 'migrate')
  const a = await negotiated()
  const b = await negotiated()
  for (const s of [a, b]) {
    await s.ask('migrate-set-capabilities', { capabilities: [{ capability: 'events', state: true }] })
  }
  await b.control.expectGuest({ kind: 'defer' })
  expect(await b.ask('query-status')).toEqual({ return: { status: 'inmigrate', running: false } })
  expect(await a.ask('query-migrate')).toEqual({ return: {} })
  a.machine.poke(7, 1234)
  await a.ask('cont')
  expect(await b.ask('migrate-incoming', { uri: `unix:${path}` })).toEqual({ return: {} })
  expect(await b.ask('migrate-incoming', { uri: `unix:${path}` })).toEqual(
    error('The incoming migration has already been started'),
  )
  expect(await a.ask('migrate', { uri: `unix:${path}` })).toEqual({ return: {} })
  expect(await a.ask('migrate', { uri: `unix:${path}` })).toEqual(error("There's a migration process in progress"))
  await until(() => a.events().includes('completed') && b.events().includes('completed'))
  const steps = a.events().filter((e) => e !== 'MIGRATION_PASS')
  expect(steps).toEqual(['RESUME', 'setup', 'active', 'STOP', 'device', 'completed'])
  expect(a.events().length).toBeGreaterThan(steps.length)
  expect(b.events()).toEqual(['setup', 'active', 'RESUME', 'completed'])
  expect(await a.ask('query-status')).toEqual({ return: { status: 'postmigrate', running: false } })
  expect(await b.ask('query-status')).toEqual({ return: { status: 'running', running: true } })
  expect(await a.ask('query-migrate')).toMatchObject({ return: { status: 'completed', ram: { remaining: 0 } } })
  expect(await a.ask('migrate', { uri: `unix:${path}` })).toEqual(
    error("Can't migrate the vm that was paused due to previous migration"),
  )
  expect(b.machine.ram.bytes[7 * 4096]).toBe(1234 & 0xff)
  b.control.stop()
})

test('A migration that finds nobody fails with the reason, and the guest goes on.', async () => {
  const s = await negotiated()
  await s.ask('migrate-set-capabilities', { capabilities: [{ capability: 'events', state: true }] })
  await s.ask('cont')
  await s.ask('migrate', { uri: 'unix:/nowhere/at/all' })
  await until(() => s.events().includes('failed'))
  expect(await s.ask('query-migrate')).toEqual({
    return: { status: 'failed', 'error-desc': "Failed to connect to '/nowhere/at/all': No such file or directory" },
  })
  expect(s.machine.running).toBe(true)
  s.control.stop()
})

test('A guest saved to a file by channels comes back from it by uri, and waits if it was stopped meanwhile.', async () => {
  const filename = join(mkdtempSync(join(tmpdir(), 'godwit-qmp-')), 'guest.mig')
  const a = await negotiated()
  a.machine.poke(3, 99)
  await a.ask('cont')
  const channels = [{ 'channel-type': 'main', addr: { transport: 'file', filename, offset: 0 } }]
  await a.ask('migrate', { channels })
  await until(() => !a.control.migrating)
  expect(await a.ask('query-migrate')).toMatchObject({ return: { status: 'completed' } })
  const b = await negotiated()
  await b.control.expectGuest({ kind: 'defer' })
  await b.ask('stop')
  await b.ask('migrate-incoming', { uri: `file:${filename}` })
  await until(() => b.control.incoming?.status === 'completed')
  expect(await b.ask('query-status')).toEqual({ return: { status: 'paused', running: false } })
  expect(b.machine.ram.bytes[3 * 4096]).toBe(99)
})

test('An incoming migration that fails ends the process with status 1 and a line that says why.', async () => {
  const s = await negotiated()
  await s.control.expectGuest({ kind: 'file', path: import.meta.filename, offset: 0 })
  await until(() => s.ends.length > 0)
  expect(s.ends).toEqual([1])
  expect(s.messages[0]).toMatch(/^load of migration failed: migration destination, phase preamble: .*QEVM/)
})

test('Parameters can be set while nothing else changes, and read back.', async () => {
  const s = await negotiated()
  expect(await s.ask('query-migrate-parameters')).toMatchObject({
    return: { 'max-bandwidth': 134217728, 'downtime-limit': 300, 'multifd-channels': 2 },
  })
  await s.ask('migrate-set-parameters', { 'max-bandwidth': 1000, 'downtime-limit': 5, 'tls-creds': '' })
  expect(s.control.parameters).toMatchObject({ maxBandwidth: 1000, downtimeLimitMs: 5 })
  expect(await s.ask('migrate-set-parameters', { 'max-bandwidth': 7, 'downtime-limit': 9e9 })).toEqual(
    error("Parameter 'downtime_limit' expects an integer in the range of 0 to 2000000 ms"),
  )
  expect(s.control.parameters.maxBandwidth).toBe(1000)
})

/** What QEMU 11.1 knows, as it answers. */
const QEMU_PARAMETERS = [
  ...['cpu-throttle-tailslow', 'xbzrle-cache-size', 'cpu-throttle-initial', 'announce-max', 'direct-io'],
  ...['avail-switchover-bandwidth', 'zero-page-detection', 'multifd-qatzip-level', 'x-rdma-chunk-size'],
  ...['multifd-channels', 'mode', 'multifd-zstd-level', 'announce-initial', 'downtime-limit', 'tls-authz'],
  ...['cpr-exec-command', 'vcpu-dirty-limit', 'multifd-compression', 'announce-rounds', 'announce-step', 'tls-creds'],
  ...['x-vcpu-dirty-limit-period', 'multifd-zlib-level', 'max-cpu-throttle', 'max-postcopy-bandwidth'],
  ...['tls-hostname', 'throttle-trigger-threshold', 'max-bandwidth', 'x-checkpoint-delay', 'cpu-throttle-increment'],
]

test('Every parameter of QEMU can be read, and beside them only our own two.', async () => {
  const s = await negotiated()
  const { return: told } = (await s.ask('query-migrate-parameters')) as { return: object }
  expect(Object.keys(told).sort()).toEqual(
    [...QEMU_PARAMETERS, 'x-godwit-idle-timeout', 'x-godwit-peer-timeout'].sort(),
  )
})

test.each<[string, unknown, string]>([
  ['multifd-channels', 0, 'Option multifd-channels expects a value between 1 and 255'],
  ['multifd-channels', 256, "Parameter 'multifd-channels' expects uint8_t"],
  ['multifd-compression', 'foo', "Parameter 'multifd-compression' does not accept value 'foo'"],
  ['multifd-compression', 'zstd', "Parameter 'multifd-compression': pages are sent as they are, 'zstd' is not there"],
  ['zero-page-detection', 'foo', "Parameter 'zero-page-detection' does not accept value 'foo'"],
  ['xbzrle-cache-size', 5000, 'Option xbzrle-cache-size expects a power of two no less than the target page size'],
  ['x-godwit-idle-timeout', -1, "Parameter 'x-godwit-idle-timeout' expects uint64"],
])('The parameter %s refuses %o.', async (name, value, message) => {
  const s = await negotiated()
  const before = await s.ask('query-migrate-parameters')
  expect(await s.ask('migrate-set-parameters', { [name]: value })).toEqual(error(message))
  expect(await s.ask('query-migrate-parameters')).toEqual(before)
})

test('Multifd and xbzrle exclude each other, and a file cannot bear several channels.', async () => {
  const s = await negotiated()
  const set = (...names: string[]): Promise<unknown> =>
    s.ask('migrate-set-capabilities', { capabilities: names.map((capability) => ({ capability, state: true })) })
  expect(await set('multifd', 'xbzrle')).toEqual(error('Multifd is not compatible with xbzrle'))
  expect(await set('xbzrle')).toEqual({ return: {} })
  expect(await set('multifd')).toEqual(error('Multifd is not compatible with xbzrle'))
  await s.ask('migrate-set-capabilities', { capabilities: [{ capability: 'xbzrle', state: false }] })
  expect(await set('multifd')).toEqual({ return: {} })
  const refused = error('Migration requires multi-channel URIs (e.g. tcp)')
  expect(await s.ask('migrate', { uri: 'file:/nowhere' })).toEqual(refused)
  const t = await negotiated()
  await t.ask('migrate-set-capabilities', { capabilities: [{ capability: 'multifd', state: true }] })
  await t.control.expectGuest({ kind: 'defer' })
  expect(await t.ask('migrate-incoming', { uri: 'file:/nowhere' })).toEqual(refused)
})

test('A guest migrates over three channels between two monitors; the awaited one says where it waits.', async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'godwit-qmp-')), 'migrate')
  const a = await negotiated()
  const b = await negotiated()
  for (const s of [a, b]) {
    await s.ask('migrate-set-capabilities', { capabilities: [{ capability: 'multifd', state: true }] })
    await s.ask('migrate-set-parameters', { 'multifd-channels': 3 })
  }
  await b.control.expectGuest({ kind: 'defer' })
  await b.ask('migrate-incoming', { uri: `unix:${path}` })
  expect(await b.ask('query-migrate')).toEqual({
    return: { status: 'setup', 'socket-address': [{ path, type: 'unix' }] },
  })
  a.machine.poke(7, 1234)
  await a.ask('migrate', { uri: `unix:${path}` })
  await until(() => !a.control.migrating && b.control.incoming?.status === 'completed')
  expect(await b.ask('query-migrate')).toEqual({ return: { status: 'completed' } })
  const { return: told } = (await a.ask('query-migrate')) as { return: { ram: Record<string, number> } }
  expect(told.ram['multifd-bytes']).toBeGreaterThan(4096)
  expect(b.machine.ram.bytes[7 * 4096]).toBe(1234 & 0xff)
  b.control.stop()
})

test('A capability that is not there cannot be switched on, but off.', async () => {
  const s = await negotiated()
  const set = (capability: string, state: boolean): Promise<unknown> =>
    s.ask('migrate-set-capabilities', { capabilities: [{ capability, state }] })
  expect(await set('postcopy-ram', true)).toEqual(error("Capability 'postcopy-ram' is not supported here"))
  expect(await set('postcopy-ram', false)).toEqual({ return: {} })
  await set('return-path', true)
  const { return: list } = (await s.ask('query-migrate-capabilities')) as { return: unknown[] }
  expect(list).toContainEqual({ state: true, capability: 'return-path' })
  expect(list).toContainEqual({ state: false, capability: 'postcopy-ram' })
})

test('What is there is listed: commands, machines, the processor.', async () => {
  const s = await negotiated()
  expect(await s.ask('query-commands')).toMatchObject({
    return: expect.arrayContaining([{ name: 'migrate' }]) as unknown,
  })
  expect(await s.ask('query-machines')).toMatchObject({
    return: [{ name: 'pc-fake-1.0', alias: 'pc', 'is-default': true }, { name: 'pc-fake-0.9' }],
  })
  expect(await s.ask('query-cpus-fast')).toMatchObject({
    return: [{ 'cpu-index': 0, 'thread-id': 77, target: 'x86_64' }],
  })
})

test('A client that has gone hears no more.', async () => {
  const s = await negotiated()
  s.session.close()
  s.machine.start()
  s.control.stop()
  expect(s.events()).toEqual([])
})

test('JSON may come byte by byte, over lines, with brackets in strings.', () => {
  const stream = new JsonStream()
  const text = ' {"a": "}{\\"",\n "b": [1, {"c": 2}]} {"d":1}\r\nnull {"e":'
  const found = [...new TextEncoder().encode(text)].flatMap((byte) => stream.feed(Uint8Array.of(byte)))
  expect(found.slice(0, 2)).toEqual([{ value: { a: '}{"', b: [1, { c: 2 }] } }, { value: { d: 1 } }])
  expect(found.slice(2).every((piece) => 'error' in piece)).toBe(true)
})
