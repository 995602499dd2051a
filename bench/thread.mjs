/**
 * What a thread of its own for the machine changes: how long the monitor waits for a busy guest, and what a migration
 * and a guest that dirties memory take from each other.
 *
 *   node bench/thread.mjs [--thread on,off] [--seconds 8] [--memory 512] [--dirty 65536]
 */
import { fork, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildInitrd } from '../guests/initrd.mjs'
import { fetchGuests, guestFile } from '../guests/packages.mjs'
import { Qmp } from '../scripts/qmp.mjs'

/** Somebody who takes a stream and throws it away. */
if (process.send !== undefined) {
  const server = createServer((socket) => socket.on('error', () => undefined).resume())
  server.listen(0, '127.0.0.1', () => process.send(server.address().port))
} else await main()

async function main() {
  const { values } = parseArgs({
    options: {
      thread: { type: 'string', default: 'on,off' },
      seconds: { type: 'string', default: '8' },
      memory: { type: 'string', default: '512' },
      dirty: { type: 'string', default: '65536' },
    },
  })
  await fetchGuests(undefined, () => undefined)
  const folder = mkdtempSync(join(tmpdir(), 'godwit-thread-'))
  const initrd = join(folder, 'initrd.gz')
  writeFileSync(initrd, buildInitrd('amd64'))
  const sink = fork(import.meta.filename, { execArgv: [] })
  const port = await new Promise((resolve) => sink.once('message', resolve))
  try {
    for (const thread of values.thread.split(',')) {
      console.log(JSON.stringify({ thread, ...(await measure(thread, values, { folder, initrd, port })) }))
    }
  } finally {
    sink.kill()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function measure(thread, values, { folder, initrd, port }) {
  const monitor = join(folder, `${thread}.qmp`)
  const command = join(import.meta.dirname, '../apps/runner/bin/godwit.mjs')
  const guest = spawn(
    process.execPath,
    [command, 'run', '-M', 'pc-i440fx-5.2', '--cpu', 'qemu64', '-m', values.memory].concat(
      ['--accel', `godwit,tier1=on,thread=${thread}`, '--qmp', `unix:${monitor}`, '--serial', 'stdio'],
      ['--kernel', guestFile('vmlinuz-cloud-amd64'), '--initrd', initrd],
      ['--append', `console=ttyS0 quiet mitigations=off godwit.job=ticks godwit.dirty=${values.dirty} godwit.pause=0`],
    ),
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let ticks = 0
  guest.stdout.setEncoding('utf8').on('data', (text) => (ticks += text.split('@@TICK').length - 1))
  const qmp = await Qmp.open(monitor)
  while (ticks < 3) await sleep(100)
  const instructions = async () => {
    const text = (await qmp.run('x-query-jit'))['human-readable-text']
    return Number(/^instructions +(\d+)/m.exec(text)[1])
  }
  const pace = async (work) => {
    const [began, before] = [performance.now(), await instructions()]
    await work()
    return ((await instructions()) - before) / (performance.now() - began) / 1000
  }
  const trips = []
  const alone = await pace(async () => {
    const end = performance.now() + Number(values.seconds) * 1000
    while (performance.now() < end) {
      const asked = performance.now()
      await qmp.run('query-status')
      trips.push(performance.now() - asked)
      await sleep(5)
    }
  })
  await qmp.run('migrate-set-parameters', { 'downtime-limit': 0, 'max-bandwidth': 0 })
  const during = []
  let info
  const moving = await pace(async () => {
    await qmp.run('migrate', { uri: `tcp:127.0.0.1:${port}` })
    const end = performance.now() + Number(values.seconds) * 1000
    while (performance.now() < end) {
      const asked = performance.now()
      await qmp.run('query-status')
      during.push(performance.now() - asked)
      await sleep(5)
    }
    info = await qmp.run('query-migrate')
    await qmp.run('migrate_cancel')
  })
  const ended = new Promise((resolve) => guest.once('close', resolve))
  await qmp.run('quit')
  await ended
  return {
    'query-status ms': spread(trips),
    'query-status ms while migrating': spread(during),
    'million instructions/s': alone.toFixed(1),
    'the same while migrating': moving.toFixed(1),
    'MB/s sent': (info.ram.transferred / info['total-time'] / 1000).toFixed(1),
    rounds: info.ram['dirty-sync-count'],
  }
}

function spread(list) {
  const sorted = [...list].sort((a, b) => a - b)
  const at = (part) => Number(sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))].toFixed(2))
  return { median: at(0.5), p95: at(0.95), most: at(1) }
}

function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
