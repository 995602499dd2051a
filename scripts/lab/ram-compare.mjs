/**
 * Whether a guest's memory arrives as it stopped, by bytes: a living Linux is moved again and again, each time the memory
 * of the source that has stopped is compared with that of the destination, which does not run, and with what was on the
 * wire. A page that differs on the wire already was lost by the source; one that differs from the wire, by the receiver.
 * The source goes on after each move.
 *   node scripts/lab/ram-compare.mjs [OPTIONS]
 *     --from RELEASE       (default 5.2)
 *     --to godwit|RELEASE  (default godwit)
 *     --multifd N          channels beside the main one, 0 for none (default 2)
 *     --times N            moves (default 20)
 *     --load N             processes that keep the host busy beside it (default 0)
 *     --type VERSION       of pc-i440fx (default 5.2)
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { guestFile } from '../../guests/packages.mjs'
import { guestOf } from './guests.mjs'
import { migrateOut, setWay } from './hop.mjs'
import { openLink } from './link.mjs'
import { GODWIT, Peer, endAll, until } from './peers.mjs'
import { arrivals, lastOf } from './wire.mjs'

const { values: options } = parseArgs({
  options: {
    from: { type: 'string', default: '5.2' },
    to: { type: 'string', default: GODWIT },
    multifd: { type: 'string', default: '2' },
    times: { type: 'string', default: '20' },
    load: { type: 'string', default: '0' },
    type: { type: 'string', default: '5.2' },
    help: { type: 'boolean', default: false },
  },
})
if (options.help) {
  const text = readFileSync(new URL(import.meta.url), 'utf8')
  console.log(
    text
      .slice(3, text.indexOf('*/'))
      .replace(/^ \* ?/gm, '')
      .trim(),
  )
  process.exit(0)
}

