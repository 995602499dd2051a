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
  /** Only migrations of this mode speak it. */
  readonly mode?: 'multifd' | 'preempt' | 'tls'
  /** The destination demands the newer form, and a source without the property does not give it. */
  readonly demanded?: boolean
}

/** Ways to migrate that have a dialect of their own. */
export interface Modes {
  readonly multifd: boolean
  /** Postcopy with a channel for urgent pages. */
  readonly preempt: boolean
  readonly tls: boolean
}

/** A side that knows the newer dialect has the property; one without it knows only the older. */
const DIALECTS: readonly Dialect[] = [
  { property: 'send-configuration', newer: 'on', older: 'off', what: 'the configuration section' },
  { property: 'send-section-footer', newer: 'on', older: 'off', what: 'a footer behind each section' },
  { property: 'send-switchover-start', newer: 'on', older: 'off', what: 'the command SWITCHOVER_START' },
  {
    ...{ property: 'multifd-flush-after-each-section', newer: 'off', older: 'on', mode: 'multifd' },
    what: 'one flush of the channels per round instead of one per section',
  },
  {
    ...{ property: 'zero-page-detection', newer: 'multifd', older: 'legacy', mode: 'multifd' },
    what: 'zero pages in the packets of the channels',
  },
  {
    ...{ property: 'x-preempt-pre-7-2', newer: 'off', older: 'on', mode: 'preempt' },
    what: 'the channel for urgent pages behind the main one',
  },
  {
    ...{ property: 'multifd-clean-tls-termination', newer: 'on', older: 'off', mode: 'tls', demanded: true },
    what: 'an orderly end of TLS on every channel',
  },
]

export function compareProtocol(source: Side, destination: Side, modes: Modes): Verdict[] {
  const out: Verdict[] = []
  for (const { property, newer, older, what, mode, demanded } of DIALECTS) {
    if (mode !== undefined && !modes[mode]) continue
    const [speaker, listener] = demanded === true ? [destination, source] : [source, destination]
    const spoken = speaker.resolve('migration', property)
    if (!spoken.known || spoken.value === null || !same(spoken.value, newer)) continue
    if (listener.resolve('migration', property).known) continue
    out.push({
      ...{ kind: 'refused', code: 'protocol', path: `migration.${property}` },
      reason:
        demanded === true
          ? `${destination.name} demands ${what} for this machine type, and ${source.name} does not give it`
          : `${source.name} sends ${what} for this machine type, and ${destination.name} does not know it`,
      remedy: `start ${speaker.name} with -global migration.${property}=${older}`,
    })
  }
  return out
}
