/** A guest's way through several processes, with everything that is checked on it. */
import { join } from 'node:path'
import { rates, timeOf } from './clocks.mjs'
import { hop, migrateOut } from './hop.mjs'
import { GODWIT, Peer } from './peers.mjs'
import { sideTrip } from './sidetrip.mjs'

/**
 * Boots a guest in the first process, or takes the saved one, and moves it on. With `compare`, each QEMU that is to take
 * the guest from Godwit saves a copy of it first, and the two streams are compared.
 * @returns {{hops: object[], faults: string[], notes: string[], clock?: string, position: string}}
 */
export async function journey(
  kinds,
  {
    folder,
    guest,
    transport,
    way = { returnPath: true },
    compare,
    vmstate,
    saves,
    ticks,
    onProgress = () => undefined,
  },
) {
  const start = await bootedIn(kinds[0], { folder, guest, saves, onProgress })
  const { life } = start
  let peer = start.peer
  const result = { kinds, hops: [], faults: [], notes: [] }
  try {
    await life.goesOn(peer)
    const legs = [{ peer: peer.name, from: 0, stopped: 0 }]
    const sinceUptime = life.stamps[0]?.uptime ?? 0
    for (const to of kinds.slice(1)) {
      onProgress(`${peer.name} -> ${to}: ${life.position()}`)
      const before = life.position()
      const name = peer.name
      const compared = compare && peer.kind === GODWIT && to !== GODWIT
      const seen = life.stamps.length
      const side = compared ? await sideTrip(peer, to, { folder, guest, vmstate, way }) : undefined
      const moved = await hop(peer, to, { folder, guest, life, transport, way, onProgress })
      peer = moved.destination
      const { stopped, downtime } = moved.figures
      if (side !== undefined) legs.at(-1).until = seen
      legs.push({
        peer: peer.name,
        from: life.stamps.length,
        stopped: (stopped ?? downtime ?? 0) + (side?.stopped ?? 0),
      })
      await life.goesOn(peer, ticks)
      const differences = side?.differences ?? []
      const after = life.position()
      result.hops.push({ from: name, to: peer.name, ...moved.figures, before, after, compared, differences })
      if (moved.complaints !== '') result.faults.push(`${peer.name} says: ${moved.complaints}`)
      result.notes.push(...differences.map((d) => `${name} -> ${peer.name}: ${d}`))
    }
    const { clock, rtc, messages, complaints, lateTicks } = await life.log(peer, sinceUptime)
    const time = timeOf(life.stamps, legs, { clock, rtc })
    result.clock = clock
    result.rates = rates(life.stamps, legs)
    result.messages = messages
    result.hops.forEach((h, i) => {
      const lost = time.lost[i]
      // what the guest's clock lost beyond the time for which it stood still
      if (lost !== undefined) h.clockError = lost - Math.round(legs[i + 1].stopped)
    })
    // our own clock says whether the guest's went wrong, or only what watched over it
    const lines = complaints.map((line) => `kernel: ${line}`)
    result.lateTicks = lateTicks.length > 0
    if (time.faults.length > 0) lines.push(...lateTicks.map((line) => `kernel: ${line}`))
    result.faults.push(...lines, ...time.faults)
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
