/**
 * Digests of a deterministic boot, step by step: equal whatever tier 1 does.
 *
 *   node bench/digests.mjs --kernel cloud-amd64 --tier1 off,on,always [--steps 40] [--millions 50] [--quiet]
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { buildInitrd } from '../guests/initrd.mjs'
import { fetchGuests, guestFile } from '../guests/packages.mjs'
import { createMachine } from '../packages/machines/dist/index.js'

const { values } = parseArgs({
  options: {
    kernel: { type: 'string', default: 'cloud-amd64' },
    tier1: { type: 'string', default: 'off,on' },
    steps: { type: 'string', default: '30' },
    millions: { type: 'string', default: '50' },
    append: { type: 'string', default: 'console=ttyS0 quiet godwit.job=shell' },
    stats: { type: 'boolean', default: false },
  },
})
await fetchGuests(undefined, () => undefined)
const arch = values.kernel === '686' ? 'i386' : 'amd64'
const make = (tier1) => {
  let text = ''
  const machine = createMachine({
    type: 'pc-i440fx-5.2',
    cpu: arch === 'i386' ? 'pentium3' : 'qemu64',
    memoryBytes: 128 << 20,
    kernel: readFileSync(guestFile(`vmlinuz-${values.kernel}`)),
    initrd: buildInitrd(arch),
    append: values.append,
    time: { nsPerInstruction: 1 },
    tuning: { tier1 },
  })
  machine.connectSerial({
    write: (bytes) => (text += Buffer.from(bytes).toString('latin1')),
    onData: undefined,
    ready: () => undefined,
  })
  return { tier1, machine, text: () => text, ms: 0, done: 0 }
}
const runs = values.tier1.split(',').map(make)
const step = Number(values.millions) * 1e6
for (let i = 0; i < Number(values.steps); i++) {
  const digests = runs.map((r) => {
    const started = performance.now()
    r.done += r.machine.runFor(step)
    r.ms += performance.now() - started
    return r.machine.digest()
  })
  const same = digests.every((d) => d === digests[0])
  console.log(`${(i + 1) * Number(values.millions)}M ${digests[0].slice(0, 16)} ${same ? 'equal' : 'DIFFERENT'}`)
  if (!same) {
    console.log(digests.map((d, k) => `${runs[k].tier1}: ${d}`).join('\n'))
    process.exitCode = 1
    break
  }
}
for (const r of runs) {
  console.log(
    `${r.tier1}: ${(r.ms / 1000).toFixed(2)} s, ${(r.done / r.ms / 1000).toFixed(0)} MIPS, ${r.text().slice(-60).trim()}`,
  )
  if (values.stats) console.log(JSON.stringify(r.machine.processor.stats()))
}
