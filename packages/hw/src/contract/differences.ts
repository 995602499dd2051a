/** Where two plain objects differ, as paths with both values; nothing where they are equal. `ignored` are such paths. */
export function differences(a: unknown, b: unknown, ignored: readonly string[], path = ''): string[] {
  if (Object.is(a, b)) return []
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) {
    return [`${path}: ${show(a)} and ${show(b)}`]
  }
  if (a instanceof Map && b instanceof Map) return differences([...a], [...b], ignored, path)
  if (a instanceof Set && b instanceof Set) return differences([...a], [...b], ignored, path)
  const keys = new Set([...Object.keys(a), ...Object.keys(b)])
  const found: string[] = []
  for (const key of keys) {
    const at = path === '' ? key : `${path}.${key}`
    if (ignored.includes(at)) continue
    const [x, y] = [(a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]]
    if (typeof x === 'function' && typeof y === 'function') continue
    found.push(...differences(x, y, ignored, at))
    if (found.length >= 5) break
  }
  return found
}

function show(value: unknown): string {
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}
