/** What is different between two lists of `name = value` lines. */
export interface Change {
  /** Of renamed ones, before and after are names. */
  readonly kind: 'added' | 'removed' | 'changed' | 'moved' | 'renamed'
  readonly name: string
  /** The value before; undefined if it was not there. */
  readonly before?: string
  readonly after?: string
  /** For a line that moved: what stood before it then, and what stands there now. */
  readonly neighbours?: readonly [before: string, after: string]
}

interface Line {
  readonly name: string
  readonly value: string
}

function parse(line: string): Line {
  const at = line.indexOf(' = ')
  return at < 0 ? { name: line, value: '' } : { name: line.slice(0, at), value: line.slice(at + 3) }
}

/** Changes in the order of the new lines, removed ones last. `ordered`: the order is part of the meaning. */
export function changesBetween(before: readonly string[], after: readonly string[], ordered: boolean): Change[] {
  const old = before.map(parse)
  const now = after.map(parse)
  const oldByName = new Map(old.map((l) => [l.name, l]))
  const nowNames = new Set(now.map((l) => l.name))
  const changes: Change[] = []
  for (const { name, value } of now) {
    const was = oldByName.get(name)
    if (was === undefined) changes.push({ kind: 'added', name, after: value })
    else if (was.value !== value) changes.push({ kind: 'changed', name, before: was.value, after: value })
  }
  if (ordered) {
    const keptOld = old.map((l) => l.name).filter((n) => nowNames.has(n))
    const keptNow = now.map((l) => l.name).filter((n) => oldByName.has(n))
    const stable = new Set(longestCommon(keptOld, keptNow))
    for (const name of keptNow) if (!stable.has(name)) changes.push(movedLine(name, keptOld, keptNow))
  }
  for (const { name, value } of old) if (!nowNames.has(name)) changes.push({ kind: 'removed', name, before: value })
  return changes
}

function movedLine(name: string, old: readonly string[], now: readonly string[]): Change {
  const neighbour = (list: readonly string[]): string => list[list.indexOf(name) - 1] ?? 'the beginning'
  return { kind: 'moved', name, neighbours: [neighbour(old), neighbour(now)] }
}

/** The longest ascending run of places: what need not be called moved. Names occur once. */
function longestCommon(old: readonly string[], now: readonly string[]): string[] {
  const place = new Map(old.map((name, i) => [name, i]))
  const tails: number[] = []
  const previous = new Int32Array(now.length).fill(-1)
  const ends: number[] = []
  now.forEach((name, i) => {
    const at = place.get(name)!
    let low = 0
    let high = tails.length
    while (low < high) {
      const mid = (low + high) >> 1
      if (tails[mid]! < at) low = mid + 1
      else high = mid
    }
    tails[low] = at
    ends[low] = i
    if (low > 0) previous[i] = ends[low - 1]!
  })
  const kept: string[] = []
  for (let i = ends.at(-1) ?? -1; i >= 0; i = previous[i]!) kept.push(now[i]!)
  return kept.reverse()
}
