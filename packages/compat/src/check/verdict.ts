/** What a check finds. */

export const KINDS = ['fine', 'fine-if', 'loads-but-differs', 'refused', 'unreachable'] as const
/**
 * - `fine`: worth knowing, and no harm.
 * - `fine-if`: depends on the guest's state at that moment; `condition` says when it is fine.
 * - `loads-but-differs`: the destination runs, and the guest sees other hardware or has lost state.
 * - `refused`: the destination does not start, or the source does not send.
 * - `unreachable`: there is nothing to migrate to.
 */
export type VerdictKind = (typeof KINDS)[number]

export interface Verdict {
  readonly kind: VerdictKind
  /** What was found: "field-removed", "subsection-unknown" ... */
  readonly code: string
  /** Where: "piix4_pm/cpuhp", "e1000e.timadj", "ram pc.bios", "migration.send-switchover-start". */
  readonly path: string
  readonly reason: string
  /** For `fine-if`: when it is fine. */
  readonly condition?: string
  /** For `fine-if`: what happens when it is not. */
  readonly otherwise?: 'loads-but-differs' | 'refused'
  /** What to do about it; absent where nothing helps or nothing is needed. */
  readonly remedy?: string
}

export const worstOf = (verdicts: readonly { readonly kind: VerdictKind }[]): VerdictKind =>
  KINDS[Math.max(0, ...verdicts.map((v) => KINDS.indexOf(v.kind)))]!

/** Worst first. */
export const bySeverity = (a: Verdict, b: Verdict): number => KINDS.indexOf(b.kind) - KINDS.indexOf(a.kind)
