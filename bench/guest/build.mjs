/**
 * Builds the benchmark guests: a busybox of Debian's, the workloads beside this file, and an init script that runs them on
 * request. What comes out lies in a cache outside the repository and is made anew when a source changes.
 *
 *   node bench/guest/build.mjs [i386|amd64]      prints the initrd's path
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { cpio } from '../../guests/initrd.mjs'
import { CACHE, fetchGuests, readGuest } from '../../guests/packages.mjs'
import { bigcode } from './bigcode.mjs'
import { compilerVersion, targetFlags } from './compiler.mjs'

const here = new URL('.', import.meta.url).pathname
const SOURCES = join(here, 'src')

/** No vector code that the sources do not ask for, and one right answer to floating-point sums. */
const GENERAL = '-Wall -Wextra -O2 -fno-tree-vectorize -fno-math-errno -ffp-contract=off -static -s'.split(' ')
const FLAGS = {
  i386: { integer: ['-march=i686'], sse: ['-march=pentium4', '-msse2', '-mfpmath=sse'] },
  amd64: { integer: ['-march=x86-64'], sse: ['-march=x86-64'] },
}
/** Sources that hold several workloads are linked into one program, so that their mains need names of their own. */
const GROUPS = [
  ...['int', 'mark', 'mem', 'vm', 'sys', 'smc'].map((name) => ({ name, source: name, kind: 'integer' })),
  { name: 'simd', source: 'simd', kind: 'sse' },
  { name: 'fpsse', source: 'fp', kind: 'sse', extra: ['-DWL_SUFFIX="-sse"'] },
  { name: 'fpx87', source: 'fp', kind: 'integer', extra: ['-mfpmath=387', '-DWL_SUFFIX="-x87"'] },
]

/**
 * @param {'i386' | 'amd64'} arch
 * @param {(line: string) => void} say told of progress
 * @returns {Promise<string>} path of the initrd
 */
export async function benchInitrd(arch, say = () => undefined) {
  await fetchGuests([`busybox-${arch}`], say)
  const busybox = readGuest(`busybox-${arch}`)
  const target = join(CACHE, 'bench', `initrd-${arch}-${fingerprint(arch, busybox)}.gz`)
  if (existsSync(target)) return target
  say(`building the ${arch} guest`)
  mkdirSync(join(CACHE, 'bench'), { recursive: true })
  const work = mkdtempSync(join(tmpdir(), 'godwit-guest-'))
  try {
    const programs = compile(await targetFlags(arch, say), FLAGS[arch], work)
    writeFileSync(`${target}.part`, gzipSync(tree(programs, busybox, work), { level: 9 }))
    renameSync(`${target}.part`, target)
    removeOlder(target, `initrd-${arch}-`)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return target
}

/** Guests of earlier sources. */
function removeOlder(target, start) {
  const folder = dirname(target)
  for (const name of readdirSync(folder)) {
    if (name.startsWith(start) && join(folder, name) !== target) rmSync(join(folder, name))
  }
}

function fingerprint(arch, busybox) {
  const hash = createHash('sha256').update(arch).update(compilerVersion()).update(busybox)
  const files = [
    ...readdirSync(SOURCES).map((f) => join(SOURCES, f)),
    ...readdirSync(here, { withFileTypes: true }).flatMap((f) => (f.isFile() ? [join(here, f.name)] : [])),
  ]
  for (const file of files.sort()) hash.update(readFileSync(file))
  return hash.digest('hex').slice(0, 16)
}

/** @returns {{ wl: Buffer, bigcode: Buffer }} two static programs */
function compile(target, flags, work) {
  const gcc = (...args) =>
    execFileSync('gcc', [...GENERAL, `-I${SOURCES}`, ...target, ...args], { stdio: ['ignore', 'inherit', 'inherit'] })
  const objects = GROUPS.map(({ name, source, kind, extra = [] }) => {
    const object = join(work, `${name}.o`)
    gcc(...flags[kind], `-Dmain=main_${name}`, ...extra, '-c', join(SOURCES, `${source}.c`), '-o', object)
    return object
  })
  gcc(...flags.integer, join(SOURCES, 'wl.c'), ...objects, '-lm', '-o', join(work, 'wl'))
  writeFileSync(join(work, 'bigcode.c'), bigcode(3000))
  gcc(...flags.integer, join(work, 'bigcode.c'), '-o', join(work, 'bigcode'))
  return { wl: readFileSync(join(work, 'wl')), bigcode: readFileSync(join(work, 'bigcode')) }
}

function tree(programs, busybox, work) {
  const text = join(work, 'text')
  writeFileSync(text, bigcode(1400))
  execFileSync('xz', ['-6', '-T1', '-k', text])
  const folder = (path) => ({ path, mode: 0o040755 })
  const file = (path, mode, data) => ({ path, mode: 0o100000 | mode, data })
  const own = (name) => readFileSync(join(here, name))
  return cpio([
    ...['bin', 'dev', 'proc', 'sys', 'tmp', 'wl'].map(folder),
    { path: 'dev/console', mode: 0o020600, device: [5, 1] },
    file('bin/busybox', 0o755, busybox),
    file('bin/wl', 0o755, programs.wl),
    file('bin/bigcode', 0o755, programs.bigcode),
    file('init', 0o755, own('init')),
    file('wl/bench.sh', 0o644, own('bench.sh')),
    file('wl/list', 0o644, own('workloads.list')),
    file('wl/text', 0o644, readFileSync(text)),
    file('wl/text.xz', 0o644, readFileSync(`${text}.xz`)),
  ])
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  console.log(await benchInitrd(process.argv[2] ?? 'amd64', (line) => console.error(line)))
}
