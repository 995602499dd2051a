/** Asks a QEMU through its monitor what it offers to a fleet. */
import type { Host, HostCpu } from '@godwit/compat'
import { QmpRefusal, type QmpClient } from './qmp-client.ts'

/** Devices whose properties a fleet may want to set. */
const DEVICES = [
  'virtio-net-pci',
  'virtio-blk-pci',
  'virtio-scsi-pci',
  'virtio-balloon-pci',
  'virtio-rng-pci',
  'virtio-serial-pci',
  'e1000',
  'e1000e',
  'nvme',
  'scsi-hd',
  'ide-hd',
  'usb-tablet',
  'VGA',
]

interface Definition {
  readonly name: string
  readonly 'unavailable-features'?: readonly string[]
  readonly 'migration-safe'?: boolean | null
  readonly deprecated?: boolean
}

/** `progress` is told of each processor model. */
export async function collectHost(
  qmp: QmpClient,
  name: string,
  progress: (done: number, of: number) => void = () => undefined,
): Promise<Host> {
  const version = (await qmp.run('query-version')) as { qemu: { major: number; minor: number; micro: number } }
  const { major, minor, micro } = version.qemu
  const machines = (await qmp.run('query-machines')) as { name: string; alias?: string; deprecated?: boolean }[]
  const definitions = (await qmp.run('query-cpu-definitions')) as Definition[]
  const capabilities = (await qmp.run('query-migrate-capabilities')) as { capability: string }[]
  const kvm = (await qmp.run('query-kvm')) as { enabled: boolean }
  const models = definitions.filter((d) => d['migration-safe'] === true)
  const cpus: HostCpu[] = []
  for (const definition of models) {
    cpus.push({
      name: definition.name,
      missing: [...(definition['unavailable-features'] ?? [])],
      features: await featuresOf(qmp, definition.name),
      migratable: true,
      ...(definition.deprecated === true ? { deprecated: true } : {}),
    })
    progress(cpus.length, models.length)
  }
  return {
    format: 1,
    name,
    engine: 'qemu',
    release: micro === 0 ? `${major}.${minor}` : `${major}.${minor}.${micro}`,
    accelerator: kvm.enabled ? 'kvm' : 'tcg',
    machines: machines.map((m) => ({
      name: m.name,
      ...(m.alias === undefined ? {} : { alias: m.alias }),
      ...(m.deprecated === true ? { deprecated: true } : {}),
    })),
    cpus: cpus.sort((a, b) => (a.name < b.name ? -1 : 1)),
    features: await featuresOf(qmp, kvm.enabled ? 'host' : 'max'),
    capabilities: capabilities.map((c) => c.capability).sort(),
    devices: await devicesOf(qmp),
  }
}

async function featuresOf(qmp: QmpClient, model: string): Promise<string[]> {
  const expanded = (await qmp.run('query-cpu-model-expansion', { type: 'full', model: { name: model } })) as {
    model: { props: Record<string, unknown> }
  }
  return Object.entries(expanded.model.props)
    .filter(([key, value]) => value === true && !/^(x-|l3-cache$|enforce$|check$|realized$|hotplug)/.test(key))
    .map(([key]) => key)
    .sort()
}

async function devicesOf(qmp: QmpClient): Promise<Host['devices']> {
  const found: [string, Record<string, string>][] = []
  for (const typename of DEVICES) {
    try {
      const props = (await qmp.run('device-list-properties', { typename })) as {
        name: string
        'default-value'?: unknown
      }[]
      const values = props.map((p) => [
        p.name,
        p['default-value'] === undefined ? '' : String(p['default-value'] as string),
      ])
      found.push([typename, Object.fromEntries(values.sort()) as Record<string, string>])
    } catch (thrown) {
      if (!(thrown instanceof QmpRefusal)) throw thrown // a device that this build has not got
    }
  }
  return Object.fromEntries(found)
}
