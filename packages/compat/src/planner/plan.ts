/** Which machine versions and which branches a change needs. */
import type { Family } from '@godwit/machines'

export interface ProposedChange {
  /** "PIIX4_PM.smm-compat", "board kernel-irqchip-split", or a few words for a fix. */
  readonly what: string
  /** A default; something new in the stream; or a repair. */
  readonly kind: 'default' | 'state' | 'fix'
  /** Values before and after; of new state, those of the property that switches it. */
  readonly was?: string
  readonly becomes?: string
  /** Release that has it first: "11.2". */
  readonly landed: string
  /** Releases of older branches that shall bring it: ["10.0.8", "10.1.4"]. Each names its branch. */
  readonly into?: readonly string[]
  /** Branches that get no more releases. */
  readonly ended?: readonly string[]
  /** Families that have it. Default: all. */
  readonly families?: readonly string[]
  /** Of a fix: the guest or the stream can tell. Default no. */
  readonly visible?: boolean
  /** The change repairs what the backport in this release broke: "10.0.4". */
  readonly repairs?: string
}

export interface PlannedMachine {
  readonly name: string
  readonly version: string
  readonly from: string
  /** What is otherwise than in `from`. */
  readonly difference: readonly string[]
  /** The versions next to it, newer and older. */
  readonly between: readonly [newer: string, older: string]
  readonly knownTo: readonly string[]
  readonly deprecatedIn: string
  readonly deletedIn: string
}

export interface PlannedRow {
  /** Version whose row gets it: "11.1". */
  readonly version: string
  readonly line: string
}

export interface BackportPlan {
  /** No machine type changes; a row in the next release; or a row and a bugfix version. */
  readonly answer: 'none' | 'row' | 'bugfix-version'
  readonly reasons: readonly string[]
  readonly rows: readonly PlannedRow[]
  readonly machines: readonly PlannedMachine[]
  /** In the order in which they must be done. */
  readonly steps: readonly { readonly branch: string; readonly todo: string }[]
  readonly warnings: readonly string[]
}

/** What the plan is made against. */
export interface PlanWorld {
  readonly families: readonly Family[]
  /** Day of the plan, "2026-11-22". */
  readonly today: string
}

/** A change that cannot be planned so; the message says what would be right. */
export class PlanRefused extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'PlanRefused'
  }
}

const TEXTS = ['what', 'kind', 'was', 'becomes', 'landed', 'repairs'] as const
const LISTS = ['into', 'ended', 'families'] as const

/** A change from JSON. @throws PlanRefused */
export function parseChange(value: unknown): ProposedChange {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new PlanRefused('a proposed change is an object: { "what": "hpet.msi", "kind": "default", "landed": "11.2" }')
  }
  const given = value as Record<string, unknown>
  for (const [name, v] of Object.entries(given)) {
    const good = (TEXTS as readonly string[]).includes(name)
      ? typeof v === 'string'
      : (LISTS as readonly string[]).includes(name)
        ? Array.isArray(v) && v.every((x) => typeof x === 'string')
        : name === 'visible' && typeof v === 'boolean'
    const known = [...TEXTS, ...LISTS, 'visible']
    if (!good) {
      throw new PlanRefused(
        known.includes(name)
          ? `"${name}": ${JSON.stringify(v)} is not what it takes`
          : `no "${name}" in a proposed change; there are ${known.join(', ')}`,
      )
    }
  }
  for (const name of ['what', 'kind', 'landed']) {
    if (given[name] === undefined) throw new PlanRefused(`a proposed change has a "${name}"`)
  }
  if (!['default', 'state', 'fix'].includes(given['kind'] as string)) {
    throw new PlanRefused(`"kind": expected default, state or fix, came "${String(given['kind'])}"`)
  }
  return given as unknown as ProposedChange
}
