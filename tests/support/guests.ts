/** Guests for tests: kernels, busybox and firmware from Debian packages, in a cache outside the repository. */
import { buildInitrd } from '../../guests/initrd.mjs'
import { fetchGuests, haveGuests, NoPackages, readGuest } from '../../guests/packages.mjs'
import { createMachine, type Machine, type MachineOptions } from '../../packages/machines/src/index.ts'

export type Arch = 'amd64' | 'i386'
export type Kernel = 'cloud-amd64' | 'amd64' | '686'

const archOf = (kernel: Kernel): Arch => (kernel === '686' ? 'i386' : 'amd64')

const there = await fetchGuests()
  .then(() => true)
  .catch((e: unknown) => {
    if (!(e instanceof NoPackages)) throw e
    console.warn(`${e.message}: tests with Debian guests are left out`)
    return false
  })

/** False where packages cannot be had: then the tests that need them are left out, and say so. */
export const guestsThere = there && haveGuests()

const bytes = (name: string): Uint8Array => new Uint8Array(readGuest(name))

export const firmware = (): Uint8Array => bytes('bios-256k.bin')

/** Options of a machine that boots Debian's kernel into guests/init with a job. */
export function linuxOptions(kernel: Kernel, job: string, more: Partial<MachineOptions> = {}): MachineOptions {
  const arch = archOf(kernel)
  return {
    type: 'pc-i440fx-5.2',
    cpu: arch === 'i386' ? 'pentium3' : 'qemu64',
    memoryBytes: 128 * 2 ** 20,
    kernel: bytes(`vmlinuz-${kernel}`),
    initrd: new Uint8Array(buildInitrd(arch)),
    append: `console=ttyS0 quiet godwit.job=${job}`,
    ...more,
  }
}

export interface Watched {
  readonly machine: Machine
  /** What the guest has printed on its serial port. */
  readonly text: () => string
  type(text: string): void
}

/** A machine whose serial port is recorded. */
export function watched(options: MachineOptions): Watched {
  const machine = createMachine(options)
  let text = ''
  let waiting = new Uint8Array(0)
  const char = {
    write: (data: Uint8Array) => void (text += Buffer.from(data).toString('latin1')),
    onData: undefined as ((data: Uint8Array) => number) | undefined,
    ready: () => offer(),
  }
  const offer = (): void => {
    while (waiting.length > 0) {
      const taken = char.onData?.(waiting) ?? 0
      if (taken === 0) return
      waiting = waiting.slice(taken)
    }
  }
  machine.connectSerial(char)
  return {
    machine,
    text: () => text,
    type(more) {
      waiting = Uint8Array.from([...waiting, ...Buffer.from(more)])
      offer()
    },
  }
}
