/**
 * What a thread of its own for the machine changes: how long the monitor waits for a busy guest, and what a migration
 * and a guest that dirties memory take from each other. The guest writes to a part of its pages in turn, for ever.
 *
 *   node bench/thread.mjs [--thread on,off] [--seconds 8] [--memory 512] [--dirty 128]   (MiB)
 */
import { fork, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
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
      dirty: { type: 'string', default: '128' },
    },
  })
  const folder = mkdtempSync(join(tmpdir(), 'godwit-thread-'))
  const bios = join(folder, 'firmware.bin')
  writeFileSync(bios, firmware(Number(values.memory), Number(values.dirty)))
  const sink = fork(import.meta.filename, { execArgv: [] })
  const port = await new Promise((resolve) => sink.once('message', resolve))
  try {
    for (const thread of values.thread.split(',')) {
      console.log(JSON.stringify({ thread, ...(await measure(thread, values, { folder, bios, port })) }))
    }
  } finally {
    sink.kill()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function measure(thread, values, { folder, bios, port }) {
  const monitor = join(folder, `${thread}.qmp`)
  const command = join(import.meta.dirname, '../apps/runner/bin/godwit.mjs')
  const guest = spawn(
    process.execPath,
    [command, 'run', '-M', 'pc-i440fx-5.2', '--cpu', 'qemu64', '-m', values.memory].concat([
      '--accel',
      `godwit,tier1=on,thread=${thread}`,
      '--qmp',
      `unix:${monitor}`,
      '--serial',
      'null',
      '--bios',
      bios,
    ]),
    { stdio: ['ignore', 'inherit', 'ignore'] },
  )
  const qmp = await Qmp.open(monitor)
  const instructions = async () => {
    const text = (await qmp.run('x-query-jit'))['human-readable-text']
    return Number(/^instructions +(\d+)/m.exec(text)[1])
  }
  // every page is written once before
  while ((await instructions()) < 4e6) await sleep(100)
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

/** Real mode to flat protected mode; then a word in each page of memory, and for ever those of the part. */
function firmware(memory, part) {
  const image = new Uint8Array(0x1_0000)
  const word = (n) => [n & 0xff, (n >> 8) & 0xff, (n >> 16) & 0xff, n >>> 24]
  const write = (end) => [
    ...[0xbb, ...word(0x10_0000)], // mov ebx, 1 MiB
    ...[0xff, 0x03, 0x81, 0xc3, ...word(0x1000)], // next: inc dword [ebx]; add ebx, 4096
    ...[0x81, 0xfb, ...word(end * 2 ** 20), 0x72, 0xf0], // cmp ebx, end; jb next
  ]
  image.set([0xfa, 0x2e, 0x0f, 0x01, 0x16, 0xa0, 0x00]) // cli; lgdt cs:[0xa0]
  image.set([0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0], 7) // mov eax, cr0; or al, 1; mov cr0, eax
  image.set([0x66, 0xea, ...word(0xf0040), 0x08, 0x00], 15) // jmp 8:0xf0040
  image.set([0x66, 0xb8, 0x10, 0x00, 0x8e, 0xd8], 0x40) // mov ax, 16; mov ds, ax
  image.set([...write(memory), ...write(1 + part), 0xeb, 0xe9], 0x46) // jmp back to the second
  image.set([...word(0xffff), ...word(0xcf9a00), ...word(0xffff), ...word(0xcf9200)], 0x88)
  image.set([23, 0, ...word(0xf0080)], 0xa0)
  image.set([0xea, 0x00, 0x00, 0x00, 0xf0], 0xfff0) // jmp 0xf000:0
  return image
}

function spread(list) {
  const sorted = [...list].sort((a, b) => a - b)
  const at = (part) => Number(sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))].toFixed(2))
  return { median: at(0.5), p95: at(0.95), most: at(1) }
}

function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
