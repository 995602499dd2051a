/** A Linux guest goes from a real QEMU into Godwit and back into a QEMU, live; scripts/lab.mjs is the long form. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { NoPackages } from '../../guests/packages.mjs'
import * as vmstate from '../../packages/vmstate/src/index.ts'
import { guestOf } from '../../scripts/lab/guests.mjs'
import { journey } from '../../scripts/lab/journey.mjs'
import { GODWIT, HOW_TO_INSTALL, endAll, installed } from '../../scripts/lab/peers.mjs'

const there = installed()
const [oldest, newest] = [there[0]!, there.at(-1)!]
if (there.length === 0) console.warn(`${HOW_TO_INSTALL}: moves between QEMU and Godwit are left out`)

const folder = mkdtempSync(join(tmpdir(), 'godwit-hop-'))
const guest =
  there.length === 0
    ? undefined
    : await guestOf('linux', { folder, machine: 'base', cpu: 'qemu64', say: () => undefined }).catch((e: unknown) => {
        if (!(e instanceof NoPackages)) throw e
        console.warn(`${e.message}: moves between QEMU and Godwit are left out`)
        return undefined
      })

afterAll(() => {
  endAll()
  rmSync(folder, { recursive: true, force: true })
})

const run = (kinds: string[], transport: string, compare: boolean) =>
  journey(kinds, { folder, guest: guest!, transport, compare, vmstate, saves: new Map() })

test.skipIf(guest === undefined)(
  `a guest of QEMU ${oldest} lives on in Godwit and then in QEMU ${newest}, and nobody notices`,
  async () => {
    const { faults, hops } = await run([oldest, GODWIT, newest], 'unix', false)
    expect(faults).toEqual([])
    expect(hops).toHaveLength(2)
  },
  300_000,
)

test.skipIf(guest === undefined)(
  `QEMU ${oldest} saves what it took from Godwit as Godwit had saved it, but for what the format leaves free`,
  async () => {
    const { faults, notes, hops } = await run([newest, GODWIT, oldest], 'file', true)
    expect(faults).toEqual([])
    expect(hops).toHaveLength(2)
    expect(notes).toEqual([])
  },
  300_000,
)
