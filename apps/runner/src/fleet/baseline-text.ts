import type { Baseline, UpgradePlan } from '@godwit/compat'

export function baselineText(b: Baseline): string {
  const lines = [`hosts          ${b.hosts.join(', ')}`]
  if (b.machines.length === 0) lines.push('machine        none: the hosts have no versioned machine type in common')
  for (const m of b.machines) {
    const age =
      m.life === undefined
        ? ''
        : `   deprecated by ${m.life.deprecatedIn}, deleted by ${m.life.deletedIn} (${m.life.deletedOn.slice(0, 7)})`
    const warned = m.deprecatedOn.length === 0 ? '' : `   deprecated on ${m.deprecatedOn.join(', ')}`
    lines.push(`machine        ${m.name}${age}${warned}`)
  }
  lines.push(
    b.cpu === undefined
      ? 'cpu            none: no migratable model is whole on every host'
      : `cpu            ${b.cpu.option}`,
  )
  lines.push(`capabilities   ${b.capabilities.join(' ')}`)
  for (const [device, properties] of groups(b.properties.map((p) => [p.device, p.property]))) {
    lines.push(`do not set     ${device}: ${properties.join(' ')}`)
  }
  for (const { what, why } of b.leftOut) lines.push(`left out       ${what}: ${why}`)
  return `${lines.join('\n')}\n`
}

export function upgradeText(plan: UpgradePlan): string {
  const lines = ['', `upgrade to ${plan.release}`]
  for (const s of plan.stages)
    lines.push(`  ${s.name.padEnd(8)} ${s.machines.join(', ') || 'nothing in common'}   (${s.what})`)
  for (const [instead, names] of groups(plan.lost.map((l) => [l.instead, l.name]))) {
    lines.push(`  lost     ${names.join(', ')}: restart their guests on ${instead} before the first host is upgraded`)
  }
  if (plan.deprecated.length > 0) lines.push(`  warned   ${plan.deprecated.join(', ')}`)
  return `${lines.join('\n')}\n`
}

function groups(pairs: readonly (readonly [key: string, value: string])[]): Map<string, string[]> {
  const map = new Map<string, string[]>()
  for (const [key, value] of pairs) map.set(key, [...(map.get(key) ?? []), value])
  return map
}
