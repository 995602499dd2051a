/**
 * Boots Debian kernels to the shell in Godwit and in QEMU's TCG, one after another and alternating, and compares times.
 *
 *   node bench/boot.mjs [--rounds 3] [--kernel cloud-amd64,686] [--stats] [--json FILE]
 *
 * QEMU is `qemu-system-x86_64` on the PATH, or what the variable QEMU names; without one only Godwit is timed.
 * With --stats Godwit also says what its processor did, and is some per cent slower.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildInitrd } from '../guests/initrd.mjs'
import { fetchGuests, guestFile } from '../guests/packages.mjs'

const GODWIT = new URL('../apps/runner/bin/godwit.mjs', import.meta.url).pathname
const QEMU = process.env.QEMU ?? 'qemu-system-x86_64'
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    kernel: { type: 'string', default: 'cloud-amd64,686' },
    stats: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
})
const folder = mkdtempSync(join(tmpdir(), 'godwit-bench-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

const MACHINE = 'pc-i440fx-5.2'
const APPEND = 'console=ttyS0 quiet godwit.job=shell'

function files(kernel) {
  const arch = kernel === '686' ? 'i386' : 'amd64'
  const initrd = join(folder, `initrd-${arch}.gz`)
  writeFileSync(initrd, buildInitrd(arch))
  return { kernel: guestFile(`vmlinuz-${kernel}`), initrd, cpu: arch === 'i386' ? 'pentium3' : 'qemu64' }
}

const commands = {
  godwit: ({ kernel, initrd, cpu }) => [
    process.execPath,
    [
      GODWIT,
      'run',
      '--machine',
      MACHINE,
      '--cpu',
      cpu,
      '-m',
      '128',
      '--kernel',
      kernel,
      '--initrd',
      initrd,
      '--append',
      APPEND,
      '--serial',
      'stdio',
      ...(values.stats ? ['--stats'] : []),
    ],
  ],
  qemu: ({ kernel, initrd, cpu }) => [
    QEMU,
    [
      '-nodefaults',
      '-no-user-config',
      '-accel',
      'tcg',
      '-display',
      'none',
      '-net',
      'none',
      '-M',
      MACHINE,
      '-cpu',
      cpu,
      '-m',
      '128',
      '-kernel',
      kernel,
      '-initrd',
      initrd,
      '-append',
      APPEND,
      '-serial',
      'stdio',
    ],
  ],
}

/** Seconds from the start of the process to the shell's prompt; and what the process said at its end. */
function boot(engine, guest) {
  const [command, args] = commands[engine](guest)
  return new Promise((resolve, reject) => {
    const started = performance.now()
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    let text = ''
    let errors = ''
    let seconds
    let again
    const limit = setTimeout(() => child.kill('SIGKILL'), 600_000)
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      text += chunk
      if (seconds === undefined && text.includes('guest# ')) {
        seconds = (performance.now() - started) / 1000
        // the shell asks the terminal where its cursor is and swallows what comes at once: typed again until it works
        again = setInterval(() => child.stdin.write('\npoweroff -f\n'), 300)
      }
    })
    child.stderr.setEncoding('utf8').on('data', (chunk) => (errors += chunk))
    child.on('error', reject)
    child.stdin.on('error', () => undefined)
    child.on('exit', () => {
      clearTimeout(limit)
      clearInterval(again)
      if (seconds === undefined)
        reject(new Error(`${engine} did not reach the shell:\n${text.slice(-2000)}\n${errors.slice(-2000)}`))
      else resolve({ seconds, errors })
    })
  })
}

const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1]
const rounds = Number(values.rounds)
const haveQemu = spawnSync(QEMU, ['--version']).status === 0
if (!haveQemu) console.log(`no ${QEMU} here: only Godwit is timed (Debian: apt-get install qemu-system-x86)`)
const engines = haveQemu ? ['qemu', 'godwit'] : ['godwit']
await fetchGuests(undefined, (line) => console.log(line))
const report = {}
for (const kernel of values.kernel.split(',')) {
  const guest = files(kernel)
  const times = Object.fromEntries(engines.map((e) => [e, []]))
  let said = ''
  for (let round = 1; round <= rounds; round++) {
    for (const engine of engines) {
      const { seconds, errors } = await boot(engine, guest)
      times[engine].push(seconds)
      if (engine === 'godwit') said = errors
      console.log(`${kernel} round ${round} ${engine} ${seconds.toFixed(2)} s`)
    }
  }
  const row = Object.fromEntries(engines.map((e) => [e, median(times[e])]))
  const ratio = haveQemu ? row.godwit / row.qemu : undefined
  report[kernel] = { ...row, ratio, rounds: times, stats: said.trim().split('\n') }
  console.log(
    `${kernel}: Godwit ${row.godwit.toFixed(2)} s${haveQemu ? `, QEMU TCG ${row.qemu.toFixed(2)} s, ratio ${ratio.toFixed(2)}` : ''}`,
  )
  console.log(said.trim())
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`)
