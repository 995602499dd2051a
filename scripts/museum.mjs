/**
 * The museum: a stream of each machine version and device set, idle and in mid-operation, for each release.
 *
 *   pnpm museum              records the present release if it has no room, and what its room lacks
 *
 * A room is never recorded anew: tests/museum/museum.test.ts loads all of them.
 */
import { mkdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { openRoom, rooms, writeRoom } from '../tests/museum/archive.ts'
import { pieces } from '../tests/museum/pieces.ts'
import { saved } from '../tests/museum/streams.ts'

mkdirSync(fileURLToPath(new URL('../tests/museum/rooms', import.meta.url)), { recursive: true })
const { version } = JSON.parse(readFileSync(new URL('../packages/machines/package.json', import.meta.url), 'utf8'))
const release = `godwit-${version}`
const streams = rooms().includes(release) ? openRoom(release) : new Map()
const lacking = pieces().filter((p) => !streams.has(p.name))
for (const [i, piece] of lacking.entries()) {
  if (process.stderr.isTTY) process.stderr.write(`\r${i + 1} of ${lacking.length} ${piece.name}\x1b[K`)
  streams.set(piece.name, await saved(piece.make()))
}
if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
if (lacking.length > 0) writeRoom(release, new Map([...streams].sort(([a], [b]) => (a < b ? -1 : 1))))
console.log(`${release}: ${streams.size} streams, ${lacking.length} of them new`)
