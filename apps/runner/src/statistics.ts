import type { Machine } from '@godwit/machines'

/** Figures of a run, a line each; at the end what the guest wanted and the processor does not have. */
export function statistics(machine: Machine, ms: number): string {
  const { instructions } = machine.processor
  const stats = machine.processor.stats()
  const rate = ms > 0 ? instructions / ms / 1000 : 0
  const lines = [
    `instructions    ${instructions}`,
    `host time       ${(ms / 1000).toFixed(2)} s`,
    `rate            ${rate.toFixed(1)} million instructions a second`,
    `guest time      ${(Number(machine.time.virtual.now()) / 1e9).toFixed(2)} s`,
    `interrupts      ${stats.interrupts}`,
    `exceptions      ${list(stats.exceptions)}`,
    `exits           ${list(stats.exits)}`,
    `TLB             ${stats.tlbMisses} misses, ${stats.tlbFlushes} flushes`,
    `blocks          ${stats.blocksDecoded} decoded, ${stats.blocksDropped} dropped`,
    `missing         ${list(stats.missing)}`,
  ]
  return `${lines.join('\n')}\n`
}

function list(counts: Readonly<Record<string, number>>): string {
  const entries = Object.entries(counts).filter(([, n]) => n > 0)
  return entries.length === 0 ? 'none' : entries.map(([name, n]) => `${name} ${n}`).join(', ')
}
