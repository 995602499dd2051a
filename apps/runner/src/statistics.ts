/** Figures of a run for people: what the processor did and what it cost. */
import type { WatchedMachine } from './machine-shape.ts'

type Stats = Readonly<Record<string, unknown>>

/** Host time, in ms, that a report is about. */
export interface Spent {
  readonly wallMs: number
  /** Of all threads, in user mode and in the kernel. */
  readonly cpuMs: number
}

/** What was spent since the call of this. */
export function stopwatch(): () => Spent {
  const wall = performance.now()
  const cpu = process.cpuUsage()
  return () => {
    const { user, system } = process.cpuUsage(cpu)
    return { wallMs: performance.now() - wall, cpuMs: (user + system) / 1000 }
  }
}

/** Figures of a run, a line each; at the end what the guest wanted and the processor does not have. */
export function statistics(machine: WatchedMachine, spent: Spent): string {
  const { exits, exceptions, interrupts, tlbMisses, tlbFlushes, blocksDecoded, blocksDropped, missing, ...more } =
    machine.processor.stats()
  const { instructions, handlers, ...others } = more
  const rate = (ms: number): string => (ms > 0 ? (instructions / ms / 1000).toFixed(1) : '0')
  const rows: [string, string][] = [
    ['instructions', String(instructions)],
    ['host time', `${seconds(spent.wallMs)}, ${seconds(spent.cpuMs)} of processors`],
    ['rate', `${rate(spent.wallMs)} million instructions a second`],
    ['guest time', seconds(Number(machine.time.virtual.now()) / 1e6)],
    ['interrupts', String(interrupts)],
    ['exceptions', counts(exceptions)],
    ['exits', counts(exits)],
    ['TLB', `${tlbMisses} misses, ${tlbFlushes} flushes`],
    ['blocks', `${blocksDecoded} decoded, ${blocksDropped} dropped`],
    ['handlers', String(handlers)],
    ...rowsOf(others, instructions),
    ['missing', counts(missing)],
  ]
  return rows.map(([name, text]) => `${name.padEnd(15)} ${text}\n`).join('')
}

/** Whatever else the processor counts: a tier has a group of its own, and what it executed is set against all. */
function rowsOf(stats: Stats, instructions: number, group = ''): [string, string][] {
  return Object.entries(stats).flatMap(([name, value]): [string, string][] => {
    const title = `${group}${group === '' ? '' : ' '}${words(name)}`
    if (typeof value === 'number') return [[title, figure(name, value, instructions, group !== '')]]
    if (typeof value !== 'object' || value === null) return value === undefined ? [] : [[title, JSON.stringify(value)]]
    const inner = Object.values(value as Stats)
    const plain = inner.every((v) => typeof v === 'number')
    if (plain && !/^tier/.test(name)) return [[title, counts(value as Record<string, number>)]]
    return rowsOf(value as Stats, instructions, title)
  })
}

function figure(name: string, value: number, instructions: number, inTier: boolean): string {
  if (/ms$/i.test(name)) return seconds(value)
  if (/bytes$/i.test(name)) return `${(value / 1024).toFixed(0)} KiB`
  if (inTier && name === 'executed' && instructions > 0) {
    return `${value}, ${((100 * value) / instructions).toFixed(1)} % of all`
  }
  return Number.isInteger(value) ? String(value) : value.toFixed(2)
}

/** "compileMs" and "codeBytes" are said with their units; "tier1" is two words. */
const words = (name: string): string =>
  name
    .replace(/(Ms|Bytes)$/, '')
    .replace(/([a-z])([A-Z0-9])/g, '$1 $2')
    .toLowerCase()

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`

function counts(of: Readonly<Record<string, number>>): string {
  const entries = Object.entries(of).filter(([, n]) => n > 0)
  return entries.length === 0 ? 'none' : entries.map(([name, n]) => `${name} ${n}`).join(', ')
}
