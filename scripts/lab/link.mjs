/** A unix socket in front of another one: hands bytes on both ways, keeps what went forward, and can break on the way. */
import { rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'

/**
 * @typedef {(bytes: Buffer, offset: number, connection: number) => { pass: Buffer, cut?: boolean }} Spoil
 *   what is handed on of bytes that go forward at an offset of a connection; with `cut` the link is gone after it
 */

/**
 * @param {string} path where it listens @param {string} target where it goes on to
 * @param {{ keep?: boolean, spoil?: Spoil }} options
 */
export async function openLink(path, target, { keep = false, spoil } = {}) {
  rmSync(path, { force: true })
  const connections = []
  const sockets = new Set()
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const kept = []
    const number = connections.push(kept) - 1
    const far = connect({ path: target, allowHalfOpen: true })
    let offset = 0
    let cutOff = false
    const end = () => {
      near.destroy()
      far.destroy()
    }
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => (cutOff ? far.destroy() : end()))
      socket.once('close', () => sockets.delete(socket))
    }
    near.on('data', (bytes) => {
      const { pass, cut } = spoil?.(bytes, offset, number) ?? { pass: bytes }
      offset += bytes.length
      if (keep) kept.push(pass)
      if (cut === true) {
        // what was handed on still arrives; then nothing more comes, and nobody hears an answer
        cutOff = true
        near.destroy()
        far.removeAllListeners('data').resume()
        return far.end(pass)
      }
      if (!far.write(pass)) {
        near.pause()
        far.once('drain', () => near.resume())
      }
    })
    near.once('end', () => far.end())
    far.on('data', (bytes) => near.destroyed || near.write(bytes))
    far.once('end', () => near.end())
  })
  await new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  return {
    /** What went forward in each connection, in the order they were made; with `keep` only. */
    forward: () => connections.map((kept) => Buffer.concat(kept)),
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
