/** Migrations between a real QEMU and Godwit over a link that breaks; scripts/lab/faults.mjs is the long form. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import * as machines from '../../packages/machines/src/index.ts'
import * as migration from '../../packages/migration-net/src/index.ts'
import * as node from '../../packages/migration-net/src/node/index.ts'
import * as vmstate from '../../packages/vmstate/src/index.ts'
import { Victim, injure } from '../../scripts/lab/injury.mjs'
import { GODWIT, HOW_TO_INSTALL, endAll, installed } from '../../scripts/lab/peers.mjs'

const release = installed().at(-1)
if (release === undefined) console.warn(`${HOW_TO_INSTALL}: broken links between QEMU and Godwit are left out`)
const folder = mkdtempSync(join(tmpdir(), 'godwit-faults-'))

afterAll(() => {
  endAll()
  rmSync(folder, { recursive: true, force: true })
})

/** What went wrong when the link broke before the devices, in the processor, and in the middle of the memory. */
async function faultsOf(from: string, to: string): Promise<unknown[]> {
  const victim = await Victim.start(from, { folder, vmstate, machines, migration, node })
  try {
    // counted from borders of the same stream: how much memory is sent differs each time
    const inMemory = { border: 'ram start', beyond: 100_000 }
    const inCpu = { border: 'cpu/0', beyond: 1000 }
    const wrong = []
    for (const place of [{ border: 'configuration' }, inMemory, { border: 'cpu/0' }, inCpu]) {
      const found = await injure(victim, to, { fault: 'cut', ...place })
      wrong.push(...found.wrong.map((w) => ({ ...place, w })))
      expect(found).toMatchObject({ outcome: 'refused', source: 'failed' })
      if (to === GODWIT) expect(found.code).toBe('torn')
    }
    return wrong
  } finally {
    await victim.end()
  }
}

test.skipIf(release === undefined)(
  `a guest of QEMU ${release} lives on when its way into Godwit breaks off, and Godwit says where`,
  async () => expect(await faultsOf(release!, GODWIT)).toEqual([]),
  240_000,
)

test.skipIf(release === undefined)(
  `a guest of Godwit lives on when its way into QEMU ${release} breaks off, and both say why`,
  async () => expect(await faultsOf(GODWIT, release!)).toEqual([]),
  240_000,
)
