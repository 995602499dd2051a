/**
 * Boots Linux to a shell, then moves a running guest from one process to a second one and back, and says what happened.
 * With GODWIT_DEMO=tiny, or where Debian's packages cannot be had, the guest is guests/tiny.mjs.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildInitrd } from '../guests/initrd.mjs'
import { NoPackages, fetchGuests, guestFile } from '../guests/packages.mjs'
import { buildTinyGuest, tinyChain } from '../guests/tiny.mjs'
import { Qmp } from './qmp.mjs'
import { TickWatch } from './ticks.mjs'

const GODWIT = fileURLToPath(new URL('../apps/runner/bin/godwit.mjs', import.meta.url))
const BUILT = fileURLToPath(new URL('../apps/runner/dist/main.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'godwit-demo-'))
const children = new Set()
const terminal = process.stdout.isTTY === true

function cleanUp() {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
}
process.on('exit', cleanUp)
for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
]) {
  process.on(signal, () => {
    endProgress()
    process.exit(status)
  })
}
// the reader of a pipe has had enough
process.stdout.on('error', () => process.exit(1))

const say = (line) => console.log(line)
/** Without what would speak to the terminal: a guest asks it where its cursor is. */
// eslint-disable-next-line no-control-regex
const printable = (text) => text.replace(/\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x1f\x7f]/g, '')
/** A line that is replaced on a terminal, and not printed elsewhere. */
const progress = (line) =>
  terminal && process.stdout.write(`\r\x1b[K${printable(line).slice(0, (process.stdout.columns || 80) - 1)}`)
const endProgress = () => terminal && process.stdout.write('\r\x1b[K')

