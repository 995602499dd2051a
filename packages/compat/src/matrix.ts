/** Every build against every other, for every machine type: what works, what does not, and which way round. */
import { compareVersions } from '@godwit/machines'
import type { Build } from './build.ts'
import { check, machineOf, type CheckOptions } from './check/check.ts'
import { nameOf } from './check/resolve.ts'
import { worstOf, type Verdict, type VerdictKind } from './check/verdict.ts'

export interface MatrixCell {
  readonly from: string
  readonly to: string
  readonly kind: VerdictKind
  /** Names of builds in between that make the way where it is refused directly. */
  readonly via?: readonly string[]
  readonly verdicts: readonly Verdict[]
}

export interface MatrixMachine {
  readonly machine: string
  readonly versioned: boolean
  /** Builds that have the machine type. */
  readonly builds: readonly string[]
  readonly cells: readonly MatrixCell[]
}

export interface Matrix {
  readonly builds: readonly string[]
  readonly machines: readonly MatrixMachine[]
}

export interface MatrixOptions extends CheckOptions {
  /** Machine types; all that any build has when left out. */
  readonly machines?: readonly string[]
}

/** A migration that the guest gets through unharmed, whether always or for most of its states. */
const passes = (kind: VerdictKind): boolean => kind === 'fine' || kind === 'fine-if'

/** What the guest has from its first build and takes along: no way round helps. */
const CARRIED: ReadonlySet<string> = new Set(['virtqueue', 'foreign-struct'])

/** Builds are named "QEMU 10.0.13" and "Godwit 11.1"; cells of a machine type only between builds that have it. */
export function matrix(builds: readonly Build[], options: MatrixOptions = {}): Matrix {
  const all = new Map(builds.flatMap((b) => b.machines.map((m) => [m.name, m.versioned] as const)))
  const asked = options.machines ?? [...all.keys()].sort(newestFirst)
  return {
    builds: builds.map(nameOf),
    machines: asked.map((machine) => machineRow(machine, all.get(machine) ?? false, builds, options)),
  }
}

function machineRow(
  machine: string,
  versioned: boolean,
  builds: readonly Build[],
  options: CheckOptions,
): MatrixMachine {
  const having = builds.filter((b) => machineOf(b, machine) !== undefined)
  const direct = new Map<string, MatrixCell>()
  for (const a of having) {
    for (const b of having) {
      if (a === b) continue
      const verdicts = check(a, b, machine, options)
      const [from, to] = [nameOf(a), nameOf(b)]
      direct.set(`${from}>${to}`, { from, to, kind: worstOf(verdicts), verdicts })
    }
  }
  const names = having.map(nameOf)
  const cells = [...direct.values()].map((cell) => {
    if (passes(cell.kind) || cell.verdicts.some((v) => v.kind === 'refused' && CARRIED.has(v.code))) return cell
    const via = wayBetween(cell.from, cell.to, names, (a, b) => passes(direct.get(`${a}>${b}`)!.kind))
    return via === undefined ? cell : { ...cell, via }
  })
  return { machine, versioned, builds: names, cells }
}

/** Shortest way over others, without its ends; undefined if there is none. */
function wayBetween(
  from: string,
  to: string,
  names: readonly string[],
  works: (a: string, b: string) => boolean,
): string[] | undefined {
  const before = new Map<string, string>([[from, from]])
  for (const at of before.keys()) {
    for (const next of names) {
      if (before.has(next) || !works(at, next)) continue
      before.set(next, at)
    }
  }
  if (!before.has(to)) return undefined
  const way: string[] = []
  for (let at = before.get(to)!; at !== from; at = before.get(at)!) way.unshift(at)
  return way
}

/** Families together, newest version first, those without a version last. */
function newestFirst(a: string, b: string): number {
  const parts = (name: string): [string, string] => {
    const found = /^(.*)-(\d[\d.]*)$/.exec(name)
    return found === null ? ['~' + name, '0.0'] : [found[1]!, found[2]!]
  }
  const [[p, v], [q, w]] = [parts(a), parts(b)]
  return p === q ? compareVersions(w, v) : p < q ? -1 : 1
}
