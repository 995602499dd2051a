/** Parameters and capabilities of migrations under QEMU's names. What has no effect here can be read, not changed. */
import type { ZeroPageDetection } from '@godwit/migration-net'
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
  const on = { ...control.capabilities, ...Object.fromEntries(wanted) }
  if (on.multifd && on.xbzrle) throw new QmpError('Multifd is not compatible with xbzrle')
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
  'multifd-zlib-level': 1,
  'multifd-zstd-level': 1,
  'max-postcopy-bandwidth': 0,
  'avail-switchover-bandwidth': 0,
  'multifd-qatzip-level': 1,
  'x-rdma-chunk-size': 1048576,
  'vcpu-dirty-limit': 1,
  'x-vcpu-dirty-limit-period': 1000,
  mode: 'normal',
  'direct-io': false,
  'cpr-exec-command': [],
}

const MAX_DOWNTIME_MS = 2_000_000
const COMPRESSIONS: readonly unknown[] = ['none', 'zlib', 'zstd', 'qatzip', 'qpl', 'uadk']
const PAGE_BYTES = 4096
const ZERO_PAGE_DETECTIONS: readonly unknown[] = ['none', 'legacy', 'multifd'] satisfies ZeroPageDetection[]

/** A parameter that has an effect. `check` throws what is wrong with a value. */
interface Setting {
  get(control: Control): unknown
  check(value: unknown): void
  set(control: Control, value: never): void
}

const uint64 =
  (name: string): Setting['check'] =>
  (value) => {
    if (!Number.isInteger(value) || (value as number) < 0) throw new QmpError(`Parameter '${name}' expects uint64`)
  }

const SETTINGS: Readonly<Record<string, Setting>> = {
  'max-bandwidth': {
    get: ({ parameters }) => parameters.maxBandwidth,
    check: uint64('max-bandwidth'),
    set: ({ parameters }, value: number) => void (parameters.maxBandwidth = value),
  },
  'downtime-limit': {
    get: ({ parameters }) => parameters.downtimeLimitMs,
    check(value) {
      uint64('downtime-limit')(value)
      if ((value as number) > MAX_DOWNTIME_MS) {
        throw new QmpError(`Parameter 'downtime_limit' expects an integer in the range of 0 to ${MAX_DOWNTIME_MS} ms`)
      }
    },
    set: ({ parameters }, value: number) => void (parameters.downtimeLimitMs = value),
  },
  'multifd-channels': {
    get: (control) => control.multifdChannels,
    check(value) {
      if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > 255) {
        throw new QmpError("Parameter 'multifd-channels' expects uint8_t")
      }
      if (value === 0) throw new QmpError('Option multifd-channels expects a value between 1 and 255')
    },
    set: (control, value: number) => void (control.multifdChannels = value),
  },
  'multifd-compression': {
    get: () => 'none',
    check(value) {
      if (!COMPRESSIONS.includes(value)) {
        throw new QmpError(`Parameter 'multifd-compression' does not accept value '${String(value)}'`)
      }
      if (value !== 'none') {
        throw new QmpError(
          `Parameter 'multifd-compression': pages are sent as they are, '${String(value)}' is not there`,
        )
      }
    },
    set: () => undefined,
  },
  'xbzrle-cache-size': {
    get: (control) => control.xbzrleCacheBytes,
    check(value) {
      uint64('xbzrle-cache-size')(value)
      const bytes = value as number
      if (bytes < PAGE_BYTES || !Number.isInteger(Math.log2(bytes))) {
        throw new QmpError('Option xbzrle-cache-size expects a power of two no less than the target page size')
      }
    },
    set: (control, value: number) => void (control.xbzrleCacheBytes = value),
  },
  'zero-page-detection': {
    get: ({ parameters, machine }) => parameters.zeroPageDetection ?? machine.zeroPageDetection ?? 'multifd',
    check(value) {
      if (!ZERO_PAGE_DETECTIONS.includes(value)) {
        throw new QmpError(`Parameter 'zero-page-detection' does not accept value '${String(value)}'`)
      }
    },
    set: ({ parameters }, value: ZeroPageDetection) => void (parameters.zeroPageDetection = value),
  },
  // ours: patience with a peer that is silent, in ms; 0 waits for ever
  'x-godwit-peer-timeout': {
    get: ({ parameters }) => parameters.peerTimeoutMs,
    check: uint64('x-godwit-peer-timeout'),
    set: ({ parameters }, value: number) => void (parameters.peerTimeoutMs = value),
  },
  'x-godwit-idle-timeout': {
    get: ({ parameters }) => parameters.idleTimeoutMs,
    check: uint64('x-godwit-idle-timeout'),
    set: ({ parameters }, value: number) => void (parameters.idleTimeoutMs = value),
  },
}

export function queryParameters(control: Control): unknown {
  return {
    ...INERT,
    ...Object.fromEntries(Object.entries(SETTINGS).map(([name, setting]) => [name, setting.get(control)])),
  }
}

export function setParameters(control: Control, args: Arguments): void {
  for (const [name, value] of Object.entries(args)) {
    if (Object.hasOwn(SETTINGS, name)) {
      SETTINGS[name]!.check(value)
    } else if (!Object.hasOwn(INERT, name)) {
      throw new QmpError(`Parameter '${name}' is unexpected`)
    } else if (JSON.stringify(value) !== JSON.stringify(INERT[name])) {
      throw new QmpError(`Parameter '${name}' has no effect here and cannot be changed`)
    }
  }
  for (const [name, value] of Object.entries(args)) SETTINGS[name]?.set(control, value as never)
}
