/** What this Godwit offers to a fleet. */
import { cpuModel, FEATURES_HERE, MODELS } from '@godwit/cpu-x86'
import { machineTypes, newestOf, newestRelease, refusalsOf } from '@godwit/machines'
import type { Host } from './host.ts'

/** Capabilities of the migration protocol that are spoken here in either direction, by QEMU's names. */
const CAPABILITIES = ['events', 'multifd', 'return-path', 'xbzrle']

export function godwitHost(name: string): Host {
  return {
    format: 1,
    name,
    engine: 'godwit',
    release: newestRelease().version,
    accelerator: 'godwit',
    machines: machineTypes()
      .filter((t) => refusalsOf(t).length === 0)
      .map((t) => ({
        name: t.name,
        ...(t.version === newestOf(t.family) ? { alias: t.family.alias } : {}),
      })),
    cpus: Object.keys(MODELS).map((model) => {
      const made = cpuModel(model)
      return {
        name: model,
        missing: made.filtered,
        features: FEATURES_HERE.filter((f) => made.has(f)),
        migratable: true,
      }
    }),
    features: FEATURES_HERE,
    capabilities: CAPABILITIES,
    devices: {},
  }
}
