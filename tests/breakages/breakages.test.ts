/** The breakages of QEMU's history, each put into our own devices or into data of a QEMU: a check must see it. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { HARDWARE } from './hardware.ts'
import { HOSTS } from './hosts.ts'
import { LINT } from './lint.ts'
import { PROPERTIES } from './properties.ts'
import { PROTOCOL } from './protocol.ts'
import { IDENTITIES } from './identities.ts'
import { CHECKS, type Replay } from './replay.ts'
import { RUN_ON } from './run-on.ts'
import { SCHEMA } from './schema.ts'
import { STREAMS } from './streams.ts'

interface Breakage {
  readonly id: number
  readonly brokeIn: string
  readonly fixedIn: string
  readonly device: string
  readonly cause: string
}
const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')
const breakages = JSON.parse(read('./breakages.json')) as Breakage[]
const replays: readonly Replay[] = [
  ...[SCHEMA, IDENTITIES, PROPERTIES, HARDWARE, STREAMS, LINT, PROTOCOL, HOSTS, RUN_ON].flat(),
].sort((a, b) => a.id - b.id)

test('All 58 have a replay, each one', () => {
  expect(replays.map((r) => r.id)).toEqual(breakages.map((b) => b.id))
})

describe.each(replays.map((r) => [r, breakages.find((b) => b.id === r.id)!] as const))('', (replay, breakage) => {
  test(`${breakage.id} ${breakage.device}: ${CHECKS[replay.by]} sees it in ${replay.carrier}`, async () => {
    expect(await replay.told(false), 'without the fault').toEqual([])
    const told = await replay.told(true)
    expect(told.join('\n')).toMatch(replay.says)
  })
})

test('The page lists them as they are', () => {
  const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('`', '')
  const page = read('../../docs/compat/breakages.md')
  for (const replay of replays) {
    const { id, brokeIn, device, cause } = breakages.find((b) => b.id === replay.id)!
    const row = `| ${id} | ${brokeIn} | ${cell(device)}: ${cell(cause)} | ${cell(replay.carrier)} | ${replay.by} |`
    expect(page).toContain(row)
  }
})
