import { existsSync, readFileSync, statSync } from 'node:fs'

/**
 * A program as one file, in the folder of the compiled modules: if somebody made that (scripts/bundle.mjs) after they were
 * compiled. They take much longer to load one by one.
 */
export function wholeProgram(dist: URL, name: string): URL | undefined {
  const folder = new URL('whole/', dist)
  const whole = new URL(name, folder)
  const list = new URL('parts.json', folder)
  if (!existsSync(whole) || !existsSync(list)) return undefined
  const made = statSync(whole).mtimeMs
  const parts = JSON.parse(readFileSync(list, 'utf8')) as readonly string[]
  // a package that was published has no record of its compilation, and does not change
  const fresh = (part: string): boolean =>
    (statSync(new URL(part, folder), { throwIfNoEntry: false })?.mtimeMs ?? 0) <= made
  return parts.every(fresh) ? whole : undefined
}
