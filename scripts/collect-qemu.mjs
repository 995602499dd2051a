/**
 * Collects what compatibility depends on from real QEMUs into packages/compat/data/qemu:
 *   node --conditions=@godwit/source --import tsx scripts/collect-qemu.mjs 11.1 10.0 7.2 5.2
 * A release is one of the lab's (scripts/lab-install.sh), or NAME=PATH for a binary. Newest first: the compat properties
 * of releases that do not tell them (before 9.1) are taken from the one named before.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { HOW_TO_INSTALL, qemuOf, RELEASES } from './lab/peers.mjs'
import { collect } from './collect/build.mjs'
import { withCompatOf, withDescriptionsOf } from './collect/compat.mjs'
import { DEVICES } from './collect/devices.mjs'
import { packed } from './collect/packed.mjs'

const folder = fileURLToPath(new URL('../packages/compat/data/qemu', import.meta.url))
const asked = process.argv.slice(2)
let newer
for (const release of asked.length > 0 ? asked : [...RELEASES].reverse()) {
  const [name, path = qemuOf(name)] = release.split('=')
  const build = await collect(path, DEVICES, (what) => process.stderr.write(`${name} ${what}\n`)).catch((e) => {
    if (e.code === 'ENOENT') throw new Error(HOW_TO_INSTALL)
    throw e
  })
  const whole = withDescriptionsOf(withCompatOf(build, newer), newer)
  newer = whole
  mkdirSync(folder, { recursive: true })
  const text = packed(whole)
  writeFileSync(join(folder, `${name}.json`), text)
  process.stderr.write(`${name}: QEMU ${whole.release}, ${whole.machines.length} machine types, ${text.length} bytes\n`)
}
