/** Options of the lab, and the cells they ask for. */
import { parseArgs } from 'node:util'
import { MACHINES } from './guests.mjs'
import { TRANSPORTS } from './hop.mjs'
import { GODWIT, RELEASES } from './peers.mjs'

/** How memory travels, by the name it has on the command line. */
export const WAYS = {
  plain: { multifd: 0, returnPath: false },
  'return-path': { multifd: 0, returnPath: true },
  multifd: { multifd: 2, returnPath: true },
}

/** Every choice may be several, with commas between: a cell of the matrix for each combination. */
const CHOICES = {
  type: RELEASES,
  machine: MACHINES,
  guest: ['linux', 'bios'],
  cpu: ['qemu64', 'pentium3'],
  way: Object.keys(WAYS),
}

/** Throws with what would have been right. */
export function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      pairs: { type: 'string', default: 'all' },
      chain: { type: 'string', default: '5.2,7.2,10.0,11.1,5.2' },
      type: { type: 'string', default: '5.2' },
      machine: { type: 'string', default: 'min' },
      guest: { type: 'string', default: 'linux' },
      cpu: { type: 'string', default: 'qemu64' },
      way: { type: 'string', default: 'return-path' },
      transport: { type: 'string', default: 'unix' },
      ticks: { type: 'string', default: '4' },
      compare: { type: 'boolean', default: false },
      'no-reference': { type: 'boolean', default: false },
      'no-born': { type: 'boolean', default: false },
      json: { type: 'string' },
      markdown: { type: 'string' },
      resume: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const lists = {}
  for (const [name, known] of Object.entries(CHOICES)) {
    lists[name] = values[name].split(',')
    for (const word of lists[name]) {
      if (!known.includes(word)) throw new Error(`--${name} ${word}: expected some of ${known.join(', ')}`)
    }
  }
  if (!TRANSPORTS.includes(values.transport)) {
    throw new Error(`--transport ${values.transport}: expected ${TRANSPORTS.join(' or ')}`)
  }
  if (values.transport === 'file' && values.way !== 'plain') throw new Error('--transport file: only with --way plain')
  const ticks = Number(values.ticks)
  if (!Number.isInteger(ticks) || ticks < 1) throw new Error(`--ticks ${values.ticks}: expected a number`)
  if (values.resume && values.json === undefined) throw new Error('--resume: needs --json with what is done already')
  return { ...values, ...lists, ticks }
}

/** Combinations of the choices, in the order in which a guest need not be booted twice. */
export function cellsOf(options) {
  const { type, machine, guest, cpu, way } = options
  return type.flatMap((t) =>
    guest.flatMap((g) =>
      cpu.flatMap((c) => machine.map((m) => ({ type: t, guest: g, cpu: c, machine: m, ways: way }))),
    ),
  )
}

const atLeast = (release, type) => RELEASES.indexOf(release) >= RELEASES.indexOf(type)

/** The ways a guest of a cell goes, of the releases that are `there` and have its machine type. Throws what is missing. */
export function journeysOf(options, cell, there) {
  const known = there.filter((release) => atLeast(release, cell.type))
  const wanted = options.pairs === 'all' || options.pairs === 'none' ? [] : options.pairs.split(',')
  const named = wanted.map((pair) => pair.split(':'))
  const missing = [...new Set(named.flat())].filter((release) => !there.includes(release))
  if (missing.length > 0) throw new Error(`QEMU ${missing.join(', ')} is not installed; there are ${there.join(', ')}`)
  const pairs =
    options.pairs === 'all'
      ? known.flatMap((a) => known.map((b) => [a, b]))
      : named.filter((pair) => pair.every((release) => known.includes(release)))
  const born = options['no-born'] ? [] : [...new Set(pairs.map(([, b]) => b))]
  const reference = options['no-reference'] ? [] : pairs
  const chain = (options.chain === 'none' ? [] : options.chain.split(',')).filter((release) => known.includes(release))
  return [
    ...pairs.map(([a, b]) => ({ kind: 'pair', stops: [a, GODWIT, b] })),
    ...reference.map(([a, b]) => ({ kind: 'reference', stops: [a, b] })),
    ...born.map((release) => ({ kind: 'born', stops: [GODWIT, release] })),
    ...(chain.length > 1 ? [{ kind: 'chain', stops: chain.flatMap((r, i) => (i === 0 ? [r] : [GODWIT, r])) }] : []),
  ]
}
