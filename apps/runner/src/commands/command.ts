/** A command of `godwit` besides run: one file each, listed in commands.ts. */
export interface Command {
  readonly name: string
  /** Its line in `godwit help`. */
  readonly summary: string
  /** The whole page, with an example: `godwit help NAME`. */
  readonly help: string
  /** Returns the exit status; throws UsageError for what the user got wrong. */
  run(args: readonly string[]): number | Promise<number>
}

export function print(text: string): number {
  process.stdout.write(text)
  return 0
}
