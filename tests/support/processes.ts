/** Godwits as processes of their own: the built command, its monitor, its console, and a link that can fail. */
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createConnection, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Qmp } from '../../scripts/qmp.mjs'

const root = join(import.meta.dirname, '../..')
const COMMAND = join(root, 'apps/runner/bin/godwit.mjs')

/** The command's path. Throws if it is not built. */
export function builtCommand(): string {
  if (!existsSync(join(root, 'apps/runner/dist/main.js'))) {
    throw new Error('the command is not built: run `npx tsc -b` (scripts/test does)')
  }
  return COMMAND
}

export async function until(what: string, holds: () => boolean | Promise<boolean>, ms = 100_000): Promise<void> {
  const end = Date.now() + ms
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`${what}: not after ${ms / 1000} s`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

export interface MigrationInfo {
  readonly status?: string
  readonly 'error-desc'?: string
  readonly downtime?: number
  readonly 'total-time'?: number
  readonly 'setup-time'?: number
  readonly ram?: Readonly<Record<string, number>>
}

/** One `godwit run`. */
export class Peer {
  readonly name: string
  readonly child: ChildProcess
  readonly qmp: Qmp
  /** Events as the monitor said them: STOP, RESUME, and of MIGRATION the status. */
  readonly events: string[] = []
  readonly ended: Promise<number | string | null>
  errors = ''

  private constructor(name: string, child: ChildProcess, qmp: Qmp) {
    this.name = name
    this.child = child
    this.qmp = qmp
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.errors += text))
    this.ended = new Promise((resolve) => child.on('close', (code, signal) => resolve(code ?? signal)))
    qmp.onEvent((e) => {
      if (e.event === 'MIGRATION') this.events.push(String(e.data?.['status']))
      else if (e.event === 'STOP' || e.event === 'RESUME') this.events.push(e.event)
    })
  }

  get over(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null
  }

  migration(): Promise<MigrationInfo> {
    return this.qmp.run('query-migrate') as Promise<MigrationInfo>
  }

  async status(): Promise<string> {
    return ((await this.qmp.run('query-status')) as { status: string }).status
  }

  /** The last reply of query-migrate, once the migration is over. */
  async outcome(): Promise<MigrationInfo> {
    let info: MigrationInfo = {}
    await until(`${this.name}: end of the migration`, async () => {
      info = await this.migration()
      return ['completed', 'failed', 'cancelled'].includes(info.status ?? '')
    })
    return info
  }

  event(name: string): Promise<void> {
    return until(`${this.name}: event ${name}`, () => this.events.includes(name))
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.ended
  }

  static async start(name: string, folder: string, args: string[], onText: (text: string) => void): Promise<Peer> {
    const monitor = join(folder, `${name}.qmp`)
    const child = spawn(process.execPath, [builtCommand(), 'run', '--qmp', `unix:${monitor}`, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    processes.add(child)
    let early = ''
    const collect = (text: Buffer): void => void (early += text.toString())
    child.stderr.on('data', collect)
    child.stdin.on('error', () => undefined)
    child.stdout.setEncoding('utf8').on('data', onText)
    const gone = new Promise<never>((_, reject) => {
      child.once('close', (code) => reject(new Error(`${name} ended with status ${code}: ${early}`)))
    })
    gone.catch(() => undefined)
    const qmp = await Promise.race([Qmp.open(monitor, 60_000), gone])
    child.stderr.off('data', collect)
    await qmp.run('migrate-set-capabilities', { capabilities: [{ capability: 'events', state: true }] })
    return new Peer(name, child, qmp)
  }
}

const processes = new Set<ChildProcess>()

/** A folder for sockets; `end` removes it and ends every process that was started. */
export function playground(): { readonly folder: string; end(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'godwit-live-'))
  return {
    folder,
    end() {
      for (const child of processes) child.kill('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A port of this host that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Where in the stream from source to destination the link fails: behind so many bytes, or behind a section's name. */
export type Moment = number | string

/**
 * A TCP link between source and destination that passes everything on until a moment in the stream, and then nothing.
 * `backward` is what it passes on from destination to source, at most.
 */
export class Link {
  readonly port: number
  /** Resolves when the moment has come and what was before it has been passed on. */
  readonly moment: Promise<void>
  forwarded = 0
  private readonly server: Server
  private readonly sockets: Socket[] = []

  private constructor(server: Server, target: number, at: Moment, backward: number) {
    this.server = server
    this.port = (server.address() as AddressInfo).port
    this.moment = new Promise((come) => {
      server.once('connection', (source: Socket) => {
        const destination = createConnection(target, '127.0.0.1')
        this.sockets.push(source, destination)
        for (const socket of this.sockets) socket.on('error', () => undefined)
        let tail = Buffer.alloc(0)
        let passing = true
        source.on('data', (data: Buffer) => {
          if (!passing) return
          const seen = Buffer.concat([tail, data])
          const name = typeof at === 'string' ? seen.indexOf(sectionHead(at)) : -1
          const end = typeof at === 'number' ? at - this.forwarded : name < 0 ? Infinity : name + 20 - tail.length
          tail = seen.subarray(-64)
          const part = data.subarray(0, Math.max(0, Math.min(data.length, end)))
          this.forwarded += part.length
          passing = end > data.length
          if (!passing) source.pause()
          if (!destination.write(part, passing ? undefined : () => come()) && passing) {
            source.pause()
            destination.once('drain', () => source.resume())
          }
        })
        let back = 0
        destination.on('data', (data: Buffer) => {
          if (passing && back < backward) source.write(data.subarray(0, backward - back))
          back += data.length
        })
        // a peer that goes away is seen by the other, even through a link that passes nothing
        source.on('close', () => destination.destroy())
        destination.on('close', () => source.resetAndDestroy())
      })
    })
  }

  static async open(target: number, at: Moment, backward = Infinity): Promise<Link> {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    return new Link(server, target, at, backward)
  }

  /** Reads on and drops what comes: only so is the end of a peer that has gone seen behind its last bytes. */
  drain(): void {
    for (const socket of this.sockets) socket.resume()
  }

  cut(): void {
    for (const socket of this.sockets) socket.resetAndDestroy()
    this.close()
  }

  close(): void {
    this.server.close()
  }
}

/** How a device's section with less than 256 in front of it begins, from the last byte of its number on. */
function sectionHead(idstr: string): Buffer {
  return Buffer.from(`${String.fromCharCode(idstr.length)}${idstr}\0\0\0\0`, 'latin1')
}
