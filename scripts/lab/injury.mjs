/**
 * One migration over a link that breaks: the source must go on, the other end must say why, and nobody may wait for ever.
 * The guest is guests/tiny.mjs: 16 MiB, no firmware but itself, and every tick carries a checksum of its memory.
 */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildTinyGuest, tinyChain } from '../../guests/tiny.mjs'
import { TickWatch } from '../ticks.mjs'
import { Tracker, channelNames, spoilerOf } from './borders.mjs'
import { setWay } from './hop.mjs'
import { openLink } from './link.mjs'
import { GODWIT, Peer, until } from './peers.mjs'

const TYPE = 'pc-i440fx-5.2'
const MIB = 16
/** Longer than a Godwit waits for a silent peer. */
export const PATIENCE_MS = 45_000
const TICK_MS = 30_000
let count = 0

/** A source that stays alive through all faults. */
export class Victim {
  /** Bytes of each channel, once `borders` has been asked for. */
  lengths = new Map()
  /**
   * @param {string} kind a release of QEMU, or GODWIT
   * @param {{ folder: string, vmstate: object, machines: object, migration: object, node: object, multifd?: number }} lab the
   *   packages, and how many channels there are beside the main one
   */
  static async start(kind, lab) {
    const victim = new Victim()
    const bios = join(lab.folder, 'tiny.bin')
    writeFileSync(bios, buildTinyGuest())
    victim.lab = lab
    victim.args = ['-M', TYPE, '-cpu', 'qemu64', '-m', String(MIB), '-bios', bios]
    victim.watch = new TickWatch(tinyChain())
    victim.peer = await Peer.start(kind, {
      folder: lab.folder,
      args: victim.args,
      onSerial: (text) => victim.watch.feed(text),
    })
    await victim.ticks(2)
    return victim
  }

  /** Ends the source, even one that hangs. */
  async end() {
    if ((await within(this.peer.status(), 5000).catch(() => undefined)) === undefined) this.peer.child.kill('SIGKILL')
    await this.peer.end()
  }

  /** Waits for that many more ticks. */
  async ticks(more) {
    const goal = this.watch.last + more
    await until(
      () => this.watch.last >= goal || this.peer.done !== undefined,
      TICK_MS,
      () => `${this.peer.name}: the guest stands at tick ${this.watch.last}`,
    )
    if (this.peer.done !== undefined) throw new Error(`${this.peer.name} ended: ${this.peer.said()}`)
    if (this.watch.faults.length > 0) throw new Error(`${this.peer.name}: ${this.watch.faults[0]}`)
  }

  /** A machine of the same type, waiting for a guest. */
  machine() {
    const bios = new Uint8Array(buildTinyGuest())
    return this.lab.machines.createMachine({
      ...{ type: TYPE, cpu: 'qemu64', memoryBytes: MIB << 20, bios, incoming: true, time: 'real' },
    })
  }

  /** A machine to read sections with; what is in it means nothing. */
  scratch() {
    return (this.reading ??= this.machine())
  }

  /** A whole migration, after which the guest goes on here: where the parts of its stream begin. */
  async borders() {
    const tracker = new Tracker(this.lab.vmstate, this.scratch())
    const nameOf = channelNames()
    const result = await this.migrate({ kind: GODWIT }, (bytes, offset, connection) => {
      const name = nameOf(bytes, offset, connection)
      if (name === 'main') tracker.feed(bytes)
      this.lengths.set(name, offset + bytes.length)
      return { pass: bytes }
    })
    if (result.source !== 'completed') throw new Error(`${this.peer.name}: ${result.source}: ${result.sourceSays}`)
    return tracker.borders
  }

  /**
   * Migrates over a link and settles both ends; afterwards the guest runs here again.
   * @param {{ kind: string }} to
   */
  async migrate(to, spoil) {
    const name = join(this.lab.folder, `${++count}`)
    const started = Date.now()
    const destination = await (to.kind === GODWIT ? this.#godwit(`${name}.b`) : this.#qemu(to, `${name}.b`))
    const link = await openLink(`${name}.f`, `${name}.b`, { spoil })
    try {
      await setWay(this.peer, this.#way)
      await this.peer.run('migrate', { uri: `unix:${name}.f` })
      const info = await this.#settled()
      const arrived = await destination.settled(info.waited ? 0 : PATIENCE_MS)
      const runs = (await this.peer.status()) === 'running'
      if (!runs) await this.peer.run('cont')
      return {
        source: info.status,
        sourceSays: info['error-desc'] ?? '',
        waited: info.waited === true || arrived.waited === true,
        ...{ runs, ...arrived },
        ms: Date.now() - started,
      }
    } finally {
      link.close()
      await destination.end()
      rmSync(`${name}.b`, { force: true })
    }
  }

  get #way() {
    return { returnPath: true, multifd: this.lab.multifd ?? 0 }
  }

  async #settled() {
    const end = Date.now() + PATIENCE_MS
    for (;;) {
      const info = await this.peer.run('query-migrate')
      if (['completed', 'failed', 'cancelled'].includes(info.status)) return info
      if (Date.now() > end) break
      await new Promise((r) => setTimeout(r, 10))
    }
    await this.peer.run('migrate_cancel')
    return until(
      async () => {
        const info = await this.peer.run('query-migrate')
        return ['completed', 'failed', 'cancelled'].includes(info.status) ? { ...info, waited: true } : undefined
      },
      10_000,
      `${this.peer.name}: cannot even be cancelled`,
    )
  }

