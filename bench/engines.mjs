/** The emulators that are compared: where each is found, and the command that boots a guest whose serial port is stdio. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fetchGuests, guestFile } from '../guests/packages.mjs'

const GODWIT = new URL('../apps/runner/bin/godwit.mjs', import.meta.url).pathname
const V86 = new URL('v86-machine.mjs', import.meta.url).pathname
const QEMU_RELEASE = '7.2'

/**
 * @typedef {object} Guest
 * @property {'i386' | 'amd64'} arch
 * @property {string} kernel path
 * @property {string} initrd path
 * @property {string} append
 * @property {number} memoryMib
 *
 * @typedef {object} Engine
 * @property {string} name
 * @property {string} title
 * @property {string} version
 * @property {NodeJS.ProcessEnv} [env]
 * @property {(guest: Guest) => [string, string[]]} command
 */

/** Why an engine is left out. */
export class Absent extends Error {
  name = 'Absent'
}

const model = (arch) => (arch === 'i386' ? 'qemu32' : 'qemu64')

/** @param {{ program?: string, tier1?: string, stats?: boolean }} options @returns {Engine} */
function godwit({ program = GODWIT, tier1, stats }) {
  if (!existsSync(program)) throw new Absent(`there is no ${program}`)
  const said = spawnSync(process.execPath, [program, '--version'], { encoding: 'utf8' })
  if (said.status !== 0) throw new Absent(`${program} does not run; was it built? (pnpm build)\n${said.stderr.trim()}`)
  const version = said.stdout.trim()
  const more = [...(tier1 === undefined ? [] : ['-accel', `tcg,tier1=${tier1}`]), ...(stats ? ['--stats'] : [])]
  return {
    name: 'godwit',
    title: 'Godwit',
    version: tier1 === undefined ? version : `${version}, tier 1 ${tier1}`,
    command: ({ arch, kernel, initrd, append, memoryMib }) => [
      process.execPath,
      [
        ...[program, 'run', '--machine', 'pc', '--cpu', model(arch), '-m', String(memoryMib), ...more],
        ...['--kernel', kernel, '--initrd', initrd, '--append', append, '--serial', 'stdio'],
      ],
    ],
  }
}

/** @returns {Promise<Engine>} */
async function v86({ arch }, say) {
  if (arch !== 'i386') throw new Absent('v86 has no 64-bit guests')
  const require = createRequire(import.meta.url)
  let found
  try {
    found = require.resolve('v86/package.json')
  } catch {
    throw new Absent('v86 is not installed: pnpm install')
  }
  await fetchGuests(['bios.bin', 'vgabios-stdvga.bin'], say)
  const firmware = ['--bios', guestFile('bios.bin'), '--vga-bios', guestFile('vgabios-stdvga.bin')]
  return {
    name: 'v86',
    title: 'v86',
    version: JSON.parse(readFileSync(found, 'utf8')).version,
    command: ({ kernel, initrd, append, memoryMib }) => [
      process.execPath,
      [V86, '--kernel', kernel, '--initrd', initrd, '--append', append, '-m', String(memoryMib), ...firmware],
    ],
  }
}

/** @returns {Engine} */
function qemu({ arch }) {
  const { program, before, env } = findQemu(arch === 'i386' ? 'i386' : 'x86_64')
  const args = ['-M', 'pc', '-accel', 'tcg', '-cpu', model(arch), '-nodefaults', '-no-user-config', '-no-reboot']
  return {
    name: 'qemu',
    title: 'QEMU TCG',
    version: execFileSync(program, [...before, '--version'], { encoding: 'utf8', env }).split('\n')[0],
    env,
    command: ({ kernel, initrd, append, memoryMib }) => [
      program,
      [
        ...[...before, ...args, '-m', String(memoryMib), '-display', 'none', '-vga', 'none', '-monitor', 'none'],
        ...['-serial', 'stdio', '-kernel', kernel, '-initrd', initrd, '-append', append],
      ],
    ],
  }
}

/**
 * The program, what stands before its arguments, and its environment. 32-bit guests have a program of their own, which is
 * faster.
 */
function findQemu(target) {
  const named = process.env[target === 'i386' ? 'QEMU_I386' : 'QEMU'] ?? process.env.QEMU
  if (named !== undefined) return works({ program: named, before: [], env: process.env }, named)
  return (
    inLab(target) ?? works({ program: `qemu-system-${target}`, before: [], env: process.env }, `qemu-system-${target}`)
  )
}

/** A QEMU of scripts/lab-install.sh: it runs with its own loader, libraries and modules. */
function inLab(target) {
  const lab = join(process.env.QEMU_LAB ?? join(homedir(), '.cache/qemu-lab'), QEMU_RELEASE, 'root')
  const loader = join(lab, 'lib/x86_64-linux-gnu/ld-linux-x86-64.so.2')
  const name = `qemu-system-${target}`
  const program = ['usr/libexec', 'usr/bin'].map((d) => join(lab, d, name)).find((f) => existsSync(f))
  if (!existsSync(loader) || program === undefined) return undefined
  const folders = (...list) => list.map((d) => join(lab, d))
  const libraries = folders('lib/x86_64-linux-gnu', 'usr/lib/x86_64-linux-gnu', 'lib', 'usr/lib').join(':')
  const firmware = folders('usr/share/qemu', 'usr/share/seabios', 'usr/lib/ipxe/qemu').flatMap((d) => ['-L', d])
  const env = { ...process.env, QEMU_MODULE_DIR: join(lab, 'usr/lib/x86_64-linux-gnu/qemu') }
  delete env.LD_LIBRARY_PATH
  delete env.LD_PRELOAD
  const before = ['--inhibit-cache', '--library-path', libraries, program, ...firmware]
  return works({ program: loader, before, env }, program)
}

function works(found, name) {
  try {
    execFileSync(found.program, [...found.before, '--version'], { stdio: ['ignore', 'pipe', 'pipe'], env: found.env })
    return found
  } catch {
    throw new Absent(
      `there is no ${name} that works (Debian: apt-get install qemu-system-x86, or sh scripts/lab-install.sh)`,
    )
  }
}

const KNOWN = { godwit, v86, qemu }
export const ENGINES = Object.keys(KNOWN)

/**
 * @param {string[]} names
 * @param {{ arch: 'i386' | 'amd64', program?: string, tier1?: string, stats?: boolean }} options
 * @param {(line: string) => void} say told what is left out and why
 * @returns {Promise<Engine[]>}
 */
export async function findEngines(names, options, say) {
  const found = []
  for (const name of names) {
    try {
      found.push(await KNOWN[name](options, say))
    } catch (thrown) {
      if (!(thrown instanceof Absent)) throw thrown
      say(`without ${name}: ${thrown.message}`)
    }
  }
  return found
}
