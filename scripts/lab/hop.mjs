/** One move of a living guest from one process to another. */
import { createServer } from 'node:net'
import { join } from 'node:path'
import { GODWIT, Peer, until } from './peers.mjs'

export const TRANSPORTS = ['unix', 'tcp', 'file']
const BANDWIDTH = 2 ** 33
let count = 0

/** Address as source and as destination write it. */
async function addresses(transport, folder, from, to) {
  const n = ++count
  if (transport === 'file') {
    const path = join(folder, `${n}.stream`)
    // file: is new in QEMU 8.2
    return {
      path,
      out: from === GODWIT ? `file:${path}` : `exec:cat > ${path}`,
      in: to === GODWIT ? `file:${path}` : `exec:cat ${path}`,
    }
  }
  if (transport === 'unix') {
    const uri = `unix:${join(folder, `${n}.migrate`)}`
    return { out: uri, in: uri }
  }
  const port = await new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
  const uri = `tcp:127.0.0.1:${port}`
  return { out: uri, in: uri }
}

/**
 * How memory travels and whether the destination answers.
 * @param {Peer} peer @param {{ multifd?: number, returnPath?: boolean }} way channels beside the main one, 0 for none
 */
export async function setWay(peer, { multifd = 0, returnPath = false }) {
  await peer.run('migrate-set-capabilities', {
    capabilities: [
      { capability: 'return-path', state: returnPath },
      { capability: 'multifd', state: multifd > 0 },
    ],
  })
  if (multifd > 0) await peer.run('migrate-set-parameters', { 'multifd-channels': multifd })
}

/** Migrates `source` away; resolves with what query-migrate says when it is completed. */
export async function migrateOut(source, uri, onProgress = () => undefined) {
  await source.run('migrate-set-parameters', { 'max-bandwidth': BANDWIDTH })
  await source.run('migrate', { uri })
  const info = await until(
    async () => {
      const found = await source.run('query-migrate')
      if (found.ram !== undefined) onProgress(`${(found.ram.transferred / 2 ** 20).toFixed(0)} MiB`)
      if (found.status === 'failed' || found.status === 'cancelled') {
        throw new Error(`${source.name}: migration ${found.status}: ${found['error-desc'] ?? ''} ${source.said()}`)
      }
      return found.status === 'completed' ? found : undefined
    },
    120_000,
    `${source.name}: the migration does not end`,
  )
  return info
}

/**
 * Moves a guest. The destination is started, the source ended.
 * @returns the destination and figures in ms: downtime and total as the source says, stopped as the events of both say.
 */
export async function hop(
  source,
  to,
  { folder, guest, life, transport = 'unix', way = { returnPath: true }, onProgress },
) {
  const place = await addresses(transport, folder, source.kind, to)
  const args = [...guest.args(to), '-incoming', 'defer']
  const destination = await Peer.start(to, { folder, args, onSerial: life.onSerial })
  const live = transport !== 'file'
  if (live) {
    for (const peer of [source, destination]) await setWay(peer, way)
    await destination.run('migrate-incoming', { uri: place.in })
  }
  const info = await migrateOut(source, place.out, onProgress)
  if (!live) await destination.run('migrate-incoming', { uri: place.in })
  let status = ''
  await until(
    async () => {
      if (destination.done !== undefined)
        throw new Error(`${destination.name} refused the stream: ${destination.said()}`)
      status = await destination.status()
      if (status === 'internal-error' || status === 'guest-panicked') throw new Error(`${destination.name}: ${status}`)
      return status === 'running'
    },
    30_000,
    () => `${destination.name}: the guest does not arrive, the status is ${status} ${destination.said()}`,
  )
  const [stop, resume] = [source.when('STOP'), destination.when('RESUME')]
  const figures = {
    downtime: info.downtime,
    total: info['total-time'],
    mib: Math.round((info.ram?.transferred ?? 0) / 2 ** 20),
    ...(stop === undefined || resume === undefined ? {} : { stopped: Math.round(resume - stop) }),
  }
  await source.end()
  return { destination, figures, complaints: destination.said() }
}
