/** An initial RAM disk from a busybox and an init script: the cpio "newc" format, gzipped. */
import { gzipSync } from 'node:zlib'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readGuest } from './packages.mjs'

const FILE = 0o100000
const FOLDER = 0o040000
const LINK = 0o120000
const CHARACTER = 0o020000

/**
 * @param {{path: string, mode: number, data?: Uint8Array, device?: [number, number]}[]} entries
 * @returns {Buffer}
 */
export function cpio(entries) {
  const parts = []
  const add = (entry, inode) => {
    const data = entry.data ?? Buffer.alloc(0)
    const name = Buffer.from(`${entry.path}\0`)
    const [major, minor] = entry.device ?? [0, 0]
    const numbers = [inode, entry.mode, 0, 0, 1, 0, data.length, 0, 0, major, minor, name.length, 0]
    const header = Buffer.from(`070701${numbers.map((n) => n.toString(16).padStart(8, '0')).join('')}`)
    parts.push(header, name, pad(header.length + name.length), data, pad(data.length))
  }
  entries.forEach((e, i) => add(e, i + 1))
  add({ path: 'TRAILER!!!', mode: 0 }, 0)
  return Buffer.concat(parts)
}

const pad = (length) => Buffer.alloc((4 - (length % 4)) % 4)

/** @param {'amd64' | 'i386'} arch of the busybox inside @returns {Buffer} the initrd of this repository's guests */
export function buildInitrd(arch) {
  const folder = (path) => ({ path, mode: FOLDER | 0o755 })
  const init = readFileSync(join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, 'init'))
  return gzipSync(
    cpio([
      ...['bin', 'dev', 'proc', 'sys', 'tmp', 'etc', 'root'].map(folder),
      { path: 'dev/console', mode: CHARACTER | 0o600, device: [5, 1] },
      { path: 'dev/null', mode: CHARACTER | 0o666, device: [1, 3] },
      { path: 'bin/busybox', mode: FILE | 0o755, data: readGuest(`busybox-${arch}`) },
      { path: 'bin/sh', mode: LINK | 0o777, data: Buffer.from('busybox') },
      { path: 'init', mode: FILE | 0o755, data: init },
    ]),
    { level: 1 },
  )
}
