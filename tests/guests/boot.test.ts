/** Debian's kernels reach a shell and give the right answers. */
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { firmware, guestsThere, linuxOptions, watched, type Kernel } from '../support/guests.ts'

const LINE = Buffer.from('godwit\n')
/** SHA-256 of the 16 MiB that guests/init makes. */
const SIXTEEN = createHash('sha256')
  .update(Buffer.alloc(16 * 2 ** 20, LINE))
  .digest('hex')
const harmonic = Array.from({ length: 1000 }, (_, i) => 1 / (i + 1)).reduce((a, b) => a + b, 0)

interface Boot {
  readonly kernel: Kernel
  readonly way: 'without firmware' | 'through SeaBIOS'
  readonly cpu: string
  readonly machineWord: string
}

const boots: Boot[] = [
  { kernel: 'cloud-amd64', way: 'without firmware', cpu: 'QEMU Virtual CPU version 2.5+', machineWord: 'x86_64' },
  { kernel: 'cloud-amd64', way: 'through SeaBIOS', cpu: 'QEMU Virtual CPU version 2.5+', machineWord: 'x86_64' },
  { kernel: 'amd64', way: 'through SeaBIOS', cpu: 'QEMU Virtual CPU version 2.5+', machineWord: 'x86_64' },
  { kernel: '686', way: 'without firmware', cpu: 'Pentium III (Katmai)', machineWord: 'i686' },
]

test.skipIf(!guestsThere).each(boots)(
  'kernel $kernel boots $way, computes, and powers off',
  async ({ kernel, way, cpu, machineWord }) => {
    const bios = way === 'through SeaBIOS' ? { bios: firmware() } : {}
    const { machine, text } = watched(linuxOptions(kernel, 'check', bios))
    const ended = new Promise<string>((resolve) => {
      machine.events.onShutdown = (cause) => resolve(cause)
    })
    machine.start()
    expect(await ended).toBe('guest-shutdown')
    const said = text()
    expect(said).toMatch(new RegExp(`@@UNAME Linux \\(none\\) 6\\.\\d+\\S* .* ${machineWord} GNU/Linux`))
    expect(said).toContain(`model name\t: ${cpu}`)
    expect(said).toContain(`@@SHA ${SIXTEEN}`)
    expect(said).toContain(`@@GZIP ${SIXTEEN}`)
    expect(Number(/@@AWK ([\d.]+)/.exec(said)?.[1])).toBeCloseTo(harmonic, 10)
  },
  900_000,
)
