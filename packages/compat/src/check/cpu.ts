/** What the guest's CPUID says of one model on both sides. */
import type { Side } from './resolve.ts'
import { featuresOf, same } from './resolve.ts'
import type { Verdict } from './verdict.ts'

export function compareCpu(source: Side, destination: Side, model: string): Verdict[] {
  const [a, b] = [source, destination].map((s) =>
    Object.hasOwn(s.build.cpus, model) ? s.build.cpus[model] : undefined,
  )
  const out: Verdict[] = []
  for (const [side, cpu] of [
    [source, a],
    [destination, b],
  ] as const) {
    if (cpu !== undefined) continue
    const remedy = 'take a CPU model that both builds have'
    out.push({
      kind: 'unreachable',
      code: 'cpu-missing',
      path: `-cpu ${model}`,
      reason: `${side.name} has no CPU model ${model}`,
      remedy,
    })
  }
  if (a === undefined || b === undefined) return out
  const [x, y] = [valuesOf(source, model), valuesOf(destination, model)]
  const differing = [...new Set([...x.keys(), ...y.keys()])]
    .filter((name) => !alike(x.get(name), y.get(name)))
    // Another emulator names only what it has of a processor.
    .filter(
      (name) =>
        source.build.engine === destination.build.engine || (isFeature(source, name) && isFeature(destination, name)),
    )
    .sort()
  if (differing.length > 0) {
    const shown = differing.map((n) => `${n} ${x.get(n) ?? 'off'} → ${y.get(n) ?? 'off'}`)
    out.push({
      ...{ kind: 'loads-but-differs', code: 'cpuid', path: `-cpu ${model}` },
      reason: `the guest sees another processor in ${destination.name}: ${shown.join(', ')}`,
      remedy: `give both sides the same values: -cpu ${model},${differing.map((n) => `${n}=${x.get(n) ?? 'off'}`).join(',')}`,
    })
  }
  return out
}

/** Properties of CPUs that the guest cannot see, or that only an accelerator reads. */
const UNSEEN =
  /^(check|enforce|migratable|pmu|kvm.*|hv-.*|x-hv-.*|xen-.*|host-.*|x-migrate-.*|x-force-features|tcg-cpuid|.*-auto-level|lbr[-_]fmt)$/

/** A feature that a build does not know is off, and a number it does not know is nought. */
const alike = (a = 'off', b = 'off'): boolean => same(a === '0' ? 'off' : a, b === '0' ? 'off' : b)

function valuesOf(side: Side, model: string): Map<string, string> {
  const out = new Map<string, string>()
  const set = (values: Readonly<Record<string, string>>): void => {
    for (const [name, value] of Object.entries(values)) if (!UNSEEN.test(name)) out.set(name, value)
  }
  set(side.build.cpus['base'] ?? {})
  set(side.build.cpus[model] ?? {})
  const types = [`${model}-x86_64-cpu`, 'x86_64-cpu']
  for (const { type, property, value } of side.machine.compat) {
    if (types.includes(type) && (out.has(property) || isFeature(side, property))) set({ [property]: value })
  }
  return out
}

/** Whether any model of the build names it: a row may switch on what is off in this one. */
const isFeature = (side: Side, property: string): boolean => featuresOf(side.build).has(property)
