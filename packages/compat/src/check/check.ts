/** Whether a machine of one build can go to another build. */
import type { Build, BuildMachine, CompatProperty } from '../build.ts'
import { compareCpu } from './cpu.ts'
import { compareFacts } from './facts.ts'
import { HARMLESS } from './knowledge-harmless.ts'
import { compareProperties } from './properties.ts'
import { compareProtocol, type Modes } from './protocol.ts'
import { compareRam } from './ram.ts'
import { Side } from './resolve.ts'
import { compareSections, devicesOn } from './sections.ts'
import { bySeverity, type Verdict } from './verdict.ts'

export interface CheckOptions {
  /** Types of devices beside the board's ("virtio-blk-pci"). */
  readonly devices?: readonly string[]
  /** CPU model. Default "qemu64". */
  readonly cpu?: string
  /** Properties that the operator sets on both sides, on the source, on the destination (as -global does). */
  readonly options?: readonly CompatProperty[]
  readonly sourceOptions?: readonly CompatProperty[]
  readonly destinationOptions?: readonly CompatProperty[]
  /** Both sides run under KVM: it has state of its own. Default false, TCG. */
  readonly kvm?: boolean
  /** Whether the guest was powered on in the source; left out when that is not known. */
  readonly startedInSource?: boolean
  /** The migration uses several channels; postcopy with a channel for urgent pages; TLS. */
  readonly multifd?: boolean
  readonly preempt?: boolean
  readonly tls?: boolean
}

/** Checks one direction, worst first; no verdict at all, or only fine ones, is a migration that works. */
export function check(a: Build, b: Build, machineType: string, options: CheckOptions = {}): Verdict[] {
  const { devices = [], cpu = 'qemu64' } = options
  const [from, to] = [machineOf(a, machineType), machineOf(b, machineType)]
  const missing = missingMachine(a, b, machineType, from, to)
  if (missing.length > 0 || from === undefined || to === undefined) return missing
  const both = options.options ?? []
  const kvm = options.kvm ?? false
  const source = new Side(a, from, { options: [...both, ...(options.sourceOptions ?? [])], cpu, kvm })
  const destination = new Side(b, to, { options: [...both, ...(options.destinationOptions ?? [])], cpu, kvm })
  const absent = devices.flatMap((type) =>
    [source, destination].filter((s) => !Object.hasOwn(s.build.devices, type)).map((s) => missingDevice(s, type)),
  )
  const present = devices.filter((type) => Object.hasOwn(a.devices, type) && Object.hasOwn(b.devices, type))
  const types = devicesOn(source, destination, present)
  const found = [
    ...absent,
    ...machineNotes(source, destination),
    ...compareSections(source, destination, present),
    ...compareRam(source, destination, present),
    ...compareProtocol(source, destination, modesOf(options)),
    ...compareFacts(source, destination, types, options.startedInSource),
    ...compareProperties(source, destination, types),
    ...compareCpu(source, destination, cpu),
  ]
  return onceEach(found.map(explained)).sort(bySeverity)
}

const modesOf = ({ multifd = false, preempt = false, tls = false }: CheckOptions): Modes => ({ multifd, preempt, tls })

/** Equal parts of several sections are told once. */
function onceEach(verdicts: readonly Verdict[]): Verdict[] {
  const seen = new Map(verdicts.map((v) => [`${v.kind} ${v.code} ${v.path} ${v.reason}`, v]))
  return [...seen.values()]
}

/** What is known to do no harm, with the reason why. */
function explained(verdict: Verdict): Verdict {
  if (verdict.kind !== 'loads-but-differs') return verdict
  const why = HARMLESS[verdict.path]
  if (why === undefined) return verdict
  const { code, path, reason } = verdict
  return { kind: 'fine', code, path, reason: `${reason}; ${why}` }
}

export interface BothDirections {
  readonly there: readonly Verdict[]
  readonly back: readonly Verdict[]
}

export interface BothOptions extends Omit<CheckOptions, 'startedInSource'> {
  /** Where the guest was powered on, if that is known. */
  readonly startedIn?: 'a' | 'b'
}

/** Checks a → b and b → a; source options are those of `a`, destination options those of `b`. */
export function checkBoth(a: Build, b: Build, machineType: string, options: BothOptions = {}): BothDirections {
  const { sourceOptions = [], destinationOptions = [], startedIn, ...rest } = options
  const started = (which: 'a' | 'b') => (startedIn === undefined ? {} : { startedInSource: startedIn === which })
  return {
    there: check(a, b, machineType, { ...rest, sourceOptions, destinationOptions, ...started('a') }),
    back: check(b, a, machineType, {
      ...{ ...rest, sourceOptions: destinationOptions, destinationOptions: sourceOptions },
      ...started('b'),
    }),
  }
}

/** By name, or by the alias that the build gives it. */
export const machineOf = (build: Build, name: string): BuildMachine | undefined =>
  build.machines.find((m) => m.name === name) ?? build.machines.find((m) => m.alias === name)

function missingMachine(
  a: Build,
  b: Build,
  asked: string,
  from: BuildMachine | undefined,
  to: BuildMachine | undefined,
): Verdict[] {
  const base = { kind: 'unreachable', code: 'machine-missing', path: asked } as const
  const out: Verdict[] = []
  for (const [build, machine] of [
    [a, from],
    [b, to],
  ] as const) {
    if (machine !== undefined) continue
    const remedy = 'take a machine type that both builds have'
    out.push({ ...base, reason: `${new Side(build, NONE).name} has no machine type ${asked}`, remedy })
  }
  if (from !== undefined && to !== undefined && from.name !== to.name) {
    const reason = `${asked} is ${from.name} in one build and ${to.name} in the other, and the stream carries the full name`
    out.push({ ...base, code: 'machine-alias', reason, remedy: `start both sides with -M ${from.name}` })
  }
  return out
}

const NONE: BuildMachine = { name: '', versioned: false, compat: [], board: '' }

function missingDevice(side: Side, type: string): Verdict {
  return {
    ...{ kind: 'unreachable', code: 'device-missing', path: type },
    reason: `${side.name} has no device ${type}`,
    remedy: `unplug ${type} before migrating, or take a device that both builds have`,
  }
}

function machineNotes(source: Side, destination: Side): Verdict[] {
  const out: Verdict[] = []
  const path = source.machine.name
  if (!source.machine.versioned) {
    const reason = 'a machine type without a version promises nothing between releases: it has no compat properties'
    out.push({ kind: 'fine', code: 'machine-unversioned', path, reason, remedy: 'use a versioned machine type' })
  }
  const old = destination.machine.deprecated
  if (old !== undefined) {
    const why = old === 'yes' ? '' : `: ${old}`
    const reason = `${destination.name} deprecates this machine type and will drop it${why}`
    out.push({ kind: 'fine', code: 'machine-deprecated', path, reason, remedy: 'start new guests on a newer one' })
  }
  return out
}
