import { existsSync, readFileSync, statSync } from 'node:fs'

/**
 * What a machine's thread begins with, in the folder of this program's thread: all its modules in one file, if somebody made
 * that (scripts/bundle.mjs) after they were compiled. They take twice as long to load one by one.
 */
export function threadFile(folder: URL): URL {
  const whole = new URL('whole.js', folder)
  return isFresh(whole, folder) ? whole : new URL('machine-thread.js', folder)
}

function isFresh(whole: URL, folder: URL): boolean {
  const list = new URL('whole.json', folder)
  if (!existsSync(whole) || !existsSync(list)) return false
  const made = statSync(whole).mtimeMs
  const parts = JSON.parse(readFileSync(list, 'utf8')) as readonly string[]
  // a package that was published has no record of its compilation, and does not change
  return parts.every((part) => (statSync(new URL(part, folder), { throwIfNoEntry: false })?.mtimeMs ?? 0) <= made)
}
