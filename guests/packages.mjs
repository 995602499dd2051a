/**
 * Fetches kernels, busybox and SeaBIOS from Debian packages into a cache outside the repository and unpacks what guests
 * need. apt does the downloading and checks the archive's signatures and checksums; nothing is installed, and no root is
 * needed: state and cache of apt are private folders.
 */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync, copyFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export const CACHE = process.env.GODWIT_CACHE ?? join(homedir(), '.cache', 'godwit')
const STORE = join(CACHE, 'guests')

/**
 * What a guest file is called here, and the package and path it comes from. Kernels' metapackages name the real one.
 * Those on request are fetched only by name: benchmarks want them.
 */
const FILES = {
  'vmlinuz-cloud-amd64': { meta: 'linux-image-cloud-amd64', arch: 'amd64', path: /^\.\/boot\/vmlinuz-/ },
  'vmlinuz-amd64': { meta: 'linux-image-amd64', arch: 'amd64', path: /^\.\/boot\/vmlinuz-/ },
  'vmlinuz-686': { meta: 'linux-image-686', arch: 'i386', path: /^\.\/boot\/vmlinuz-/ },
  'busybox-amd64': { package: 'busybox-static', arch: 'amd64', path: /^\.\/bin\/busybox$/ },
  'busybox-i386': { package: 'busybox-static', arch: 'i386', path: /^\.\/bin\/busybox$/ },
  'bios-256k.bin': { package: 'seabios', arch: 'amd64', path: /^\.\/usr\/share\/seabios\/bios-256k\.bin$/ },
  'bios.bin': { package: 'seabios', arch: 'amd64', path: /^\.\/usr\/share\/seabios\/bios\.bin$/, onRequest: true },
  'vgabios-stdvga.bin': {
    package: 'seabios',
    arch: 'amd64',
    path: /^\.\/usr\/share\/seabios\/vgabios-stdvga\.bin$/,
    onRequest: true,
  },
}
const USUAL = Object.keys(FILES).filter((name) => FILES[name].onRequest !== true)

/** Packages cannot be had: no apt, no mirror, no network. */
export class NoPackages extends Error {
  name = 'NoPackages'
}

/** @returns {string} path of a guest file that `fetchGuests` has put there */
export const guestFile = (name) => join(STORE, name)

export const haveGuests = (names = USUAL) => names.every((n) => existsSync(guestFile(n)))

/**
 * Makes sure that guest files are there.
 * @param {string[]} names keys of FILES
 * @param {(line: string) => void} say told of progress
 */
export async function fetchGuests(names = USUAL, say = () => undefined) {
  const wanted = names.filter((n) => !existsSync(guestFile(n)))
  if (wanted.length === 0) return
  mkdirSync(STORE, { recursive: true })
  const apt = await privateApt(say)
  for (const name of wanted) {
    const file = FILES[name]
    if (file === undefined) throw new Error(`no guest file "${name}"; there are ${Object.keys(FILES).join(', ')}`)
    const pkg = file.package ?? (await dependencyOf(apt, file.meta, file.arch))
    say(`fetching ${pkg} (${file.arch})`)
    const deb = await download(apt, `${pkg}:${file.arch}`)
    await extract(deb, file.path, guestFile(name))
    rmSync(deb)
  }
}

/**
 * Unpacks whole packages into a folder.
 * @param {string[]} specs "NAME:ARCH"
 * @param {string} folder made if need be
 * @param {(line: string) => void} say told of progress
 */
export async function unpackPackages(specs, folder, say = () => undefined) {
  const apt = await privateApt(say)
  mkdirSync(folder, { recursive: true })
  for (const spec of specs) {
    say(`fetching ${spec}`)
    const deb = await download(apt, spec)
    await run('dpkg-deb', ['-x', deb, folder])
    rmSync(deb)
  }
}

async function privateApt(say) {
  const root = join(CACHE, 'apt')
  for (const d of ['lists/partial', 'archives/partial', 'download']) mkdirSync(join(root, d), { recursive: true })
  const status = join(root, 'status')
  if (!existsSync(status)) writeFileSync(status, '')
  const options = [
    `Dir::State=${root}`,
    `Dir::State::lists=${root}/lists`,
    `Dir::State::status=${status}`,
    `Dir::Cache=${root}`,
    `Dir::Cache::archives=${root}/archives`,
    'APT::Architecture=amd64',
    'APT::Architectures::=amd64',
    'APT::Architectures::=i386',
    'Debug::NoLocking=1',
    `APT::Sandbox::User=`,
  ].flatMap((o) => ['-o', o])
  say('reading package lists')
  // One index of several may fail (a mirror in the middle of its sync): what is wanted may still be in the others.
  let trouble = ''
  try {
    await run('apt-get', [...options, '-qq', 'update'], { timeout: 180_000 })
  } catch (e) {
    trouble = firstLine(e)
  }
  return { options, folder: join(root, 'download'), trouble }
}

const firstLine = (e) =>
  String(e.stderr || e.message)
    .trim()
    .split('\n')[0]

async function dependencyOf(apt, meta, arch) {
  const query = ['depends', '--no-recommends', '--no-suggests', `${meta}:${arch}`]
  const { stdout } = await run('apt-cache', [...apt.options, ...query]).catch(() => ({ stdout: '' }))
  const found = /Depends: (linux-image-[^\s:]+)/.exec(stdout)
  if (found === null) throw new NoPackages(`package ${meta}:${arch} cannot be had here ${apt.trouble}`.trim())
  return found[1]
}

async function download(apt, spec) {
  const folder = join(apt.folder, spec.replace(':', '_'))
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  try {
    await run('apt-get', [...apt.options, '-qq', 'download', spec], { cwd: folder, timeout: 600_000 })
  } catch (e) {
    throw new NoPackages(`package ${spec} cannot be had here: ${apt.trouble || firstLine(e)}`)
  }
  const deb = readdirSync(folder).find((f) => f.endsWith('.deb'))
  if (deb === undefined) throw new NoPackages(`package ${spec} brought no file`)
  return join(folder, deb)
}

async function extract(deb, pattern, target) {
  const { stdout } = await run('dpkg-deb', ['--fsys-tarfile', deb], { encoding: 'buffer', maxBuffer: 2 ** 30 })
  for (const { name, data } of tarEntries(stdout)) {
    if (pattern.test(name)) {
      writeFileSync(`${target}.part`, data)
      copyFileSync(`${target}.part`, target)
      rmSync(`${target}.part`)
      return
    }
  }
  throw new Error(`${basename(deb)} has no ${pattern}`)
}

/** Regular files of a tar archive. */
function* tarEntries(tar) {
  let longName = ''
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0;) {
    const field = (from, length) => tar.toString('latin1', at + from, at + from + length).replace(/\0.*$/s, '')
    const size = parseInt(field(124, 12).trim() || '0', 8)
    const type = String.fromCharCode(tar[at + 156])
    const data = tar.subarray(at + 512, at + 512 + size)
    if (type === 'L') longName = data.toString('latin1').replace(/\0.*$/s, '')
    else {
      if (type === '0' || type === '\0') yield { name: longName || field(0, 100), data }
      longName = ''
    }
    at += 512 + Math.ceil(size / 512) * 512
  }
}

/** Reads a guest file. */
export const readGuest = (name) => readFileSync(guestFile(name))
