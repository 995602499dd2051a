/** Released machine types held against their frozen manifests. */
import { ABI_PARTS, type AbiPart, type GuestAbi } from '@godwit/machines'
import { changesBetween, type Change } from './changes.ts'
import type { Manifest } from './manifest.ts'
import { findingOf, ORDERED, type Finding } from './remedy.ts'

/** Changes of one machine type, part by part. `frozenLines` gives the committed lines of a digest. */
export function compareWithFrozen(
  frozen: Manifest,
  current: Manifest,
  abi: GuestAbi,
  frozenLines: (part: AbiPart, digest: string) => readonly string[],
  newest: string,
): Finding[] {
  return ABI_PARTS.flatMap((part) => {
    const was = frozen.parts[part]
    if (was === current.parts[part]) return []
    const changes = changesBetween(frozenLines(part, was), abi[part], ORDERED.has(part))
    const told = part === 'sections' ? wholeSections(changes) : changes
    return told.map((change) => findingOf(frozen.machine, part, change, newest))
  })
}

/** A section that came, went or changed its name is told as a whole, not field by field. */
function wholeSections(changes: readonly Change[]): Change[] {
  const heads = changes.filter((c) => !c.name.includes('/', c.name.indexOf('#')))
  const came = heads.filter((c) => c.kind === 'added')
  const went = heads.filter((c) => c.kind === 'removed')
  const renamed = came.flatMap((now) => {
    const old = went.find((w) => w.before === now.after && !came.some((c) => c.name === w.name))
    return old === undefined ? [] : [{ kind: 'renamed' as const, name: old.name, before: old.name, after: now.name }]
  })
  const gone = new Set(renamed.flatMap((r) => [r.before, r.after]))
  const whole = [...came, ...went].map((c) => `${c.name}/`)
  return [...renamed, ...changes.filter((c) => !gone.has(c.name) && !whole.some((prefix) => c.name.startsWith(prefix)))]
}

/** The same finding in many machine types is told once, with their names. */
export function grouped(
  findings: readonly Finding[],
): { readonly machines: readonly string[]; readonly finding: Finding }[] {
  const groups = new Map<string, { machines: string[]; finding: Finding }>()
  for (const finding of findings) {
    const key = JSON.stringify([finding.part, finding.change])
    const group = groups.get(key)
    if (group) group.machines.push(finding.machine)
    else groups.set(key, { machines: [finding.machine], finding })
  }
  return [...groups.values()]
}
