/**
 * Records running Linux guests of a real QEMU for tests/streams/incoming.test.ts, into the cache:
 *   node scripts/record-guests.mjs [RELEASE=PATH-OF-QEMU ...]      default: the qemu-system-x86_64 of this host
 * The guest counts ticks with a checksum over its memory (guests/init), so whoever goes on with it can be checked.
 */
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildInitrd } from '../guests/initrd.mjs'
import { CACHE, fetchGuests, guestFile } from '../guests/packages.mjs'
import { Qmp } from './qmp.mjs'

const BOARDS = {
  'i440fx-min': 'pc-i440fx-5.2,hpet=off,vmport=off,acpi=off,smm=off,usb=off,sata=off',
  'i440fx-base': 'pc-i440fx-5.2',
}
const TICKS = 3
const MINUTES = 5

const folder = join(CACHE, 'captures')
mkdirSync(folder, { recursive: true })
const named = process.argv.slice(2).map((text) => text.split('='))
if (named.length === 0) {
  const version = execFileSync('qemu-system-x86_64', ['--version'], { encoding: 'utf8' })
  named.push([/version (\d+\.\d+)/.exec(version)[1], 'qemu-system-x86_64'])
}
await fetchGuests(['vmlinuz-amd64', 'busybox-amd64'], (line) => console.log(line))
for (const [release, qemu] of named) for (const board of Object.keys(BOARDS)) await record(release, qemu, board)

async function record(release, qemu, board) {
  const run = mkdtempSync(join(tmpdir(), 'record-'))
  const [initrd, serial, qmpPath, stream] = ['initrd', 'serial', 'qmp', 'stream'].map((name) => join(run, name))
  writeFileSync(initrd, buildInitrd('amd64'))
  writeFileSync(serial, '')
  const append = 'console=ttyS0 quiet godwit.job=ticks godwit.dirty=256 godwit.pause=1'
  const child = spawn(
    qemu,
    [
      ...['-nodefaults', '-no-user-config', '-accel', 'tcg', '-M', BOARDS[board], '-cpu', 'qemu64', '-m', '128'],
      ...[
        '-display',
        'none',
        '-net',
        'none',
        '-serial',
        `file:${serial}`,
        '-qmp',
        `unix:${qmpPath},server=on,wait=off`,
      ],
      ...['-kernel', guestFile('vmlinuz-amd64'), '-initrd', initrd, '-append', append],
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  try {
    const qmp = await Qmp.open(qmpPath)
    const text = () => readFileSync(serial, 'latin1')
    await until(() => text().includes(`@@TICK ${TICKS} `), `${board} of ${release} does not tick`)
    await qmp.run('migrate-set-parameters', { 'max-bandwidth': 2 ** 33 })
    await qmp.run('migrate', { uri: `exec:cat > ${stream}` })
    await until(async () => {
      const { status } = await qmp.run('query-migrate')
      if (status === 'failed') throw new Error(`${board} of ${release}: migration failed`)
      return status === 'completed'
    }, `${board} of ${release} does not stop`)
    qmp.close()
    const name = `${board}-linux-${release}`
    execFileSync('cp', [stream, join(folder, `${name}.part`)])
    renameSync(join(folder, `${name}.part`), join(folder, `${name}.mig`))
    console.log(`${name}: ${/(@@TICK \d+)[^]*$/.exec(text().slice(text().lastIndexOf('@@TICK')))[1].slice(2)}`)
  } finally {
    child.kill()
    rmSync(run, { recursive: true, force: true })
  }
}

async function until(done, otherwise) {
  const end = Date.now() + MINUTES * 60_000
  while (!(await done())) {
    if (Date.now() > end) throw new Error(otherwise)
    await new Promise((r) => setTimeout(r, 200))
  }
}
