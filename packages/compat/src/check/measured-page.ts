/** docs/compat/hops.md: what was measured beside what the data say. */
import type { Comparison, MeasuredHop } from './measured.ts'
import { compareVersions } from '@godwit/machines'

const HEAD = `# Measured hops, and what the checker says of them

> Does the checker agree with reality?

Written by \`node --conditions=@godwit/source --import tsx scripts/compat-pages.mjs\`; a test compares it.

Real QEMUs 5.2.0, 7.2.22, 10.0.13 and 11.1.3 were migrated into one another under TCG with \`-cpu qemu64\`, with SeaBIOS
or with a running Linux. Every one of these hops is computed here from the collected data alone
(\`packages/compat/data/qemu\`). "Works" covers what depends on a rare state of the guest that it was not in.

`

const NOTES = `
## Explained

- **One guest in a chain, 10.0.13 → 11.1.3.** A guest that was started in 10.0.13 with virtio devices does not get to
  11.1.3, one that came there from 7.2 does: its queues keep the length with which they arrived. Where it was started is
  not in the data; the checker is told (\`startedInSource\`), and says "fine if" when it is not.
- **virtio-blk of 10.0.13 → 11.1.3.** Refused for a driver that leaves the queues at their full length, as Linux does;
  SeaBIOS makes them shorter. Cured by \`queue-size=1024\` on the destination; virtio-net has no such cure.
- **isa-vga from 10.0.13.** The destination dies in its display code, 10.0.13 itself included, while streams of 5.2 and
  7.2.22 load everywhere before 11.1. Up to 10.2 the section lies over the bytes of another structure; no description
  shows that, and the checker was told it as a fact (\`knowledge-facts.ts\`).
- **qemu-system-i386 → qemu-system-x86_64.** Measured to fail ("Missing section footer for cpu"): the 32-bit program has
  another layout of the section cpu. No 32-bit build is collected, so there is nothing to compute.
- **Postcopy and xbzrle** between 11.1.3 and 5.2 were measured to work; the checker has no rule that speaks against them.
`

export function measuredPage(comparisons: readonly Comparison[]): string {
  const agreeing = comparisons.filter((c) => c.agrees).length
  const groups = new Map<string, Comparison[]>()
  for (const c of comparisons) {
    const key = JSON.stringify([...keyOf(c.hop), c.computed, c.agrees])
    groups.set(key, [...(groups.get(key) ?? []), c])
  }
  const rows = [...groups.values()].map(rowOf)
  return `${HEAD}**${agreeing} of ${comparisons.length} hops agree.**

| setup | guest | hops | measured | computed | because |
| --- | --- | --- | --- | --- | --- |
${rows.join('\n')}
${NOTES}`
}

const keyOf = (h: MeasuredHop): unknown[] => [
  h.setup,
  h.devices,
  h.guest,
  h.works,
  h.error,
  h.because,
  h.destinationOptions,
]

function rowOf(of: readonly Comparison[]): string {
  const { hop, computed, agrees, verdicts } = of[0]!
  const hops = of.map(({ hop: h }) => `${h.from} → ${h.to}`)
  const forwards = of.filter(({ hop: h }) => compareVersions(h.from, h.to) < 0).length
  const told = of.length > 4 ? `${forwards} forwards, ${of.length - forwards} backwards` : hops.join(', ')
  const options = (hop.destinationOptions ?? []).map((o) => `${o.type}.${o.property}=${o.value}`)
  const setup = [hop.setup, ...(hop.setup === hop.machine ? hop.devices : []), ...options].join(', ')
  const reason = verdicts.find((v) => v.code === hop.because)
  const because = hop.works ? '' : `${reason?.path ?? ''}: ${hop.explanation ?? reason?.reason ?? 'nothing'}`
  const mark = agrees ? computed : `**${computed}**`
  return `| ${setup} | ${hop.guest} | ${told} | ${hop.works ? 'works' : `fails: ${hop.error}`} | ${mark} | ${because} |`
}
