/** From the options of `godwit run` to a machine, on this thread or on one of its own. */
import { hostTscRate } from './host-tsc.ts'
import { tuneEngine } from './engine-flags.ts'
import { findSeabios, readNamed } from './files.ts'
import type { WholeMachine } from './machine-shape.ts'
import type { RunOptions } from './options.ts'
import type { ThreadOptions } from './thread/messages.ts'
import { startMachine } from './thread/remote-machine.ts'
import { forgetThread } from './thread/spawn.ts'
import { UsageError } from './usage-error.ts'

/** Rejects with UsageError for what the user can change. */
export async function buildMachine(o: RunOptions): Promise<WholeMachine> {
  const bios = o.bios ?? (o.firmware === 'seabios' ? findSeabios() : undefined)
  const options = machineOptions(o, bios)
  try {
    if (!o.thread) {
      forgetThread()
      tuneEngine()
      // its thread loads this by itself, and then it is of no use here
      const { createMachine } = await import('@godwit/machines')
      return createMachine(options)
    }
    const images = [options.kernel, options.initrd, options.bios]
    return await startMachine(options, { stopAtReset: o.noReboot, move: images.flatMap(wholeBuffer) })
  } catch (thrown) {
    throw asUsageError(thrown, o.kernel ?? bios ?? 'boot')
  }
}

function machineOptions(o: RunOptions, bios: string | undefined): ThreadOptions {
  const kernel = o.kernel === undefined ? undefined : readNamed('kernel', o.kernel)
  const initrd = o.initrd === undefined ? undefined : readNamed('initrd', o.initrd)
  const image = bios === undefined ? undefined : readNamed('firmware', bios)
  return {
    type: o.machine,
    props: o.machineProps,
    cpu: o.cpu,
    memoryBytes: o.memoryBytes,
    ...(kernel === undefined ? {} : { kernel }),
    ...(initrd === undefined ? {} : { initrd }),
    ...(o.append === undefined ? {} : { append: o.append }),
    ...(image === undefined ? {} : { bios: image }),
    ...(o.nsPerInstruction === undefined ? hostTscRate() : {}),
    time: o.nsPerInstruction === undefined ? 'real' : { nsPerInstruction: o.nsPerInstruction },
    incoming: o.incoming !== undefined,
    debugPorts: o.debugPorts,
    tuning: {
      profile: o.profile !== undefined,
      tier1Counters: o.stats || o.hotCode !== undefined,
      ...(o.tier1 === undefined ? {} : { tier1: o.tier1 }),
    },
  }
}

/** The buffer of bytes that have one of their own. */
function wholeBuffer(bytes: Uint8Array | undefined): ArrayBuffer[] {
  return bytes?.buffer instanceof ArrayBuffer && bytes.buffer.byteLength === bytes.length ? [bytes.buffer] : []
}

/** A CPU model or memory that cannot be is said by RangeError. */
const WRONG_OPTIONS = ['OptionError', 'UnknownMachine', 'BoardError', 'RangeError']

/** By name: an error that comes from another thread has no other class than Error. */
function asUsageError(thrown: unknown, what: string): unknown {
  if (!(thrown instanceof Error)) return thrown
  if (thrown.name === 'BootError') return new UsageError(`${what}: ${thrown.message}`)
  return WRONG_OPTIONS.includes(thrown.name) ? new UsageError(thrown.message) : thrown
}
