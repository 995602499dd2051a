/** The host's gcc, and what it lacks for 32-bit programs, which comes from Debian packages that are not installed. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CACHE, NoPackages, unpackPackages } from '../../guests/packages.mjs'

const PROBE = '#include <stdio.h>\n#include <math.h>\nint main(void) { return printf("%f", sqrt(2)) < 0; }\n'

const gcc = (args) => execFileSync('gcc', args, { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' })

function links(flags) {
  const folder = mkdtempSync(join(tmpdir(), 'godwit-gcc-'))
  try {
    writeFileSync(join(folder, 'probe.c'), PROBE)
    gcc([...flags, '-static', join(folder, 'probe.c'), '-lm', '-o', join(folder, 'probe')])
    return true
  } catch {
    return false
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** @returns {string} the compiler's version, for the cache */
export function compilerVersion() {
  try {
    return gcc(['--version']).split('\n')[0]
  } catch {
    throw new NoPackages('gcc is needed to build the benchmark guests (Debian: apt-get install gcc libc6-dev)')
  }
}

/**
 * @param {'i386' | 'amd64'} arch
 * @param {(line: string) => void} say
 * @returns {Promise<string[]>} flags that make static programs for it
 */
export async function targetFlags(arch, say) {
  if (arch === 'amd64') return ['-m64']
  if (links(['-m32'])) return ['-m32']
  const version = gcc(['-dumpversion']).trim()
  const root = join(CACHE, `gcc-${version}-m32`)
  if (!existsSync(join(root, 'usr/lib32/libc.a'))) {
    await unpackPackages(['libc6-dev-i386:amd64', `lib32gcc-${version}-dev:amd64`], root, say)
  }
  const own = join(root, `usr/lib/gcc/x86_64-linux-gnu/${version}/32`)
  const lib = join(root, 'usr/lib32')
  const headers = [join(root, 'usr/include'), '/usr/include/x86_64-linux-gnu'].flatMap((d) => ['-isystem', d])
  const flags = ['-m32', ...headers, `-B${own}/`, `-B${lib}/`, `-L${own}`, `-L${lib}`]
  if (!links(flags))
    throw new NoPackages('gcc makes no static 32-bit programs here (Debian: apt-get install gcc-multilib)')
  return flags
}
