/** Debian's kernels reach user space in a process of their own, give the right answers, and end it with status 0. */
import { createHash } from 'node:crypto'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildInitrd } from '../../guests/initrd.mjs'
import { guestFile } from '../../guests/packages.mjs'
import { archOf, guestsThere, type Kernel } from '../support/guests.ts'

const GODWIT = new URL('../../apps/runner/bin/godwit.mjs', import.meta.url).pathname
/** SHA-256 of the 16 MiB that guests/init makes. */
const SIXTEEN = createHash('sha256')
  .update(Buffer.alloc(16 * 2 ** 20, 'godwit\n'))
  .digest('hex')
const HARMONIC = Array.from({ length: 1000 }, (_, i) => 1 / (i + 1)).reduce((a, b) => a + b, 0)

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'godwit-boot-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What the guest said, and how its process ended. */
async function boot(kernel: Kernel, firmware: boolean, cpu: string): Promise<{ text: string; status: number | null }> {
  const arch = archOf(kernel)
  const initrd = join(folder, `initrd-${arch}.gz`)
  writeFileSync(initrd, buildInitrd(arch))
  const bios = firmware ? ['--bios', guestFile('bios-256k.bin')] : []
  const files = ['--kernel', guestFile(`vmlinuz-${kernel}`), '--initrd', initrd, ...bios]
  const append = 'console=ttyS0 quiet godwit.job=check'
  const machine = ['--machine', 'pc-i440fx-5.2', '--cpu', cpu, '-m', kernel === 'amd64' ? '192' : '128']
  const args = [GODWIT, 'run', ...machine, ...files, '--append', append, '--serial', 'stdio']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  const status = await new Promise<number | null>((resolve) => child.on('exit', resolve))
  return { text: text.replaceAll('\r', ''), status }
}

interface Case {
  readonly kernel: Kernel
  readonly way: 'without firmware' | 'through SeaBIOS'
  readonly cpu: string
  readonly name: string
  readonly machine: string
}

const QEMU64 = { cpu: 'qemu64', name: 'QEMU Virtual CPU version 2.5+', machine: 'x86_64' }
const PENTIUM3 = { cpu: 'pentium3', name: 'Pentium III (Katmai)', machine: 'i686' }

test.skipIf(!guestsThere).each<Case>([
  { kernel: 'cloud-amd64', way: 'without firmware', ...QEMU64 },
  { kernel: 'cloud-amd64', way: 'through SeaBIOS', ...QEMU64 },
  { kernel: 'amd64', way: 'through SeaBIOS', ...QEMU64 },
  { kernel: '686', way: 'without firmware', ...PENTIUM3 },
  { kernel: '686', way: 'through SeaBIOS', ...PENTIUM3 },
])(
  'kernel $kernel boots $way, computes right, and its poweroff ends the process with status 0',
  async ({ kernel, way, cpu, name, machine }) => {
    const { text, status } = await boot(kernel, way === 'through SeaBIOS', cpu)
    expect(text).toMatch(new RegExp(`@@UNAME Linux \\(none\\) 6\\.\\d+\\S* .* ${machine} GNU/Linux`))
    expect(text).toContain(`model name\t: ${name}`)
    expect(text).toContain(`@@SHA ${SIXTEEN}`)
    expect(text).toContain(`@@GZIP ${SIXTEEN}`)
    expect(Number(/@@AWK ([\d.]+)/.exec(text)?.[1])).toBeCloseTo(HARMONIC, 10)
    expect(status).toBe(0)
  },
  900_000,
)
