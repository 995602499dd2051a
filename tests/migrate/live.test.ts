/** A Linux guest that dirties memory moves between processes, and survives when one of them or the link dies. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { buildInitrd } from '../../guests/initrd.mjs'
import { guestFile } from '../../guests/packages.mjs'
import { TickWatch } from '../../scripts/ticks.mjs'
import { guestsThere } from '../support/guests.ts'
import { Link, Peer, freePort, playground, until, type MigrationInfo, type Moment } from '../support/processes.ts'

const MEMORY_MIB = 96
const DIRTY_KIB = 2048
const place = playground()
const { folder } = place
const watch = new TickWatch(DIRTY_KIB)
/** Where the guest is. */
let home: Peer
let launched = 0

function args(): string[] {
  const initrd = join(folder, 'initrd.gz')
  writeFileSync(initrd, buildInitrd('amd64'))
  return ['--machine', 'pc-i440fx-5.2', '--cpu', 'qemu64', '-m', `${MEMORY_MIB}`, '--serial', 'stdio'].concat(
    ['--kernel', guestFile('vmlinuz-cloud-amd64'), '--initrd', initrd],
    ['--append', `console=ttyS0 quiet godwit.job=ticks godwit.dirty=${DIRTY_KIB} godwit.pause=0.05`],
  )
}

const start = (...more: string[]): Promise<Peer> =>
  Peer.start(`p${launched++}`, folder, [...args(), ...more], (text) => void watch.feed(text))

/** A process that waits for a guest at a TCP port or a unix socket. */
async function waiting(kind: 'tcp' | 'unix' = 'tcp'): Promise<{ peer: Peer; uri: string; port: number }> {
  const peer = await start('--incoming', 'defer')
  const port = kind === 'tcp' ? await freePort() : 0
  const uri = kind === 'tcp' ? `tcp:127.0.0.1:${port}` : `unix:${join(folder, `${peer.name}.wire`)}`
  await peer.qmp.run('migrate-incoming', { uri })
  return { peer, uri, port }
}

const ticksGoOn = (count = 3): Promise<void> => {
  const goal = watch.last + count
  return until(`tick ${goal}`, () => watch.last >= goal)
}

/** The guest runs in this process; the other has none. */
async function runsOnlyIn(peer: Peer, other: Peer): Promise<void> {
  await ticksGoOn()
  expect(await peer.status()).toBe('running')
  if (!other.over) expect(await other.status()).not.toBe('running')
  expect(watch.faults).toEqual([])
}

/** Sets the limits of the next migration. */
const limit = (bytesPerSecond: number, downtimeMs: number): Promise<unknown> =>
  home.qmp.run('migrate-set-parameters', { 'max-bandwidth': bytesPerSecond, 'downtime-limit': downtimeMs })

function expectSane(info: MigrationInfo): void {
  const ram = info.ram!
  const pages = (MEMORY_MIB * 2 ** 20) / 4096
  expect(info.status).toBe('completed')
  expect(ram['total']).toBeGreaterThanOrEqual(MEMORY_MIB * 2 ** 20)
  expect(ram['remaining']).toBe(0)
  expect(ram['normal']! + ram['duplicate']!).toBeGreaterThanOrEqual(pages)
  expect(ram['normal-bytes']).toBe(ram['normal']! * 4096)
  expect(ram['transferred']).toBeGreaterThan(ram['normal-bytes']!)
  expect(ram['transferred']).toBe(ram['precopy-bytes']! + ram['downtime-bytes']!)
  expect(ram['dirty-sync-count']).toBeGreaterThanOrEqual(2)
  expect(info['downtime']).toBeGreaterThan(0)
  expect(info['total-time']).toBeGreaterThanOrEqual(info['downtime']! + info['setup-time']!)
}

