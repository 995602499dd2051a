/** One breakage of QEMU's history, put into our own devices or into a build's data, and the check that sees it. */
export const CHECKS = {
  schema: 'schema diff of two builds (godwit compat check)',
  rows: 'rows of machine versions (pnpm check machines)',
  manifest: 'frozen manifests (pnpm manifests)',
  museum: 'streams of older releases (tests/museum)',
  lint: 'lint of sections (lintSections)',
  protocol: 'dialects of the migration protocol (godwit compat check)',
  'run-on': 'source and destination do the same afterwards (run-on equivalence)',
  hosts: 'hosts of a fleet (godwit fleet baseline)',
} as const
export type CheckName = keyof typeof CHECKS

export interface Replay {
  /** Row of breakages.json. */
  readonly id: number
  readonly by: CheckName
  /** What carries the fault: a device or a table of ours, or a QEMU build. */
  readonly carrier: string
  /** What the check says, with the fault and without it; without it nothing. */
  told(faulty: boolean): readonly string[] | Promise<readonly string[]>
  /** What it must say. */
  readonly says: RegExp
}
