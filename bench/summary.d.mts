export interface Figures {
  readonly median: number
  readonly min: number
  readonly max: number
  readonly noise: number | null
  readonly n: number
}
export interface Failure {
  readonly engine: string
  readonly round: number
  readonly what: string
  readonly message: string
}
export interface Summary {
  readonly workloads: Readonly<
    Record<string, { times: Readonly<Record<string, Figures>>; ratios: Readonly<Record<string, number>> }>
  >
  readonly all: Readonly<Record<string, number>>
  readonly failures: readonly Failure[]
}
export declare function summarise(
  engines: readonly { name: string; title: string; version: string }[],
  measured: { boots: object[]; runs: object[]; ends: object[]; failures: object[] },
  options: { workloads: readonly string[]; by: string },
): Summary
