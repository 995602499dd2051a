/**
 * A copy of Godwit's stopped guest goes to a QEMU that does not run it but saves it again: what Godwit sent and what QEMU
 * made of it are then compared. The guest itself stays and goes on.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { streamDifferences } from './differences.mjs'
import { migrateOut, setWay } from './hop.mjs'
import { openLink } from './link.mjs'
import { Peer, until } from './peers.mjs'

let count = 0

/**
 * @param {Peer} godwit @param {string} to a release of QEMU
 * @returns {Promise<{ differences: string[], stopped: number }>} and for how many ms the guest stood still
 */
export async function sideTrip(godwit, to, { folder, guest, vmstate, way }) {
  const name = `side${++count}`
  const [front, back, again] = ['front', 'back', 'again'].map((part) => join(folder, `${name}.${part}`))
  const args = [...guest.args(to), '-incoming', 'defer', '-S']
  const there = await Peer.start(to, { folder, args })
  let link
  const start = Date.now()
  await godwit.run('stop')
  try {
    for (const peer of [godwit, there]) await setWay(peer, way)
    await there.run('migrate-incoming', { uri: `unix:${back}` })
    link = await openLink(front, back, { keep: true })
    await migrateOut(godwit, `unix:${front}`)
    await until(
      async () => {
        if (there.done !== undefined) throw new Error(`${there.name} refused the copy: ${there.said()}`)
        return ['paused', 'prelaunch'].includes(await there.status())
      },
      30_000,
      `${there.name}: the copy does not arrive`,
    )
    await setWay(there, {})
    await migrateOut(there, `exec:cat > ${again}`)
    const differences = existsSync(again)
      ? streamDifferences(vmstate, link.forward(), [readFileSync(again)])
      : ['no stream came back']
    return { differences, stopped: Date.now() - start }
  } finally {
    link?.close()
    await there.end()
    await godwit.run('cont')
    rmSync(again, { force: true })
  }
}
