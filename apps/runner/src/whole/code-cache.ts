/**
 * What V8 made of a program, in the user's cache: the next start need not compile it. A file that is absent, torn, of another
 * program or of another V8 is as good as none, and one that cannot be written is left out.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, join } from 'node:path'
import { cachedDataVersionTag } from 'node:v8'

const HASH = 'sha256'
const HASH_BYTES = 32

export interface CodeCache {
  read(): Buffer | undefined
  write(code: Uint8Array): void
}

const userFolder = (): string => join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'godwit', 'code')

/**
 * @param path the program's file
 * @param id   differs between any two programs
 */
export function codeCache(path: string, id: string, keptIn?: string): CodeCache {
  const tag = cachedDataVersionTag()
  const place = createHash(HASH).update(path).digest('hex').slice(0, 16)
  const name = `${basename(path)}-${place}-${tag.toString(16)}`
  // V8 believes what it is given: whatever is wrong with a file must show here
  const seal = (code: Uint8Array): Buffer => createHash(HASH).update(`${id} ${tag} `).update(code).digest()
  return {
    read() {
      let found: Buffer
      try {
        found = readFileSync(join(keptIn ?? userFolder(), name))
      } catch {
        return undefined
      }
      const code = found.subarray(HASH_BYTES)
      return seal(code).equals(found.subarray(0, HASH_BYTES)) ? code : undefined
    },
    write(code) {
      // V8 was given other flags meanwhile, and would refuse it
      if (cachedDataVersionTag() !== tag) return
      let draft: string | undefined
      try {
        const folder = keptIn ?? userFolder()
        mkdirSync(folder, { recursive: true, mode: 0o700 })
        draft = join(folder, `${name}.${process.pid}`)
        writeFileSync(draft, Buffer.concat([seal(code), code]), { mode: 0o600 })
        renameSync(draft, join(folder, name))
      } catch {
        if (draft !== undefined) rmSync(draft, { force: true })
      }
    },
  }
}
