/** Features that follow the host and not the build. */
import { baseline, type Host } from '../../packages/compat/src/index.ts'
import type { Replay } from './replay.ts'

const host = (name: string, devices: Host['devices']): Host => ({
  ...{ format: 1, name, engine: 'qemu', release: '6.1', accelerator: 'kvm', devices },
  machines: [{ name: 'pc-i440fx-6.1' }],
  cpus: [{ name: 'qemu64', features: ['sse2'], missing: [], migratable: true }],
  features: ['sse2'],
  capabilities: [],
})

const backend = (id: number, device: string, property: string): Replay => ({
  ...{
    id,
    by: 'hosts',
    carrier: `offers of two hosts: ${device}`,
    says: new RegExp(`${device}\\.${property} lacked by b`),
  },
  told(faulty) {
    const [a, b] = [{ [property]: 'on', mac: '' }, faulty ? { mac: '' } : { [property]: 'on', mac: '' }]
    return baseline([host('a', { [device]: a }), host('b', { [device]: b })]).properties.map(
      (p) => `${p.device}.${p.property} lacked by ${p.lackedBy.join(', ')}`,
    )
  },
})

export const HOSTS: readonly Replay[] = [
  backend(15, 'virtio-net-pci', 'version_1'),
  backend(35, 'vhost-vsock-pci', 'seqpacket'),
]
