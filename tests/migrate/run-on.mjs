/**
 * One guest runs straight for some instructions; the same guest is saved and loaded into a fresh machine at random
 * points on its way. Prints both digests as JSON. A program of its own, on the built packages: a test runner's
 * transformed code is several times slower.
 *
 *   node tests/migrate/run-on.mjs KERNEL INSTRUCTIONS POINTS
 */
import { buildInitrd } from '../../guests/initrd.mjs'
import { readGuest } from '../../guests/packages.mjs'
import { createMachine } from '../../packages/machines/dist/index.js'
import { loadBytes, saveBytes } from '../../packages/vmstate/dist/index.js'

const [kernel, instructionsText, pointsText] = process.argv.slice(2)
const instructions = Number(instructionsText)
const arch = kernel === '686' ? 'i386' : 'amd64'
const options = {
  type: 'pc-i440fx-5.2',
  cpu: arch === 'i386' ? 'pentium3' : 'qemu64',
  memoryBytes: 128 * 2 ** 20,
  kernel: new Uint8Array(readGuest(`vmlinuz-${kernel}`)),
  initrd: new Uint8Array(buildInitrd(arch)),
  append: 'console=ttyS0 quiet godwit.job=check',
  time: {},
}
const fresh = () => createMachine(options)

/** Copies RAM and every section into a fresh machine, by way of the bytes that would cross the wire. */
function cloned(from) {
  const to = fresh()
  to.ramBlocks.forEach((block, i) => block.write(0, from.ramBlocks[i].bytes))
  const saved = from.sections.map((s) => {
    s.beforeSave?.()
    return saveBytes(s.vmstate, s.state).slice()
  })
  to.sections.forEach((s, i) => loadBytes(s.vmstate, s.state, saved[i], s.version))
  for (const s of to.sections) s.afterLoad?.(s.version)
  return to
}

/** Random numbers that are the same on each run. */
function seeded(seed) {
  let n = seed
  return () => {
    n = (Math.imul(n, 1664525) + 1013904223) >>> 0
    return n / 2 ** 32
  }
}

const random = seeded(kernel.length)
const points = Array.from({ length: Number(pointsText) }, () => Math.floor(random() * instructions)).sort(
  (a, b) => a - b,
)
const straight = fresh()
let machine = fresh()
let done = 0
for (const point of [...points, instructions]) {
  straight.runFor(point - done)
  machine.runFor(point - done)
  done = point
  const [expected, came] = [straight.digest(), machine.digest()]
  if (expected !== came) {
    console.log(JSON.stringify({ at: point, expected, came }))
    process.exit(1)
  }
  if (point === instructions) break
  machine = cloned(machine)
  const loaded = machine.digest()
  if (loaded !== came) {
    console.log(JSON.stringify({ at: point, expected: came, loaded }))
    process.exit(1)
  }
}
console.log(
  JSON.stringify({ instructions: straight.processor.instructions, digest: straight.digest(), points: points.length }),
)