const [vmstate, machines, migration, node] = await Promise.all(
  ['vmstate/dist/index', 'machines/dist/index', 'migration-net/dist/index', 'migration-net/dist/node/index'].map(
    (name) => import(`../../packages/${name}.js`),
  ),
)
const folder = mkdtempSync(join(tmpdir(), 'godwit-ram-'))
const load = Array.from({ length: Number(options.load) }, () => spawn(process.execPath, ['-e', 'for(;;);']))
process.on('exit', () => {
  for (const child of load) child.kill('SIGKILL')
  endAll()
  rmSync(folder, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130))

const PAGE = 4096
const channels = Number(options.multifd)
const way = { returnPath: true, multifd: channels }
const guest = await guestOf('linux', { folder, machine: 'base', cpu: 'qemu64', type: options.type, say: console.log })
const life = guest.life()
const bytes = guest.memory << 20
/** Where physical memory is not simply pc.ram: video memory and what the chipset shadows. */
const aside = (offset) => offset >= 0xa0000 && offset < 0x100000

async function memoryOf(peer, name) {
  const file = join(folder, name)
  await peer.run('pmemsave', { val: 0, size: bytes, filename: file })
  const memory = readFileSync(file)
  rmSync(file)
  return memory
}

/** A destination that takes a guest and does not run it. */
async function godwit(path) {
  const bios = new Uint8Array(readFileSync(guestFile('bios-256k.bin')))
  const machine = machines.createMachine({
    ...{ type: `pc-i440fx-${options.type}`, cpu: 'qemu64', memoryBytes: bytes, bios, incoming: true, time: 'real' },
  })
  const listening = await node.openIncoming({ kind: 'unix', path }, 1 + channels)
  const result = listening.accept().then((channel) => {
    const multifd = channels === 0 ? {} : { multifd: { channels, accept: () => listening.accept() } }
    return new migration.IncomingMigration({ machine, channel, autostart: false, ...multifd }).run()
  })
  result.catch(() => undefined)
  return {
    memory: async () => {
      const { outcome, error } = await result
      if (outcome !== 'completed') throw error
      return Buffer.from(machine.ramBlocks.find((b) => b.name === 'pc.ram').bytes)
    },
    end: () => listening.close(),
  }
}

async function qemu(kind, path) {
  const peer = await Peer.start(kind, { folder, args: [...guest.args(kind), '-incoming', 'defer', '-S'] })
  await setWay(peer, way)
  await peer.run('migrate-incoming', { uri: `unix:${path}` })
  return {
    memory: async () => {
      const arrived = async () => {
        if (peer.done !== undefined) throw new Error(`${peer.name} refused the stream: ${peer.said()}`)
        return ['paused', 'prelaunch'].includes(await peer.status())
      }
      await until(arrived, 60_000, `${peer.name}: the guest does not arrive`)
      return memoryOf(peer, 'there')
    },
    end: () => peer.end(),
  }
}

/** Moves the guest once. @returns a line for each page that is not the same everywhere */
async function move(source, n) {
  const [front, back] = ['front', 'back'].map((end) => join(folder, `${n}.${end}`))
  const destination = await (options.to === GODWIT ? godwit(back) : qemu(options.to, back))
  const link = await openLink(front, back, { keep: true })
  try {
    await setWay(source, way)
    await migrateOut(source, `unix:${front}`)
    const there = await destination.memory()
    const here = await memoryOf(source, 'here')
    const { blocks, rounds } = arrivals(vmstate, link.forward())
    const pages = blocks.get('pc.ram')
    const lines = []
    let lost = 0
    let spoiled = 0
    for (let offset = 0; offset < bytes; offset += PAGE) {
      if (aside(offset)) continue
      const [a, b] = [here, there].map((memory) => memory.subarray(offset, offset + PAGE))
      const history = pages.get(offset) ?? []
      const { page, torn } = lastOf(history)
      const ofSource = Buffer.compare(a, page) !== 0
      const ofReceiver = Buffer.compare(b, page) !== 0
      if (!ofSource && !ofReceiver && !torn) continue
      lost += ofSource ? 1 : 0
      spoiled += ofReceiver ? 1 : 0
      lines.push(
        `  0x${offset.toString(16).padStart(7, '0')}: ${describe(a, b, page)}${torn ? ', twice in a round' : ''}; sent ${told(history)}`,
      )
    }
    return { lost, spoiled, lines, rounds }
  } finally {
    link.close()
    await destination.end()
    for (const path of [front, back]) rmSync(path, { force: true })
  }
}

const isZero = (page) => page.every((byte) => byte === 0)
const told = (history) =>
  history
    .map(
      ({ round, by, number, page }) =>
        `${by}${number === undefined ? '' : `#${number}`} round ${round}${isZero(page) ? ' zero' : ''}`,
    )
    .join(', ')

function describe(source, destination, wire) {
  const differing = source.reduce((n, byte, i) => n + (byte === wire[i] ? 0 : 1), 0)
  const first = source.findIndex((byte, i) => byte !== wire[i])
  const last = source.findLastIndex((byte, i) => byte !== wire[i])
  const where =
    differing === 0
      ? 'source as on the wire'
      : `${differing} bytes of the source differ from the wire, ${first} to ${last}`
  return `${where}, destination ${Buffer.compare(destination, wire) === 0 ? 'as on the wire' : Buffer.compare(destination, source) === 0 ? 'as the source' : isZero(destination) ? 'zero' : 'other'}`
}

const source = await Peer.start(options.from, { folder, args: guest.args(options.from), onSerial: life.onSerial })
await life.booted(source)
const totals = { moves: 0, moveWithLoss: 0, lost: 0, moveSpoiled: 0, spoiled: 0 }
for (let n = 1; n <= Number(options.times); n++) {
  const { lost, spoiled, lines, rounds } = await move(source, n)
  totals.moves++
  totals.lost += lost
  totals.moveWithLoss += lost > 0 ? 1 : 0
  totals.spoiled += spoiled
  totals.moveSpoiled += spoiled > 0 ? 1 : 0
  console.log(
    `${n}: ${lost} pages lost by the source, ${spoiled} by the receiver (${rounds} rounds, ${life.position()})`,
  )
  for (const line of lines) console.log(line)
  await source.run('cont')
  await life.goesOn(source, 2)
}
await source.end()
const ends = `QEMU ${options.from} -> ${options.to === GODWIT ? 'Godwit' : `QEMU ${options.to}`}, ${channels === 0 ? 'one channel' : `multifd ${channels}`}`
console.log(
  `${ends}: ${totals.moves} moves; source lost ${totals.lost} pages in ${totals.moveWithLoss}, receiver ${totals.spoiled} in ${totals.moveSpoiled}`,
)
process.exit(totals.spoiled === 0 ? 0 : 1)