function start(name, args, onOutput) {
  const child = spawn(process.execPath, [GODWIT, 'run', ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  children.add(child)
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (t) => (errors += t))
  child.stdin.on('error', () => undefined)
  child.stdout.setEncoding('utf8').on('data', (t) => onOutput(t, name))
  child.on('exit', (code) => {
    children.delete(child)
    child.done = { code, errors }
  })
  return child
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

const until = async (what, ms, condition, child) => {
  const end = Date.now() + ms
  while (!condition()) {
    if (child?.done !== undefined && child.done.code !== 0)
      throw new Error(`${what}: the process ended: ${child.done.errors.trim()}`)
    if (Date.now() > end) throw new Error(`${what}: nothing for ${ms / 1000} s`)
    await pause(20)
  }
}

/** The shell asks the terminal where its cursor is and swallows what comes at once, so a line is typed until it works. */
async function typeUntil(child, line, condition) {
  for (let attempt = 1; !condition(); attempt++) {
    if (attempt > 30) throw new Error(`the shell does not take "${line}"`)
    await pause(300)
    if (child.done === undefined) child.stdin.write(`\n${line}\n`)
    for (let i = 0; i < 30 && !condition(); i++) await pause(50)
  }
}

async function guestOf() {
  try {
    if (process.env.GODWIT_DEMO === 'tiny') throw new NoPackages('GODWIT_DEMO=tiny')
    await fetchGuests(['vmlinuz-cloud-amd64', 'busybox-amd64', 'bios-256k.bin'], (line) => say(line))
    const initrd = join(folder, 'initrd.gz')
    writeFileSync(initrd, buildInitrd('amd64'))
    const kernel = [
      '--kernel',
      guestFile('vmlinuz-cloud-amd64'),
      '--initrd',
      initrd,
      '--bios',
      guestFile('bios-256k.bin'),
    ]
    return {
      linux: true,
      boot: (job) => [...kernel, '--append', `console=ttyS0 quiet godwit.job=${job}`],
      memory: '128',
      rule: 1024,
    }
  } catch (e) {
    if (!(e instanceof NoPackages)) throw e
    say(`${e.message}; the small guest made from sources in this repository takes their place`)
    const image = join(folder, 'tiny.bin')
    writeFileSync(image, buildTinyGuest())
    return { linux: false, boot: () => ['--bios', image], memory: '16', rule: tinyChain() }
  }
}

const MACHINE = ['--machine', 'pc-i440fx-5.2', '--cpu', 'qemu64', '--serial', 'stdio']

async function bootToShell(guest) {
  say('booting Linux to a shell')
  const started = Date.now()
  let text = ''
  const child = start('shell', [...MACHINE, '-m', guest.memory, ...guest.boot('shell')], (t) => {
    text += t
    progress(`${((Date.now() - started) / 1000).toFixed(1)} s  ${text.trim().split('\n').at(-1) ?? ''}`)
  })
  await until('boot', 180_000, () => text.includes('guest# '), child)
  endProgress()
  say(`shell after ${((Date.now() - started) / 1000).toFixed(1)} s`)
  const answer = () => /^Linux .*$/m.exec(text.replaceAll('\r', ''))?.[0]
  await typeUntil(child, 'uname -a', () => answer() !== undefined)
  say(`  ${answer()}`)
  await typeUntil(child, 'poweroff -f', () => child.done !== undefined)
  say(`poweroff: process ended with status ${child.done.code}`)
  if (child.done.code !== 0) throw new Error(child.done.errors)
}

async function move(from, to, watch) {
  const before = watch.last
  const uri = `unix:${join(folder, `${to.name}.migrate`)}`
  await to.qmp.run('migrate-incoming', { uri })
  await from.qmp.run('migrate-set-capabilities', { capabilities: [{ capability: 'return-path', state: true }] })
  await from.qmp.run('migrate', { uri })
  for (;;) {
    const info = await from.qmp.run('query-migrate')
    const { ram } = info
    if (ram !== undefined)
      progress(`${info.status}: ${(ram.transferred / 2 ** 20).toFixed(0)} MiB, round ${ram['dirty-sync-count']}`)
    if (info.status === 'completed' || info.status === 'failed' || info.status === 'cancelled') {
      endProgress()
      if (info.status !== 'completed') throw new Error(`migration ${info.status}: ${info['error-desc'] ?? ''}`)
      say(
        `${from.name} -> ${to.name}: ${ram.normal} pages and ${ram.duplicate} zero pages in ${ram['dirty-sync-count']} rounds, ` +
          `${(ram.transferred / 2 ** 20).toFixed(1)} MiB in ${info['total-time']} ms, downtime ${info.downtime} ms`,
      )
      break
    }
    await pause(30)
  }
  const goal = watch.last + 10
  await until(`ticks after the move to ${to.name}`, 60_000, () => watch.last >= goal, to.child)
  say(`  tick ${before} before, tick ${watch.last} after`)
  await from.qmp.run('quit').catch(() => undefined)
}

async function thereAndBack(guest) {
  say('a guest that counts ticks and keeps a checksum over changing memory moves while it runs')
  const watch = new TickWatch(guest.rule)
  const launch = (name, extra) => {
    const socket = join(folder, `${name}.qmp`)
    const child = start(name, [...MACHINE, '-m', guest.memory, '--qmp', `unix:${socket}`, ...extra], (t) => {
      watch.feed(t)
      progress(`tick ${watch.last}`)
    })
    return Qmp.open(socket).then((qmp) => ({ name, child, qmp }))
  }
  const first = await launch('first', guest.boot('ticks'))
  await until('first ticks', 180_000, () => watch.last >= 5, first.child)
  endProgress()
  say(`guest runs in the first process, tick ${watch.last}`)
  const second = await launch('second', [...guest.boot('ticks'), '--incoming', 'defer'])
  await move(first, second, watch)
  const third = await launch('first-again', [...guest.boot('ticks'), '--incoming', 'defer'])
  await move(second, third, watch)
  await third.qmp.run('quit').catch(() => undefined)
  for (const fault of watch.faults) say(`FAULT: ${fault}`)
  if (watch.faults.length > 0) throw new Error('the guest noticed')
  say(`${watch.last} ticks, none lost; the checksum was right at every one`)
}

try {
  if (!existsSync(BUILT)) throw new Error('the command is not built yet: run `npx tsc -b` first')
  const guest = await guestOf()
  if (guest.linux) await bootToShell(guest)
  await thereAndBack(guest)
  say('done')
  process.exit(0)
} catch (e) {
  endProgress()
  console.error(`demo: ${e.message}`)
  process.exit(1)
}
