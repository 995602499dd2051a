/** Processes that run a guest, real QEMUs and Godwit alike: how they are started, watched and ended. */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Qmp } from '../qmp.mjs'

export const LAB = process.env.QEMU_LAB ?? join(homedir(), '.cache', 'qemu-lab')
export const RELEASES = ['5.2', '7.2', '10.0', '11.1']
export const GODWIT = 'godwit'
const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const inLab = (release) => join(LAB, 'bin', `qemu-${release}`)

/** The release of the host's own QEMU, "10.0"; undefined if it has none. */
function ofHost() {
  const { stdout } = spawnSync('qemu-system-x86_64', ['-version'], { encoding: 'utf8' })
  return /version (\d+\.\d+)/.exec(stdout ?? '')?.[1]
}

/** Releases of QEMU that are installed here: those of the lab, or else the host's own. */
export function installed() {
  const there = RELEASES.filter((release) => existsSync(inLab(release)))
  const own = there.length > 0 ? undefined : ofHost()
  return own === undefined ? there : [own]
}
export const qemuOf = (release) => (existsSync(inLab(release)) ? inLab(release) : 'qemu-system-x86_64')
export const HOW_TO_INSTALL = `no real QEMUs in ${LAB} and no qemu-system-x86_64 on this host: "sh scripts/lab-install.sh" installs some there, or QEMU_LAB names where they are`

const children = new Set()
export function endAll() {
  for (const child of children) child.kill('SIGKILL')
}

/** The built runner; its sources where nothing is built, and in tests, which are about the sources. */
const godwit = () => {
  const built = join(ROOT, 'apps/runner/dist/main.js')
  if (existsSync(built) && process.env.VITEST === undefined)
    return [process.execPath, join(ROOT, 'apps/runner/bin/godwit.mjs'), 'run']
  const main = join(ROOT, 'apps/runner/src/main.ts')
  return [process.execPath, '--conditions=@godwit/source', '--import', 'tsx', main, 'run']
}

const QEMU_ONLY = [
  '-nodefaults',
  '-no-user-config',
  '-accel',
  'tcg',
  '-net',
  'none',
  '-display',
  'none',
  '-monitor',
  'none',
]
let count = 0

export class Peer {
  /** @param {string} kind a release of QEMU, or GODWIT */
  static async start(kind, { folder, args, onSerial }) {
    const peer = new Peer()
    const n = ++count
    peer.kind = kind
    peer.name = kind === GODWIT ? 'Godwit' : `QEMU ${kind}`
    peer.arrived = []
    peer.complaints = ''
    peer.events = []
    const socket = join(folder, `${n}.qmp`)
    const [file, ...first] = kind === GODWIT ? godwit() : [qemuOf(kind), ...QEMU_ONLY]
    const monitor = kind === GODWIT ? `unix:${socket}` : `unix:${socket},server=on,wait=off`
    const child = spawn(file, [...first, ...args, '-serial', 'stdio', '-qmp', monitor], {
      cwd: ROOT,
      stdio: ['pipe', 'pipe', 'pipe'],
      // a Ctrl-C of the terminal is for the script alone, which then ends its children
      detached: true,
    })
    peer.child = child
    children.add(child)
    peer.ended = new Promise((resolve) => {
      child.once('error', (e) => (peer.complaints += e.message))
      child.once('close', (code) => {
        children.delete(child)
        peer.done = code ?? 1
        resolve(peer.done)
      })
    })
    child.stdin.on('error', () => undefined)
    child.stdout.setEncoding('latin1').on('data', (text) => onSerial?.(text, peer))
    child.stderr.setEncoding('utf8').on('data', (text) => (peer.complaints += text))
    peer.qmp = await Promise.race([
      Qmp.open(socket, 60_000),
      peer.ended.then(() => Promise.reject(new Error(`${peer.name} ended at once: ${peer.said()}`))),
    ])
    peer.qmp.onEvent((event) => peer.events.push(event))
    return peer
  }

  /** What it wrote on stderr, without what is no complaint. */
  said() {
    return this.complaints
      .split('\n')
      .filter((line) => line.trim() !== '' && !line.includes('deprecated'))
      .join('; ')
  }

  type(text) {
    this.child.stdin.write(text)
  }

  run(command, args) {
    return this.qmp.run(command, args).catch((e) => {
      throw new Error(`${this.name}: ${command}: ${e.message}${this.said() === '' ? '' : ` (${this.said()})`}`)
    })
  }

  async status() {
    return (await this.run('query-status')).status
  }

  /** Moment of the last event of a name, in ms since 1970, or undefined. */
  when(name) {
    const event = this.events.findLast((e) => e.event === name)
    return event === undefined ? undefined : event.timestamp.seconds * 1000 + event.timestamp.microseconds / 1000
  }

  async end() {
    if (this.done === undefined) {
      void this.qmp?.run('quit').catch(() => undefined)
      const patience = setTimeout(() => this.child.kill('SIGKILL'), 5000)
      await this.ended
      clearTimeout(patience)
    }
    this.qmp?.close()
  }
}

/** Waits for a condition. @param {() => unknown} done may be asynchronous */
export async function until(done, ms, otherwise) {
  const end = Date.now() + ms
  for (;;) {
    const found = await done()
    if (found) return found
    if (Date.now() > end) throw new Error(typeof otherwise === 'function' ? otherwise() : otherwise)
    await new Promise((r) => setTimeout(r, 30))
  }
}
