/** Recorded streams of real machines, unpacked once into a cache outside the repository. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export type Archive = 'reference' | 'machine-versions' | 'wire-small' | 'linux-sections'

const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'godwit', 'streams')

/** Folder with the unpacked files of an archive; named after the archive's content, so that a new one is unpacked anew. */
export function unpacked(archive: Archive): string {
  const packed = fileURLToPath(new URL(`../fixtures/streams/${archive}.tar.xz`, import.meta.url))
  const digest = createHash('sha256').update(readFileSync(packed)).digest('hex').slice(0, 16)
  const folder = join(cache, `${archive}-${digest}`)
  if (existsSync(folder)) return folder
  mkdirSync(cache, { recursive: true })
  const fresh = mkdtempSync(join(cache, 'unpack-'))
  execFileSync('tar', ['-xJf', packed, '-C', fresh])
  try {
    renameSync(fresh, folder)
  } catch (thrown) {
    rmSync(fresh, { recursive: true })
    if (!existsSync(folder)) throw thrown
  }
  return folder
}

/** Names of the recorded streams in an archive, sorted. */
export function streamNames(archive: Archive): string[] {
  return readdirSync(unpacked(archive))
    .filter((name) => name.endsWith('.mig') || name.endsWith('-fwd.bin'))
    .sort()
}

/** Bytes of one recorded stream. */
export function stream(archive: Archive, name: string): Uint8Array {
  return readFileSync(join(unpacked(archive), name))
}
