import type { Summary } from './summary.mjs'

export interface Report extends Summary {
  readonly host: { cpu: string; processors: number; node: string }
  readonly seconds: number
  readonly options: { by: string; rounds: number; reps: number }
}
export declare function table(report: Report): string
