/** Parameters and capabilities of migrations under QEMU's names. What has no effect here can be read, not changed. */
import type { Control } from '../control.ts'
import type { Arguments } from './arguments.ts'
import { QmpError } from './qmp-error.ts'

const CAPABILITIES = [
  'xbzrle',
  'rdma-pin-all',
  'auto-converge',
  'events',
  'postcopy-ram',
  'x-colo',
  'release-ram',
  'return-path',
  'pause-before-switchover',
  'multifd',
  'dirty-bitmaps',
  'postcopy-blocktime',
  'late-block-activate',
  'x-ignore-shared',
  'validate-uuid',
  'background-snapshot',
  'zero-copy-send',
  'postcopy-preempt',
  'switchover-ack',
  'dirty-limit',
  'mapped-ram',
] as const

export function queryCapabilities(control: Control): unknown {
  const on: Record<string, boolean> = { ...control.capabilities }
  return CAPABILITIES.map((capability) => ({ state: on[capability] ?? false, capability }))
}

export function setCapabilities(control: Control, list: readonly unknown[]): void {
  const wanted: [string, boolean][] = list.map((entry) => {
    const { capability, state } = (entry ?? {}) as { capability?: unknown; state?: unknown }
    if (typeof capability !== 'string') throw new QmpError("Parameter 'capabilities[0].capability' is missing")
    if (typeof state !== 'boolean') throw new QmpError("Parameter 'capabilities[0].state' is missing")
    if (!(CAPABILITIES as readonly string[]).includes(capability)) {
      throw new QmpError(`Parameter 'capability' does not accept value '${capability}'`)
    }
    if (state && !(capability in control.capabilities)) {
      throw new QmpError(`Capability '${capability}' is not supported here`)
    }
    return [capability, state]
  })
  if (control.migrating) throw new QmpError("There's a migration process in progress")
  for (const [capability, state] of wanted) {
    if (capability in control.capabilities) Object.assign(control.capabilities, { [capability]: state })
  }
}

/** QEMU's defaults of what does nothing here. */
const INERT: Readonly<Record<string, unknown>> = {
  'announce-initial': 50,
  'announce-max': 550,
  'announce-rounds': 5,
  'announce-step': 100,
  'throttle-trigger-threshold': 50,
  'cpu-throttle-initial': 20,
  'cpu-throttle-increment': 10,
  'cpu-throttle-tailslow': false,
  'max-cpu-throttle': 99,
  'tls-creds': '',
  'tls-hostname': '',
  'tls-authz': '',
  'x-checkpoint-delay': 20000,
  'multifd-channels': 2,
  'multifd-compression': 'none',
  'multifd-zlib-level': 1,
  'multifd-zstd-level': 1,
  'xbzrle-cache-size': 67108864,
  'max-postcopy-bandwidth': 0,
}

const MAX_DOWNTIME_MS = 2_000_000

export function queryParameters(control: Control): unknown {
  const { maxBandwidth, downtimeLimitMs } = control.parameters
  return { ...INERT, 'max-bandwidth': maxBandwidth, 'downtime-limit': downtimeLimitMs }
}

export function setParameters(control: Control, args: Arguments): void {
  for (const [name, value] of Object.entries(args)) {
    if (name === 'max-bandwidth' || name === 'downtime-limit') {
      if (!Number.isInteger(value) || (value as number) < 0) throw new QmpError(`Parameter '${name}' expects uint64`)
      if (name === 'downtime-limit' && (value as number) > MAX_DOWNTIME_MS) {
        throw new QmpError(`Parameter 'downtime_limit' expects an integer in the range of 0 to ${MAX_DOWNTIME_MS} ms`)
      }
    } else if (!(name in INERT)) {
      throw new QmpError(`Parameter '${name}' is unexpected`)
    } else if (value !== INERT[name]) {
      throw new QmpError(`Parameter '${name}' has no effect here and cannot be changed`)
    }
  }
  if (typeof args['max-bandwidth'] === 'number') control.parameters.maxBandwidth = args['max-bandwidth']
  if (typeof args['downtime-limit'] === 'number') control.parameters.downtimeLimitMs = args['downtime-limit']
}