  async #godwit(path) {
    const { migration, node } = this.lab
    const machine = this.machine()
    const channels = this.lab.multifd ?? 0
    const listening = await node.openIncoming({ kind: 'unix', path }, 1 + channels)
    let incoming
    const arriving = listening.accept().then((channel) => {
      const multifd = channels === 0 ? {} : { multifd: { channels, accept: () => listening.accept() } }
      incoming = new migration.IncomingMigration({ machine, channel, autostart: false, ...multifd })
      return incoming.run()
    })
    arriving.catch(() => undefined)
    return {
      settled: async (ms) => {
        const result = await within(arriving, Math.max(ms, 1000))
        if (result === undefined) incoming?.cancel()
        if (result === undefined) return { waited: true, arrived: false, says: '' }
        const { error } = result
        return { arrived: result.outcome === 'completed', says: error?.message ?? '', code: error?.code }
      },
      end: async () => listening.close(),
    }
  }

  async #qemu({ kind }, path) {
    const peer = await Peer.start(kind, { folder: this.lab.folder, args: [...this.args, '-incoming', 'defer', '-S'] })
    await setWay(peer, this.#way)
    await peer.run('migrate-incoming', { uri: `unix:${path}` })
    return {
      settled: async (ms) => {
        // a QEMU that hangs does not answer either
        const here = async () =>
          ['paused', 'prelaunch'].includes(
            await within(
              peer.status().catch(() => ''),
              2000,
            ),
          )
        const found = await until(
          async () => (peer.done !== undefined ? 'ended' : (await here()) && 'here'),
          Math.max(ms, 2000),
          'silent',
        ).catch(() => 'waited')
        if (found === 'waited') return { waited: true, arrived: false, says: peer.said() }
        return { arrived: found === 'here', says: peer.said(), code: peer.done }
      },
      end: () => peer.end(),
    }
  }
}

/** @returns what a promise gives, or undefined if it takes too long */
async function within(promise, ms) {
  let timer
  const late = new Promise((resolve) => (timer = setTimeout(() => resolve(undefined), ms)))
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * One fault. @returns the outcome; `wrong` says what should have been otherwise.
 * @param {{ fault: 'cut' | 'flip', at?: number, border?: string, beyond?: number, channel?: string }} what
 */
export async function injure(victim, to, what) {
  const tracker = new Tracker(victim.lab.vmstate, victim.scratch())
  const spoiler = spoilerOf(what, tracker)
  const result = await within(victim.migrate({ kind: to }, spoiler.spoil), 3 * PATIENCE_MS)
  if (result === undefined)
    return { ...what, outcome: 'hangs', wrong: [`${victim.peer.name} does not answer any more`] }
  const wrong = []
  await victim.ticks(1).catch((e) => wrong.push(e.message))
  const eof = tracker.borders.get('eof')
  const place = what.at ?? tracker.borders.get(what.border) + (what.beyond ?? 0)
  // a Godwit that has given its EOF away does not know whether it arrived, and then lets its guest stand: decision 0003
  const late =
    what.channel === undefined && eof !== undefined && (victim.peer.kind === GODWIT ? place >= eof : place > eof)
  if (!spoiler.done) return { ...what, ...result, outcome: 'not reached', wrong }
  // QEMU 11.1 waits for ever for the threads of channels that broke: docs/lab.md
  const qemuHangs = to !== GODWIT && what.channel !== undefined && result.source !== 'cancelled'
  if (result.waited && what.fault === 'cut' && !qemuHangs) wrong.push('somebody waited for ever')
  // a channel beside the main one may have said all that counts before it broke
  const harmless = what.channel !== undefined && result.arrived && result.source === 'completed'
  if (what.fault === 'cut' && !late && !harmless) {
    if (result.source !== 'failed') wrong.push(`the source says ${result.source}`)
    if (!result.runs) wrong.push('the source did not go on by itself')
    if (result.sourceSays === '' && victim.peer.kind === GODWIT) wrong.push('the source does not say why')
    if (result.arrived) wrong.push('the destination took a guest without an end')
  }
  if (!result.arrived && !result.waited && result.says === '') wrong.push('the destination does not say why')
  if (result.arrived && result.runs && !late) wrong.push('the guest is at both ends')
  return { ...what, ...result, late, outcome: outcomeOf(result), wrong }
}

const outcomeOf = ({ waited, arrived, source }) =>
  waited ? 'waited' : arrived ? (source === 'completed' ? 'arrived' : 'arrived, source unsure') : 'refused'
