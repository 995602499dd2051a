import type { Machine } from '@godwit/machines'

/** Figures of a run, a line each. */
export function statistics(machine: Machine, ms: number): string {
  const { instructions } = machine.processor
  const rate = ms > 0 ? instructions / ms / 1000 : 0
  const lines = [
    `instructions  ${instructions}`,
    `host time     ${(ms / 1000).toFixed(2)} s`,
    `rate          ${rate.toFixed(1)} million instructions a second`,
    `guest time    ${(Number(machine.time.virtual.now()) / 1e9).toFixed(2)} s`,
  ]
  return `${lines.join('\n')}\n`
}
