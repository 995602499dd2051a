/** The thread that a machine lives on: processor, devices and their clocks. Its owner is on the thread that started it. */
import { parentPort } from 'node:worker_threads'
import { InputQueue } from '@godwit/backends'
import type { Char } from '@godwit/hw'
import { createMachine, type CpuTuning, type Machine } from '@godwit/machines'
import { tuneEngine } from '../engine-flags.ts'
import { faultOf } from './fault.ts'
import { FLAG } from './flags.ts'
import type { Shape, Start } from './messages.ts'
import { OwnerLink } from './owner-link.ts'
import { requestsOf } from './requests.ts'

let kept: CpuTuning['kept']

/** Before the thread's first message. */
export function giveKept(code: CpuTuning['kept']): void {
  kept = code
}

function shapeOf(machine: Machine): Shape {
  return {
    machineType: machine.machineType,
    memory: machine.ramBlocks[0]!.bytes.buffer as unknown as SharedArrayBuffer,
    blocks: machine.ramBlocks.map(({ name, offset, size, maxSize, usedSize }) => ({
      ...{ name, offset, size, maxSize, usedSize },
    })),
    sections: machine.sections.map(({ idstr, instance, version }) => ({ idstr, instance, version })),
    sendSwitchoverStart: machine.sendSwitchoverStart,
    multifdFlushAfterEachSection: machine.multifdFlushAfterEachSection,
    zeroPageDetection: machine.zeroPageDetection,
    suppressVmdesc: machine.suppressVmdesc,
  }
}

/** The serial port's other end, which is on the owner's thread. */
function console(machine: Machine, link: OwnerLink): (bytes: Uint8Array) => void {
  const queue = new InputQueue()
  const deliver = (): void => {
    const before = queue.length
    queue.deliver(char)
    const count = before - queue.length
    if (count > 0) link.tell({ kind: 'took', count })
  }
  const char: Char = { write: (bytes) => link.serial(bytes), onData: undefined, ready: deliver }
  machine.connectSerial(char)
  return (bytes) => {
    queue.push(bytes)
    deliver()
  }
}

function live({ options, port, flags, stopAtReset }: Start): void {
  const link = new OwnerLink(port, flags)
  process.on('uncaughtException', (thrown) => {
    link.die(thrown)
    process.exit(1)
  })
  let machine: Machine
  try {
    const tuning = { ...options.tuning, ...(kept === undefined ? {} : { kept }) }
    machine = createMachine({ ...options, tuning, sharedMemory: true, loop: link.loop })
  } catch (thrown) {
    link.tell({ kind: 'not-built', fault: faultOf(thrown) })
    return
  }
  machine.events.onDebugByte = (byte) => link.tell({ kind: 'debug', byte })
  machine.events.onShutdown = (cause, exitCode) => link.tell({ kind: 'shutdown', cause, exitCode })
  machine.events.onReset = (byGuest) => {
    // the owner tells of its own resets itself
    if (!byGuest) return
    if (stopAtReset) machine.pause()
    link.tell({ kind: 'reset' })
  }
  const requests = requestsOf(machine) as unknown as Readonly<Record<string, (...args: readonly unknown[]) => unknown>>
  link.serve({
    get running() {
      return machine.running
    },
    ask: (name, args) => requests[name]!(...args),
    typed: console(machine, link),
    publish() {
      machine.ramBlocks.forEach(({ dirty }, i) => {
        if (dirty.enabled) Atomics.store(flags, FLAG.dirty + i, dirty.dirtyPages)
      })
    },
  })
  link.tell({ kind: 'built', shape: shapeOf(machine) })
}

tuneEngine()
parentPort!.once('message', live)