describe.skipIf(!guestsThere)('a Linux guest between processes', () => {
  beforeAll(async () => {
    home = await start()
    await until('the guest has booted', () => watch.last >= 3, 300_000)
  }, 320_000)
  afterAll(() => place.end())
  afterEach(() => expect(watch.faults).toEqual([]))

  test('moves ten times in a row, by tcp and unix in turn, and loses no tick', { timeout: 600_000 }, async () => {
    for (let hop = 0; hop < 10; hop++) {
      const from = home
      const { peer, uri } = await waiting(hop % 2 === 0 ? 'tcp' : 'unix')
      from.events.length = 0
      await from.qmp.run('migrate', { uri })
      const info = await from.outcome()
      expectSane(info)
      await peer.event('completed')
      // STOP before the devices; RESUME before the word that it is done: who sees that word may use the guest
      expect(from.events).toEqual(['setup', 'active', 'STOP', 'device', 'completed'])
      expect(peer.events).toEqual(['setup', 'active', 'RESUME', 'completed'])
      expect(await from.status()).toBe('postmigrate')
      home = peer
      await runsOnlyIn(peer, from)
      await from.qmp.run('quit').catch(() => undefined)
      expect(await from.ended).toBe(0)
      expect(from.errors).toBe('')
      const ram = info.ram!
      console.log(
        `hop ${hop + 1} ${uri.slice(0, uri.indexOf(':'))}: ${info['total-time']} ms, downtime ${info.downtime} ms, ` +
          `${ram['dirty-sync-count']} rounds, ${(ram['transferred']! / 2 ** 20).toFixed(1)} MiB, tick ${watch.last}`,
      )
    }
  })

  test('moves no faster than max-bandwidth, and stops with no more left than downtime-limit allows', async () => {
    const { peer, uri } = await waiting()
    const from = home
    await limit(40e6, 150)
    await from.qmp.run('migrate', { uri })
    const info = await from.outcome()
    expectSane(info)
    const ram = info.ram!
    expect((ram['precopy-bytes']! * 1000) / (info['total-time']! - info.downtime!)).toBeLessThan(40e6 * 1.1)
    // what the guest dirties between the decision and its stop comes on top, and so do devices
    expect(ram['downtime-bytes']).toBeLessThan(40e6 * 0.15 + 4e6)
    home = peer
    await runsOnlyIn(peer, from)
    await from.kill()
  })

  test('stays when its migration is cancelled', async () => {
    const { peer, uri } = await waiting()
    await limit(20e6, 100)
    await home.qmp.run('migrate', { uri })
    await until('half a second of pages', async () => ((await home.migration()).ram?.['transferred'] ?? 0) > 10e6)
    await home.qmp.run('migrate_cancel')
    expect(await home.outcome()).toEqual({
      status: 'cancelled',
      'error-desc': 'migration source, phase rounds: cancelled',
    })
    expect(await peer.ended).toBe(1)
    expect(peer.errors).toMatch(/^godwit: load of migration failed: migration destination, phase ram(, ram\/0)?: .+\n$/)
    await runsOnlyIn(home, peer)
  })

  // positions drawn once; 60 to 75 MB are sent in the first round
  test.each<[Moment, RegExp]>([
    [37, /phase (setup|rounds)/],
    [23_456_789, /phase rounds/],
    [38_765_432, /phase (rounds|pause|ramRest)/],
    ['i8254', /phase devices/],
  ])('stays when the destination is killed %j into the stream', async (at, phase) => {
    const { peer, port } = await waiting()
    const link = await Link.open(port, at)
    await limit(0, 300)
    await home.qmp.run('migrate', { uri: `tcp:127.0.0.1:${link.port}` })
    await link.moment
    await peer.kill()
    const info = await home.outcome()
    expect(info).toEqual({ status: 'failed', 'error-desc': expect.stringMatching(phase) as string })
    await runsOnlyIn(home, peer)
    link.close()
  })

  test.each<[Moment, RegExp, RegExp]>([
    [12, /phase (setup|rounds)/, /phase (preamble|ram)/],
    [7_654_321, /phase rounds/, /phase ram/],
    [33_333_333, /phase (rounds|pause|ramRest)/, /phase ram/],
    // a reset takes with it what the destination has not read yet
    ['mc146818rtc', /phase devices/, /phase (ram|devices)/],
  ])('stays when the link is cut %j into the stream', async (at, here, there) => {
    const { peer, port } = await waiting()
    const link = await Link.open(port, at)
    await home.qmp.run('migrate', { uri: `tcp:127.0.0.1:${link.port}` })
    await link.moment
    link.cut()
    const info = await home.outcome()
    expect(info).toEqual({ status: 'failed', 'error-desc': expect.stringMatching(here) as string })
    expect(await peer.ended).toBe(1)
    expect(peer.errors).toMatch(there)
    expect(peer.errors.trim().split('\n')).toHaveLength(1)
    await runsOnlyIn(home, peer)
  })

  test('stays when the link stalls for 30 seconds, and runs all the while', async () => {
    const { peer, port } = await waiting()
    const link = await Link.open(port, 31_000_000)
    await home.qmp.run('migrate', { uri: `tcp:127.0.0.1:${link.port}` })
    await link.moment
    await ticksGoOn(10)
    expect((await home.migration()).status).toBe('active')
    expect((await home.outcome())['error-desc']).toMatch(/phase rounds: nothing happened for 30000 ms/)
    await runsOnlyIn(home, peer)
    expect(await peer.status()).toBe('inmigrate')
    link.cut()
    expect(await peer.ended).toBe(1)
    expect(peer.errors).toMatch(/load of migration failed: .*phase ram/)
  })

  test('goes when everything but the last word came through; the source stays paused and says why', async () => {
    const { peer, port } = await waiting()
    const from = home
    // two echoes of pings come back, of 8 bytes each, and no more
    const link = await Link.open(port, Infinity, 16)
    await from.qmp.run('migrate', { uri: `tcp:127.0.0.1:${link.port}` })
    await peer.event('RESUME')
    link.cut()
    const info = await from.outcome()
    expect(info['error-desc']).toMatch(/phase confirm: .*may run at the destination, so it stays paused here/)
    expect(await from.status()).toBe('paused')
    home = peer
    await runsOnlyIn(peer, from)
    await from.kill()
  })

  test('goes when the source is killed behind its last byte', async () => {
    const { peer, port } = await waiting()
    const from = home
    const link = await Link.open(port, Infinity, 16)
    await from.qmp.run('migrate', { uri: `tcp:127.0.0.1:${link.port}` })
    await peer.event('RESUME')
    await from.kill()
    home = peer
    await runsOnlyIn(peer, from)
    link.close()
  })

  // the guest dies with its process, so this comes last
  test('is nowhere half alive when the source is killed in the middle', async () => {
    const { peer, port } = await waiting()
    const link = await Link.open(port, 'timer')
    await home.qmp.run('migrate', { uri: `tcp:127.0.0.1:${link.port}` })
    await link.moment
    const last = watch.last
    await home.kill()
    link.drain()
    expect(await peer.ended).toBe(1)
    expect(peer.errors).toMatch(/^godwit: load of migration failed: migration destination, phase devices.*\n$/)
    expect(peer.events).not.toContain('RESUME')
    expect(watch.last).toBe(last)
    link.close()
  })
})
