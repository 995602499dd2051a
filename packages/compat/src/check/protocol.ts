/** The stream's own framing, which properties of the "migration" object set per machine type. */
import type { Side } from './resolve.ts'
import { same } from './resolve.ts'
import type { Verdict } from './verdict.ts'

interface Dialect {
  readonly property: string
  /** The value that an older receiver does not understand. */
  readonly newer: string
  /** Its value for the old dialect. */
  readonly older: string
  readonly what: string
  readonly multifd?: boolean
}

/** A receiver that knows the newer dialect has the property; one without it knows only the older. */
const DIALECTS: readonly Dialect[] = [
  { property: 'send-configuration', newer: 'on', older: 'off', what: 'the configuration section' },
  { property: 'send-section-footer', newer: 'on', older: 'off', what: 'a footer behind each section' },
  { property: 'send-switchover-start', newer: 'on', older: 'off', what: 'the command SWITCHOVER_START' },
  {
    ...{ property: 'multifd-flush-after-each-section', newer: 'off', older: 'on', multifd: true },
    what: 'one flush of the channels per round instead of one per section',
  },
  {
    ...{ property: 'zero-page-detection', newer: 'multifd', older: 'legacy', multifd: true },
    what: 'zero pages in the packets of the channels',
  },
]

export function compareProtocol(source: Side, destination: Side, multifd: boolean): Verdict[] {
  const out: Verdict[] = []
  for (const { property, newer, older, what, multifd: only } of DIALECTS) {
    if (only === true && !multifd) continue
    const sends = source.resolve('migration', property)
    if (!sends.known || sends.value === null || !same(sends.value, newer)) continue
    if (destination.resolve('migration', property).known) continue
    out.push({
      ...{ kind: 'refused', code: 'protocol', path: `migration.${property}` },
      reason: `${source.name} sends ${what} for this machine type, and ${destination.name} does not know it`,
      remedy: `start the source with -global migration.${property}=${older}`,
    })
  }
  return out
}
