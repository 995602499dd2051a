/** A guest's way through several processes, with everything that is checked on it. */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { streamDifferences } from './differences.mjs'
import { hop, migrateOut } from './hop.mjs'
import { GODWIT, Peer } from './peers.mjs'

/** Clocks that count by themselves; a guest that counts timer interrupts loses those that a busy host brings too late. */
const TRUE_CLOCKS = ['tsc', 'hpet', 'acpi_pm']
/** Guest time and wall time may differ by what a busy host takes to print a line, in ms. */
const SLACK_MS = 1500
const RATE_TOLERANCE = 0.02

/**
 * Boots a guest in the first process, or takes the saved one, and moves it on.
 * @returns {{hops: object[], faults: string[], notes: string[], clock?: string, position: string}}
 */
export async function journey(
  kinds,
  { folder, guest, transport, compare, vmstate, saves, onProgress = () => undefined },
) {
  const start = await bootedIn(kinds[0], { folder, guest, saves, onProgress })
  const { life } = start
  let peer = start.peer
  const result = { kinds, hops: [], faults: [], notes: [] }
  try {
    await life.goesOn(peer)
    const legs = [{ peer: peer.name, from: 0 }]
    const sinceUptime = life.stamps[0]?.uptime ?? 0
    for (const to of kinds.slice(1)) {
      onProgress(`${peer.name} -> ${to}: ${life.position()}`)
      const before = life.position()
      const comparing = compare && peer.kind === GODWIT && to !== GODWIT
      const inspect = comparing ? ({ destination, stream }) => resaved(destination, stream, folder, vmstate) : undefined
      const name = peer.name
      const moved = await hop(peer, to, {
        ...{ folder, guest, life, inspect, onProgress },
        transport: comparing ? 'file' : transport,
      })
      peer = moved.destination
      legs.push({ peer: peer.name, from: life.stamps.length })
      await life.goesOn(peer)
      const differences = moved.inspected ?? []
      result.hops.push({
        from: name,
        to: peer.name,
        ...moved.figures,
        before,
        after: life.position(),
        inspected: comparing === true,
        differences,
      })
      if (moved.complaints !== '') result.faults.push(`${peer.name} says: ${moved.complaints}`)
      result.notes.push(...differences.map((d) => `${name} -> ${peer.name}: ${d}`))
    }
    const { clock, messages, complaints } = await life.log(peer, sinceUptime)
    result.clock = clock
    result.rates = rates(life.stamps, legs)
    result.messages = messages
    result.faults.push(...complaints.map((line) => `kernel: ${line}`))
    if (TRUE_CLOCKS.includes(clock)) result.faults.push(...timeFaults(life.stamps, result.hops))
  } catch (e) {
    result.faults.push(e.message)
  } finally {
    await peer.end()
  }
  result.faults.push(...life.faults())
  result.position = life.position()
  return result
}

/** The guest of a release is booted once; later journeys take up the saved one. */
async function bootedIn(kind, { folder, guest, saves, onProgress }) {
  const saved = saves.get(kind)
  const life = guest.life(saved?.known)
  const file = join(folder, `booted-${kind}.stream`)
  const from = saved === undefined ? [] : ['-incoming', kind === GODWIT ? `file:${file}` : `exec:cat ${file}`]
  onProgress(`${saved === undefined ? 'booting in' : 'going on in'} ${kind}`)
  const peer = await Peer.start(kind, { folder, args: [...guest.args(kind), ...from], onSerial: life.onSerial })
  try {
    if (saved === undefined) {
      await life.booted(peer)
      await migrateOut(peer, kind === GODWIT ? `file:${file}` : `exec:cat > ${file}`)
      saves.set(kind, { known: life.save() })
      await peer.run('cont')
    }
  } catch (e) {
    await peer.end()
    throw e
  }
  return { peer, life }
}

/** QEMU's own stream of the guest that it has just taken and not run, against the stream that it took. */
async function resaved(destination, stream, folder, vmstate) {
  const file = join(folder, 'again.stream')
  rmSync(file, { force: true })
  await migrateOut(destination, `exec:cat > ${file}`)
  if (!existsSync(file)) return ['no stream came back']
  return streamDifferences(vmstate, readFileSync(stream), readFileSync(file))
}

/** How fast guest time ran in each process, wall time being 1. */
function rates(stamps, legs) {
  return legs.flatMap(({ peer, from }, i) => {
    const [a, b] = [stamps[from], stamps[(legs[i + 1]?.from ?? stamps.length) - 1]]
    if (a === undefined || b === undefined || a === b) return []
    return [{ peer, rate: Number((((b.uptime - a.uptime) * 1000) / (b.at - a.at)).toFixed(3)), ms: b.at - a.at }]
  })
}

/** Guest time runs as wall time does, but stands still while the guest moves. */
function timeFaults(stamps, hops) {
  const faults = []
  const [first, last] = [stamps[0], stamps.at(-1)]
  if (first === undefined || last === first) return ['the guest has not been seen twice']
  const wall = last.at - first.at
  const own = (last.uptime - first.uptime) * 1000
  const stopped = hops.reduce((sum, h) => sum + (h.stopped ?? h.downtime ?? 0), 0)
  const gone = wall - own - stopped
  if (Math.abs(gone) > SLACK_MS + wall * RATE_TOLERANCE) {
    faults.push(
      `guest time is ${Math.round(-gone)} ms off: ${Math.round(own)} ms passed there, ${wall} ms here, of them ${stopped} ms stopped`,
    )
  }
  return faults
}
