/** The museum's rooms: one archive a release, made by scripts/museum.mjs and never changed afterwards. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('./rooms/', import.meta.url))

/** Releases with a room, sorted. */
export const rooms = (): string[] =>
  readdirSync(folder)
    .filter((f) => f.endsWith('.tar.xz'))
    .map((f) => f.slice(0, -'.tar.xz'.length))
    .sort()

/** Streams of a room by the names of their pieces. */
export function openRoom(release: string): Map<string, Uint8Array> {
  return inScratch((scratch) => {
    execFileSync('tar', ['-xJf', `${folder}${release}.tar.xz`, '-C', scratch])
    return new Map(
      readdirSync(scratch)
        .sort()
        .map((f) => [f.replace(/\.mig$/, ''), new Uint8Array(readFileSync(join(scratch, f)))]),
    )
  })
}

export function writeRoom(release: string, streams: ReadonlyMap<string, Uint8Array>): void {
  inScratch((scratch) => {
    for (const [name, bytes] of streams) writeFileSync(join(scratch, `${name}.mig`), bytes)
    const same = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '--mode=0644']
    const names = [...streams.keys()].map((n) => `${n}.mig`)
    execFileSync('tar', [...same, '-cJf', `${folder}${release}.tar.xz`, '-C', scratch, ...names])
  })
}

function inScratch<T>(work: (folder: string) => T): T {
  const scratch = mkdtempSync(join(tmpdir(), 'godwit-museum-'))
  try {
    return work(scratch)
  } finally {
    rmSync(scratch, { recursive: true })
  }
}
